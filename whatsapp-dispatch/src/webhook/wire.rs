//! The shape of webhooks, read leniently: ids and times come as text or as numbers, parts come
//! and go with API versions, and one part that cannot be read never costs the others.

use std::borrow::Cow;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{Error, IgnoredAny, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::gateway::{ApiError, Wamid};
use crate::sender::NumberId;
use crate::webhook::{Change, Status, StatusUpdate, WebhookError};

pub(super) fn changes(body: &[u8]) -> Result<Vec<Change>, WebhookError> {
    let changes = match serde_json::from_slice::<Body<'_>>(body) {
        Ok(read) => read.into_changes(),
        Err(_) => salvage(body).map_err(|source| WebhookError::Unreadable { source: source.into() })?,
    };
    Ok(changes)
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    changes: Vec<WireChange<'a>>,
}

#[derive(Deserialize)]
struct WireChange<'a> {
    #[serde(borrow, default)]
    field: Text<'a>,
    #[serde(borrow, default)]
    value: WireValue<'a>,
}

#[derive(Deserialize, Default)]
struct WireValue<'a> {
    #[serde(borrow, default)]
    metadata: Metadata<'a>,
    #[serde(borrow, default)]
    statuses: Vec<WireStatus<'a>>,
    #[serde(default)]
    messages: Vec<IgnoredAny>,
}

#[derive(Deserialize, Default)]
struct Metadata<'a> {
    #[serde(borrow, default)]
    phone_number_id: Text<'a>,
}

#[derive(Deserialize)]
struct WireStatus<'a> {
    #[serde(borrow, default)]
    id: Text<'a>,
    #[serde(borrow, default)]
    status: Text<'a>,
    #[serde(borrow, default)]
    timestamp: Text<'a>,
    #[serde(borrow, default)]
    biz_opaque_callback_data: Text<'a>,
    #[serde(borrow, default)]
    errors: Vec<WireError<'a>>,
}

#[derive(Deserialize)]
struct WireError<'a> {
    #[serde(borrow, default)]
    code: Text<'a>,
    #[serde(borrow, default)]
    error_subcode: Text<'a>,
}

impl Body<'_> {
    fn into_changes(self) -> Vec<Change> {
        let mut all = Vec::new();
        for entry in self.entry {
            for WireChange { field, value } in entry.changes {
                let mut change = Change {
                    field: field.into_owned(),
                    waba: entry.id.owned(),
                    number_id: NumberId::parse(value.metadata.phone_number_id.as_str()).ok(),
                    statuses: Vec::with_capacity(value.statuses.len()),
                    inbound: value.messages.len(),
                    unread: 0,
                };
                for status in value.statuses {
                    change.add(status.read());
                }
                all.push(change);
            }
        }
        all
    }
}

impl Change {
    fn add(&mut self, status: Option<StatusUpdate>) {
        match status {
            Some(status) => self.statuses.push(status),
            None => self.unread += 1,
        }
    }
}

impl WireStatus<'_> {
    fn read(self) -> Option<StatusUpdate> {
        if self.id.as_str().is_empty() || self.status.as_str().is_empty() {
            return None;
        }
        let callback = self.biz_opaque_callback_data.into_owned();
        Some(StatusUpdate {
            wamid: Wamid::new(self.id.into_owned()),
            status: Status::from(self.status.as_str()),
            at: instant(self.timestamp.as_str()),
            callback: (!callback.is_empty()).then_some(callback),
            errors: self.errors.iter().map(WireError::read).collect(),
        })
    }
}

impl WireError<'_> {
    fn read(&self) -> ApiError {
        let number = |text: &Text<'_>| text.as_str().parse().unwrap_or_default();
        ApiError { subcode: number(&self.error_subcode), ..ApiError::new(number(&self.code), 0) }
    }
}

fn instant(seconds: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds.parse().ok()?, 0)
}

/// The slow way, for a body of which some part has an unexpected shape: every part that has the
/// expected one is taken.
fn salvage(body: &[u8]) -> Result<Vec<Change>, serde_json::Error> {
    let body: Value = serde_json::from_slice(body)?;
    let entries = body.get("entry").and_then(Value::as_array);
    let entries = entries.ok_or_else(|| serde_json::Error::custom("there is no list called entry"))?;
    let mut all = Vec::new();
    for entry in entries {
        for change in list(entry, "changes") {
            let value = change.get("value").unwrap_or(&Value::Null);
            let number_id = value.get("metadata").and_then(|metadata| metadata.get("phone_number_id"));
            let mut salvaged = Change {
                field: text(change.get("field")),
                waba: text(entry.get("id")),
                number_id: NumberId::parse(&text(number_id)).ok(),
                statuses: Vec::new(),
                inbound: list(value, "messages").len(),
                unread: 0,
            };
            for status in list(value, "statuses") {
                salvaged.add(salvage_status(status));
            }
            all.push(salvaged);
        }
    }
    Ok(all)
}

