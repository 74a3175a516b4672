use serde::Deserialize;

use crate::media::MediaKind;
use crate::template::{
    ButtonDefinition, CardDefinition, HeaderKind, OtpKind, Quality, Template, TemplateDefinition,
    TemplateError,
};

/// A template in a listing. Unknown parts are passed over.
#[derive(Deserialize)]
pub(in crate::adapters::cloud_api) struct WireTemplate {
    name: String,
    language: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    components: Vec<Component>,
    #[serde(default)]
    quality_score: Option<Score>,
}

#[derive(Deserialize)]
struct Score {
    #[serde(default)]
    score: String,
}

#[derive(Deserialize)]
struct Component {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    buttons: Vec<Button>,
    #[serde(default)]
    cards: Vec<Card>,
    #[serde(default)]
    limited_time_offer: Option<Offer>,
}

#[derive(Deserialize)]
struct Offer {
    #[serde(default)]
    has_expiration: bool,
}

#[derive(Deserialize)]
struct Card {
    #[serde(default)]
    components: Vec<Component>,
}

#[derive(Deserialize)]
struct Button {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    phone_number: String,
    #[serde(default)]
    otp_type: Option<String>,
}

impl WireTemplate {
    pub(in crate::adapters::cloud_api) fn is(&self, wanted: &Template) -> bool {
        self.name == wanted.name && self.language == wanted.language && self.status == "APPROVED"
    }

    pub(in crate::adapters::cloud_api) fn into_definition(self) -> Result<TemplateDefinition, TemplateError> {
        let Self { name, language, category, components, quality_score, .. } = self;
        let template = match category.as_str() {
            "UTILITY" => Template::utility(name, language),
            "AUTHENTICATION" => Template::authentication(name, language),
            _ => Template::marketing(name, language),
        };
        let find = |kind| components.iter().find(|component| component.is(kind));
        let buttons: Vec<ButtonDefinition> =
            find("BUTTONS").into_iter().flat_map(|component| &component.buttons).map(Button::read).collect();
        let otp = buttons.iter().find_map(|button| match button {
            ButtonDefinition::Otp(kind) => Some(*kind),
            _ => None,
        });
        let body = find("BODY").and_then(Component::text);
        let mut definition = match otp {
            Some(otp) => TemplateDefinition::authentication(template, otp)?,
            None => TemplateDefinition::new(template, body.unwrap_or_default())?,
        };
        if let Some(header) = find("HEADER") {
            definition = match (header.text(), header.header()) {
                (Some(text), None) => definition.with_header(text)?,
                (_, Some(kind)) => definition.with_header_kind(kind),
                (None, None) => definition,
            };
        }
        if let Some(footer) = find("FOOTER").and_then(Component::text) {
            definition = definition.with_footer(footer)?;
        }
        if let Some(offer) = find("LIMITED_TIME_OFFER").and_then(|part| part.limited_time_offer.as_ref()) {
            definition = definition.with_limited_time_offer(offer.has_expiration);
        }
        if let Some(carousel) = find("CAROUSEL") {
            definition = definition.with_cards(carousel.cards.iter().map(Card::read))?;
        }
        let quality = quality_score.and_then(|quality| match quality.score.as_str() {
            "GREEN" => Some(Quality::Green),
            "YELLOW" => Some(Quality::Yellow),
            "RED" => Some(Quality::Red),
            _ => None,
        });
        definition.with_quality(quality).with_buttons(buttons)
    }
}

impl Component {
    fn is(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind)
    }

    fn text(&self) -> Option<&str> {
        self.text.as_deref().filter(|text| !text.is_empty())
    }

    /// What stands there if it is no text.
    fn header(&self) -> Option<HeaderKind> {
        let format = self.format.as_deref()?;
        Some(match format.to_ascii_uppercase().as_str() {
            "TEXT" => return None,
            "IMAGE" => HeaderKind::Media(MediaKind::Image),
            "VIDEO" => HeaderKind::Media(MediaKind::Video),
            "DOCUMENT" => HeaderKind::Media(MediaKind::Document),
            "LOCATION" => HeaderKind::Location,
            _ => HeaderKind::Other(format.to_owned()),
        })
    }
}

impl Card {
    fn read(&self) -> CardDefinition {
        let find = |kind| self.components.iter().find(|component| component.is(kind));
        let header = find("HEADER").and_then(Component::header);
        CardDefinition {
            header: header.unwrap_or_else(|| HeaderKind::Other("none".to_owned())),
            body: find("BODY").and_then(Component::text).map(str::to_owned),
            buttons: find("BUTTONS")
                .into_iter()
                .flat_map(|component| &component.buttons)
                .map(Button::read)
                .collect(),
        }
    }
}

impl Button {
    fn read(&self) -> ButtonDefinition {
        let label = self.text.clone();
        match self.kind.to_ascii_uppercase().as_str() {
            "QUICK_REPLY" => ButtonDefinition::QuickReply { label },
            // Older templates for codes are listed with a link of WhatsApp's own.
            "URL" if self.url.starts_with("https://www.whatsapp.com/otp/") => {
                ButtonDefinition::Otp(OtpKind::CopyCode)
            }
            "URL" => ButtonDefinition::Url { label, url: self.url.clone() },
            "PHONE_NUMBER" => ButtonDefinition::Phone { label, phone: self.phone_number.clone() },
            "COPY_CODE" => ButtonDefinition::CopyCode,
            "OTP" => ButtonDefinition::Otp(match self.otp_type.as_deref() {
                Some("ONE_TAP") => OtpKind::OneTap,
                Some("ZERO_TAP") => OtpKind::ZeroTap,
                _ => OtpKind::CopyCode,
            }),
            "FLOW" => ButtonDefinition::Flow { label },
            "CATALOG" => ButtonDefinition::Catalog { label },
            "MPM" => ButtonDefinition::Products { label },
            "VOICE_CALL" => ButtonDefinition::VoiceCall { label },
            _ => ButtonDefinition::Other(self.kind.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
