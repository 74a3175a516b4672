use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use crate::simulator::meta::{Refusal, refusal};

/// What a request wants.
#[derive(Debug)]
pub(in crate::simulator) enum Asked<'a> {
    /// A message to be sent.
    Send(Post<'a>),
    /// A message of a person's to be marked as read.
    MarkRead,
}

/// A request to send a message, from either door.
#[derive(Debug)]
pub(in crate::simulator) struct Post<'a> {
    /// The place in the list of the number that it leaves from.
    pub(in crate::simulator) number: u16,
    /// A number, or a user id.
    pub(in crate::simulator) to: Cow<'a, str>,
    pub(in crate::simulator) content: Content<'a>,
    pub(in crate::simulator) token: Cow<'a, str>,
    /// It came through the door for marketing alone.
    pub(in crate::simulator) marketing_only: bool,
}

#[derive(Debug)]
pub(in crate::simulator) enum Content<'a> {
    Template {
        name: Cow<'a, str>,
        language: Cow<'a, str>,
        /// Of the body.
        parameters: Vec<Parameter<'a>>,
    },
    /// Anything else; its required members are there.
    Other,
}

#[derive(Debug, Deserialize)]
pub(in crate::simulator) struct Parameter<'a> {
    #[serde(borrow, default, rename = "parameter_name")]
    pub(in crate::simulator) name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    pub(in crate::simulator) text: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    messaging_product: Cow<'a, str>,
    #[serde(borrow, rename = "type", default = "text")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    to: Cow<'a, str>,
    #[serde(borrow, default)]
    recipient: Cow<'a, str>,
    #[serde(borrow, default)]
    template: Option<Template<'a>>,
    #[serde(borrow, default)]
    biz_opaque_callback_data: Cow<'a, str>,
    #[serde(borrow, default)]
    status: Cow<'a, str>,
    #[serde(borrow, default)]
    message_id: Cow<'a, str>,
    // The object that is named like the type.
    #[serde(default)]
    audio: Value,
    #[serde(default)]
    contacts: Value,
    #[serde(default)]
    document: Value,
    #[serde(default)]
    image: Value,
    #[serde(default)]
    interactive: Value,
    #[serde(default)]
    location: Value,
    #[serde(default)]
    reaction: Value,
    #[serde(default)]
    sticker: Value,
    #[serde(default)]
    text: Value,
    #[serde(default)]
    video: Value,
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

const fn text() -> Cow<'static, str> {
    Cow::Borrowed("text")
}

const UNREADABLE: Refusal = refusal(100, 400, "Invalid parameter: the body is no request");
const KIND: Refusal = refusal(100, 400, "Invalid parameter: type");
const MISSING: Refusal = refusal(131_008, 400, "Required parameter is missing");

/// Reads a request.
pub(in crate::simulator) fn ask(
    number: u16,
    body: &[u8],
    marketing_only: bool,
) -> Result<Asked<'_>, Refusal> {
    let request: Request<'_> = serde_json::from_slice(body).map_err(|_| UNREADABLE)?;
    if request.messaging_product != "whatsapp" {
        return Err(UNREADABLE);
    }
    if request.status == "read" {
        return if request.message_id.is_empty() { Err(MISSING) } else { Ok(Asked::MarkRead) };
    }
    let content = if request.kind == "template" {
        let Template { name, language, components } = request.template.ok_or(MISSING)?;
        let body = components.into_iter().filter(|component| component.kind.eq_ignore_ascii_case("body"));
        let parameters = body.flat_map(|component| component.parameters).collect();
        Content::Template { name, language: language.code, parameters }
    } else {
        if !request.is_complete()? {
            return Err(MISSING);
        }
        Content::Other
    };
    // When both are given, the number wins.
    let to = if request.to.is_empty() { request.recipient } else { request.to };
    let token = request.biz_opaque_callback_data;
    Ok(Asked::Send(Post { number, to, content, token, marketing_only }))
}

impl Request<'_> {
    /// True when a message of its kind has what it must have.
    fn is_complete(&self) -> Result<bool, Refusal> {
        let said = |value: &Value, path: &str| {
            value.pointer(path).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
        };
        let file = |value: &Value| said(value, "/id") || said(value, "/link");
        let given = |value: &Value, name: &str| value.get(name).is_some_and(|member| !member.is_null());
        Ok(match self.kind.as_ref() {
            "text" => said(&self.text, "/body"),
            "audio" => file(&self.audio),
            "document" => file(&self.document),
            "image" => file(&self.image),
            "sticker" => file(&self.sticker),
            "video" => file(&self.video),
            "location" => given(&self.location, "latitude") && given(&self.location, "longitude"),
            "contacts" => {
                let named = |contact: &Value| said(contact, "/name/formatted_name");
                self.contacts.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(named))
            }
            "interactive" => said(&self.interactive, "/type") && given(&self.interactive, "action"),
            // An empty emoji takes a reaction back.
            "reaction" => said(&self.reaction, "/message_id") && given(&self.reaction, "emoji"),
            _ => return Err(KIND),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(rest: &str) -> Result<bool, i64> {
        let body = format!(r#"{{"messaging_product":"whatsapp","to":"+4915112345678",{rest}}}"#);
        match ask(0, body.as_bytes(), false) {
            Ok(Asked::Send(post)) => Ok(matches!(post.content, Content::Other)),
            Ok(Asked::MarkRead) => Ok(false),
            Err(refusal) => Err(refusal.code),
        }
    }

    #[test]
    fn every_kind_is_taken_with_its_required_members_and_not_without() {
        for good in [
            r#""type":"text","text":{"body":"Hi"}"#,
            r#""text":{"body":"Hi"}"#,
            r#""type":"image","image":{"id":"1"}"#,
            r#""type":"document","document":{"link":"https://example.org/a.pdf"}"#,
            r#""type":"location","location":{"latitude":1.5,"longitude":"2"}"#,
            r#""type":"contacts","contacts":[{"name":{"formatted_name":"Zoë"}}]"#,
            r#""type":"interactive","interactive":{"type":"button","action":{}}"#,
            r#""type":"reaction","reaction":{"message_id":"wamid.1","emoji":""}"#,
        ] {
            assert_eq!(asked(good), Ok(true), "{good}");
        }
        for bad in [
            r#""type":"text""#,
            r#""type":"text","text":{"body":""}"#,
            r#""type":"audio","audio":{}"#,
            r#""type":"location","location":{"latitude":1.5}"#,
            r#""type":"contacts","contacts":[]"#,
            r#""type":"interactive","interactive":{"type":"button"}"#,
            r#""type":"reaction","reaction":{"emoji":"x"}"#,
            r#""type":"template""#,
            r#""status":"read""#,
        ] {
            assert_eq!(asked(bad), Err(131_008), "{bad}");
        }
        assert_eq!(asked(r#""type":"telegram","telegram":{}"#), Err(100));
        assert_eq!(asked(r#""status":"read","message_id":"wamid.1""#), Ok(false));
    }
}
