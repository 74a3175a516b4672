//! The state machine: request and instant in, answer and statuses out. No clock, no socket.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::fate::{Draw, Fate, Faults, Journey, Try};
use super::report::Report;
use super::templates::Approved;
use super::wire::Post;
use crate::sender::Sender;

/// Statuses fall due on this grid, so that many go into one webhook.
const GRID_MS: i64 = 10;
/// A number may send one message to one person every 6 s, and 45 at once on credit ("About the
/// platform").
const PAIR_SECONDS: u32 = 6;
const PAIR_BURST: u32 = 45;
const BATCH: usize = 100;

#[derive(Debug)]
pub(super) struct Meta {
    pub(super) seed: u64,
    pub(super) faults: Faults,
    pub(super) numbers: Vec<Sender>,
    pub(super) templates: Vec<Approved>,
    /// Messages of which something is still to be told, at most so many.
    pub(super) keep_statuses: usize,
    pub(super) state: State,
}

/// What outlives the process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    people: HashMap<Pair, Person>,
    pending: BinaryHeap<Reverse<Pending>>,
    /// Statuses handed out that the endpoint has not taken yet.
    on_the_way: Vec<Told>,
    /// When the bucket of each number is full again.
    full_at_us: Vec<i64>,
    counts: Report,
}

/// A number and a person: 14 bits for the number's place in the list, 50 for the digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
struct Pair(u64);

impl Pair {
    const fn new(number: u16, digits: u64) -> Self {
        Self(digits | (number as u64) << 50)
    }

    const fn digits(self) -> u64 {
        self.0 & ((1 << 50) - 1)
    }
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Person {
    attempts: u16,
    accepted: u16,
    pair_free_at: u32,
}

/// The next thing to be told of a message. The rest of its way follows from its fate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Pending {
    due_ms: i64,
    of: Try,
    stage: Stage,
    /// False for one that was put off: what follows it goes on without it.
    leads: bool,
    token: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Stage {
    Sent,
    Delivered,
    Read,
    Failed(i64),
}

/// A status as the webhook tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) wamid: String,
    pub(super) number: u16,
    pub(super) digits: u64,
    pub(super) at_seconds: i64,
    pub(super) stage: Stage,
    pub(super) token: Box<str>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Accepted {
        wamid: String,
        held: bool,
    },
    Refused(Refusal),
    ServerError,
    /// The connection closes.
    Silence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) http_status: u16,
    pub(super) transient: bool,
    pub(super) message: &'static str,
}

pub(super) const fn refusal(code: i64, http_status: u16, message: &'static str) -> Refusal {
    Refusal { code, http_status, transient: false, message }
}

const THROUGHPUT: Refusal =
    Refusal { transient: true, ..refusal(130_429, 429, "Rate limit hit: Cloud API message throughput") };
const PAIR: Refusal = Refusal {
    transient: true,
    ..refusal(131_056, 400, "Too many messages to this person from this number in a short time")
};
const TRANSIENT: Refusal = Refusal { transient: true, ..refusal(131_016, 400, "Service unavailable") };
const UNDELIVERABLE: Refusal = refusal(131_026, 400, "Message undeliverable");
const NUMBER: Refusal = refusal(131_009, 400, "Parameter value is not valid: to");
const EMPTY: Refusal = refusal(131_008, 400, "Required parameter is missing: text");
const NO_TEMPLATE: Refusal = refusal(132_001, 404, "Template name does not exist in the translation");
const COUNT: Refusal = refusal(132_000, 400, "Number of parameters does not match");

impl Meta {
    /// The place of the number with this id in the list.
    pub(super) fn number(&self, id: &str) -> Option<u16> {
        let place = self.numbers.iter().position(|sender| sender.number_id.as_str() == id)?;
        u16::try_from(place).ok()
    }

    /// One request to send, with the right token.
    pub(super) fn post(&mut self, post: &Post<'_>, now: DateTime<Utc>) -> Reply {
        self.state.counts.posts += 1;
        let reply = self.judge(post, now);
        let counts = &mut self.state.counts;
        match &reply {
            Reply::Refused(refusal) => *counts.refused.entry(refusal.code).or_default() += 1,
            Reply::ServerError => counts.server_errors += 1,
            Reply::Accepted { .. } | Reply::Silence => {}
        }
        reply
    }

