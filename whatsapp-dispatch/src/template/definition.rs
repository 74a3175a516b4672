use super::text::Text;
use super::{Template, TemplateError};
use crate::media::MediaKind;

mod button;
mod header;
mod variables;

pub use button::{ButtonDefinition, OtpKind};
pub use header::HeaderKind;
pub use variables::Variables;

pub(super) use header::HeaderDefinition;

/// How people take a template ("Template quality rating", Meta, 2026).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// Few complaints.
    Green,
    /// Complaints; it may be paused.
    Yellow,
    /// Many complaints; it will be paused.
    Red,
}

/// A template as Meta approved it.
///
/// Limits count characters: header 60, body 1,024, body of a card 160, footer 60, label of a
/// button 25, link 2,000 (Template components, 2026).
///
/// ```
/// use whatsapp_dispatch::template::{ButtonDefinition, Template, TemplateDefinition};
/// let definition = TemplateDefinition::new(
///     Template::marketing("diwali_offer", "en_US"),
///     "Hi {{1}}, {{2}} off until Sunday!",
/// )?
/// .with_header("For {{1}}")?
/// .with_buttons([ButtonDefinition::url("Shop", "https://example.com/{{1}}")])?;
/// assert_eq!(definition.render(&["Asha", "20 %"]), "Hi Asha, 20 % off until Sunday!");
/// # Ok::<(), whatsapp_dispatch::template::TemplateError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateDefinition {
    template: Template,
    pub(super) header: Option<HeaderDefinition>,
    pub(super) body: Text,
    footer: Option<String>,
    /// Whether the campaign says when the offer ends; `None` when there is no offer.
    pub(super) offer: Option<bool>,
    pub(super) buttons: Vec<ButtonDefinition>,
    pub(super) cards: Vec<CardText>,
    quality: Option<Quality>,
}

/// One card of a carousel as Meta approved it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardDefinition {
    /// Its picture or video.
    pub header: HeaderKind,
    /// Its body, at most 160 characters.
    pub body: Option<String>,
    /// Its buttons.
    pub buttons: Vec<ButtonDefinition>,
}

impl CardDefinition {
    /// A card with a picture or video, a body and no button.
    pub fn new(header: MediaKind, body: impl Into<String>) -> Self {
        Self { header: HeaderKind::Media(header), body: Some(body.into()), buttons: Vec::new() }
    }

    /// The same with these buttons.
    #[must_use]
    pub fn with_buttons(self, buttons: impl IntoIterator<Item = ButtonDefinition>) -> Self {
        Self { buttons: buttons.into_iter().collect(), ..self }
    }
}

/// A card whose text was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CardText {
    pub(super) header: HeaderDefinition,
    pub(super) body: Option<Text>,
    pub(super) buttons: Vec<ButtonDefinition>,
}

impl TemplateDefinition {
    /// The most characters of a body, filled or not.
    pub const BODY_CHARS: usize = 1024;
    pub(super) const HEADER_CHARS: usize = 60;
    pub(super) const CARD_CHARS: usize = 160;
    const FOOTER_CHARS: usize = 60;
    /// The most characters of a one-time code or a coupon.
    pub(super) const CODE_CHARS: usize = 15;

    /// A template with this body text.
    ///
    /// # Errors
    /// [`TemplateError`] when the template's name or the text breaks a rule of WhatsApp.
    pub fn new(template: Template, body: &str) -> Result<Self, TemplateError> {
        template.check()?;
        let text = read(body, Self::BODY_CHARS).and_then(|text| {
            if text.begins_or_ends_with_variable() {
                return Err("it begins or ends with a variable; put words around it".to_owned());
            }
            Ok(text)
        });
        let body = text.map_err(|what| refused(&template, "body", what))?;
        Ok(Self::of(template, body))
    }

    /// A template for one-time codes, whose text is WhatsApp's own.
    ///
    /// # Errors
    /// [`TemplateError`] when the template's name breaks a rule of WhatsApp.
    pub fn authentication(template: Template, otp: OtpKind) -> Result<Self, TemplateError> {
        template.check()?;
        let body = Text::parse("{{1}}").map_err(|what| refused(&template, "body", what))?;
        Ok(Self { buttons: vec![ButtonDefinition::Otp(otp)], ..Self::of(template, body) })
    }

    const fn of(template: Template, body: Text) -> Self {
        Self {
            template,
            header: None,
            body,
            footer: None,
            offer: None,
            buttons: Vec::new(),
            cards: Vec::new(),
            quality: None,
        }
    }

