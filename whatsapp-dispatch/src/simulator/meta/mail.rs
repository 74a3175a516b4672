//! Webhooks on their way: packed once, and brought again the same until they are taken.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::story::{Stage, Told};
use super::{Meta, State};
use crate::simulator::fate::Draw;
use crate::simulator::wire;

/// Statuses in one webhook, at most.
const BATCH: usize = 100;
/// The wait after the first refusal; it doubles each time, up to the longest.
const FIRST_WAIT_MS: i64 = 50;
const LONGEST_WAIT_MS: i64 = 3_600_000;
/// A webhook that is not taken for so long is given up ("Throughput", Meta, 2026-09-11).
const KEPT_MS: i64 = 7 * 24 * 3_600_000;

/// One webhook.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::simulator) struct Parcel {
    due_ms: i64,
    number: u64,
    made_ms: i64,
    tries: u32,
    pub(super) statuses: usize,
    /// Signed by somebody who does not know the secret.
    pub(in crate::simulator) forged: bool,
    pub(in crate::simulator) body: String,
}

impl Meta {
    /// The next webhook: the one of which nothing is known yet, else one that is due again, else
    /// what is due now.
    pub(in crate::simulator) fn next_parcel(&mut self, now: DateTime<Utc>) -> Option<Parcel> {
        let now_ms = now.timestamp_millis();
        if self.state.on_the_way.is_none() {
            let due = self.state.parcels.peek().is_some_and(|Reverse(first)| first.due_ms <= now_ms);
            if !due {
                self.pack(now_ms);
            }
            let due = self.state.parcels.peek().is_some_and(|Reverse(first)| first.due_ms <= now_ms);
            self.state.on_the_way =
                if due { self.state.parcels.pop().map(|Reverse(first)| first) } else { None };
        }
        self.state.on_the_way.clone()
    }

    /// Makes a webhook of what is due now, and perhaps a forged one beside it.
    fn pack(&mut self, now_ms: i64) {
        if let Some(Reverse(news)) = self.state.news.peek()
            && news.due_ms <= now_ms
            && let Some(Reverse(news)) = self.state.news.pop()
        {
            let body = wire::news(&self.numbers, &news);
            self.post_parcel(body, 0, false, now_ms);
            return;
        }
        let mut told = Vec::new();
        // Of what is due something may be lost or late, and then more is looked at.
        while told.len() < BATCH
            && self.state.pending.peek().is_some_and(|Reverse(first)| first.due_ms <= now_ms)
            && let Some(Reverse(next)) = self.state.pending.pop()
        {
            self.tell(next, &mut told);
        }
        let Some(first) = told.first() else { return };
        let mut draw = Draw::new(&[self.seed, first.digits, first.at_seconds.unsigned_abs(), 96]);
        if draw.chance(self.faults.forged_status) {
            let lie = |told: &Told| Told { stage: Stage::Failed(131_026), ..told.clone() };
            let lies: Vec<Told> = told.iter().map(lie).collect();
            self.post_parcel(wire::statuses(self, &lies), 0, true, now_ms);
        }
        self.post_parcel(wire::statuses(self, &told), told.len(), false, now_ms);
    }

    fn post_parcel(&mut self, body: String, statuses: usize, forged: bool, now_ms: i64) {
        self.state.made += 1;
        self.state.parcels.push(Reverse(Parcel {
            due_ms: now_ms,
            number: self.state.made,
            made_ms: now_ms,
            tries: 0,
            statuses,
            forged,
            body,
        }));
    }

    /// The endpoint took the last webhook.
    pub(in crate::simulator) fn taken(&mut self) {
        let Some(parcel) = self.state.on_the_way.take() else { return };
        let counts = &mut self.state.counts;
        if parcel.forged {
            counts.forged_taken += 1;
        } else {
            counts.webhooks += 1;
            counts.statuses += parcel.statuses as u64;
        }
    }

    /// The endpoint did not take the last webhook: it comes again later. Nobody repeats a forged
    /// one.
    pub(in crate::simulator) fn refused(&mut self, now: DateTime<Utc>) {
        let Some(parcel) = self.state.on_the_way.take() else { return };
        let now_ms = now.timestamp_millis();
        let counts = &mut self.state.counts;
        if parcel.forged {
            counts.forged_refused += 1;
        } else if parcel.made_ms + KEPT_MS < now_ms {
            counts.webhooks_lost += 1;
        } else {
            counts.webhooks_refused += 1;
            let wait_ms = (FIRST_WAIT_MS << parcel.tries.min(20)).min(LONGEST_WAIT_MS);
            let again = Parcel { due_ms: now_ms + wait_ms, tries: parcel.tries + 1, ..parcel };
            self.state.parcels.push(Reverse(again));
        }
    }

    /// There is a new endpoint: everything that waits comes at once.
    pub(in crate::simulator) fn bring_all(&mut self) {
        let waiting = std::mem::take(&mut self.state.parcels).into_iter();
        let now = |Reverse(parcel)| Reverse(Parcel { due_ms: 0, tries: 0, ..parcel });
        self.state.parcels = waiting.map(now).collect();
    }

    /// When the next webhook falls due.
    pub(in crate::simulator) fn next_due(&self) -> Option<DateTime<Utc>> {
        let State { pending, news, parcels, on_the_way, .. } = &self.state;
        let pending = pending.peek().map(|Reverse(first)| first.due_ms);
        let news = news.peek().map(|Reverse(first)| first.due_ms);
        let parcels = parcels.peek().map(|Reverse(first)| first.due_ms);
        let known = on_the_way.as_ref().map(|parcel| parcel.due_ms);
        let first = [pending, news, parcels, known].into_iter().flatten().min()?;
        DateTime::from_timestamp_millis(first)
    }
}
