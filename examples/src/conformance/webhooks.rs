//! The one place that knows how webhooks are read.

use serde_json::Value;
use whatsapp_dispatch::webhook::Payload;

use super::Read;

/// Reads a webhook. Fields that nobody knows yet are kept as they came, so they are named apart.
pub(super) fn read(webhook: &Value) -> Result<Read, String> {
    let payload = Payload::decode(webhook.to_string().as_bytes()).map_err(|error| error.to_string())?;
    let unknown = payload.unknown_fields();
    Ok(Read { encoded: payload.encode(), undecoded: payload.undecoded(), unknown })
}
