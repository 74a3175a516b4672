//! Request bodies: what is the same for a whole campaign is written once, the rest is spliced in.

use bytes::Bytes;

use super::pieces::{Pieces, push_text};
use super::skeleton::write_components;
use crate::gateway::{Content, Outgoing, ProductPolicy, Route};
use crate::template::FilledParameters;

/// The constant parts of a campaign's bodies.
#[derive(Debug)]
struct Prepared {
    /// Everything up to the end of the template, with slots.
    template: Pieces,
    /// What only the Marketing Messages API is told.
    marketing: Vec<u8>,
}

impl Prepared {
    fn new(content: &Content) -> Self {
        let mut template = Pieces::default();
        template.raw(
            r#"{"messaging_product":"whatsapp","recipient_type":"individual","type":"template","template":{"name":"#,
        );
        template.text(&content.template.name);
        template.raw(r#","language":{"code":"#);
        template.text(&content.template.language);
        template.raw("}");
        write_components(&mut template, &content.skeleton.components);
        template.raw(r#"},"to":"#);
        Self { template, marketing: marketing(content) }
    }

    fn body(&self, message: &Outgoing) -> Bytes {
        let spliced = message.parameters.len() * 2 + message.token.len() + self.marketing.len() + 96;
        let mut body = Vec::with_capacity(self.template.len() + spliced);
        self.template.write(&parameters(&message.parameters), &mut body);
        push_text(&mut body, &message.to.to_e164());
        body.extend_from_slice(br#","biz_opaque_callback_data":"#);
        push_text(&mut body, &message.token);
        if message.content.route() == Route::Marketing {
            body.extend_from_slice(&self.marketing);
        }
        body.push(b'}');
        body.into()
    }
}

fn marketing(content: &Content) -> Vec<u8> {
    let mut extras = Vec::new();
    let Some(marketing) = content.marketing else { return extras };
    extras.extend_from_slice(br#","product_policy":"#);
    push_text(
        &mut extras,
        match marketing.policy {
            ProductPolicy::CloudApiFallback => "CLOUD_API_FALLBACK",
            ProductPolicy::Strict => "STRICT",
        },
    );
    match marketing.share_activity {
        Some(true) => extras.extend_from_slice(br#","message_activity_sharing":true"#),
        Some(false) => extras.extend_from_slice(br#","message_activity_sharing":false"#),
        None => {}
    }
    extras
}

pub(crate) fn body(message: &Outgoing) -> Bytes {
    if message.content.verbatim {
        return verbatim(message);
    }
    match message.content.prepared(Prepared::new) {
        Some(prepared) => prepared.body(message),
        // Another adapter has put its own preparation there; rare, so nothing is kept.
        None => Prepared::new(&message.content).body(message),
    }
}

/// The body of a message that brings its whole content.
fn verbatim(message: &Outgoing) -> Bytes {
    let mut body = Vec::with_capacity(message.parameters.len() + message.token.len() + 192);
    body.extend_from_slice(br#"{"messaging_product":"whatsapp","recipient_type":"individual","to":"#);
    push_text(&mut body, &message.to.to_e164());
    body.push(b',');
    body.extend_from_slice(&message.parameters);
    body.extend_from_slice(br#","biz_opaque_callback_data":"#);
    push_text(&mut body, &message.token);
    body.push(b'}');
    body.into()
}

/// The values of the slots, in order. Damaged bytes give none, and WhatsApp refuses a message with
/// empty parameters.
fn parameters(encoded: &Bytes) -> FilledParameters {
    FilledParameters::from_bytes(encoded.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
