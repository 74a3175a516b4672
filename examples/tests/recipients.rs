//! The example's recipients are what their generator writes, and hold what they promise.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use whatsapp_dispatch::recipients::{Csv, Mapping, Recipients, Row};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/recipients.csv")
}

#[test]
fn the_generator_writes_the_committed_file() {
    let written = Command::new(env!("CARGO_BIN_EXE_make-recipients")).output().unwrap();
    assert!(written.status.success());
    let committed = std::fs::read(committed()).unwrap();
    assert!(
        written.stdout == committed,
        "the generator has changed: cargo run --bin make-recipients -- --output examples/data/recipients.csv"
    );
}

#[tokio::test]
async fn the_file_is_realistic_and_messy() {
    let mut people = Csv::open(committed()).unwrap();
    let mapping = Mapping::default().bind(people.columns()).unwrap();
    let rows = people.next(usize::MAX).await.unwrap();
    assert_eq!(rows.len(), 10_000);

    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut count = |what: String| *counts.entry(what).or_default() += 1;
    let (mut seen, mut spellings) = (HashSet::new(), HashSet::new());
    for Row { cells, .. } in &rows {
        let cells = match cells {
            Ok(cells) => cells,
            Err(malformed) => {
                count(malformed.code.to_string());
                continue;
            }
        };
        let candidate = mapping.read(cells);
        assert_eq!(candidate.unclear, None);
        match candidate.phone {
            Err(error) => count(error.code().to_string()),
            Ok(number) => {
                let is_new_spelling = spellings.insert(number);
                if !seen.insert(number.canonical()) {
                    count("duplicate".to_owned());
                    count(format!("duplicate in another form: {is_new_spelling}"));
                }
            }
        }
        if candidate.consent == Some(false) {
            count("no consent".to_owned());
        }
        if candidate.opted_out == Some(true) {
            count("opted out".to_owned());
        }
        if cells.iter().any(|cell| cell.contains('\n')) {
            count("quoted line break".to_owned());
        }
    }
    println!("{counts:#?}");
    let within = |what: &str, least: usize, most: usize| {
        let found = counts.get(what).copied().unwrap_or_default();
        assert!((least..=most).contains(&found), "{what}: {found}");
    };
    within("row.malformed", 10, 30);
    within("recipient.no_number", 30, 70);
    within("recipient.no_country", 40, 160);
    within("recipient.invalid", 60, 130);
    within("duplicate", 120, 350);
    within("duplicate in another form: true", 3, 60);
    within("no consent", 70, 130);
    within("opted out", 150, 250);
    within("quoted line break", 10, 50);
}
