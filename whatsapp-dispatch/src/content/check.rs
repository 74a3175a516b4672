//! What WhatsApp takes. Lengths count characters; sources: Cloud API reference, Interactive
//! messages, Template components (2026).

use std::collections::BTreeSet;

use rules_core::judge::fault::{Classify, Fault};

use super::{
    Action, Button, Card, Component, Contact, Flow, Header, Interactive, List, Location, Media, Message,
    Parameter, ParameterValue, ProductSection, TemplateMessage, Text,
};

/// Why WhatsApp would refuse a message. Names the place as in the message's JSON, and never what
/// stands there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContentError {
    /// Nothing stands where something must.
    #[error("{place} is empty: give it a value")]
    Empty {
        /// Where.
        place: &'static str,
    },
    /// A text is too long.
    #[error("{place} has {chars} characters and WhatsApp takes {most}: shorten it")]
    TooLong {
        /// Where.
        place: &'static str,
        /// How long it is.
        chars: usize,
        /// How long it may be.
        most: usize,
    },
    /// Too few or too many of something.
    #[error("{place} has {count} entries and WhatsApp takes {least} to {most}: add or remove some")]
    Count {
        /// Where.
        place: &'static str,
        /// How many there are.
        count: usize,
        /// The fewest.
        least: usize,
        /// The most.
        most: usize,
    },
    /// Two entries that must differ are the same.
    #[error("{place} stands there twice: give each entry its own")]
    Twice {
        /// What must differ.
        place: &'static str,
    },
    /// Media without source, or with two.
    #[error("{place} needs either an id or a link, not both: upload the file or name its address")]
    Source {
        /// Where.
        place: &'static str,
    },
    /// Not a link that WhatsApp opens or fetches.
    #[error("{place} is no https link: use one that begins with https:// and has at most 2,000 characters")]
    Link {
        /// Where.
        place: &'static str,
    },
    /// Something that does not belong there.
    #[error("{place} does not belong there: {remedy}")]
    Misplaced {
        /// Where.
        place: &'static str,
        /// What to do.
        remedy: &'static str,
    },
    /// A number out of its range.
    #[error("{place} is out of range: it goes from {least} to {most}")]
    Range {
        /// Where.
        place: &'static str,
        /// The smallest.
        least: i32,
        /// The largest.
        most: i32,
    },
}

impl Classify for ContentError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

type Checked = Result<(), ContentError>;

/// What a message refers to in its JSON: an index would say no more than the place.
pub(super) fn message(message: &Message) -> Checked {
    match message {
        Message::Text(Text { body, .. }) => text("text.body", body, 4096),
        Message::Image(picture) => media("image", picture, Captions::Allowed),
        Message::Video(video) => media("video", video, Captions::Allowed),
        Message::Audio(sound) => media("audio", sound, Captions::None),
        Message::Document(file) => media("document", file, Captions::Allowed),
        Message::Sticker(sticker) => media("sticker", sticker, Captions::None),
        Message::Location(place) => location(place),
        Message::Contacts(cards) => contacts(cards),
        Message::Reaction(reaction) => text("reaction.message_id", &reaction.message_id, 512),
        Message::Interactive(what) => interactive(what),
        Message::Template(filled) => template(filled),
        Message::Pin(pin) => text("pin.message_id", &pin.message_id, 512),
        Message::Other { kind, .. } => text("type", kind, 64),
    }
}

fn text(place: &'static str, text: &str, most: usize) -> Checked {
    match text.chars().count() {
        _ if text.trim().is_empty() => Err(ContentError::Empty { place }),
        chars if most < chars => Err(ContentError::TooLong { place, chars, most }),
        _ => Ok(()),
    }
}

fn optional(place: &'static str, value: Option<&str>, most: usize) -> Checked {
    value.map_or(Ok(()), |value| text(place, value, most))
}

fn count(place: &'static str, count: usize, least: usize, most: usize) -> Checked {
    if (least..=most).contains(&count) {
        Ok(())
    } else {
        Err(ContentError::Count { place, count, least, most })
    }
}

fn link(place: &'static str, link: &str) -> Checked {
    let host = link.strip_prefix("https://").unwrap_or_default();
    let fits = !host.is_empty() && !host.starts_with('/') && link.len() <= 2000;
    if fits && !link.contains(char::is_whitespace) { Ok(()) } else { Err(ContentError::Link { place }) }
}

fn different(place: &'static str, ids: &[&str]) -> Checked {
    let mut seen = BTreeSet::new();
    if ids.iter().all(|id| seen.insert(id)) { Ok(()) } else { Err(ContentError::Twice { place }) }
}

#[derive(Clone, Copy, PartialEq)]
enum Captions {
    Allowed,
    None,
}

