//! The program for the event log, on a file that a campaign has written.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use rules_core::judge::tenant::TenantId;
use rules_core::store::files::Files;
use rules_core::store::sqlite::{Schema, Sqlite};
use rules_core::work::events::{ChainSecret, Segments};
use tokio::runtime::Runtime;
use whatsapp_dispatch::campaign::Campaign;
use whatsapp_dispatch::columns::Columns;
use whatsapp_dispatch::config::DispatchConfig;
use whatsapp_dispatch::delivery::DeliveryLog;
use whatsapp_dispatch::dispatch::{Dispatch, Webhooks};
use whatsapp_dispatch::fact::{Fact, Recorded, Subject, What};
use whatsapp_dispatch::gateway::Wamid;
use whatsapp_dispatch::recipients::Listed;
use whatsapp_dispatch::simulator::{Faults, Simulator};
use whatsapp_dispatch::template::Template;

static NOTHING: Schema = Schema { name: "test", steps: &[] };

const ASHA: &str = "+919876543210";

fn events(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_events")).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A campaign to a few people, Asha among them, sent and delivered, in a file that nobody has open.
fn sent(folder: &Path) -> PathBuf {
    // Tasks of the dispatcher and of the simulator hold the file until their runtime has ended.
    Runtime::new().unwrap().block_on(send(folder, None))
}

/// The secret of the archive's chains.
const SECRET: &str = "from a secret manager";

async fn send(folder: &Path, archive: Option<&Path>) -> PathBuf {
    let file = folder.join("campaigns.db");
    let store = Sqlite::open(&file).await.unwrap();
    let meta = Simulator::builder().faults(Faults::none()).start().await.unwrap();
    let config = DispatchConfig::default().with_report_after(Duration::from_secs(10));
    let mut builder = Dispatch::builder(&store, meta.gateway()).config(config);
    if let Some(archive) = archive {
        builder = builder.events(Segments::new(Arc::new(Files::at(archive)), ChainSecret::of(SECRET)));
    }
    let dispatch = builder.build().unwrap();
    meta.deliver_webhooks_to(Webhooks::new(&dispatch, meta.webhook_config()).unwrap());
    let running = dispatch.start();
    let columns = Columns::new(["phone", "first_name", "discount"]).unwrap();
    let mut records = vec![[ASHA.to_owned(), "Ashalata-the-first".to_owned(), "20 %".to_owned()]];
    records.extend((1..40).map(|n| [format!("+9198765{n:05}"), format!("Person {n}"), "20 %".to_owned()]));
    let campaign = Campaign::new("diwali", meta.sender())
        .template(Template::marketing("diwali_offer", "en_US"))
        .body(["{first_name}", "{discount}"])
        .assume_consent();
    let plan = dispatch.plan(campaign, Listed::new(columns, records)).await.unwrap();
    let report = dispatch.release(&plan).await.unwrap().finished().await.unwrap();
    assert_eq!(report.delivered(), 40, "{report}");
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    // A status of a message that nobody here sent, whose id tells the number.
    let wamid = Wamid::new(format!("wamid.{}", ASHA.trim_start_matches('+')));
    let of = Subject::Wamid(TenantId::parse("main").unwrap(), wamid);
    let stray = Fact { of, at: DateTime::UNIX_EPOCH, what: What::Delivered };
    assert_eq!(store.record(&[stray]).await.unwrap(), [Recorded::Unmatched]);
    file
}

/// Whether any file of the folder holds these bytes.
fn holds(folder: &Path, wanted: &[u8]) -> bool {
    let files = std::fs::read_dir(folder).unwrap();
    // The write-ahead log may go while its folder is listed: its writer ends in a thread.
    let bytes = |file: std::io::Result<std::fs::DirEntry>| match std::fs::read(file.unwrap().path()) {
        Err(gone) if gone.kind() == ErrorKind::NotFound => Vec::new(),
        read => read.unwrap(),
    };
    files.map(bytes).any(|bytes| bytes.windows(wanted.len()).any(|window| window == wanted))
}

#[test]
fn a_log_is_verified_exported_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let file = sent(folder.path());
    let file = file.to_str().unwrap();
    let verified = events(&["verify", file]);
    assert!(verified.status.success(), "{}", said(&verified));
    assert!(said(&verified).contains("the chain is whole"), "{}", said(&verified));

    let exported = events(&["export", file, "--tenant", "main"]);
    assert!(exported.status.success(), "{}", said(&exported));
    let lines = String::from_utf8(exported.stdout).unwrap();
    assert!(lines.lines().count() > 4 && lines.contains("\"kind\":\"dispatch.begun\""), "{lines}");
    let export = folder.path().join("main.jsonl");
    let check = |text: &str| {
        std::fs::write(&export, text).unwrap();
        events(&["check", export.to_str().unwrap(), "--tenant", "main", "--store", file])
    };
    let checked = check(&lines);
    assert!(checked.status.success(), "{}", said(&checked));
    let altered = check(&lines.replacen("\"begun\"", "\"ended\"", 1));
    assert!(
        !altered.status.success() && said(&altered).contains("the chain is broken at entry"),
        "{altered:?}"
    );
    let without_secret = events(&["check", export.to_str().unwrap(), "--tenant", "main"]);
    assert!(
        !without_secret.status.success() && said(&without_secret).contains("--store"),
        "{without_secret:?}"
    );

    Runtime::new().unwrap().block_on(async {
        let store = Sqlite::open(file).await.unwrap();
        let tamper = r#"UPDATE event SET body = replace(body, '"campaign":1', '"campaign":2') WHERE seq = 3"#;
        store.write(&NOTHING, move |tx| Ok(tx.execute_batch(tamper)?)).await.unwrap();
    });
    let broken = events(&["verify", file]);
    assert!(!broken.status.success());
    assert!(said(&broken).contains("the chain is broken at entry 3"), "{}", said(&broken));
}

