//! The components of a template as the Cloud API wants them.

use super::pieces::Pieces;
use crate::template::{Argument, Component, MediaBy, Value};

/// Appends `,"components":[...]`, or nothing when there are none.
pub(super) fn write_components(to: &mut Pieces, components: &[Component]) {
    if components.is_empty() {
        return;
    }
    to.raw(r#","components":"#);
    list(to, components);
}

fn list(to: &mut Pieces, components: &[Component]) {
    each(to, components, component);
}

/// Appends `[...]`.
fn each<T>(to: &mut Pieces, items: &[T], write: impl Fn(&mut Pieces, &T)) {
    to.raw("[");
    for (place, item) in items.iter().enumerate() {
        if 0 < place {
            to.raw(",");
        }
        write(to, item);
    }
    to.raw("]");
}

fn component(to: &mut Pieces, component: &Component) {
    match component {
        Component::Header(value) => {
            to.raw(r#"{"type":"header","parameters":["#);
            argument(to, value);
            to.raw("]}");
        }
        Component::Body(arguments) => {
            to.raw(r#"{"type":"body","parameters":"#);
            each(to, arguments, argument);
            to.raw("}");
        }
        Component::LimitedTimeOffer(expiry) => {
            to.raw(r#"{"type":"limited_time_offer","parameters":[{"type":"limited_time_offer","#);
            to.number(r#""limited_time_offer":{"expiration_time_ms":"#, expiry);
            to.raw("}}]}");
        }
        Component::Button { index, value } => {
            to.raw(&format!(r#"{{"type":"button","sub_type":"{}","index":"{index}","#, sub_type(value)));
            to.raw(r#""parameters":["#);
            argument(to, value);
            to.raw("]}");
        }
        Component::Carousel(cards) => {
            to.raw(r#"{"type":"carousel","cards":["#);
            for (index, card) in cards.iter().enumerate() {
                let separator = if index == 0 { "" } else { "," };
                to.raw(&format!(r#"{separator}{{"card_index":{index},"components":"#));
                list(to, card);
                to.raw("}");
            }
            to.raw("]}");
        }
    }
}

const fn sub_type(value: &Argument) -> &'static str {
    match value {
        Argument::QuickReply(_) => "quick_reply",
        Argument::CopyCode(_) => "copy_code",
        Argument::Flow { .. } => "flow",
        Argument::Catalog(_) => "catalog",
        Argument::Products { .. } => "mpm",
        Argument::Url(_) | Argument::Text { .. } | Argument::Media { .. } | Argument::Location { .. } => {
            "url"
        }
    }
}

fn argument(to: &mut Pieces, argument: &Argument) {
    match argument {
        Argument::Text { name, text } => {
            to.raw(r#"{"type":"text","#);
            if let Some(name) = name {
                to.raw(r#""parameter_name":"#);
                to.text(name);
                to.raw(",");
            }
            to.field(r#""text":"#, text);
        }
        Argument::Media { kind, by, name } => {
            to.raw(&format!(r#"{{"type":"{kind}","{kind}":{{"#, kind = kind.as_str()));
            match by {
                MediaBy::Id(id) => to.field(r#""id":"#, id),
                MediaBy::Link(link) => to.field(r#""link":"#, link),
                // Not uploaded: WhatsApp refuses the message and says why.
                MediaBy::Content(digest) => {
                    to.raw(r#""id":"#);
                    to.text(digest.as_str());
                }
            }
            optional(to, r#","filename":"#, name.as_ref());
            to.raw("}");
        }
        Argument::Location { latitude, longitude, name, address } => {
            to.field(r#"{"type":"location","location":{"latitude":"#, latitude);
            to.field(r#","longitude":"#, longitude);
            optional(to, r#","name":"#, name.as_ref());
            optional(to, r#","address":"#, address.as_ref());
            to.raw("}");
        }
        Argument::Url(end) => to.field(r#"{"type":"text","text":"#, end),
        Argument::QuickReply(payload) => to.field(r#"{"type":"payload","payload":"#, payload),
        Argument::CopyCode(coupon) => to.field(r#"{"type":"coupon_code","coupon_code":"#, coupon),
        Argument::Flow { token, data } => {
            to.field(r#"{"type":"action","action":{"flow_token":"#, token);
            flow_data(to, data);
            to.raw("}");
        }
        Argument::Catalog(thumbnail) => {
            to.field(r#"{"type":"action","action":{"thumbnail_product_retailer_id":"#, thumbnail);
            to.raw("}");
        }
        Argument::Products { thumbnail, sections } => {
            to.field(r#"{"type":"action","action":{"thumbnail_product_retailer_id":"#, thumbnail);
            to.raw(r#","sections":"#);
            each(to, sections, |to, (title, products)| {
                to.field(r#"{"title":"#, title);
                to.raw(r#","product_items":"#);
                each(to, products, |to, product| {
                    to.field(r#"{"product_retailer_id":"#, product);
                    to.raw("}");
                });
                to.raw("}");
            });
            to.raw("}");
        }
    }
    to.raw("}");
}

fn optional(to: &mut Pieces, key: &str, value: Option<&Value>) {
    if let Some(value) = value {
        to.field(key, value);
    }
}

fn flow_data(to: &mut Pieces, data: &[(String, Value)]) {
    let mut opening = r#","flow_action_data":{"#;
    for (name, value) in data {
        to.raw(opening);
        to.text(name);
        to.field(":", value);
        opening = ",";
    }
    if !data.is_empty() {
        to.raw("}");
    }
}
