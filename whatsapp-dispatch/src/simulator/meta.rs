//! The state machine: request and instant in, answer and webhooks out. No clock, no socket.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::fate::{Draw, Fate, Journey, Try, slowness_ms};
use super::faults::Faults;
use super::report::Report;
use super::templates::Approved;
use super::wire::{Content, Post};
use crate::sender::Sender;

mod limits;
mod mail;
mod news;
mod refusals;
mod story;

pub(super) use mail::Parcel;
pub(super) use news::{News, Said, Topic};
pub(super) use refusals::{Refusal, refusal};
pub(super) use story::{Stage, Told};

use limits::{NumberState, Pair, Person};
use refusals::{
    EMPTY, NO_TEMPLATE, NOT_MARKETING, NUMBER, PARAMETERS, PAUSED, STOPPED, TRANSIENT, UNDELIVERABLE,
};
use story::Pending;

#[derive(Debug)]
pub(super) struct Meta {
    pub(super) seed: u64,
    pub(super) faults: Faults,
    pub(super) numbers: Vec<Sender>,
    pub(super) templates: Vec<Approved>,
    /// Messages of which something is still to be told, at most so many.
    pub(super) keep_statuses: usize,
    /// Different people that a portfolio may begin a conversation with in 24 hours.
    pub(super) messaging_limit: Option<u32>,
    pub(super) state: State,
}

/// What outlives the process.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    people: HashMap<Pair, Person>,
    numbers: Vec<NumberState>,
    /// By portfolio and person: when the last conversation began, in seconds.
    portfolios: BTreeMap<String, HashMap<u64, i64>>,
    /// Names of the templates that are paused.
    paused: BTreeSet<String>,
    pending: BinaryHeap<Reverse<Pending>>,
    news: BinaryHeap<Reverse<News>>,
    parcels: BinaryHeap<Reverse<Parcel>>,
    /// The parcel that was handed out last and of which nothing is known yet.
    on_the_way: Option<Parcel>,
    /// Numbers for news and parcels.
    made: u64,
    counts: Report,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Accepted {
        wamid: String,
        /// The word for it, if the message is not sent at once.
        held: bool,
    },
    Refused(Refusal),
    ServerError,
    /// The connection closes.
    Silence,
}

/// What of a request matters after it was admitted.
#[derive(Clone, Copy, Debug)]
struct Admitted<'a> {
    number: u16,
    digits: u64,
    kind: Kind,
    token: &'a str,
}

/// What a message is charged as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Marketing,
    Utility,
    Authentication,
    /// Anything but a template: only within 24 hours after the person wrote.
    Service,
}

impl Meta {
    /// The place of the number with this id in the list.
    pub(super) fn number(&self, id: &str) -> Option<u16> {
        let place = self.numbers.iter().position(|sender| sender.number_id.as_str() == id)?;
        u16::try_from(place).ok()
    }

    /// One request to send, with the right token.
    pub(super) fn post(&mut self, post: &Post<'_>, now: DateTime<Utc>) -> Reply {
        self.state.counts.posts += 1;
        let admitted = self.admit(post, now);
        let digits = admitted.map(|admitted| admitted.digits);
        let reply = match admitted {
            Ok(admitted) => self.judge(admitted, now),
            Err(refusal) => Reply::Refused(refusal),
        };
        if let Ok(digits) = digits {
            let person = self.state.people.entry(Pair::new(post.number, digits)).or_default();
            let refused = matches!(reply, Reply::Refused(_));
            self.state.counts.again_without_refusal += u64::from(person.unrefused);
            person.unrefused |= !refused;
        }
        let counts = &mut self.state.counts;
        match &reply {
            Reply::Refused(refusal) => *counts.refused.entry(refusal.code).or_default() += 1,
            Reply::ServerError => counts.server_errors += 1,
            Reply::Accepted { .. } | Reply::Silence => {}
        }
        reply
    }

