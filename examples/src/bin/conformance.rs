//! Tries our readers on real payloads: every JSON file below the folder that `CONFORMANCE_DIR`
//! names. Prints what was read, and fails when something that we know cannot be read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Parser;
use secrecy::SecretString;
use serde_json::Value;
use whatsapp_dispatch::adapters::cloud_api::CloudApi;
use whatsapp_dispatch::gateway::GatewayError;
use whatsapp_dispatch::webhook::{Change, signature, verify_signature};

/// Tries our readers on real payloads.
#[derive(Parser)]
struct Options {
    /// A folder with JSON files.
    #[arg(env = "CONFORMANCE_DIR")]
    folder: PathBuf,
}

#[derive(Default)]
struct Tally {
    read: BTreeMap<&'static str, usize>,
    other_files: usize,
    unreadable: Vec<String>,
}

fn main() -> anyhow::Result<()> {
    let Options { folder } = Options::parse();
    let mut tally = Tally::default();
    for file in json_files(&folder)? {
        let text = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let value = serde_json::from_slice(&text).with_context(|| format!("reading {}", file.display()))?;
        tally.try_file(&file, &value);
    }
    for (kind, count) in &tally.read {
        println!("{count:>6} {kind}");
    }
    println!("{:>6} files of other kinds", tally.other_files);
    if tally.read.is_empty() {
        bail!("{} holds nothing that we know", folder.display());
    }
    if !tally.unreadable.is_empty() {
        bail!("{} cannot be read:\n{}", tally.unreadable.len(), tally.unreadable.join("\n"));
    }
    Ok(())
}

fn json_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("opening {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

impl Tally {
    fn try_file(&mut self, file: &Path, value: &Value) {
        let place = file.display().to_string();
        let in_folder = |name: &str| file.components().any(|part| part.as_os_str() == name);
        let collected = value.as_object().filter(|parts| parts.values().any(is_webhook));
        if is_webhook(value) {
            self.webhook(&place, value);
        } else if let Some(collected) = collected {
            for (name, webhook) in collected.iter().filter(|(_, part)| is_webhook(part)) {
                self.webhook(&format!("{place} {name}"), webhook);
            }
        } else if in_folder("whatsapp") && value.get("error").is_some() {
            self.refusal(&place, value);
        } else if in_folder("whatsapp") && value.get("messages").is_some() && value.get("contacts").is_some()
        {
            self.receipt(&place, value);
        } else {
            self.other_files += 1;
        }
    }

    fn webhook(&mut self, place: &str, webhook: &Value) {
        let (secret, body) = (SecretString::from("secret"), webhook.to_string().into_bytes());
        let header = signature(&secret, &body);
        let changes = verify_signature(&[secret], Some(&header), &body).and_then(|webhook| webhook.changes());
        let expected = parts(webhook, "statuses");
        match changes {
            Ok(changes) if statuses(&changes) == expected => {
                self.count("webhooks", 1);
                self.count("changes", changes.len());
                self.count("statuses", expected);
                self.count(
                    "inbound messages, counted",
                    changes.iter().map(|change| change.messages().count()).sum(),
                );
            }
            Ok(changes) => {
                self.unreadable.push(format!("{place}: {} of {expected} statuses read", statuses(&changes)));
            }
            Err(error) => self.unreadable.push(format!("{place}: {error}")),
        }
    }

    fn refusal(&mut self, place: &str, body: &Value) {
        let code = body.pointer("/error/code").and_then(Value::as_i64);
        match CloudApi::read_answer(400, body.to_string().as_bytes()) {
            Err(GatewayError::Refused(error)) if Some(error.code) == code => self.count("refusals", 1),
            other => self.unreadable.push(format!("{place}: {other:?}")),
        }
    }

    fn receipt(&mut self, place: &str, body: &Value) {
        let id = body.pointer("/messages/0/id").and_then(Value::as_str);
        match CloudApi::read_answer(200, body.to_string().as_bytes()) {
            Ok(receipt) if Some(receipt.wamid.expose()) == id => self.count("receipts", 1),
            other => self.unreadable.push(format!("{place}: {other:?}")),
        }
    }

    fn count(&mut self, kind: &'static str, count: usize) {
        *self.read.entry(kind).or_default() += count;
    }
}

fn is_webhook(value: &Value) -> bool {
    value.get("entry").is_some_and(Value::is_array)
}

fn statuses(changes: &[Change]) -> usize {
    changes.iter().map(|change| change.statuses().count()).sum()
}

/// How many elements the lists of this name have, wherever they stand.
fn parts(value: &Value, name: &str) -> usize {
    match value {
        Value::Object(object) => object
            .iter()
            .map(
                |(key, part)| {
                    if key == name { part.as_array().map_or(0, Vec::len) } else { parts(part, name) }
                },
            )
            .sum(),
        Value::Array(items) => items.iter().map(|item| parts(item, name)).sum(),
        _ => 0,
    }
}
