//! Meta's JSON as the far side sees it: requests in, answers and webhooks out.

use serde_json::{Value, json};

use super::meta::Refusal;

mod request;
mod webhook;

pub(super) use request::{Asked, Content, Post, ask};
pub(super) use webhook::{inbound, news, statuses, topic};

pub(super) fn accepted(to: &str, wamid: &str, held: bool) -> Value {
    let status = if held { "held_for_quality_assessment" } else { "accepted" };
    json!({
        "messaging_product": "whatsapp",
        "contacts": [{"input": to, "wa_id": to.trim_start_matches('+')}],
        "messages": [{"id": wamid, "message_status": status}],
    })
}

pub(super) fn refused(refusal: &Refusal) -> Value {
    json!({"error": {
        "message": format!("(#{}) {}", refusal.code, refusal.message),
        "type": "OAuthException",
        "code": refusal.code,
        "is_transient": refusal.transient,
        "error_data": {"messaging_product": "whatsapp", "details": refusal.message},
        "fbtrace_id": "Asimulated",
    }})
}