fn media(place: &'static str, media: &Media, captions: Captions) -> Checked {
    match (media.id.as_deref(), media.link.as_deref()) {
        (Some(id), None) => text(place, id, 512)?,
        (None, Some(address)) => link(place, address)?,
        _ => return Err(ContentError::Source { place }),
    }
    if captions == Captions::None && media.caption.is_some() {
        return Err(ContentError::Misplaced { place: "caption", remedy: "send the text by itself" });
    }
    optional("caption", media.caption.as_deref(), 1024)?;
    optional("filename", media.filename.as_deref(), 240)
}

fn location(location: &Location) -> Checked {
    let within = |place, number: Option<f64>, most: i32| match number {
        Some(number) if number.abs() <= f64::from(most) => Ok(()),
        _ => Err(ContentError::Range { place, least: -most, most }),
    };
    within("location.latitude", location.latitude.as_f64(), 90)?;
    within("location.longitude", location.longitude.as_f64(), 180)
}

fn contacts(cards: &[Contact]) -> Checked {
    count("contacts", cards.len(), 1, 257)?;
    cards.iter().try_for_each(|card| {
        let name = &card.name;
        text("contacts.name.formatted_name", &name.formatted_name, 1024)?;
        let parts = [&name.first_name, &name.last_name, &name.middle_name, &name.suffix, &name.prefix];
        if parts.iter().any(|part| part.is_some()) {
            Ok(())
        } else {
            Err(ContentError::Empty { place: "contacts.name.first_name" })
        }
    })
}

fn interactive(what: &Interactive) -> Checked {
    let Interactive { header: above, body, footer, action } = what;
    above.as_ref().map_or(Ok(()), header)?;
    let most = if matches!(action, Action::List(_)) { 4096 } else { 1024 };
    match body {
        Some(body) => text("interactive.body.text", &body.text, most)?,
        None if matches!(action, Action::Product(_)) => {}
        None => return Err(ContentError::Empty { place: "interactive.body.text" }),
    }
    optional("interactive.footer.text", footer.as_ref().map(|footer| footer.text.as_str()), 60)?;
    match action {
        Action::Button(action) => {
            count("interactive.action.buttons", action.buttons.len(), 1, 3)?;
            buttons(&action.buttons)
        }
        Action::List(action) => list(action),
        Action::Product(product) => {
            text("interactive.action.catalog_id", &product.catalog_id, 512)?;
            text("interactive.action.product_retailer_id", &product.product_retailer_id, 512)
        }
        Action::ProductList(products) => {
            if !matches!(above, Some(Header::Text { .. })) {
                return Err(ContentError::Empty { place: "interactive.header.text" });
            }
            text("interactive.action.catalog_id", &products.catalog_id, 512)?;
            product_sections(&products.sections)
        }
        Action::Flow(action) => action.parameters.as_ref().map_or(MISSING_PARAMETERS, flow),
        Action::CtaUrl(action) => action.parameters.as_ref().map_or(MISSING_PARAMETERS, |button| {
            text("interactive.action.parameters.display_text", &button.display_text, 20)?;
            link("interactive.action.parameters.url", &button.url)
        }),
        Action::Carousel(carousel) => {
            count("interactive.action.cards", carousel.cards.len(), 2, 10)?;
            carousel.cards.iter().try_for_each(card)
        }
        Action::VoiceCall(action) => {
            let button = action.parameters.as_ref();
            let words = button.and_then(|button| button.display_text.as_deref());
            optional("interactive.action.parameters.display_text", words, 20)
        }
        Action::AddressMessage(action) if action.parameters.is_none() => MISSING_PARAMETERS,
        Action::OrderDetails(action) if action.parameters.is_none() => MISSING_PARAMETERS,
        Action::OrderStatus(action) if action.parameters.is_none() => MISSING_PARAMETERS,
        Action::CatalogMessage(_)
        | Action::LocationRequestMessage(_)
        | Action::AddressMessage(_)
        | Action::OrderDetails(_)
        | Action::OrderStatus(_)
        | Action::CallPermissionRequest(_)
        | Action::RequestContactInfo(_) => Ok(()),
    }
}

const MISSING_PARAMETERS: Checked = Err(ContentError::Empty { place: "interactive.action.parameters" });

fn header(header: &Header) -> Checked {
    match header {
        Header::Text { text: words, sub_text } => {
            text("interactive.header.text", words, 60)?;
            optional("interactive.header.sub_text", sub_text.as_deref(), 60)
        }
        Header::Image { image } => media("interactive.header.image", image, Captions::None),
        Header::Video { video } => media("interactive.header.video", video, Captions::None),
        Header::Gif { gif } => media("interactive.header.gif", gif, Captions::None),
        Header::Document { document } => media("interactive.header.document", document, Captions::None),
    }
}

