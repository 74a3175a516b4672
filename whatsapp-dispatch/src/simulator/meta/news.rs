//! Webhooks that are not about a message of ours: what people say, what Meta decides.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Meta;
use super::limits::{DAY_SECONDS, Pair};
use crate::simulator::fate::{Draw, Stop, Try, hides_number};
use crate::simulator::wire;

/// Something to be told in a webhook of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::simulator) struct News {
    pub(super) due_ms: i64,
    made: u64,
    pub(in crate::simulator) number: u16,
    /// The webhook's field.
    pub(in crate::simulator) field: String,
    /// Its value, as JSON.
    pub(in crate::simulator) value: String,
}

/// What a person says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Said {
    Text(String),
    /// The text of the button, under the message with this id.
    Button(String, String),
    /// Wants no marketing, or wants it again, in WhatsApp's own settings.
    Marketing(bool),
    /// Has another number now.
    NewNumber(u64),
}

/// What Meta tells about templates, numbers and accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Topic<'a> {
    TemplateStatus(&'a str),
    TemplateQuality(&'a str),
    Throughput,
    NumberQuality(&'a str),
    Account(&'a str),
    Capability(u32),
}

impl Meta {
    /// A person says something to a number.
    pub(in crate::simulator) fn hear(&mut self, number: u16, digits: u64, said: &Said, at_ms: i64) {
        let person = self.state.people.entry(Pair::new(number, digits)).or_default();
        match said {
            Said::Marketing(wanted) => person.stopped = !wanted,
            _ => person.window_until = u32::try_from(at_ms / 1_000).unwrap_or_default() + DAY_SECONDS,
        }
        self.state.counts.inbound += 1;
        let id = format!("wamid.IN{:016X}{:08X}", digits, self.state.made);
        let (field, value) = wire::inbound(self, number, digits, said, &id, at_ms / 1_000);
        self.announce(number, field, value, at_ms);
    }

    /// The person wants no other message.
    pub(super) fn stop(&mut self, of: Try, stop: Stop, at_ms: i64) {
        let said = match stop {
            Stop::Word => Said::Text("STOP".to_owned()),
            Stop::Button => Said::Button("Stop promotions".to_owned(), self.wamid(of)),
            Stop::Preference => Said::Marketing(false),
        };
        self.hear(of.number, of.digits, &said, at_ms);
    }

    pub(in crate::simulator) fn tell_of_template(
        &mut self,
        name: &str,
        topic: &Topic<'_>,
        now: DateTime<Utc>,
    ) {
        let language = self.templates.iter().find(|template| template.name == name);
        let language = language.map_or_else(|| "en_US".to_owned(), |template| template.language.clone());
        let (field, value) = wire::topic(topic, name, &language);
        self.announce(0, field, value, now.timestamp_millis());
    }

    pub(in crate::simulator) fn tell_of_number(&mut self, number: u16, topic: &Topic<'_>, at_ms: i64) {
        let (field, value) = wire::topic(topic, "", "");
        self.announce(number, field, value, at_ms);
    }

    fn announce(&mut self, number: u16, field: &str, value: String, due_ms: i64) {
        self.state.made += 1;
        let news = News { due_ms, made: self.state.made, number, field: field.to_owned(), value };
        self.state.news.push(Reverse(news));
    }

    /// What webhooks call a person beside the number: the country, a dot, and letters and digits.
    pub(in crate::simulator) fn user_id(&self, digits: u64) -> String {
        let region =
            crate::phone::PhoneNumber::from_digits(digits).and_then(crate::phone::PhoneNumber::region);
        let region = region.as_ref().map_or("ZZ", |region| region.as_str());
        format!("{region}.{:013X}", digits ^ self.veil())
    }

    /// True for a person whose number webhooks do not tell.
    pub(in crate::simulator) fn hides_number(&self, digits: u64) -> bool {
        hides_number(self.seed, digits, &self.faults)
    }

    /// The person behind a number or a user id.
    pub(super) fn digits(&self, to: &str) -> Option<u64> {
        if let Some(digits) = super::digits(to) {
            return Some(digits);
        }
        let (region, id) = to.split_once('.')?;
        let digits = u64::from_str_radix(id, 16).ok()? ^ self.veil();
        (region.len() == 2 && self.user_id(digits) == to).then_some(digits)
    }

    fn veil(&self) -> u64 {
        Draw::new(&[self.seed, 95]).next() & ((1 << 50) - 1)
    }
}
