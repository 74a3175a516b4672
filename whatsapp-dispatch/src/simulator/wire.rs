//! Meta's JSON as the far side sees it: requests in, answers and webhooks out.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Value, json};

use super::meta::{Refusal, Stage, Told};
use crate::sender::Sender;

/// A request to send a template, from either door.
#[derive(Debug)]
pub(super) struct Post<'a> {
    /// The place in the list of the number that it leaves from.
    pub(super) number: u16,
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
pub(super) fn post(number: u16, body: &[u8]) -> Option<Post<'_>> {
    let request: Request<'_> = serde_json::from_slice(body).ok()?;
    if request.messaging_product != "whatsapp" || request.kind != "template" {
        return None;
    }
    let Template { name, language, components } = request.template;
    let body = components.into_iter().filter(|component| component.kind.eq_ignore_ascii_case("body"));
    Some(Post {
        number,
        to: request.to,
        template: name,
        language: language.code,
        parameters: body.flat_map(|component| component.parameters).collect(),
        token: request.biz_opaque_callback_data,
    })
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

/// One webhook with several statuses, one entry per number.
pub(super) fn webhook(numbers: &[Sender], statuses: &[Told]) -> Vec<u8> {
    let entry = |(place, sender): (u16, &Sender)| {
        let statuses: Vec<_> = statuses.iter().filter(|told| told.number == place).map(status).collect();
        (!statuses.is_empty()).then(|| {
            json!({"id": sender.waba, "changes": [{"field": "messages", "value": {
                "messaging_product": "whatsapp",
                "metadata": {"display_phone_number": "15550100", "phone_number_id": sender.number_id},
                "statuses": statuses,
            }}]})
        })
    };
    let entries: Vec<_> = (0..).zip(numbers).filter_map(entry).collect();
    let body = json!({"object": "whatsapp_business_account", "entry": entries});
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
