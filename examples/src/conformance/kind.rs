use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use whatsapp_dispatch::content::{ReadReceipt, Request};
use whatsapp_dispatch::graph::{
    ErrorBody, HistoryEdge, MessageHistory, MessageTemplate, NewTemplate, Page, PhoneNumberInfo, Sent,
    SubscribedApp, Success, TemplateCreated, undecoded,
};

use super::{Read, has_folder, webhooks};

/// What a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A webhook.
    Webhook,
    /// A message that is sent.
    Request,
    /// Tells that a message was read.
    ReadReceipt,
    /// The answer to a message.
    Sent,
    /// A refusal.
    Error,
    /// Asks for a template.
    NewTemplate,
    /// The answer to a template that was asked for.
    TemplateCreated,
    /// A template.
    Template,
    /// A page of templates.
    Templates,
    /// A number.
    PhoneNumber,
    /// A page of numbers.
    PhoneNumbers,
    /// A page of apps that get webhooks.
    SubscribedApps,
    /// A page of histories.
    MessageHistory,
    /// A page of events.
    HistoryEvents,
    /// Done or not done.
    Success,
}

impl Kind {
    /// What the report calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Request => "message request",
            Self::ReadReceipt => "read receipt",
            Self::Sent => "send answer",
            Self::Error => "error",
            Self::NewTemplate => "template request",
            Self::TemplateCreated => "template request answer",
            Self::Template => "template",
            Self::Templates => "template list",
            Self::PhoneNumber => "phone number",
            Self::PhoneNumbers => "phone number list",
            Self::SubscribedApps => "subscribed apps",
            Self::MessageHistory => "message history",
            Self::HistoryEvents => "message history events",
            Self::Success => "success answer",
        }
    }

    /// True for what we send: its placeholders are filled.
    pub const fn is_request(self) -> bool {
        matches!(self, Self::Request | Self::ReadReceipt | Self::NewTemplate)
    }

    /// What a payload is: by its content first, by its folder where the content leaves it open.
    pub fn of(payload: &Value, file: &Path) -> Option<Self> {
        let has = |name: &str| payload.get(name).is_some();
        let is_list = |name: &str| payload.get(name).is_some_and(Value::is_array);
        let folder = |name: &str| has_folder(file, name);
        Some(match payload {
            Value::Object(_) if is_list("entry") => Self::Webhook,
            Value::Object(_) if is_list("data") => return Self::of_page(payload, file),
            Value::Object(_) if is_list("messages") => Self::Sent,
            Value::Object(_) if has("messaging_product") && has("status") => Self::ReadReceipt,
            Value::Object(_) if has("messaging_product") => Self::Request,
            Value::Object(_) if has("error") || is_list("errors") => Self::Error,
            Value::Object(_) if has("display_phone_number") || has("verified_name") => Self::PhoneNumber,
            Value::Object(_) if has("name") && has("language") => {
                if has("id") || has("status") || folder("template_get") {
                    Self::Template
                } else {
                    Self::NewTemplate
                }
            }
            Value::Object(_) if has("success") && !has("id") => Self::Success,
            Value::Object(_) if has("id") && folder("phone_number") => Self::PhoneNumber,
            Value::Object(_) if has("id") && folder("template_get") => Self::Template,
            Value::Object(_) if has("id") && (has("category") || folder("message_templates_create")) => {
                Self::TemplateCreated
            }
            _ => return None,
        })
    }

    /// What a page lists: by its first entry, by its folder when it is empty.
    fn of_page(page: &Value, file: &Path) -> Option<Self> {
        let by_folder = [
            ("message_history_events", Self::HistoryEvents),
            ("message_history", Self::MessageHistory),
            ("message_templates_list", Self::Templates),
            ("phone_numbers", Self::PhoneNumbers),
            ("subscribed_apps", Self::SubscribedApps),
        ];
        let hint = by_folder.into_iter().find(|(name, _)| has_folder(file, name)).map(|(_, kind)| kind);
        let by_member = [
            ("whatsapp_business_api_data", Self::SubscribedApps),
            ("node", Self::HistoryEvents),
            ("delivery_status", Self::HistoryEvents),
            ("message_id", Self::MessageHistory),
            ("events", Self::MessageHistory),
            ("display_phone_number", Self::PhoneNumbers),
            ("verified_name", Self::PhoneNumbers),
            ("components", Self::Templates),
            ("language", Self::Templates),
        ];
        let first = page.pointer("/data/0");
        let by_content = first.and_then(|first| by_member.iter().find(|(name, _)| first.get(name).is_some()));
        by_content.map(|(_, kind)| *kind).or(hint)
    }

    /// Decodes a payload of this kind and encodes it again.
    pub(super) fn read(self, payload: &Value) -> Result<Read, String> {
        match self {
            Self::Webhook => webhooks::read(payload),
            Self::Request => read::<Request>(payload),
            Self::ReadReceipt => read::<ReadReceipt>(payload),
            Self::Sent => read::<Sent>(payload),
            Self::Error => read::<ErrorBody>(payload),
            Self::NewTemplate => read::<NewTemplate>(payload),
            Self::TemplateCreated => read::<TemplateCreated>(payload),
            Self::Template => read::<MessageTemplate>(payload),
            Self::Templates => read::<Page<MessageTemplate>>(payload),
            Self::PhoneNumber => read::<PhoneNumberInfo>(payload),
            Self::PhoneNumbers => read::<Page<PhoneNumberInfo>>(payload),
            Self::SubscribedApps => read::<Page<SubscribedApp>>(payload),
            Self::MessageHistory => read::<Page<MessageHistory>>(payload),
            Self::HistoryEvents => read::<Page<HistoryEdge>>(payload),
            Self::Success => read::<Success>(payload),
        }
    }
}

fn read<T: DeserializeOwned + Serialize>(payload: &Value) -> Result<Read, String> {
    let typed: T = serde_json::from_value(payload.clone()).map_err(|error| error.to_string())?;
    let encoded = serde_json::to_value(&typed).map_err(|error| error.to_string())?;
    Ok(Read { encoded, undecoded: undecoded(&typed), unknown: Vec::new() })
}
