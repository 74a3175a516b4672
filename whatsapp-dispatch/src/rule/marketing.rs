use std::ops::RangeInclusive;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::ballot::Ballot;
use rules_core::judge::code::Code;
use rules_core::judge::explanation::Note;
use rules_core::judge::fact::{Batch, FactId};
use rules_core::judge::rule::{Context, Rule, RuleError};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::country::Country;
use crate::people::SENT;
use crate::region::Region;
use crate::template::Category;

/// A fact: the kind of a message's template; `None` for a free-form message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageCategory(pub Option<Category>);

impl MessageCategory {
    const fn is_marketing(self) -> bool {
        matches!(self.0, Some(Category::Marketing))
    }
}

/// A fact: until when WhatsApp takes no marketing for a person. Empty for other messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketingWait {
    /// The first instant at which it is worth trying again.
    pub not_before: Option<DateTime<Utc>>,
}

/// A fact: when marketing was last sent to a person, in order, up to 16 instants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarketingSent(pub Vec<DateTime<Utc>>);

/// WhatsApp holds marketing back from the person for now.
pub(super) const DEFERRED: Code = Code::known("people.marketing_deferred");
/// The person had as many marketing messages as the cap allows.
pub(super) const CAPPED: Code = Code::known("people.frequency_cap");
/// Marketing to numbers of the United States is not delivered.
pub(super) const US_MARKETING: Code = Code::known("country.us_marketing");

/// Puts marketing off for people for whom WhatsApp refused it a while ago, in all campaigns: each
/// person gets a limited number of marketing messages of all businesses together (error 131049,
/// "Per-user marketing template message limits", Meta).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketingDeferral {}

impl Rule for MarketingDeferral {
    fn id(&self) -> &'static str {
        "marketing_deferral"
    }

    fn needs(&self) -> &[FactId] {
        const { &[FactId::of::<MarketingWait>()] }
    }

    fn judge(
        &self,
        context: &Context<'_>,
        batch: &Batch<'_>,
        ballot: &mut Ballot<'_>,
    ) -> Result<(), RuleError> {
        for (row, wait) in batch.column::<MarketingWait>()?.iter().enumerate() {
            ballot.note(row, || match wait.not_before {
                Some(until) => Note::new("marketing refused until", until),
                None => Note::new("marketing refused", false),
            });
            if let Some(until) = wait.not_before
                && context.now < until
            {
                ballot.defer(row, until, DEFERRED);
            }
        }
        Ok(())
    }
}

/// Sends nobody more than so many marketing messages in so many days; what is too much waits
/// until it is not. Other messages pass and are not counted.
///
/// ```toml
/// [[rule]]
/// kind = "frequency_cap"
/// messages = 2
/// days = 7
/// ```
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrequencyCap {
    #[serde(deserialize_with = "messages")]
    messages: u32,
    #[serde(deserialize_with = "days")]
    days: u32,
}

/// As many messages as are remembered of a person.
const MESSAGES: RangeInclusive<u32> = 1..=SENT;
const DAYS: RangeInclusive<u32> = 1..=366;

fn messages<'de, D: Deserializer<'de>>(value: D) -> Result<u32, D::Error> {
    within(value, &MESSAGES)
}

fn days<'de, D: Deserializer<'de>>(value: D) -> Result<u32, D::Error> {
    within(value, &DAYS)
}

fn within<'de, D: Deserializer<'de>>(value: D, range: &RangeInclusive<u32>) -> Result<u32, D::Error> {
    let value = u32::deserialize(value)?;
    let wrong = || D::Error::custom(format!("{value} is not within {} to {}", range.start(), range.end()));
    if range.contains(&value) { Ok(value) } else { Err(wrong()) }
}

impl FrequencyCap {
    /// At most 1 to 16 messages in 1 to 366 days; what is beyond counts as the nearest of these.
    pub fn new(messages: u32, days: u32) -> Self {
        let nearest = |value: u32, range: RangeInclusive<u32>| value.clamp(*range.start(), *range.end());
        Self { messages: nearest(messages, MESSAGES), days: nearest(days, DAYS) }
    }

    /// When a message more is within the cap, if it is not now. The message `messages` before
    /// must be `days` old.
    fn opens(self, now: DateTime<Utc>, sent: &[DateTime<Utc>]) -> Option<DateTime<Utc>> {
        let first = sent.len().checked_sub(self.messages as usize).and_then(|index| sent.get(index))?;
        let opens = first.checked_add_signed(TimeDelta::days(self.days.into()))?;
        (now < opens).then_some(opens)
    }
}

impl Rule for FrequencyCap {
    fn id(&self) -> &'static str {
        "frequency_cap"
    }

    fn needs(&self) -> &[FactId] {
        const { &[FactId::of::<MarketingSent>(), FactId::of::<MessageCategory>()] }
    }

    fn judge(
        &self,
        context: &Context<'_>,
        batch: &Batch<'_>,
        ballot: &mut Ballot<'_>,
    ) -> Result<(), RuleError> {
        let sent = batch.column::<MarketingSent>()?;
        for (row, (sent, category)) in sent.iter().zip(batch.column::<MessageCategory>()?).enumerate() {
            if !category.is_marketing() {
                continue;
            }
            ballot.note(row, || {
                let since = context.now - TimeDelta::days(self.days.into());
                let recent = sent.0.iter().filter(|at| since < **at).count();
                let cap = format_args!("at most {} in {} days", self.messages, self.days);
                Note::new("marketing messages sent", recent).against(cap)
            });
            if let Some(until) = self.opens(context.now, &sent.0) {
                ballot.defer(row, until, CAPPED);
            }
        }
        Ok(())
    }
}

/// Sends no marketing to numbers of the United States, because WhatsApp has not delivered any
/// since 2025-04-01 ("Per-user marketing template message limits", Meta).
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsMarketing {}

const US: Region = Region::known("US");

impl Rule for UsMarketing {
    fn id(&self) -> &'static str {
        "us_marketing"
    }

    fn needs(&self) -> &[FactId] {
        const { &[FactId::of::<Country>(), FactId::of::<MessageCategory>()] }
    }

    fn judge(&self, _: &Context<'_>, batch: &Batch<'_>, ballot: &mut Ballot<'_>) -> Result<(), RuleError> {
        let countries = batch.column::<Country>()?;
        for (row, (country, category)) in countries.iter().zip(batch.column::<MessageCategory>()?).enumerate()
        {
            let found = || country.0.as_ref().map_or("not known", Region::as_str);
            ballot.note(row, || Note::new("country", found()).against("no marketing to US"));
            if category.is_marketing() && country.0 == Some(US) {
                ballot.deny(row, US_MARKETING);
            }
        }
        Ok(())
    }
}
