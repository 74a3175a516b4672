//! Request bodies: what is the same for a whole campaign is written once, the rest is spliced in.

use bytes::Bytes;

use crate::gateway::{Content, Outgoing};
use crate::template::FilledParameters;

/// The constant parts of a campaign's bodies.
#[derive(Debug)]
struct Prepared {
    /// Everything up to and including the template's language.
    head: Vec<u8>,
    /// Up to the value of each named parameter.
    names: Vec<Vec<u8>>,
}

const POSITIONAL: &[u8] = br#"{"type":"text","text":"#;

impl Prepared {
    fn new(content: &Content) -> Self {
        let mut head =
            br#"{"messaging_product":"whatsapp","recipient_type":"individual","type":"template","template":{"name":"#
                .to_vec();
        push_text(&mut head, &content.template.name);
        head.extend_from_slice(br#","language":{"code":"#);
        push_text(&mut head, &content.template.language);
        head.push(b'}');
        let opening = |name: &String| {
            let mut opening = br#"{"type":"text","parameter_name":"#.to_vec();
            push_text(&mut opening, name);
            opening.extend_from_slice(br#","text":"#);
            opening
        };
        let names = content.parameter_names.iter().flatten().map(opening).collect();
        Self { head, names }
    }

    fn body(&self, message: &Outgoing) -> Bytes {
        let constant = self.head.len() + self.names.iter().map(Vec::len).sum::<usize>();
        let spliced = message.parameters.len() * 2 + message.token.len() + 192;
        let mut body = Vec::with_capacity(constant + spliced);
        body.extend_from_slice(&self.head);
        let mut names = self.names.iter();
        let mut separator: &[u8] = br#","components":[{"type":"body","parameters":["#;
        for value in parameters(&message.parameters).iter() {
            body.extend_from_slice(separator);
            body.extend_from_slice(names.next().map_or(POSITIONAL, Vec::as_slice));
            push_text(&mut body, value);
            body.push(b'}');
            separator = b",";
        }
        if separator == b"," {
            body.extend_from_slice(b"]}]");
        }
        body.extend_from_slice(br#"},"to":"#);
        push_text(&mut body, &message.to.to_e164());
        body.extend_from_slice(br#","biz_opaque_callback_data":"#);
        push_text(&mut body, &message.token);
        body.push(b'}');
        body.into()
    }
}

pub(super) fn body(message: &Outgoing) -> Bytes {
    match message.content.prepared(Prepared::new) {
        Some(prepared) => prepared.body(message),
        // Another adapter has put its own preparation there; rare, so nothing is kept.
        None => Prepared::new(&message.content).body(message),
    }
}

/// The values of the parameters, in order. Damaged bytes give none, and WhatsApp refuses a message
/// with too few parameters.
fn parameters(encoded: &Bytes) -> FilledParameters {
    FilledParameters::from_bytes(encoded.clone()).unwrap_or_default()
}

/// Appends a JSON text with its quotes.
fn push_text(to: &mut Vec<u8>, text: &str) {
    // Writing into memory cannot fail, and a text can always be written.
    serde_json::to_writer(to, text).unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::adapters::cloud_api::testing::{encode, template};
    use crate::phone::PhoneNumber;

    fn outgoing(names: Option<Vec<String>>, values: &[String], token: &str) -> Outgoing {
        Outgoing {
            to: PhoneNumber::from_digits(4_915_112_345_678).unwrap(),
            content: Arc::new(Content::new(template("diwali_offer"), names)),
            parameters: encode(values),
            token: token.to_owned(),
        }
    }

    fn parsed(message: &Outgoing) -> Value {
        serde_json::from_slice(&body(message)).unwrap()
    }

    #[test]
    fn a_template_without_parameters_has_no_components() {
        assert_eq!(
            parsed(&outgoing(None, &[], "t")),
            json!({
                "messaging_product": "whatsapp", "recipient_type": "individual", "type": "template",
                "template": {"name": "diwali_offer", "language": {"code": "en_US"}},
                "to": "+4915112345678", "biz_opaque_callback_data": "t",
            })
        );
    }

    #[test]
    fn damaged_parameters_are_left_out() {
        for encoded in [&b"\0"[..], b"\0\x05abc", b"\0\x01\xff", b"\0\x01a\0"] {
            assert_eq!(parameters(&Bytes::from_static(encoded)).iter().count(), 0);
        }
    }

    #[test]
    fn content_that_another_adapter_prepared_is_sent_as_well() {
        let message = outgoing(None, &["x".to_owned()], "t");
        assert_eq!(message.content.prepared(|_| 7_u8), Some(&7));
        assert_eq!(parsed(&message)["template"]["components"][0]["parameters"][0]["text"], "x");
    }

    proptest! {
        #[test]
        fn whatever_a_person_is_called_the_body_is_json_and_says_so(
            values in prop::collection::vec(any::<String>(), 0..5),
            token in any::<String>(),
            named in any::<bool>(),
        ) {
            let names = named.then(|| (0..values.len()).map(|number| format!("na\"me_{number}")).collect());
            let message = outgoing(names, &values, &token);
            let body = parsed(&message);
            prop_assert_eq!(&body["biz_opaque_callback_data"], &json!(token));
            let sent = body["template"]["components"][0]["parameters"].as_array().cloned().unwrap_or_default();
            prop_assert_eq!(sent.len(), values.len());
            for (number, (parameter, value)) in sent.iter().zip(&values).enumerate() {
                let mut expected = json!({"type": "text", "text": value});
                if named {
                    expected["parameter_name"] = json!(format!("na\"me_{number}"));
                }
                prop_assert_eq!(parameter, &expected);
            }
        }
    }
}