fn salvage_status(status: &Value) -> Option<StatusUpdate> {
    let errors = list(status, "errors").iter().map(|error| WireError {
        code: Text(text(error.get("code")).into()),
        error_subcode: Text(text(error.get("error_subcode")).into()),
    });
    let part = |name| Text(text(status.get(name)).into());
    WireStatus {
        id: part("id"),
        status: part("status"),
        timestamp: part("timestamp"),
        biz_opaque_callback_data: part("biz_opaque_callback_data"),
        errors: errors.collect(),
    }
    .read()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text(value: Option<&Value>) -> String {
    value.and_then(|value| Text::deserialize(value).ok()).map(Text::into_owned).unwrap_or_default()
}

/// A text or a whole number, as text; nothing counts as the empty text.
#[derive(Default)]
struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    fn as_str(&self) -> &str {
        &self.0
    }

    fn owned(&self) -> String {
        self.0.clone().into_owned()
    }

    fn into_owned(self) -> String {
        self.0.into_owned()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Cow<'de, str>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a whole number")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Cow::Owned(number.to_string()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Cow::Owned(number.to_string()))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(""))
            }
        }
        deserializer.deserialize_any(Words).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn one(statuses: &Value) -> Vec<Change> {
        let body = json!({"object": "whatsapp_business_account", "entry": [{"id": "17", "changes": [{
            "field": "messages",
            "value": {
                "messaging_product": "whatsapp",
                "metadata": {"display_phone_number": "15550100", "phone_number_id": "4711"},
                "statuses": statuses,
            },
        }]}]});
        changes(body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn statuses_of_all_shapes_are_read() {
        let statuses = one(&json!([
            {"id": "wamid.a", "status": "sent", "timestamp": "1789000000", "recipient_id": "4915",
             "biz_opaque_callback_data": "v1.x", "conversation": {"id": "c"}, "pricing": {"billable": true}},
            {"id": "wamid.b", "status": "delivered", "timestamp": 1_789_000_001_i64, "recipient_user_id": "DE.1"},
            {"id": "wamid.c", "status": "failed", "timestamp": "1789000002", "errors": [
                {"code": 131_049, "title": "not delivered", "error_data": {"details": "d"}}, {"code": "131026"}]},
            {"id": 12, "status": "danced", "biz_opaque_callback_data": null},
        ]));
        let [change] = statuses.as_slice() else { panic!("{statuses:?}") };
        assert_eq!((change.field.as_str(), change.waba.as_str(), change.unread), ("messages", "17", 0));
        assert_eq!(change.number_id, Some(NumberId::parse("4711").unwrap()));
        let [sent, delivered, failed, danced] = change.statuses.as_slice() else { panic!() };
        assert_eq!((sent.wamid.expose(), sent.callback.as_deref()), ("wamid.a", Some("v1.x")));
        assert_eq!(delivered.at, DateTime::from_timestamp(1_789_000_001, 0));
        assert_eq!(delivered.status, Status::Delivered);
        let codes: Vec<_> = failed.errors.iter().map(|error| error.code).collect();
        assert_eq!(codes, [131_049, 131_026]);
        assert_eq!((danced.wamid.expose(), danced.at), ("12", None));
        assert_eq!(danced.status, Status::Other("danced".to_owned()));
    }

    #[test]
    fn one_broken_part_never_costs_the_others() {
        let change = one(&json!([
            {"id": ["odd"], "status": "sent"},
            "not even an object",
            {"id": "wamid.x", "status": "read", "timestamp": {"odd": 1}, "errors": "none"},
        ]))
        .remove(0);
        assert_eq!((change.statuses.len(), change.unread), (1, 2));
        assert_eq!(change.statuses[0].status, Status::Read);
        assert_eq!(one(&json!({"odd": true}))[0].statuses, []);
        assert_eq!(one(&json!(null))[0].statuses, []);
    }

    #[test]
    fn other_fields_are_named_and_kept_apart() {
        let body = json!({"entry": [
            {"id": 9, "changes": [
                {"field": "account_update", "value": {"event": "DISABLED_UPDATE"}},
                {"field": "messages", "value": {"metadata": {"phone_number_id": 5}, "messages": [{}, {}]}},
                {"field": "security", "value": "a text"}]},
            {"id": "10", "time": 1}]});
        let all = changes(body.to_string().as_bytes()).unwrap();
        let seen: Vec<_> = all.iter().map(|change| (change.field.as_str(), change.inbound)).collect();
        assert_eq!(seen, [("account_update", 0), ("messages", 2), ("security", 0)]);
        assert_eq!(all[1].number_id, Some(NumberId::parse("5").unwrap()));
        assert_eq!(all[0].waba, "9");
    }

    #[test]
    fn what_is_not_a_webhook_is_said_so() {
        for body in ["", "nothing", "[]", "{}", r#"{"entry": {}}"#, r#"{"entry": ["#] {
            assert!(matches!(changes(body.as_bytes()), Err(WebhookError::Unreadable { .. })), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in any::<Vec<u8>>()) {
            drop(changes(&body));
        }

        #[test]
        fn the_callback_comes_back_as_it_went(callback in ".{1,60}", id in "\\PC{1,30}") {
            let change = one(&json!([
                {"id": &id, "status": "sent", "timestamp": 1, "biz_opaque_callback_data": &callback}]))
                .remove(0);
            prop_assert_eq!(change.statuses[0].callback.as_ref(), Some(&callback));
            prop_assert_eq!(change.statuses[0].wamid.expose(), &id);
        }
    }
}
