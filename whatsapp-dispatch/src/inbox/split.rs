//! One webhook into its changes, each of which stands for itself.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::sender::NumberId;

/// One change of a webhook.
#[derive(Debug)]
pub(super) struct RawChange {
    /// The WhatsApp business account; empty if it was not said.
    pub(super) waba: String,
    /// What changed, in Meta's word.
    pub(super) field: String,
    /// The number that it is about, if it is about one.
    pub(super) number_id: Option<NumberId>,
    /// A webhook with this one change in it.
    pub(super) bytes: Bytes,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    entry: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    time: Option<&'a RawValue>,
    #[serde(borrow, default)]
    changes: Vec<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Change<'a> {
    #[serde(borrow, default)]
    field: Option<&'a RawValue>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Value<'a> {
    #[serde(borrow, default)]
    metadata: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Metadata<'a> {
    #[serde(borrow, default)]
    phone_number_id: Option<&'a RawValue>,
}

/// The changes in their order. A part of an unexpected shape costs only itself: it names nobody
/// and so finds its way into the quarantine.
pub(super) fn split(body: &[u8]) -> Result<Vec<RawChange>, serde_json::Error> {
    let body: Body<'_> = serde_json::from_slice(body)?;
    let mut all = Vec::new();
    for raw in body.entry {
        let Some(entry) = object::<Entry<'_>>(raw) else {
            let bytes = format!(r#"{{"entry":[{}]}}"#, raw.get()).into();
            all.push(RawChange { waba: String::new(), field: String::new(), number_id: None, bytes });
            continue;
        };
        let id = entry.id.map_or("\"\"", RawValue::get);
        let time = entry.time.map_or("0", RawValue::get);
        for change in entry.changes {
            let known: Change<'_> = object(change).unwrap_or_default();
            let bytes =
                format!(r#"{{"entry":[{{"id":{id},"time":{time},"changes":[{}]}}]}}"#, change.get()).into();
            all.push(RawChange {
                waba: text(entry.id),
                field: text(known.field),
                number_id: known.value.and_then(number_id),
                bytes,
            });
        }
    }
    Ok(all)
}

fn number_id(value: &RawValue) -> Option<NumberId> {
    let value: Value<'_> = object(value)?;
    let metadata: Metadata<'_> = object(value.metadata?)?;
    NumberId::parse(&text(metadata.phone_number_id)).ok()
}

/// Reads an object; serde would take a list for one, too.
fn object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    let text = raw.get();
    if text.starts_with('{') { serde_json::from_str(text).ok() } else { None }
}

/// A text or a whole number, as text; anything else is the empty text.
fn text(raw: Option<&RawValue>) -> String {
    let raw = raw.map_or("", RawValue::get);
    if raw.bytes().all(|byte| byte.is_ascii_digit()) {
        return raw.to_owned();
    }
    serde_json::from_str(raw).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_change_stands_for_itself() {
        let body = br#"{"object":"whatsapp_business_account","entry":[
            {"id":"17","time":1,"changes":[
                {"field":"messages","value":{"metadata":{"phone_number_id":"4711"},"statuses":[{"id":"a"}]}},
                {"value":{"metadata":{"phone_number_id":4712}},"field":"messages"}]},
            {"id":18,"changes":[{"field":"account_update","value":{"event":"DISABLED_UPDATE"}}]},
            ["odd"], {"id":"19","changes":"odd"}, {"id":"20","changes":["odd", {"field":["odd"],"value":7}]}]}"#;
        let all = split(body).unwrap();
        let number = |change: &RawChange| change.number_id.as_ref().map(ToString::to_string);
        let seen: Vec<_> =
            all.iter().map(|change| (change.waba.as_str(), change.field.as_str(), number(change))).collect();
        let some = |id: &str| Some(id.to_owned());
        assert_eq!(
            seen,
            [
                ("17", "messages", some("4711")),
                ("17", "messages", some("4712")),
                ("18", "account_update", None),
                ("", "", None),
                ("", "", None),
                ("20", "", None),
                ("20", "", None),
            ]
        );
        for change in all {
            assert_eq!(split(&change.bytes).unwrap().len(), 1);
        }
    }

    #[test]
    fn what_is_no_webhook_is_refused() {
        for body in [&b""[..], b"nothing", b"[]", b"{}", br#"{"entry":{}}"#, b"{\"entry\":[\"\xff\"]}"] {
            assert!(split(body).is_err(), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
        let body = format!(r#"{{"entry":[{{"id":"1","changes":[{{"field":"messages","value":{deep}}}]}}]}}"#);
        let all = split(body.as_bytes()).unwrap();
        assert_eq!((all.len(), all[0].waba.as_str()), (1, "1"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn no_body_makes_it_panic(body in any::<Vec<u8>>()) {
            drop(split(&body));
        }
    }
}