#[test]
fn a_log_in_an_archive_is_verified_exported_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    Runtime::new().unwrap().block_on(send(folder.path(), Some(&archive)));
    let place = archive.to_str().unwrap();
    let with_secret = |arguments: &[&str]| events(&[arguments, &["--secret", SECRET]].concat());
    let verified = with_secret(&["verify", place]);
    assert!(verified.status.success(), "{}", said(&verified));
    assert!(said(&verified).contains("main: ") && said(&verified).contains("the chain is whole"));
    let without_secret = events(&["verify", place]);
    assert!(said(&without_secret).contains("EVENTS_CHAIN_SECRET"), "{}", said(&without_secret));

    let exported = with_secret(&["export", place, "--tenant", "main"]);
    assert!(exported.status.success(), "{}", said(&exported));
    let export = folder.path().join("main.jsonl");
    std::fs::write(&export, &exported.stdout).unwrap();
    let checked = with_secret(&["check", export.to_str().unwrap(), "--tenant", "main"]);
    assert!(checked.status.success(), "{}", said(&checked));
    assert!(said(&exported).contains("\"kind\":\"dispatch.begun\""), "{}", said(&exported));

    let segments = archive.join("main/events/000000000000/0000");
    let segments = std::fs::read_dir(segments).unwrap().map(|file| file.unwrap().path());
    let third = segments.into_iter().find(|path| holds_entry(path, 3)).unwrap();
    let text = std::fs::read_to_string(&third).unwrap();
    let start = text.find("{\"seq\":3,").unwrap();
    let (before, entry) = text.split_at(start);
    std::fs::write(&third, format!("{before}{}", entry.replacen("\"campaign\":1", "\"campaign\":2", 1)))
        .unwrap();
    let broken = with_secret(&["verify", place]);
    assert!(!broken.status.success());
    assert!(said(&broken).contains("the chain is broken at entry 3"), "{}", said(&broken));
}

fn holds_entry(segment: &Path, number: u64) -> bool {
    std::fs::read_to_string(segment).unwrap().contains(&format!("{{\"seq\":{number},"))
}

#[test]
fn an_erased_person_is_nowhere_in_the_file_and_the_chain_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = sent(folder.path());
    let file = file.to_str().unwrap();
    let digits = ASHA.trim_start_matches('+');
    let number: u64 = digits.parse().unwrap();
    // The number as text (in the id of a stranger's message), as SQLite stores an integer of six bytes, and inside the simulator's ids.
    let stored = number.to_be_bytes();
    let traces: [&[u8]; 4] = [
        digits.as_bytes(),
        stored.split_at(2).1,
        b"Ashalata-the-first",
        &format!("{number:016X}").into_bytes(),
    ];
    let found = traces.map(|trace| holds(folder.path(), trace));
    assert_eq!(found, [true; 4], "or this test proves nothing");

    let erased = events(&["erase", file, "--tenant", "main", "--person", ASHA]);
    assert!(erased.status.success(), "{}", said(&erased));
    assert!(said(&erased).contains("1 people erased from 1 records"), "{}", said(&erased));
    assert!(!said(&erased).contains(digits));
    assert_eq!(traces.map(|trace| holds(folder.path(), trace)), [false; 4]);

    let verified = events(&["verify", file]);
    assert!(verified.status.success(), "{}", said(&verified));
    let again = events(&["erase", file, "--tenant", "main", "--person", ASHA]);
    assert!(again.status.success() && said(&again).contains("from 0 records"), "{}", said(&again));
    let nobody = events(&["erase", file, "--tenant", "main", "--person", "12"]);
    assert!(!nobody.status.success(), "{}", said(&nobody));
    let missing = events(&["erase", "/nowhere/campaigns.db", "--tenant", "main", "--person", ASHA]);
    assert!(said(&missing).contains("there is no database"), "{}", said(&missing));
}