    fn judge(&mut self, post: &Post<'_>, now: DateTime<Utc>) -> Reply {
        let digits = match self.admit(post, now) {
            Ok(digits) => digits,
            Err(refusal) => return Reply::Refused(refusal),
        };
        let person = self.state.people.entry(Pair::new(post.number, digits)).or_default();
        person.attempts = person.attempts.saturating_add(1);
        let of = Try { number: post.number, digits, attempt: person.attempts };
        match Fate::of(self.seed, of, &self.faults) {
            Fate::Undeliverable => Reply::Refused(UNDELIVERABLE),
            Fate::Transient => Reply::Refused(TRANSIENT),
            Fate::ServerError => Reply::ServerError,
            Fate::LostRequest => {
                self.state.counts.lost_requests += 1;
                Reply::Silence
            }
            Fate::Taken(journey) => {
                person.accepted = person.accepted.saturating_add(1);
                self.take(of, journey, post.token.as_ref().into(), now)
            }
        }
    }

    /// Everything that is the same for every fate, and does not depend on it.
    fn admit(&mut self, post: &Post<'_>, now: DateTime<Utc>) -> Result<u64, Refusal> {
        let now_us = now.timestamp_micros();
        let number = usize::from(post.number);
        let rate = self.numbers.get(number).map_or(1, |sender| sender.messages_per_second.max(1));
        if self.state.full_at_us.len() <= number {
            self.state.full_at_us.resize(number + 1, 0);
        }
        if let Some(full_at) = self.state.full_at_us.get_mut(number) {
            *full_at = now_us.max(*full_at);
            if 1_000_000 <= *full_at - now_us {
                return Err(THROUGHPUT);
            }
            *full_at += 1_000_000 / i64::from(rate);
        }
        let digits = digits(&post.to).ok_or(NUMBER)?;
        let same =
            |template: &&Approved| template.name == post.template && template.language == post.language;
        let template = self.templates.iter().find(same).ok_or(NO_TEMPLATE)?;
        let names: Vec<_> = post.parameters.iter().map(|parameter| parameter.name.as_deref()).collect();
        if !template.takes(&names) {
            return Err(COUNT);
        }
        if post.parameters.iter().any(|parameter| parameter.text.is_empty()) {
            return Err(EMPTY);
        }
        let person = self.state.people.entry(Pair::new(post.number, digits)).or_default();
        let now_seconds = u32::try_from(now.timestamp()).unwrap_or_default();
        let free_at = person.pair_free_at.max(now_seconds);
        if (PAIR_BURST - 1) * PAIR_SECONDS < free_at - now_seconds {
            return Err(PAIR);
        }
        person.pair_free_at = free_at + PAIR_SECONDS;
        Ok(digits)
    }

    fn take(&mut self, of: Try, journey: Journey, token: Box<str>, now: DateTime<Utc>) -> Reply {
        let counts = &mut self.state.counts;
        counts.accepted += 1;
        counts.held += u64::from(journey.held);
        counts.lost_answers += u64::from(journey.answer_lost);
        if self.state.pending.len() < self.keep_statuses {
            let hold_ms = if journey.held { 2_000 } else { 0 };
            let (stage, wait_ms) = self.after(None, of, journey).unwrap_or((Stage::Sent, 0));
            let due_ms = on_grid(now.timestamp_millis() + hold_ms + wait_ms);
            let first = Pending { due_ms, of, stage, leads: true, token };
            self.state.pending.push(Reverse(first));
        } else {
            counts.statuses_dropped += 1;
        }
        if journey.answer_lost {
            return Reply::Silence;
        }
        Reply::Accepted { wamid: self.wamid(of), held: journey.held }
    }

    /// What follows a stage, and after how many milliseconds.
    fn after(&self, stage: Option<Stage>, of: Try, journey: Journey) -> Option<(Stage, i64)> {
        let mut draw = Draw::new(&[self.seed, of.digits, of.which(), 1 + stage.map_or(0, number)]);
        match stage {
            None => Some(match journey.fails_with {
                Some(code) => (Stage::Failed(code), draw.between(50, 400)),
                None => (Stage::Sent, draw.between(20, 60)),
            }),
            Some(Stage::Sent) => Some((Stage::Delivered, draw.between(50, 400))),
            Some(Stage::Delivered) if journey.read => Some((Stage::Read, draw.between(100, 1_000))),
            Some(Stage::Delivered | Stage::Read | Stage::Failed(_)) => None,
        }
    }

