//! Buttons and what campaigns give to them.

use std::collections::BTreeMap;

use super::{Compiler, LONG};
use crate::template::message_plan::Check;
use crate::template::{
    Argument, ButtonDefinition, ButtonValue, Component, TemplateDefinition, TemplateError, Value,
};

/// The most characters of what comes back from a quick reply.
const PAYLOAD_CHARS: usize = 256;

impl Compiler<'_> {
    pub(super) fn buttons(
        &mut self,
        wanted: &[ButtonDefinition],
        given: &BTreeMap<u8, ButtonValue>,
        of: &str,
    ) -> Result<Vec<Component>, TemplateError> {
        if let Some((index, value)) = given.iter().find(|(index, _)| wanted.len() <= usize::from(**index)) {
            let has = format!("has {} buttons{of}, counted from 0", wanted.len());
            return Err(self.mismatch(has, format!("{} for button {index}", value.describe())));
        }
        let mut components = Vec::new();
        for (index, definition) in (0..=u8::MAX).zip(wanted) {
            if let Some(value) = self.button(&format!("button {index}{of}"), definition, given.get(&index))? {
                components.push(Component::Button { index, value });
            }
        }
        Ok(components)
    }

    fn button(
        &mut self,
        place: &str,
        wanted: &ButtonDefinition,
        given: Option<&ButtonValue>,
    ) -> Result<Option<Argument>, TemplateError> {
        use ButtonDefinition as Has;
        use ButtonValue as Gives;
        let argument = match (wanted, given) {
            (Has::Url { .. }, Some(Gives::Url(end))) if wanted.prefix_chars().is_some() => {
                let prefix = wanted.prefix_chars().unwrap_or_default();
                self.room(format!("link of {place}"), prefix, ButtonDefinition::URL_CHARS);
                Argument::Url(self.value(place, end, 1, Check::Url)?)
            }
            (Has::CopyCode, Some(Gives::CopyCode(coupon))) => {
                Argument::CopyCode(self.single(place, coupon, TemplateDefinition::CODE_CHARS, Check::Text)?)
            }
            (Has::QuickReply { .. }, Some(Gives::QuickReply(payload))) => {
                Argument::QuickReply(self.single(place, payload, PAYLOAD_CHARS, Check::Text)?)
            }
            (Has::Flow { .. }, Some(Gives::Flow { token, data })) => {
                let token = self.single(place, token, LONG, Check::Text)?;
                let value = |(name, source): (&String, &String)| {
                    Ok((name.clone(), self.single(place, source, LONG, Check::Text)?))
                };
                Argument::Flow { token, data: data.iter().map(value).collect::<Result<_, _>>()? }
            }
            // WhatsApp wants a token of every flow, and calls it this when nobody needs one.
            (Has::Flow { .. }, None) => {
                Argument::Flow { token: Value::Constant("unused".to_owned()), data: Vec::new() }
            }
            (Has::Catalog { .. }, Some(Gives::Catalog { thumbnail })) => {
                Argument::Catalog(self.single(place, thumbnail, LONG, Check::Text)?)
            }
            (Has::Products { .. }, Some(Gives::Products { thumbnail, sections })) => {
                let products: usize = sections.iter().map(|section| section.products.len()).sum();
                if !(1..=10).contains(&sections.len()) || !(1..=30).contains(&products) {
                    let has = format!("takes 1 to 10 sections and 1 to 30 products at {place}");
                    let other = format!("{} sections and {products} products", sections.len());
                    return Err(self.mismatch(has, other));
                }
                let thumbnail = self.single(place, thumbnail, LONG, Check::Text)?;
                let mut filled = Vec::with_capacity(sections.len());
                for section in sections {
                    let title = self.single(place, &section.title, 24, Check::Text)?;
                    let product = |id: &String| self.single(place, id, LONG, Check::Text);
                    filled.push((title, section.products.iter().map(product).collect::<Result<_, _>>()?));
                }
                Argument::Products { thumbnail, sections: filled }
            }
            (Has::Url { .. }, None) if wanted.prefix_chars().is_none() => return Ok(None),
            (
                Has::QuickReply { .. }
                | Has::Phone { .. }
                | Has::Catalog { .. }
                | Has::VoiceCall { .. }
                | Has::Otp(_)
                | Has::Other(_),
                None,
            ) => return Ok(None),
            (wanted, given) => {
                let has = format!("has {} at {place}", wanted.describe());
                return Err(self.mismatch(has, given.map_or("nothing for it", ButtonValue::describe)));
            }
        };
        Ok(Some(argument))
    }
}