    /// The same template with this header text.
    ///
    /// # Errors
    /// [`TemplateError::Text`] when it is empty, longer than 60 characters or has two variables.
    pub fn with_header(self, header: &str) -> Result<Self, TemplateError> {
        let text = read(header, Self::HEADER_CHARS).and_then(|text| match text.variables.len() {
            0 | 1 => Ok(text),
            _ => Err("it has more than one variable; WhatsApp allows one".to_owned()),
        });
        let text = text.map_err(|what| refused(&self.template, "header", what))?;
        Ok(Self { header: Some(HeaderDefinition::Text(text)), ..self })
    }

    /// The same template with a picture, a place or the like above its body.
    #[must_use]
    pub fn with_header_kind(self, kind: HeaderKind) -> Self {
        Self { header: Some(HeaderDefinition::Kind(kind)), ..self }
    }

    /// The same template with this footer text.
    ///
    /// # Errors
    /// [`TemplateError::Text`] when it is empty, longer than 60 characters or has a variable.
    pub fn with_footer(self, footer: &str) -> Result<Self, TemplateError> {
        let text = read(footer, Self::FOOTER_CHARS).and_then(|text| match text.variables.len() {
            0 => Ok(()),
            _ => Err("it has a variable; WhatsApp allows none".to_owned()),
        });
        text.map_err(|what| refused(&self.template, "footer", what))?;
        Ok(Self { footer: Some(footer.to_owned()), ..self })
    }

    /// The same template with a limited-time offer; `expires` when the campaign says until when.
    #[must_use]
    pub fn with_limited_time_offer(self, expires: bool) -> Self {
        Self { offer: Some(expires), ..self }
    }

    /// The same template with these buttons, in order.
    ///
    /// # Errors
    /// [`TemplateError::Text`] when there are more than 10, more than WhatsApp allows of a kind,
    /// or a label, number or link is too long.
    pub fn with_buttons(
        self,
        buttons: impl IntoIterator<Item = ButtonDefinition>,
    ) -> Result<Self, TemplateError> {
        let buttons: Vec<_> = buttons.into_iter().collect();
        button::check(&buttons).map_err(|what| refused(&self.template, "buttons", what))?;
        Ok(Self { buttons, ..self })
    }

    /// The same template with a carousel of these cards, in order.
    ///
    /// # Errors
    /// [`TemplateError::Text`] unless there are 2 to 10 cards with texts that fit.
    pub fn with_cards(self, cards: impl IntoIterator<Item = CardDefinition>) -> Result<Self, TemplateError> {
        let read = |card: CardDefinition| {
            button::check(&card.buttons)?;
            let body = card.body.map(|body| read(&body, Self::CARD_CHARS)).transpose()?;
            Ok(CardText { header: HeaderDefinition::Kind(card.header), body, buttons: card.buttons })
        };
        let refuse = |what: String| refused(&self.template, "carousel", what);
        let cards: Vec<_> = cards.into_iter().map(read).collect::<Result<_, _>>().map_err(refuse)?;
        if !(2..=10).contains(&cards.len()) {
            return Err(refuse(format!("it has {} cards; WhatsApp allows 2 to 10", cards.len())));
        }
        Ok(Self { cards, ..self })
    }

    /// The same template with what is known of its quality.
    #[must_use]
    pub fn with_quality(self, quality: Option<Quality>) -> Self {
        Self { quality, ..self }
    }

    /// Which template it is.
    pub const fn template(&self) -> &Template {
        &self.template
    }

    /// The variables of the body.
    pub const fn variables(&self) -> &Variables {
        &self.body.variables
    }

    /// The footer, if there is one.
    pub fn footer(&self) -> Option<&str> {
        self.footer.as_deref()
    }

    /// The buttons, in order.
    pub fn buttons(&self) -> &[ButtonDefinition] {
        &self.buttons
    }

    /// How people take it, if WhatsApp said so.
    pub const fn quality(&self) -> Option<Quality> {
        self.quality
    }

    /// The body as a person sees it, with `values` in the order of [`Self::variables`].
    pub fn render(&self, values: &[&str]) -> String {
        self.body.render(values)
    }

    /// The place of the button that takes the one-time code.
    pub(super) fn otp(&self) -> Option<u8> {
        let place = self.buttons.iter().position(|button| matches!(button, ButtonDefinition::Otp(_)));
        place.and_then(|place| u8::try_from(place).ok())
    }
}

fn refused(template: &Template, part: &'static str, what: String) -> TemplateError {
    TemplateError::Text { template: template.to_string(), part, what }
}

fn read(text: &str, most: usize) -> Result<Text, String> {
    within(text, most)?;
    Text::parse(text)
}

fn within(text: &str, most: usize) -> Result<(), String> {
    match text.chars().count() {
        0 => Err("it is empty".to_owned()),
        count if count > most => Err(format!("it has {count} characters; WhatsApp allows {most}")),
        _ => Ok(()),
    }
}