    fn judge(&mut self, admitted: Admitted<'_>, now: DateTime<Utc>) -> Reply {
        let Admitted { number, digits, .. } = admitted;
        let person = self.state.people.entry(Pair::new(number, digits)).or_default();
        person.attempts = person.attempts.saturating_add(1);
        let of = Try { number, digits, attempt: person.attempts };
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
                self.take(of, journey, admitted, now)
            }
        }
    }

    /// Everything that is the same for every fate, and does not depend on it.
    fn admit<'a>(&mut self, post: &'a Post<'_>, now: DateTime<Utc>) -> Result<Admitted<'a>, Refusal> {
        let digits = self.digits(&post.to);
        self.throughput(post.number, digits.unwrap_or_default(), now)?;
        let digits = digits.ok_or(NUMBER)?;
        let kind = self.content(post)?;
        let person = self.state.people.entry(Pair::new(post.number, digits)).or_default();
        person.spend_on_pair(now)?;
        if kind == Kind::Marketing && person.stopped {
            return Err(STOPPED);
        }
        Ok(Admitted { number: post.number, digits, kind, token: &post.token })
    }

    /// Checks what is to be sent.
    fn content(&self, post: &Post<'_>) -> Result<Kind, Refusal> {
        let Content::Template { name, language, parameters } = &post.content else {
            return if post.marketing_only { Err(NOT_MARKETING) } else { Ok(Kind::Service) };
        };
        let same = |template: &&Approved| template.name == *name && template.language == *language;
        let template = self.templates.iter().find(same).ok_or(NO_TEMPLATE)?;
        if self.is_paused(&template.name) {
            return Err(PAUSED);
        }
        let names: Vec<_> = parameters.iter().map(|parameter| parameter.name.as_deref()).collect();
        if !template.takes(&names) {
            return Err(PARAMETERS);
        }
        if parameters.iter().any(|parameter| parameter.text.is_empty()) {
            return Err(EMPTY);
        }
        match template.kind() {
            Kind::Marketing => Ok(Kind::Marketing),
            _ if post.marketing_only => Err(NOT_MARKETING),
            kind => Ok(kind),
        }
    }

    fn take(&mut self, of: Try, journey: Journey, admitted: Admitted<'_>, now: DateTime<Utc>) -> Reply {
        let beyond = self.beyond_limits(admitted, now);
        let counts = &mut self.state.counts;
        counts.accepted += 1;
        counts.held += u64::from(journey.held);
        counts.lost_answers += u64::from(journey.answer_lost);
        if self.state.pending.len() < self.keep_statuses {
            self.begin_story(of, journey, admitted, beyond, now);
        } else {
            counts.statuses_dropped += 1;
        }
        if journey.answer_lost {
            return Reply::Silence;
        }
        Reply::Accepted { wamid: self.wamid(of), held: journey.held }
    }

    /// How much longer than others the answer to the last request takes.
    pub(super) fn slowness(&self, post: &Post<'_>) -> Duration {
        let Some(digits) = self.digits(&post.to) else { return Duration::ZERO };
        let person = self.state.people.get(&Pair::new(post.number, digits));
        let attempt = person.map_or(0, |person| person.attempts);
        let of = Try { number: post.number, digits, attempt };
        Duration::from_millis(slowness_ms(self.seed, of, &self.faults))
    }

    /// Pauses a template, or lets it go on, and tells so.
    pub(super) fn pause(&mut self, template: &str, paused: bool, now: DateTime<Utc>) {
        if paused {
            self.state.paused.insert(template.to_owned());
        } else {
            self.state.paused.remove(template);
        }
        self.tell_of_template(
            template,
            &Topic::TemplateStatus(if paused { "PAUSED" } else { "APPROVED" }),
            now,
        );
    }

    pub(super) fn is_paused(&self, template: &str) -> bool {
        self.state.paused.contains(template)
    }

    /// The number gets the throughput of an upgraded one after a minute in which it sends nothing.
    pub(super) fn upgrade(&mut self, number: u16, now: DateTime<Utc>) {
        let until_ms = now.timestamp_millis() + 60_000;
        self.number_state(number).upgrading_until_ms = until_ms;
        if let Some(sender) = self.numbers.get_mut(usize::from(number)) {
            sender.messages_per_second = 1_000;
        }
        self.tell_of_number(number, &Topic::Throughput, until_ms);
    }

    /// The id of a file.
    pub(super) fn upload(&mut self, file: &[u8]) -> String {
        self.state.counts.media += 1;
        let pieces =
            file.chunks(8).map(|piece| piece.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
        let parts: Vec<u64> = [self.seed, 94].into_iter().chain(pieces).collect();
        format!("{}", 1_000_000_000_000_000 + Draw::new(&parts).next() % 1_000_000_000_000_000)
    }

    pub(super) fn report(&self) -> Report {
        let State { people, pending, news, parcels, on_the_way, counts, .. } = &self.state;
        let mut report = counts.clone();
        let parcels = parcels.iter().map(|Reverse(parcel)| parcel).chain(on_the_way);
        let told: usize = parcels.map(|parcel| parcel.statuses).sum();
        report.statuses_waiting = (pending.len() + told) as u64;
        report.news_waiting = news.len() as u64;
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

/// The digits of a number in E.164. Without the plus sign Meta would put its own country before
/// it, so that counts as wrong here.
pub(super) fn digits(to: &str) -> Option<u64> {
    let digits = to.strip_prefix('+')?;
    let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if fits { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