fn buttons(buttons: &[Button]) -> Checked {
    for button in buttons {
        text("interactive.action.buttons.reply.id", &button.answer().id, 256)?;
        text("interactive.action.buttons.reply.title", &button.answer().title, 20)?;
    }
    let (ids, titles): (Vec<_>, Vec<_>) =
        buttons.iter().map(Button::answer).map(|answer| (answer.id.as_str(), answer.title.as_str())).unzip();
    different("interactive.action.buttons.reply.id", &ids)?;
    different("interactive.action.buttons.reply.title", &titles)
}

fn list(list: &List) -> Checked {
    text("interactive.action.button", &list.button, 20)?;
    count("interactive.action.sections", list.sections.len(), 1, 10)?;
    section_titles(&list.sections.iter().map(|section| section.title.as_deref()).collect::<Vec<_>>())?;
    let rows = || list.sections.iter().flat_map(|section| &section.rows);
    count("interactive.action.sections.rows", rows().count(), 1, 10)?;
    for row in rows() {
        text("interactive.action.sections.rows.id", &row.id, 200)?;
        text("interactive.action.sections.rows.title", &row.title, 24)?;
        optional("interactive.action.sections.rows.description", row.description.as_deref(), 72)?;
    }
    different("interactive.action.sections.rows.id", &rows().map(|row| row.id.as_str()).collect::<Vec<_>>())
}

/// One section needs no title, several do.
fn section_titles(titles: &[Option<&str>]) -> Checked {
    let place = "interactive.action.sections.title";
    titles.iter().try_for_each(|title| match title {
        Some(title) => text(place, title, 24),
        None if titles.len() == 1 => Ok(()),
        None => Err(ContentError::Empty { place }),
    })
}

fn product_sections(sections: &[ProductSection]) -> Checked {
    count("interactive.action.sections", sections.len(), 1, 10)?;
    section_titles(&sections.iter().map(|section| section.title.as_deref()).collect::<Vec<_>>())?;
    let products = || sections.iter().flat_map(|section| &section.product_items);
    let place = "interactive.action.sections.product_items";
    count(place, products().count(), 1, 30)?;
    products().try_for_each(|product| text(place, &product.product_retailer_id, 512))
}

fn flow(flow: &Flow) -> Checked {
    text("interactive.action.parameters.flow_cta", &flow.flow_cta, 30)?;
    if flow.flow_id.is_some() == flow.flow_name.is_some() {
        return Err(ContentError::Misplaced {
            place: "interactive.action.parameters.flow_name",
            remedy: "name the flow either by flow_id or by flow_name",
        });
    }
    Ok(())
}

fn card(card: &Card) -> Checked {
    card.header.as_ref().map_or(Ok(()), header)?;
    let body = card.body.as_ref().map(|body| body.text.as_str());
    optional("interactive.action.cards.body.text", body, 160)?;
    if let Some(button) = &card.action.parameters {
        text("interactive.action.cards.action.parameters.display_text", &button.display_text, 20)?;
        link("interactive.action.cards.action.parameters.url", &button.url)?;
    }
    card.action.buttons.as_deref().map_or(Ok(()), buttons)
}

fn template(filled: &TemplateMessage) -> Checked {
    text("template.name", &filled.name, 512)?;
    text("template.language.code", &filled.language.code, 16)?;
    filled.components.iter().flatten().try_for_each(component)
}

fn component(component: &Component) -> Checked {
    if let Some(index) = &component.index {
        let place = "template.components.index";
        if !index.as_i64().is_some_and(|index| (0..=9).contains(&index)) {
            return Err(ContentError::Range { place, least: 0, most: 9 });
        }
    }
    component.parameters.iter().flatten().try_for_each(parameter)?;
    if let Some(cards) = &component.cards {
        count("template.components.cards", cards.len(), 2, 10)?;
        cards.iter().flat_map(|card| &card.components).try_for_each(self::component)?;
    }
    Ok(())
}

fn parameter(parameter: &Parameter) -> Checked {
    let place = "template.components.parameters";
    match &parameter.value {
        ParameterValue::Text { text } if text.chars() == 0 => Err(ContentError::Empty { place }),
        ParameterValue::Text { text } if 1024 < text.chars() => {
            Err(ContentError::TooLong { place, chars: text.chars(), most: 1024 })
        }
        ParameterValue::Image { image: source }
        | ParameterValue::Video { video: source }
        | ParameterValue::Gif { gif: source }
        | ParameterValue::Document { document: source } => media(place, source, Captions::None),
        ParameterValue::Location { location: place } => location(place),
        ParameterValue::CouponCode { coupon_code } => text(place, coupon_code, 15),
        ParameterValue::TapTargetConfiguration { tap_target_configuration } => {
            tap_target_configuration.iter().try_for_each(|target| link(place, &target.url))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
