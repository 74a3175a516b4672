//! Ties what a campaign gives to what its template wants and to the columns of its recipients.

use super::definition::{CardText, HeaderDefinition};
use super::expression::Expression;
use super::message_plan::{Check, Room, Slot};
use super::text::Text;
use super::{
    Argument, Card, Component, Components, Header, HeaderKind, Location, MediaBy, MessagePlan, Parameters,
    Skeleton, TemplateDefinition, TemplateError, Value, Variables,
};
use crate::columns::Columns;
use crate::media::MediaSource;

mod button;

/// The most characters of an address, a name and the like.
const LONG: usize = 2_000;

impl Components {
    /// Ties the expressions to the columns of a source and the places of the template.
    ///
    /// # Errors
    /// [`TemplateError::Mismatch`] when the campaign does not give exactly what the template
    /// wants; others when a text is no expression, names a column that does not exist, or can
    /// never be sent.
    pub fn compile(
        &self,
        columns: &Columns,
        definition: &TemplateDefinition,
    ) -> Result<MessagePlan, TemplateError> {
        let mut compiler = Compiler { definition, columns, slots: Vec::new(), rooms: Vec::new() };
        let components = compiler.components(self)?;
        let Compiler { slots, rooms, .. } = compiler;
        for room in &rooms {
            room.check(room.fixed_chars).map_err(|source| TemplateError::Constant { source })?;
        }
        Ok(MessagePlan { skeleton: Skeleton { components }, slots, rooms, columns: columns.clone() })
    }
}

struct Compiler<'a> {
    definition: &'a TemplateDefinition,
    columns: &'a Columns,
    slots: Vec<Slot>,
    rooms: Vec<Room>,
}

