//! The one place that knows how webhooks are read.

use secrecy::SecretString;
use serde_json::Value;
use whatsapp_dispatch::webhook::{Change, signature, verify_signature};

use super::Read;

/// Reads a webhook. Its changes cannot be written again, so what was read is compared by the
/// number of statuses.
pub(super) fn read(webhook: &Value) -> Result<Read, String> {
    let (secret, body) = (SecretString::from("secret"), webhook.to_string().into_bytes());
    let header = signature(&secret, &body);
    let changes = verify_signature(&[secret], Some(&header), &body)
        .and_then(|webhook| webhook.changes())
        .map_err(|error| error.to_string())?;
    let (found, expected) = (statuses(&changes), parts(webhook, "statuses"));
    if found == expected {
        Ok(Read { encoded: webhook.clone(), undecoded: 0 })
    } else {
        Err(format!("{found} of {expected} statuses read"))
    }
}

fn statuses(changes: &[Change]) -> usize {
    changes.iter().map(|change| change.statuses.len()).sum()
}

/// How many elements the lists of this name have, wherever they stand.
fn parts(value: &Value, name: &str) -> usize {
    match value {
        Value::Object(object) => object
            .iter()
            .map(|(key, part)| match part {
                Value::Array(items) if key == name => items.len(),
                _ => parts(part, name),
            })
            .sum(),
        Value::Array(items) => items.iter().map(|item| parts(item, name)).sum(),
        _ => 0,
    }
}
