//! What the SQLite handle promises beside its ports: one dispatcher, group commit, versions.

#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rules_core::judge::id::{BatchId, LeaseToken};
use rules_core::judge::key::{Lane, Outlet};
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::store::sqlite::{Schema, Sqlite, SqliteError, rusqlite};
use rules_core::work::queue::{Allowance, LeaseRequest, Parcel, Queue};
use rules_core::work::tenants::{FixedTenants, Tenants};

static NOTES: Schema = Schema { name: "notes", steps: &["CREATE TABLE note (text TEXT NOT NULL) STRICT"] };
static NEWER_NOTES: Schema = Schema {
    name: "notes",
    steps: &["CREATE TABLE note (text TEXT NOT NULL) STRICT", "ALTER TABLE note ADD COLUMN author TEXT"],
};

async fn open(folder: &Path) -> Result<Sqlite, SqliteError> {
    Sqlite::open(folder.join("test.db")).await
}

async fn count(store: &Sqlite) -> u64 {
    store
        .read(&NOTES, |tx| Ok(tx.query_row("SELECT count(*) FROM note", [], |row| row.get(0))?))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_second_dispatcher_is_refused_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).await.unwrap();
    let refused = open(folder.path()).await.unwrap_err();
    assert!(matches!(refused, SqliteError::InUse { .. }), "{refused}");
    drop(first);
    open(folder.path()).await.unwrap();
}

#[tokio::test]
async fn looking_needs_no_lock_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    store.ensure(&NOTES).await.unwrap();
    let looking = Sqlite::open_read_only(folder.path().join("test.db")).await.unwrap();
    assert_eq!(count(&looking).await, 0);
    let refused = looking.write(&NOTES, |_| Ok(())).await.unwrap_err();
    assert!(matches!(refused, SqliteError::ReadOnly { .. }), "{refused}");
    let missing = Sqlite::open_read_only(folder.path().join("missing.db")).await.unwrap_err();
    assert!(missing.to_string().contains("missing.db"), "{missing}");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await.unwrap().ensure(&NEWER_NOTES).await.unwrap();
    let refused = open(folder.path()).await.unwrap().ensure(&NOTES).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the database has version 2 of the notes tables and this software knows up to 1; \
         use the newer software or another file"
    );
}

#[tokio::test]
async fn tables_move_from_version_to_version_with_what_they_hold() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await.unwrap();
    store.write(&NOTES, |tx| Ok(tx.execute("INSERT INTO note VALUES ('old')", [])?)).await.unwrap();
    drop(store);
    let store = open(folder.path()).await.unwrap();
    let author: Option<String> = store
        .read(&NEWER_NOTES, |tx| {
            Ok(tx.query_row("SELECT author FROM note WHERE text = 'old'", [], |row| row.get(0))?)
        })
        .await
        .unwrap();
    assert_eq!(author, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_that_fails_leaves_nothing_and_harms_nobody_in_its_group() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(open(folder.path()).await.unwrap());
    let writes = (0..200).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store
                .write(&NOTES, move |tx| {
                    tx.execute("INSERT INTO note VALUES (?1)", [format!("note {number}")])?;
                    if number % 10 == 3 {
                        Err(SqliteError::Refused("no threes".to_owned()))
                    } else {
                        Ok(number)
                    }
                })
                .await
        })
    });
    let writes: Vec<_> = writes.collect();
    for (number, write) in writes.into_iter().enumerate() {
        let outcome = write.await.unwrap();
        assert_eq!(outcome.is_err(), number % 10 == 3, "{number}");
    }
    assert_eq!(count(&store).await, 180);
    assert!(store.trips() < 200, "calls that come together share a transaction: {} trips", store.trips());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("test.db"),
        "name,phone\nthis is not a database but a list\n".repeat(50),
    )
    .unwrap();
    let refused = open(folder.path()).await.unwrap_err();
    assert!(refused.to_string().contains("test.db"), "{refused}");
}

#[tokio::test]
async fn leases_of_a_dead_process_come_back_at_once_and_uncounted() {
    let folder = tempfile::tempdir().unwrap();
    let id = TenantId::parse("a").unwrap();
    let scope = Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())])).enter(&id).await.unwrap();
    let lane = Lane::new(&Outlet::new(&scope, "number").unwrap(), "campaign").unwrap();
    let request = |name: &[u8]| LeaseRequest {
        token: LeaseToken::of(&[name]),
        max: 10,
        ttl: Duration::from_secs(3_600),
        allowance: Allowance::Unlimited,
    };

    let store = open(folder.path()).await.unwrap();
    let records = (0..5_u8).map(|byte| vec![byte].into()).collect();
    store.enqueue(&[Parcel { batch: BatchId::of(&[b"batch"]), lane, due: None, records }]).await.unwrap();
    assert_eq!(store.lease(&request(b"first")).await.unwrap().records.len(), 5);
    drop(store);

    let store = open(folder.path()).await.unwrap();
    let lease = store.lease(&request(b"second")).await.unwrap();
    let order: Vec<u8> = lease.records.iter().flat_map(|record| record.payload.to_vec()).collect();
    assert_eq!(order, [0, 1, 2, 3, 4]);
    assert!(lease.records.iter().all(|record| record.recoveries == 0));
}

#[test]
fn the_vendor_is_named_once() {
    assert!(rusqlite::version_number() >= 3_045_000, "the bundled SQLite is a recent one");
}
