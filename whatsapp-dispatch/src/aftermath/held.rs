//! What this process put on hold, and because of which message: for reports, and so that what was
//! taken from the queue just before is not begun.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::key::{Lane, Outlet};
use rules_core::judge::tenant::TenantId;
use rules_core::work::lanes::HoldOn;

use crate::campaigns::CampaignRecord;
use crate::message::{CampaignKey, MessageKey};

/// What waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Whom {
    /// One campaign.
    Campaign(CampaignKey),
    /// Everything that leaves through an outlet of the tenant.
    Number(TenantId, String),
    /// Everything of the tenant.
    Tenant(TenantId),
}

impl Whom {
    /// The number that a campaign leaves from.
    fn sender_of(record: &CampaignRecord) -> Self {
        let sender = &record.definition.sender;
        Self::Number(sender.tenant.clone(), sender.number_id.as_str().to_owned())
    }

    /// What a hold is on; a lane is that of a campaign.
    pub(crate) fn of(on: &HoldOn) -> Option<Self> {
        match on {
            HoldOn::Lane(lane) => Self::lane(lane),
            HoldOn::Outlet(outlet) => Some(Self::outlet(outlet)),
            HoldOn::Tenant(tenant) => Some(Self::Tenant(tenant.clone())),
        }
    }

    fn lane(lane: &Lane) -> Option<Self> {
        let number = lane.topic().parse().ok()?;
        Some(Self::Campaign(CampaignKey::stored(lane.tenant(), number)))
    }

    fn outlet(outlet: &Outlet) -> Self {
        Self::Number(outlet.tenant().clone(), outlet.name().to_owned())
    }
}

/// How long a hold of ours is taken for granted; others may have released it since.
const BELIEVED: TimeDelta = TimeDelta::seconds(5);

/// Holds that are remembered, at most so many.
const MOST: usize = 1_000;

/// The holds of this process.
#[derive(Debug, Default)]
pub(super) struct Held {
    notes: HashMap<Whom, Note>,
}

#[derive(Debug)]
struct Note {
    code: Code,
    until: Option<DateTime<Utc>>,
    sample: MessageKey,
    at: DateTime<Utc>,
}

impl Note {
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        now - self.at < BELIEVED && self.until.is_none_or(|until| now < until)
    }
}

impl Held {
    pub(super) fn note(
        &mut self,
        whom: Whom,
        code: &Code,
        until: Option<DateTime<Utc>>,
        sample: &MessageKey,
        now: DateTime<Utc>,
    ) {
        if MOST <= self.notes.len()
            && !self.notes.contains_key(&whom)
            && let Some(oldest) =
                self.notes.iter().min_by_key(|(_, note)| note.at).map(|(whom, _)| whom.clone())
        {
            self.notes.remove(&oldest);
        }
        let note = Note { code: code.clone(), until, sample: sample.clone(), at: now };
        match self.notes.get_mut(&whom) {
            // The first message that met it stays its sample.
            Some(known) if known.code == note.code => *known = Note { sample: known.sample.clone(), ..note },
            Some(known) => *known = note,
            None => drop(self.notes.insert(whom, note)),
        }
    }

    /// True when a hold of ours was made just now and lasts as long as this one would.
    pub(super) fn outlasts(&self, whom: &Whom, until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        let lasts = |known: Option<DateTime<Utc>>| match (known, until) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(known), Some(until)) => until <= known + BELIEVED,
        };
        self.notes.get(whom).is_some_and(|note| note.is_fresh(now) && lasts(note.until))
    }

    /// True when messages of the campaign must not be begun because its number or its tenant was
    /// put on hold just now. Whether the campaign itself is paused is asked at the store.
    pub(super) fn keeps(&self, record: &CampaignRecord, now: DateTime<Utc>) -> bool {
        let fresh = |whom: &Whom| self.notes.get(whom).is_some_and(|note| note.is_fresh(now));
        !self.notes.is_empty()
            && (fresh(&Whom::sender_of(record)) || fresh(&Whom::Tenant(record.key.tenant().clone())))
    }

    pub(super) fn sample(&self, whom: &Whom, code: &Code) -> Option<MessageKey> {
        self.notes.get(whom).filter(|note| note.code == *code).map(|note| note.sample.clone())
    }

    pub(super) fn forget(&mut self, whom: &Whom) {
        self.notes.remove(whom);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    fn whom(number: u32) -> Whom {
        Whom::Number(TenantId::parse("main").unwrap(), number.to_string())
    }

    fn message(record: u32) -> MessageKey {
        CampaignKey::stored(&TenantId::parse("main").unwrap(), 1).message(record)
    }

    const CODE: Code = Code::known("test.held");

    #[test]
    fn a_short_hold_does_not_replace_a_longer_one_that_was_just_made() {
        let mut held = Held::default();
        held.note(whom(1), &CODE, None, &message(7), at(0));
        assert!(held.outlasts(&whom(1), Some(at(90)), at(1)) && held.outlasts(&whom(1), None, at(1)));
        assert!(!held.outlasts(&whom(1), Some(at(90)), at(5)), "somebody may have released it since");
        assert!(!held.outlasts(&whom(2), Some(at(90)), at(1)));
        held.note(whom(2), &CODE, Some(at(90)), &message(7), at(0));
        assert!(!held.outlasts(&whom(2), None, at(1)));
        assert!(!held.outlasts(&whom(2), Some(at(600)), at(1)));
        assert!(held.outlasts(&whom(2), Some(at(91)), at(1)));
    }

    #[test]
    fn the_first_message_stays_the_sample_of_its_code() {
        let mut held = Held::default();
        held.note(whom(1), &CODE, None, &message(7), at(0));
        held.note(whom(1), &CODE, None, &message(9), at(1));
        assert_eq!(held.sample(&whom(1), &CODE), Some(message(7)));
        let other = Code::known("test.other");
        assert_eq!(held.sample(&whom(1), &other), None);
        held.note(whom(1), &other, None, &message(11), at(2));
        assert_eq!(held.sample(&whom(1), &other), Some(message(11)));
        held.forget(&whom(1));
        assert_eq!(held.sample(&whom(1), &other), None);
    }

    #[test]
    fn it_is_bounded_and_the_oldest_goes_first() {
        let mut held = Held::default();
        for number in 0..=1_000 {
            held.note(whom(number), &CODE, None, &message(number), at(i64::from(number)));
        }
        assert_eq!(held.notes.len(), MOST);
        assert_eq!(held.sample(&whom(0), &CODE), None);
        assert!(held.sample(&whom(1), &CODE).is_some() && held.sample(&whom(1_000), &CODE).is_some());
    }
}
