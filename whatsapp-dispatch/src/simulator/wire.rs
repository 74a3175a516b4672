//! Meta's JSON as the far side sees it: requests in, answers and webhooks out.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::meta::{Refusal, Stage, Told};
use super::{NUMBER_ID, WABA};

/// A request to send a template, from either door.
#[derive(Debug)]
pub(super) struct Post<'a> {
    pub(super) to: Cow<'a, str>,
    pub(super) template: Cow<'a, str>,
    pub(super) language: Cow<'a, str>,
    pub(super) parameters: Vec<Parameter<'a>>,
    pub(super) token: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Parameter<'a> {
    #[serde(borrow, default, rename = "parameter_name")]
    pub(super) name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(super) text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    messaging_product: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    to: Cow<'a, str>,
    #[serde(borrow)]
    template: Template<'a>,
    #[serde(borrow, default)]
    biz_opaque_callback_data: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Template<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    language: Language<'a>,
    #[serde(borrow, default)]
    components: Vec<Component<'a>>,
}

#[derive(Deserialize)]
struct Language<'a> {
    #[serde(borrow)]
    code: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Component<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    parameters: Vec<Parameter<'a>>,
}

/// A request to send a template; `None` for anything else.
pub(super) fn post(body: &[u8]) -> Option<Post<'_>> {
    let request: Request<'_> = serde_json::from_slice(body).ok()?;
    if request.messaging_product != "whatsapp" || request.kind != "template" {
        return None;
    }
    let Template { name, language, components } = request.template;
    let body = components.into_iter().filter(|component| component.kind.eq_ignore_ascii_case("body"));
    Some(Post {
        to: request.to,
        template: name,
        language: language.code,
        parameters: body.flat_map(|component| component.parameters).collect(),
        token: request.biz_opaque_callback_data,
    })
}

/// The id of an uploaded file: the same content has the same id.
pub(super) fn media_id(content: &[u8]) -> String {
    let hash = Sha256::digest(content);
    let number = hash.iter().take(7).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    number.to_string()
}

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

/// One webhook with several statuses.
pub(super) fn webhook(statuses: &[Told]) -> Vec<u8> {
    let statuses: Vec<_> = statuses.iter().map(status).collect();
    let body = json!({
        "object": "whatsapp_business_account",
        "entry": [{"id": WABA, "changes": [{"field": "messages", "value": {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550100", "phone_number_id": NUMBER_ID},
            "statuses": statuses,
        }}]}],
    });
    serde_json::to_vec(&body).unwrap_or_default()
}

fn status(told: &Told) -> Value {
    let word = match told.stage {
        Stage::Sent => "sent",
        Stage::Delivered => "delivered",
        Stage::Read => "read",
        Stage::Failed(_) => "failed",
    };
    let mut status = json!({
        "id": told.wamid,
        "status": word,
        "timestamp": told.at_seconds.to_string(),
        "recipient_id": told.digits.to_string(),
    });
    if let Some(parts) = status.as_object_mut() {
        if !told.token.is_empty() {
            parts.insert("biz_opaque_callback_data".to_owned(), json!(told.token));
        }
        if let Stage::Failed(code) = told.stage {
            let error = json!({"code": code, "title": "Message undeliverable", "message": "Message undeliverable",
                "error_data": {"details": "simulated"}});
            parts.insert("errors".to_owned(), json!([error]));
        }
    }
    status
}
