//! What Meta limits: a number's throughput, one person from one number, a portfolio's people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::refusals::{PAIR, Refusal, THROUGHPUT, UPGRADING};
use super::{Admitted, Kind, Meta};
use crate::simulator::fate::Draw;

/// A number may send one message to one person every 6 s. Up to 45 in 6 s are borrowed from the
/// future: after 20 of them the next may leave in two minutes ("About the platform").
const PAIR_SECONDS: u32 = 6;
const PAIR_BURST: u32 = 45;

/// A service window, and the time for which a portfolio's people are counted.
pub(super) const DAY_SECONDS: u32 = 24 * 3_600;

/// A number and a person: 14 bits for the number's place in the list, 50 for the digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Pair(u64);

impl Pair {
    pub(super) const fn new(number: u16, digits: u64) -> Self {
        Self(digits | (number as u64) << 50)
    }

    pub(super) const fn digits(self) -> u64 {
        self.0 & ((1 << 50) - 1)
    }
}

/// A person as one number knows them.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Person {
    pub(super) attempts: u16,
    pub(super) accepted: u16,
    /// When everything sent on credit is paid back, in seconds.
    pair_free_at: u32,
    /// Until when there is credit, in seconds.
    pair_credit_until: u32,
    /// Until when anything may be sent, in seconds.
    pub(super) window_until: u32,
    /// Some request was not refused.
    pub(super) unrefused: bool,
    /// Wants no marketing, as WhatsApp's own settings say.
    pub(super) stopped: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct NumberState {
    /// When the number's bucket is full again.
    full_at_us: i64,
    pub(super) upgrading_until_ms: i64,
}

impl Person {
    /// Uses up one message to this person.
    pub(super) fn spend_on_pair(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        let now = seconds(now);
        if self.pair_free_at <= now {
            (self.pair_free_at, self.pair_credit_until) = (now, now + PAIR_SECONDS);
        }
        let began = self.pair_credit_until.saturating_sub(PAIR_SECONDS);
        let most = began + PAIR_BURST * PAIR_SECONDS;
        if self.pair_credit_until <= now || most <= self.pair_free_at {
            return Err(PAIR);
        }
        self.pair_free_at += PAIR_SECONDS;
        Ok(())
    }
}

impl Meta {
    pub(super) fn number_state(&mut self, number: u16) -> &mut NumberState {
        let place = usize::from(number);
        if self.state.numbers.len() <= place {
            self.state.numbers.resize(place + 1, NumberState::default());
        }
        #[expect(clippy::indexing_slicing, reason = "the list was made long enough just above")]
        &mut self.state.numbers[place]
    }

    fn rate(&self, number: u16) -> u32 {
        self.numbers.get(usize::from(number)).map_or(1, |sender| sender.messages_per_second.max(1))
    }

    /// Uses up one request of the number's throughput.
    pub(super) fn throughput(&mut self, number: u16, digits: u64, now: DateTime<Utc>) -> Result<(), Refusal> {
        let (rate, now_us) = (self.rate(number), now.timestamp_micros());
        let as_400 = Draw::new(&[self.seed, digits, 130_429]).chance(0.5);
        let state = self.number_state(number);
        if now_us < state.upgrading_until_ms * 1_000 {
            return Err(UPGRADING);
        }
        state.full_at_us = now_us.max(state.full_at_us);
        if 1_000_000 <= state.full_at_us - now_us {
            return Err(if as_400 { Refusal { http_status: 400, ..THROUGHPUT } } else { THROUGHPUT });
        }
        state.full_at_us += 1_000_000 / i64::from(rate);
        Ok(())
    }

    /// How much of the number's throughput is used up now, in percent.
    pub(in crate::simulator) fn usage_percent(&self, number: u16, now: DateTime<Utc>) -> i64 {
        let full_at_us = self.state.numbers.get(usize::from(number)).map_or(0, |state| state.full_at_us);
        ((full_at_us - now.timestamp_micros()) / 10_000).clamp(0, 100)
    }

    /// The code with which a message fails that was taken beyond the limits: it is no template and
    /// the person did not write, or the portfolio has begun enough conversations.
    pub(super) fn beyond_limits(&mut self, admitted: Admitted<'_>, now: DateTime<Utc>) -> Option<i64> {
        let person = self.state.people.get(&Pair::new(admitted.number, admitted.digits));
        if person.is_some_and(|person| seconds(now) < person.window_until) {
            return None;
        }
        if admitted.kind == Kind::Service {
            return Some(131_047);
        }
        let limit = self.messaging_limit? as usize;
        let portfolio = &self.numbers.get(usize::from(admitted.number))?.portfolio;
        let people = self.state.portfolios.entry(portfolio.clone()).or_default();
        let now = now.timestamp();
        if limit <= people.len() {
            people.retain(|_, begun| now < *begun + i64::from(DAY_SECONDS));
        }
        if limit <= people.len() && !people.contains_key(&admitted.digits) {
            self.state.counts.beyond_messaging_limit += 1;
            return Some(131_048);
        }
        people.insert(admitted.digits, now);
        None
    }
}

pub(super) fn seconds(now: DateTime<Utc>) -> u32 {
    u32::try_from(now.timestamp()).unwrap_or_default()
}
