use std::fmt::{self, Display, Formatter};

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::work::lanes::Hold;

use crate::campaigns::{CampaignRecord, Status};
use crate::fact::State;
use crate::message::MessageKey;
use crate::planner::by_count;
use crate::progress::{Bucket, Progress};

/// Where a campaign stands: people counted so that the sums hold.
///
/// `rows = malformed + invalid + duplicate + suppressed + planned` and `planned = waiting +
/// deferred + cancelled + expired + dead + failed + unknown + accepted_without_delivery +
/// delivered`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The campaign.
    pub record: CampaignRecord,
    /// Its people, counted.
    pub progress: Progress,
    /// What keeps its messages from leaving: holds on the campaign, its number or its tenant.
    pub holds: Vec<Hold>,
    /// For each hold the message because of which it was made, if this process made it lately.
    pub samples: Vec<Option<MessageKey>>,
    /// Messages that a worker has: they may still be begun, whatever holds the others.
    pub leased: u64,
}

impl Report {
    fn state(&self, state: State) -> u64 {
        self.progress.in_state(state)
    }

    /// True when what waits will never be begun. Of a campaign that was finished nothing waits.
    fn is_cancelled(&self) -> bool {
        self.record.status == Status::Cancelled || self.record.status.is_sealed()
    }

    /// Messages to be begun, or on the wire.
    pub fn waiting(&self) -> u64 {
        let waiting = if self.is_cancelled() { 0 } else { self.state(State::Waiting) };
        waiting + self.state(State::Sending)
    }

    /// Messages that a rule put off until an instant.
    pub fn deferred(&self) -> u64 {
        if self.is_cancelled() { 0 } else { self.state(State::Deferred) }
    }

    /// Messages that will never be begun because the campaign was cancelled.
    pub fn cancelled(&self) -> u64 {
        if self.is_cancelled() { self.state(State::Waiting) + self.state(State::Deferred) } else { 0 }
    }

    /// Messages whose time ran out.
    pub fn expired(&self) -> u64 {
        self.state(State::Expired)
    }

    /// Messages whose attempts are used up, or that were refused at the last gate.
    pub fn dead(&self) -> u64 {
        self.state(State::Dead)
    }

    /// Messages that WhatsApp refused for good, at once or later.
    pub fn failed(&self) -> u64 {
        self.state(State::Failed)
    }

    /// Messages that were begun and of which nobody knows what came.
    pub fn unknown(&self) -> u64 {
        self.state(State::Unknown)
    }

    /// Messages that WhatsApp took and of whose delivery nothing is known.
    pub fn accepted_without_delivery(&self) -> u64 {
        self.state(State::Accepted)
    }

    /// Messages that reached a device, those that were read included.
    pub fn delivered(&self) -> u64 {
        self.state(State::Delivered) + self.state(State::Read)
    }

    /// Messages that were shown to their person.
    pub fn read(&self) -> u64 {
        self.state(State::Read)
    }

    /// Records in one of the buckets that get no message.
    pub fn left_out(&self, bucket: Bucket) -> u64 {
        self.progress.in_bucket(bucket)
    }

    /// True when nothing can be begun before its next known instant.
    pub(super) fn rests(&self) -> bool {
        let held = !self.holds.is_empty() && self.leased == 0;
        let stopped = self.record.status != Status::Released || held;
        self.state(State::Sending) == 0
            && (stopped || self.state(State::Waiting) == 0)
            && (stopped || self.progress.queued == self.progress.batches)
    }

    /// The counts under their stable names, in the order in which they add up.
    pub fn counts(&self) -> [(&'static str, u64); 20] {
        [
            ("rows", self.progress.rows()),
            ("malformed", self.left_out(Bucket::Malformed)),
            ("invalid", self.left_out(Bucket::Invalid)),
            ("duplicate", self.left_out(Bucket::Duplicate)),
            ("suppressed", self.left_out(Bucket::Suppressed)),
            ("planned", self.progress.planned()),
            ("waiting", self.waiting()),
            ("deferred", self.deferred()),
            ("cancelled", self.cancelled()),
            ("expired", self.expired()),
            ("dead", self.dead()),
            ("failed", self.failed()),
            ("unknown", self.unknown()),
            ("accepted_without_delivery", self.accepted_without_delivery()),
            ("delivered", self.delivered()),
            ("begun", self.progress.begun),
            ("accepted", self.progress.accepted),
            ("held_back", self.progress.held),
            ("begun_in_doubt", self.progress.risked),
            ("taken_twice", self.progress.doubled),
        ]
    }

    /// Who waits for what: the holds, and what rules put off.
    pub fn waits(&self) -> Vec<Waiting> {
        let samples = self.samples.iter().cloned().chain(std::iter::repeat(None));
        let holds = self.holds.iter().zip(samples).map(|(hold, sample)| Waiting {
            code: hold.code.clone(),
            until: hold.until,
            messages: None,
            sample,
        });
        let put_off = self.progress.labels().filter_map(|(label, count)| match label.bucket {
            Bucket::Message(State::Deferred) => {
                let code = label.code.clone()?;
                Some(Waiting { code, until: None, messages: Some(count), sample: None })
            }
            _ => None,
        });
        holds.chain(put_off).collect()
    }
}

/// Something that keeps messages from leaving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Why.
    pub code: Code,
    /// Until when; `None` if that is not known or differs from message to message.
    pub until: Option<DateTime<Utc>>,
    /// How many messages, if they are counted.
    pub messages: Option<u64>,
    /// The message whose answer made it, if that is known; of a number or a tenant it may be one
    /// of another campaign.
    pub sample: Option<MessageKey>,
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.record.name, self.record.status.as_str())?;
        for (name, count) in self.counts() {
            let always = matches!(name, "rows" | "planned" | "delivered");
            if always || 0 < count {
                let sum = matches!(name, "rows" | "planned" | "begun" | "accepted");
                let cumulative = matches!(name, "held_back" | "begun_in_doubt" | "taken_twice");
                let indent = if sum || cumulative { "" } else { "  " };
                writeln!(f, "  {count:>8}  {indent}{}", name.replace('_', " "))?;
            }
            if name == "delivered" {
                writeln!(f, "  {:>8}    of these read", self.read())?;
            }
        }
        let reasons = self.progress.reasons();
        if !reasons.is_empty() {
            writeln!(f, "  reasons:")?;
            for (code, count) in by_count(&reasons) {
                writeln!(f, "  {count:>8}  {code}")?;
            }
        }
        for wait in self.waits() {
            let until =
                wait.until.map_or_else(String::new, |until| format!(" until {}", until.format("%F %T UTC")));
            let sample = wait.sample.map_or_else(String::new, |sample| format!(", met by {sample}"));
            writeln!(f, "  waits for {}{until}{sample}", wait.code)?;
        }
        Ok(())
    }
}