    /// The statuses for the next webhook: those that were not taken yet, else those that are due.
    pub(super) fn batch(&mut self, now: DateTime<Utc>) -> Vec<Told> {
        let now_ms = now.timestamp_millis();
        while self.state.on_the_way.is_empty()
            && self.state.pending.peek().is_some_and(|first| first.0.due_ms <= now_ms)
        {
            self.fill(now_ms);
        }
        self.state.on_the_way.clone()
    }

    fn fill(&mut self, now_ms: i64) {
        while self.state.on_the_way.len() < BATCH
            && self.state.pending.peek().is_some_and(|first| first.0.due_ms <= now_ms)
            && let Some(Reverse(next)) = self.state.pending.pop()
        {
            self.tell(next);
        }
    }

    fn tell(&mut self, next: Pending) {
        let Pending { due_ms, of, stage, .. } = next;
        let mut draw = Draw::new(&[self.seed, of.digits, of.which(), 100 + number(stage)]);
        let [lost, repeated, late] =
            [self.faults.lost_status, self.faults.repeated_status, self.faults.late_status]
                .map(|chance| draw.chance(chance));
        if next.leads
            && let Fate::Taken(journey) = Fate::of(self.seed, of, &self.faults)
            && let Some((stage, wait_ms)) = self.after(Some(stage), of, journey)
        {
            let due_ms = on_grid(due_ms + wait_ms);
            self.state.pending.push(Reverse(Pending { due_ms, stage, ..next.clone() }));
        }
        if lost {
            return;
        }
        let told = Told {
            wamid: self.wamid(of),
            number: of.number,
            digits: of.digits,
            at_seconds: due_ms / 1_000,
            stage,
            token: next.token.clone(),
        };
        if next.leads && late {
            self.state.pending.push(Reverse(Pending { due_ms: due_ms + 2_000, leads: false, ..next }));
            return;
        }
        if repeated {
            self.state.on_the_way.push(told.clone());
        }
        self.state.on_the_way.push(told);
    }

    /// The endpoint took the last batch.
    pub(super) fn taken(&mut self) {
        self.state.counts.webhooks += 1;
        self.state.counts.statuses += self.state.on_the_way.len() as u64;
        self.state.on_the_way.clear();
    }

    /// When the next status falls due.
    pub(super) fn next_due(&self) -> Option<DateTime<Utc>> {
        self.state.pending.peek().and_then(|first| DateTime::from_timestamp_millis(first.0.due_ms))
    }

    fn wamid(&self, of: Try) -> String {
        let mark = Draw::new(&[self.seed, of.digits, of.which(), 99]).next() >> 32;
        format!("wamid.{:016X}{:04X}{mark:08X}", of.digits, of.attempt)
    }

    pub(super) fn report(&self) -> Report {
        let State { people, pending, on_the_way, counts, .. } = &self.state;
        let mut report = counts.clone();
        report.statuses_waiting = (pending.len() + on_the_way.len()) as u64;
        let mut by_digits: Vec<(u64, u16)> =
            people.iter().map(|(pair, person)| (pair.digits(), person.accepted)).collect();
        by_digits.sort_unstable();
        for (digits, accepted) in &by_digits {
            report.max_accepted_per_number = report.max_accepted_per_number.max(*accepted);
            if 1 < *accepted && report.accepted_more_than_once.len() < 100 {
                report.accepted_more_than_once.push(format!("+{digits}"));
            }
        }
        by_digits.dedup_by_key(|(digits, _)| *digits);
        report.people = by_digits.len() as u64;
        report
    }

    /// Every number for which something was taken, and how often.
    pub(super) fn accepted(&self) -> Vec<(u64, u16)> {
        let taken = self.state.people.iter().filter(|(_, person)| 0 < person.accepted);
        let mut taken: Vec<_> = taken.map(|(pair, person)| (pair.digits(), person.accepted)).collect();
        taken.sort_unstable();
        taken.dedup_by(|next, sum| {
            let same = next.0 == sum.0;
            sum.1 += if same { next.1 } else { 0 };
            same
        });
        taken
    }
}

const fn number(stage: Stage) -> u64 {
    match stage {
        Stage::Sent => 1,
        Stage::Delivered => 2,
        Stage::Read => 3,
        Stage::Failed(_) => 4,
    }
}

const fn on_grid(ms: i64) -> i64 {
    ms + (GRID_MS - ms.rem_euclid(GRID_MS)) % GRID_MS
}

/// The digits of a number in E.164. Without the plus sign Meta would put its own country before
/// it, so that counts as wrong here.
fn digits(to: &str) -> Option<u64> {
    let digits = to.strip_prefix('+')?;
    let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fits { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
