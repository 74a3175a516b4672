//! How far a campaign is: people counted so that the sums hold.

use std::collections::BTreeMap;

use rules_core::judge::code::Code;

use crate::delivery::PlanVerdict;
use crate::fact::{Answer, Facts, State};

/// What a campaign's people are counted as. Every record is in exactly one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// The record cannot be read.
    Malformed,
    /// Number or parameters are not valid.
    Invalid,
    /// A rule says no.
    Suppressed,
    /// The person has a message of this campaign already.
    Duplicate,
    /// A message is planned and stands here.
    Message(State),
}

#[cfg(any(feature = "redis", feature = "sqlite"))]
impl Bucket {
    const ALL: [Self; 14] = [
        Self::Malformed,
        Self::Invalid,
        Self::Suppressed,
        Self::Duplicate,
        Self::Message(State::Waiting),
        Self::Message(State::Deferred),
        Self::Message(State::Sending),
        Self::Message(State::Unknown),
        Self::Message(State::Accepted),
        Self::Message(State::Delivered),
        Self::Message(State::Read),
        Self::Message(State::Failed),
        Self::Message(State::Dead),
        Self::Message(State::Expired),
    ];

    /// A stable number for stores.
    pub(crate) fn number(self) -> u8 {
        let index = Self::ALL.iter().position(|bucket| *bucket == self).unwrap_or_default();
        u8::try_from(index).unwrap_or(u8::MAX)
    }

    /// The bucket with this number.
    pub(crate) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// Where a record is counted, and under which reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// In which bucket.
    pub bucket: Bucket,
    /// Why, where there is a reason.
    pub code: Option<Code>,
}

impl Label {
    /// The label of a record that was just planned.
    pub fn planned(verdict: &PlanVerdict) -> Self {
        let (bucket, code) = match verdict {
            PlanVerdict::Planned => (Bucket::Message(State::Waiting), None),
            PlanVerdict::Malformed(code) => (Bucket::Malformed, Some(code.clone())),
            PlanVerdict::Invalid(code) => (Bucket::Invalid, Some(code.clone())),
            PlanVerdict::Suppressed(code) => (Bucket::Suppressed, Some(code.clone())),
            PlanVerdict::Duplicate => (Bucket::Duplicate, Some(DUPLICATE_PERSON)),
        };
        Self { bucket, code }
    }

    /// The label of a planned message.
    pub fn of(facts: &Facts) -> Self {
        let state = facts.state();
        let explained = match state {
            State::Waiting => facts.answer == Answer::Again,
            State::Deferred | State::Unknown | State::Failed | State::Dead => true,
            State::Sending | State::Accepted | State::Delivered | State::Read | State::Expired => false,
        };
        let code = match facts.answer {
            Answer::GivenUp if state == State::Unknown => Some(UNKNOWN_FINAL),
            _ => facts.code.clone().filter(|_| explained),
        };
        Self { bucket: Bucket::Message(state), code }
    }
}

/// Why a record is counted as a duplicate.
pub const DUPLICATE_PERSON: Code = Code::known("recipient.duplicate_person");

/// Nobody will ever know what came of the message, and it is not sent again.
pub const UNKNOWN_FINAL: Code = Code::known("dispatch.unknown_final");

/// How far a campaign is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    counts: BTreeMap<Label, u64>,
    /// Attempts begun so far, repeats included.
    pub begun: u64,
    /// Messages that WhatsApp took so far, whatever came of them.
    pub accepted: u64,
    /// Messages that WhatsApp took and held back so far.
    pub held: u64,
    /// Attempts begun so far after one of which nobody knew what came of it.
    pub risked: u64,
    /// Messages of which WhatsApp took two attempts for that reason.
    pub doubled: u64,
    /// Batches that are frozen.
    pub batches: u32,
    /// Batches whose references were put into the queue.
    pub queued: u32,
    /// Where in the source the next batch begins; `None` before the first.
    pub cursor: Option<String>,
}

impl Progress {
    pub(crate) fn count(&mut self, label: Label, change: i64) {
        let count = self.counts.entry(label).or_default();
        *count = count.saturating_add_signed(change);
        self.counts.retain(|_, count| 0 < *count);
    }

    /// Records counted in one bucket.
    pub fn in_bucket(&self, bucket: Bucket) -> u64 {
        self.counts.iter().filter(|(label, _)| label.bucket == bucket).map(|(_, count)| count).sum()
    }

    /// Planned messages that stand here.
    pub fn in_state(&self, state: State) -> u64 {
        self.in_bucket(Bucket::Message(state))
    }

    /// Records that were read.
    pub fn rows(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Messages that were planned.
    pub fn planned(&self) -> u64 {
        let planned = |label: &Label| matches!(label.bucket, Bucket::Message(_));
        self.counts.iter().filter(|(label, _)| planned(label)).map(|(_, count)| count).sum()
    }

    /// Messages that may still be begun or whose answer is awaited.
    pub fn open(&self) -> u64 {
        [State::Waiting, State::Deferred, State::Sending].into_iter().map(|state| self.in_state(state)).sum()
    }

    /// Messages of which nobody knows what came, and whose story is not ended.
    pub fn in_doubt(&self) -> u64 {
        let label = Label { bucket: Bucket::Message(State::Unknown), code: Some(UNKNOWN_FINAL) };
        let ended = self.counts.get(&label).copied().unwrap_or_default();
        self.in_state(State::Unknown).saturating_sub(ended)
    }

    /// Every label with its count, in a stable order.
    pub fn labels(&self) -> impl Iterator<Item = (&Label, u64)> {
        self.counts.iter().map(|(label, count)| (label, *count))
    }

    /// Reasons with their counts, the buckets taken together.
    pub fn reasons(&self) -> BTreeMap<Code, u64> {
        let mut reasons = BTreeMap::new();
        for (label, count) in &self.counts {
            if let Some(code) = &label.code {
                *reasons.entry(code.clone()).or_default() += count;
            }
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_has_its_number() {
        for (number, bucket) in (0..).zip(Bucket::ALL) {
            assert_eq!(bucket.number(), number);
            assert_eq!(Bucket::numbered(number), Some(bucket));
        }
        assert_eq!(Bucket::numbered(14), None);
    }
}
