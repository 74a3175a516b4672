//! The event log on every store of this crate.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends at the first surprise")]

use std::any::Any;
use std::sync::Arc;

use rules_core::conformance::events::Subject;
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::events::{ChainSecret, EventLog};
use rules_core::work::tenants::{FixedTenants, Tenants};

async fn subject(events: impl EventLog, secret: ChainSecret, keep: impl Any + Send + Sync) -> Subject {
    let [a, b] = ["a", "b"].map(|name| TenantId::parse(name).unwrap());
    let tenants = Tenants::new(FixedTenants::new([a.clone(), b.clone()].map(TenantRecord::new)));
    let (a, b) = (tenants.enter(&a).await.unwrap(), tenants.enter(&b).await.unwrap());
    Subject { events: Arc::new(events), a, b, secret, keep: Box::new(keep) }
}

mod memory {
    use rules_core::store::memory::Memory;

    use super::*;

    async fn new() -> Subject {
        let store = Memory::new();
        let secret = store.chain_secret();
        subject(store, secret, ()).await
    }

    rules_core::events_conformance!(new);
}

mod segments_in_memory {
    use rules_core::work::archive::MemoryArchive;
    use rules_core::work::events::Segments;

    use super::*;

    async fn new() -> Subject {
        let secret = ChainSecret::of("secret");
        subject(Segments::new(Arc::new(MemoryArchive::new()), secret.clone()), secret, ()).await
    }

    rules_core::events_conformance!(new);
}

mod segments_in_files {
    use rules_core::store::files::Files;
    use rules_core::work::events::Segments;

    use super::*;

    async fn new() -> Subject {
        let (folder, secret) = (tempfile::tempdir().unwrap(), ChainSecret::of("secret"));
        let segments = Segments::new(Arc::new(Files::at(folder.path())), secret.clone());
        subject(segments, secret, folder).await
    }

    rules_core::events_conformance!(new);
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use rules_core::judge::code::Code;
    use rules_core::judge::id::EntryId;
    use rules_core::judge::key::ChainKey;
    use rules_core::store::sqlite::{Schema, Sqlite, SqliteConfig};
    use rules_core::work::events::{Breach, Break, Entry, VerifyError, verify};

    use super::*;

    static NOTHING: Schema = Schema { name: "test", steps: &[] };

    async fn new() -> Subject {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path().join("events.db")).await.unwrap();
        let secret = store.chain_secret().await.unwrap();
        subject(store, secret, folder).await
    }

    rules_core::events_conformance!(new);

    /// Ten entries of one tenant, one statement against the file, and what verification says.
    async fn tampered(sql: &'static str) -> Result<u64, Break> {
        let folder = tempfile::tempdir().unwrap();
        let config = SqliteConfig::default().with_chain_secret(ChainSecret::of("kept elsewhere"));
        let store = Sqlite::open_with(folder.path().join("events.db"), config).await.unwrap();
        let chain = ChainKey::of(&TenantId::parse("a").unwrap());
        let entry = |number: u8| Entry {
            id: EntryId::of(&[&[number]]),
            chain: chain.clone(),
            at: chrono::DateTime::from_timestamp_micros(i64::from(number)).unwrap(),
            kind: Code::known("test.happened"),
            body: format!("{{\"number\":{number}}}"),
        };
        store.append(&(1..=10).map(entry).collect::<Vec<_>>()).await.unwrap();
        store.write(&NOTHING, move |tx| Ok(tx.execute_batch(sql)?)).await.unwrap();
        match verify(&store, &chain, &store.chain_secret().await.unwrap()).await {
            Ok(head) => Ok(head.seq),
            Err(VerifyError::Broken(broken)) => Err(broken),
            Err(other) => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn the_first_break_is_found() {
        assert_eq!(tampered("").await, Ok(10));
        for (sql, broken) in [
            ("UPDATE event SET body = '{}' WHERE seq = 4", Break { seq: 4, what: Breach::Altered }),
            ("DELETE FROM event WHERE seq = 7", Break { seq: 7, what: Breach::Missing }),
            ("DELETE FROM event WHERE seq > 8", Break { seq: 9, what: Breach::CutOff { head: 10 } }),
            (
                "DELETE FROM event WHERE seq = 1; UPDATE event SET seq = seq - 1",
                Break { seq: 1, what: Breach::Altered },
            ),
        ] {
            assert_eq!(tampered(sql).await, Err(broken), "{sql}");
        }
    }

    #[tokio::test]
    async fn what_was_deleted_is_nowhere_in_the_file_after_a_scrub() {
        const MARK: &[u8] = b"4915112345678-and-a-name";
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(folder.path().join("events.db")).await.unwrap();
        let holds = || {
            let files = std::fs::read_dir(folder.path()).unwrap();
            let bytes =
                |file: std::io::Result<std::fs::DirEntry>| std::fs::read(file.unwrap().path()).unwrap();
            files.map(bytes).any(|bytes| bytes.windows(MARK.len()).any(|window| window == MARK))
        };
        store
            .write(&NOTHING, |tx| {
                tx.execute_batch("CREATE TABLE note (text TEXT)")?;
                for _ in 0..100 {
                    tx.execute("INSERT INTO note VALUES (?1)", [std::str::from_utf8(MARK).unwrap()])?;
                }
                Ok(())
            })
            .await
            .unwrap();
        assert!(holds());
        store.write(&NOTHING, |tx| Ok(tx.execute_batch("DELETE FROM note")?)).await.unwrap();
        assert!(holds(), "deleting alone leaves the bytes, or this test proves nothing");
        store.scrub().await.unwrap();
        assert!(!holds());
        store.write(&NOTHING, |tx| Ok(tx.execute_batch("INSERT INTO note VALUES ('new')")?)).await.unwrap();
    }
}
