//! Crowds: how many different members there were in a rolling stretch of time.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Usage;
use crate::judge::id::{ChargeId, MemberId};
use crate::judge::key::MeterKey;
use crate::work::clock::after;

/// A limit on different members, such as the people that a business portfolio may write to in
/// any 24 hours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crowd {
    /// What is counted.
    pub key: MeterKey,
    /// A member counts for so long after its last admission. It belongs to the key: keep it the
    /// same from call to call.
    pub within: Duration,
    /// At most so many different members in any stretch of that length. It may differ from call
    /// to call: when it shrinks, nobody is let in before enough have left.
    pub limit: u64,
}

/// A wish to count a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Makes the call repeatable, and is what a refund names.
    pub id: ChargeId,
    /// Where.
    pub crowd: Crowd,
    /// Who.
    pub member: MemberId,
}

/// The answer to an admission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// The member counts, from now or from before.
    In,
    /// The crowd is full.
    Full {
        /// When the next member leaves; `None` when the limit is 0.
        frees_at: Option<DateTime<Utc>>,
    },
}

impl Admitted {
    /// True when the member counts.
    pub const fn is_in(self) -> bool {
        matches!(self, Self::In)
    }
}

/// One crowd in memory.
#[derive(Debug, Default)]
pub(super) struct Members {
    places: HashMap<MemberId, Place>,
    by_age: BTreeSet<(DateTime<Utc>, MemberId)>,
}

/// A member's place in a crowd.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: DateTime<Utc>,
    by: ChargeId,
    /// When the member was admitted before `by`, if it was.
    before: Option<DateTime<Utc>>,
}

/// Of an admission that was undone.
const NOBODYS: ChargeId = ChargeId::from_bytes([0; 16]);

/// All crowds in memory.
#[derive(Debug, Default)]
pub(super) struct Crowds {
    crowds: HashMap<MeterKey, Members>,
    admissions: HashMap<ChargeId, (MeterKey, MemberId)>,
}

impl Crowds {
    pub(super) fn admit(&mut self, admission: &Admission, now: DateTime<Utc>) -> Admitted {
        let Admission { id, crowd, member } = admission;
        let members = self.crowds.entry(crowd.key.clone()).or_default();
        for left in members.leave(crowd.within, now) {
            self.admissions.remove(&left);
        }
        let known = members.places.get(member).copied();
        if known.is_some_and(|place| place.by == *id) {
            return Admitted::In;
        }
        if known.is_none() && crowd.limit <= members.places.len() as u64 {
            return Admitted::Full { frees_at: members.frees_at(crowd) };
        }
        if let Some(place) = known {
            members.by_age.remove(&(place.at, *member));
            self.admissions.remove(&place.by);
        }
        let before = known.map(|place| place.at);
        members.places.insert(*member, Place { at: now, by: *id, before });
        members.by_age.insert((now, *member));
        self.admissions.insert(*id, (crowd.key.clone(), *member));
        Admitted::In
    }

    /// Undoes an admission, unless the member was admitted again since.
    pub(super) fn refund(&mut self, id: ChargeId) {
        let Some((key, member)) = self.admissions.remove(&id) else { return };
        let Some(members) = self.crowds.get_mut(&key) else { return };
        let Some(place) = members.places.remove(&member) else { return };
        members.by_age.remove(&(place.at, member));
        if let Some(at) = place.before {
            members.places.insert(member, Place { at, by: NOBODYS, before: None });
            members.by_age.insert((at, member));
        }
    }

    pub(super) fn usage(&self, crowd: &Crowd, now: DateTime<Utc>) -> Usage {
        let Some(members) = self.crowds.get(&crowd.key) else {
            return Usage { used: 0, left: crowd.limit, resets_at: None };
        };
        let there = || members.by_age.iter().filter(|(at, _)| now < after(*at, crowd.within));
        let used = there().count() as u64;
        let resets_at = there().next().map(|(at, _)| after(*at, crowd.within));
        Usage { used, left: crowd.limit.saturating_sub(used), resets_at }
    }
}

impl Members {
    /// Lets those go whose time is over; says by which admissions they were in.
    fn leave(&mut self, within: Duration, now: DateTime<Utc>) -> Vec<ChargeId> {
        let mut left = Vec::new();
        while let Some(&(at, member)) = self.by_age.first()
            && after(at, within) <= now
        {
            self.by_age.pop_first();
            left.extend(self.places.remove(&member).map(|place| place.by));
        }
        left
    }

    fn frees_at(&self, crowd: &Crowd) -> Option<DateTime<Utc>> {
        // When the limit has shrunk, so many must leave before there is room.
        let surplus = usize::try_from((self.by_age.len() as u64).saturating_sub(crowd.limit)).unwrap_or(0);
        let (at, _) = self.by_age.iter().nth(surplus)?;
        Some(after(*at, crowd.within))
    }
}
