//! The desk from which campaigns are steered, on a file that a campaign was planned in.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rules_core::store::sqlite::Sqlite;
use serde_json::Value;
use tokio::runtime::Runtime;
use whatsapp_dispatch::campaign::Campaign;
use whatsapp_dispatch::columns::Columns;
use whatsapp_dispatch::dispatch::Dispatch;
use whatsapp_dispatch::recipients::Listed;
use whatsapp_dispatch::simulator::Simulator;
use whatsapp_dispatch::template::Template;

/// A campaign to 40 people, planned in a file that nobody has open.
fn planned(folder: &Path) -> PathBuf {
    let file = folder.join("campaigns.db");
    let plan = async {
        let store = Sqlite::open(&file).await.unwrap();
        let meta = Simulator::start().await.unwrap();
        let dispatch = Dispatch::new(&store, meta.gateway()).unwrap();
        let columns = Columns::new(["phone", "first_name"]).unwrap();
        let people = (0..40).map(|n| [format!("+9198765{n:05}"), format!("Person {n}")]);
        let campaign = Campaign::new("diwali", meta.sender())
            .template(Template::marketing("diwali_offer", "en_US"))
            .body(["{first_name}", "20 %"])
            .assume_consent();
        drop(dispatch.plan(campaign, Listed::new(columns, people.collect::<Vec<_>>())).await.unwrap());
    };
    Runtime::new().unwrap().block_on(plan);
    file
}

struct Desk {
    folder: tempfile::TempDir,
    store: String,
}

impl Desk {
    fn ctl(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_campaign-ctl"))
            .args(["--tenant", "main", "--store", &self.store, "--evidence"])
            .arg(self.folder.path().join("archive"))
            .args(arguments)
            .output()
            .unwrap()
    }

    /// What a call that must succeed prints.
    fn said(&self, arguments: &[&str]) -> String {
        let output = self.ctl(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a call that must fail says.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.ctl(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }
}

fn objects(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(objects(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn a_campaign_is_exported_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", planned(folder.path()).display());
    let desk = Desk { folder, store };
    let lines = desk.said(&["export", "diwali"]);
    let read = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    assert_eq!(lines.lines().map(read).filter(|line| line["state"] == "waiting").count(), 40);
    assert!(!lines.contains("98765"), "{lines}");
    let file = desk.folder.path().join("diwali.jsonl");
    let to = file.to_str().unwrap();
    assert_eq!(desk.said(&["export", "diwali", "--to", to]), "");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), lines);
    assert!(desk.refused(&["export", "diwali", "--to", to]).contains("diwali.jsonl"), "it is there");

    assert!(desk.refused(&["forget", "diwali"]).contains("cancel it first"));
    desk.said(&["cancel", "diwali"]);
    assert!(desk.refused(&["forget", "diwali"]).contains("until"), "WhatsApp may still tell of it");
    let forgotten = desk.said(&["forget", "diwali", "--early"]);
    assert!(forgotten.contains("40 records are forgotten"), "{forgotten}");
    let objects = objects(&desk.folder.path().join("archive/main/deliveries"));
    let [part, seal] = objects.as_slice() else { panic!("{objects:?}") };
    assert_eq!(std::fs::read_to_string(part).unwrap(), lines);
    assert!(seal.ends_with("seal.json") && forgotten.contains("seal.json"), "{forgotten}");

    assert_eq!(desk.said(&["export", "diwali"]), "");
    assert!(desk.said(&["list"]).contains("forgotten"));
    assert!(desk.said(&["progress", "diwali"]).contains("40    cancelled"));
    assert!(desk.said(&["forget", "diwali"]).contains("nothing to forget"));
    assert!(desk.refused(&["resend", "diwali", "--of", "failed"]).contains("forgotten"));
}