impl Compiler<'_> {
    fn components(&mut self, given: &Components) -> Result<Vec<Component>, TemplateError> {
        let wanted = self.definition;
        let mut components = Vec::new();
        components.extend(self.header(wanted.header.as_ref(), given.header.as_ref(), "")?);
        match (wanted.otp(), &given.code) {
            (Some(button), Some(code)) => components.extend(self.code(button, code, &given.body)?),
            (Some(_), None) => {
                return Err(self.mismatch("wants a one-time code", "none; add .code(\"{code}\")"));
            }
            (None, Some(_)) => return Err(self.mismatch("wants no one-time code", "one")),
            (None, None) => {
                let body = self.body(&wanted.body, &given.body, TemplateDefinition::BODY_CHARS, "")?;
                components.extend(body);
            }
        }
        match (wanted.offer, &given.limited_time_offer) {
            (Some(true), Some(expiry)) => {
                let value = self.single("the end of the offer", &expiry.0, LONG, Check::Instant)?;
                components.push(Component::LimitedTimeOffer(value));
            }
            (Some(true), None) => {
                return Err(self.mismatch("has an offer that ends", "no end; add .limited_time_offer(..)"));
            }
            (None | Some(false), Some(_)) => {
                return Err(self.mismatch("has no offer that ends", "an end of the offer"));
            }
            (None | Some(false), None) => {}
        }
        components.extend(self.buttons(&wanted.buttons, &given.buttons, "")?);
        if !wanted.cards.is_empty() || !given.cards.is_empty() {
            components.push(self.carousel(&wanted.cards, &given.cards)?);
        }
        Ok(components)
    }

    fn mismatch(&self, has: impl Into<String>, gives: impl Into<String>) -> TemplateError {
        let template = self.definition.template().to_string();
        TemplateError::Mismatch { template, has: has.into(), gives: gives.into() }
    }

    /// Opens a room; the values that come next stand in it.
    fn room(&mut self, name: impl Into<String>, fixed_chars: usize, most_chars: usize) {
        self.rooms.push(Room { name: name.into(), fixed_chars, most_chars });
    }

    /// A value in the room that was opened last.
    fn value(
        &mut self,
        place: &str,
        source: &str,
        uses: usize,
        check: Check,
    ) -> Result<Value, TemplateError> {
        let expression = Expression::parse(source)
            .map_err(|what| TemplateError::Expression { place: place.to_owned(), what })?
            .compile(self.columns)
            .map_err(|source| TemplateError::Column { place: place.to_owned(), source: Box::new(source) })?;
        if let Some(text) = expression.constant() {
            let text = check.value(text, place).map_err(|source| TemplateError::Constant { source })?;
            if let Some(room) = self.rooms.last_mut() {
                room.fixed_chars += uses * text.chars().count();
            }
            return Ok(Value::Constant(text));
        }
        let number = u16::try_from(self.slots.len()).unwrap_or(u16::MAX);
        let room = self.rooms.len().saturating_sub(1);
        self.slots.push(Slot { place: place.to_owned(), expression, check, room, uses });
        Ok(Value::Slot(number))
    }

    /// A value in a room of its own.
    fn single(
        &mut self,
        place: &str,
        source: &str,
        most_chars: usize,
        check: Check,
    ) -> Result<Value, TemplateError> {
        self.room(place.trim_start_matches("the "), 0, most_chars);
        self.value(place, source, 1, check)
    }

    fn optional(&mut self, place: &str, source: Option<&str>) -> Result<Option<Value>, TemplateError> {
        source.map(|source| self.single(place, source, LONG, Check::Text)).transpose()
    }

    fn header(
        &mut self,
        wanted: Option<&HeaderDefinition>,
        given: Option<&Header>,
        of: &str,
    ) -> Result<Option<Component>, TemplateError> {
        let place = format!("the header{of}");
        let argument = match (wanted, given) {
            (None, None) => return Ok(None),
            (Some(HeaderDefinition::Text(text)), None) if text.variables.is_empty() => return Ok(None),
            (Some(HeaderDefinition::Text(text)), Some(Header::Text(source)))
                if !text.variables.is_empty() =>
            {
                self.room("header", text.literal_chars(), TemplateDefinition::HEADER_CHARS);
                let uses = text.uses().first().copied().unwrap_or(1);
                let name = match &text.variables {
                    Variables::Named(names) => names.first().cloned(),
                    Variables::Positional(_) => None,
                };
                Argument::Text { name, text: self.value(&place, source, uses, Check::Text)? }
            }
            (
                Some(HeaderDefinition::Kind(HeaderKind::Media(wanted))),
                Some(Header::Media { kind, source, name }),
            ) if wanted == kind => {
                let by = self.medium(&place, source)?;
                let name = self.optional(&format!("the name of the document{of}"), name.as_deref())?;
                Argument::Media { kind: *kind, by, name }
            }
            (Some(HeaderDefinition::Kind(HeaderKind::Location)), Some(Header::Location(location))) => {
                self.location(&place, location)?
            }
            (wanted, given) => {
                let has = wanted.map_or_else(|| "no header to fill".to_owned(), ToString::to_string);
                let other = given.map_or_else(|| "nothing for the header".to_owned(), Header::describe);
                return Err(self.mismatch(format!("has {has}{of}"), format!("{other}{of}")));
            }
        };
        Ok(Some(Component::Header(argument)))
    }

    fn medium(&mut self, place: &str, source: &MediaSource) -> Result<MediaBy, TemplateError> {
        Ok(match source {
            MediaSource::Id(id) => MediaBy::Id(self.single(place, id, LONG, Check::Text)?),
            MediaSource::Link(link) => MediaBy::Link(self.single(place, link, LONG, Check::Link)?),
            MediaSource::Content(digest) => MediaBy::Content(digest.clone()),
            MediaSource::Bytes(media) => MediaBy::Content(media.digest()),
            MediaSource::File(_) => {
                let what = "the file was not read; plan the campaign with Dispatch::plan";
                return Err(TemplateError::Expression { place: place.to_owned(), what });
            }
        })
    }

    fn location(&mut self, place: &str, location: &Location) -> Result<Argument, TemplateError> {
        Ok(Argument::Location {
            latitude: self.single(place, &location.latitude, LONG, Check::Degrees(90))?,
            longitude: self.single(place, &location.longitude, LONG, Check::Degrees(180))?,
            name: self.optional(place, location.name.as_deref())?,
            address: self.optional(place, location.address.as_deref())?,
        })
    }

    /// The body and the button of an authentication template, both with the code.
    fn code(&mut self, button: u8, code: &str, body: &Parameters) -> Result<[Component; 2], TemplateError> {
        if *body != Parameters::default() {
            return Err(self.mismatch("wants a one-time code alone", "a body beside it"));
        }
        let code = self.single("the code", code, TemplateDefinition::CODE_CHARS, Check::Url)?;
        let text = Argument::Text { name: None, text: code.clone() };
        Ok([Component::Body(vec![text]), Component::Button { index: button, value: Argument::Url(code) }])
    }

    fn body(
        &mut self,
        wanted: &Text,
        given: &Parameters,
        most_chars: usize,
        of: &str,
    ) -> Result<Option<Component>, TemplateError> {
        let variables = Variables::given(given);
        if !variables.fit(&wanted.variables) {
            return Err(self.mismatch(format!("has {}{of}", wanted.variables), format!("{variables}{of}")));
        }
        let names = match &wanted.variables {
            Variables::Positional(count) => (1..=*count).map(|number| (number.to_string(), None)).collect(),
            Variables::Named(names) => {
                names.iter().map(|name| (name.clone(), Some(name.clone()))).collect::<Vec<_>>()
            }
        };
        self.room(format!("body{of}"), wanted.literal_chars(), most_chars);
        let mut arguments = Vec::with_capacity(names.len());
        for (place, ((label, name), uses)) in names.into_iter().zip(wanted.uses()).enumerate() {
            let source = match given {
                Parameters::Positional(sources) => sources.get(place),
                Parameters::Named(sources) => sources.get(&label),
            };
            let source = source.map(String::as_str).unwrap_or_default();
            let text = self.value(&format!("parameter {label}{of}"), source, uses, Check::Text)?;
            arguments.push(Argument::Text { name, text });
        }
        Ok((!arguments.is_empty()).then_some(Component::Body(arguments)))
    }

    fn carousel(&mut self, wanted: &[CardText], given: &[Card]) -> Result<Component, TemplateError> {
        if wanted.len() != given.len() {
            let has = format!("has {} cards", wanted.len());
            return Err(self.mismatch(has, format!("{} cards", given.len())));
        }
        let mut cards = Vec::with_capacity(wanted.len());
        for (number, (wanted, given)) in (1..).zip(wanted.iter().zip(given)) {
            let of = &format!(" of card {number}");
            let mut components = Vec::new();
            components.extend(self.header(Some(&wanted.header), Some(&given.header), of)?);
            let none = Text::default();
            let text = wanted.body.as_ref().unwrap_or(&none);
            components.extend(self.body(text, &given.body, TemplateDefinition::CARD_CHARS, of)?);
            components.extend(self.buttons(&wanted.buttons, &given.buttons, of)?);
            cards.push(components);
        }
        Ok(Component::Carousel(cards))
    }
}
