//! The way of every request: permission, budget, luck, and then the work itself.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::account::AmazonAccount;
use super::super::behaviour::RateHeader;
use super::super::budgets::{Level, UsedUp};
use super::super::draw::{Draw, fingerprint};
use super::super::plan::Operation;
use super::refusal::Refusal;
use super::{Amazon, Seller};

/// What became of a request.
#[derive(Debug)]
pub(in super::super) struct Reply<T> {
    pub(in super::super) outcome: Outcome<T>,
    /// `x-amzn-RequestId`.
    pub(in super::super) request: String,
    /// `x-amzn-RateLimit-Limit`.
    pub(in super::super) rate: Option<f64>,
    /// By Amazon's clock.
    pub(in super::super) at: DateTime<Utc>,
    /// So much longer than others the answer takes.
    pub(in super::super) slowness: Duration,
}

#[derive(Debug)]
pub(in super::super) enum Outcome<T> {
    Done(T),
    Refused(Refusal),
    /// The connection closes without an answer; whether it was carried out nobody knows.
    Silence,
}

impl<T> Reply<T> {
    /// A refusal that no budget was asked for.
    pub(in super::super) const fn refused(refusal: Refusal, request: String, at: DateTime<Utc>) -> Self {
        Self { outcome: Outcome::Refused(refusal), request, rate: None, at, slowness: Duration::ZERO }
    }
}

/// What a call was worth, for the share of the budget that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Worth {
    /// It changed or proved something.
    Something,
    /// It wrote the number that was there, or was on its way, already.
    Nothing,
}

/// Counts of one operation.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Counts {
    pub(in super::super) calls: u64,
    pub(in super::super) throttled: u64,
    pub(in super::super) refused: u64,
    pub(in super::super) failed: u64,
    pub(in super::super) useful: u64,
    pub(in super::super) idle: u64,
    pub(in super::super) first_at: Option<DateTime<Utc>>,
    pub(in super::super) last_useful_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Default)]
pub(in super::super) struct Calls {
    counts: HashMap<(AmazonAccount, Operation), Counts>,
    /// How often each subject was asked about: the attempt, on which luck depends.
    attempts: HashMap<(AmazonAccount, Operation, u64), u64>,
    /// What is to become of the next calls, whatever the dice say.
    troubles: HashMap<Operation, VecDeque<Trouble>>,
    n_requests: u64,
}

impl Calls {
    pub(in super::super) fn counts(&self) -> impl Iterator<Item = (&AmazonAccount, Operation, &Counts)> {
        self.counts.iter().map(|((account, operation), counts)| (account, *operation, counts))
    }

    /// The next calls of the operation fare so.
    pub(in super::super) fn trouble(&mut self, operation: Operation, trouble: Trouble, calls: u32) {
        let troubles = self.troubles.entry(operation).or_default();
        troubles.extend((0..calls).map(|_| trouble));
    }

    fn attempt(&mut self, account: &AmazonAccount, operation: Operation, subject: &str) -> u64 {
        let attempts = (account.clone(), operation, fingerprint(subject));
        let attempts = self.attempts.entry(attempts).or_default();
        *attempts += 1;
        *attempts
    }
}

/// What a call can be made to meet, whatever the dice say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// HTTP 500; not carried out.
    ServerError,
    /// HTTP 503; not carried out.
    Unavailable,
    /// HTTP 429 though the budget is not used up; not carried out.
    Throttled,
    /// Carried out, and no answer.
    LostAnswer,
    /// Not carried out, and no answer.
    LostRequest,
    /// Carried out, and the answer takes so many seconds longer.
    Slow(u32),
}

/// What luck does to an attempt.
#[expect(clippy::struct_excessive_bools, reason = "each is a die of its own")]
struct Luck {
    server_error: bool,
    unavailable: bool,
    lost_request: bool,
    lost_answer: bool,
    throttled: bool,
    slowness: Duration,
    tells_rate_on_429: bool,
}

impl Luck {
    const fn meets(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::ServerError => (self.server_error, self.unavailable) = (true, false),
            Trouble::Unavailable => (self.server_error, self.unavailable) = (true, true),
            Trouble::Throttled => self.throttled = true,
            Trouble::LostAnswer => self.lost_answer = true,
            Trouble::LostRequest => self.lost_request = true,
            Trouble::Slow(seconds) => self.slowness = Duration::from_secs(seconds as u64),
        }
    }
}

impl Amazon {
    /// Takes a request of a seller: `subject` is what it is about, and with the count of attempts
    /// decides how lucky it is. `work` is only done if nothing stands in the way.
    pub(in super::super) fn call<T>(
        &mut self,
        account: &AmazonAccount,
        operation: Operation,
        subject: &str,
        work: impl FnOnce(&mut Self) -> Result<(T, Worth), Refusal>,
    ) -> Reply<T> {
        let at = self.now();
        let attempt = self.calls.attempt(account, operation, subject);
        let mut luck = self.luck(account, operation, subject, attempt);
        let trouble = self.calls.troubles.get_mut(&operation).and_then(VecDeque::pop_front);
        if let Some(trouble) = trouble {
            luck.meets(trouble);
        }
        let (outcome, throttled) = self.outcome(account, operation, &luck, work);
        let counts = self.calls.counts.entry((account.clone(), operation)).or_default();
        counts.calls += 1;
        counts.first_at = counts.first_at.or(Some(at));
        let outcome = match outcome {
            Ok((value, worth)) => {
                if worth == Worth::Something {
                    counts.useful += 1;
                    counts.last_useful_at = Some(at);
                } else {
                    counts.idle += 1;
                }
                if luck.lost_answer { Outcome::Silence } else { Outcome::Done(value) }
            }
            Err(None) => {
                counts.failed += 1;
                Outcome::Silence
            }
            Err(Some(refusal)) => {
                match refusal.status {
                    429 => counts.throttled += 1,
                    500.. => counts.failed += 1,
                    _ => counts.refused += 1,
                }
                Outcome::Refused(refusal)
            }
        };
        let rate = match self.behaviour.rate_header {
            RateHeader::Missing => None,
            _ if throttled && !luck.tells_rate_on_429 => None,
            RateHeader::Published => Some(self.budgets.published(operation)),
            RateHeader::InForce => Some(self.budgets.in_force(operation)),
        };
        Reply { outcome, request: self.name_request(), rate, at, slowness: luck.slowness }
    }

    /// `Err(None)`: not carried out, and no answer. Beside it, whether a budget was used up.
    fn outcome<T>(
        &mut self,
        account: &AmazonAccount,
        operation: Operation,
        luck: &Luck,
        work: impl FnOnce(&mut Self) -> Result<(T, Worth), Refusal>,
    ) -> (Result<(T, Worth), Option<Refusal>>, bool) {
        let at = self.now();
        if let Err(refusal) = self.permitted(account, operation) {
            return (Err(Some(refusal)), false);
        }
        if luck.lost_request {
            return (Err(None), false);
        }
        if let Err(used_up) = self.budgets.take(account, operation, at) {
            return (Err(Some(Refusal::quota(used_up))), true);
        }
        if luck.throttled {
            let used_up = UsedUp { level: Level::Seller, wait: None };
            return (Err(Some(Refusal::quota(used_up))), true);
        }
        if luck.server_error {
            return (Err(Some(Refusal::internal(luck.unavailable))), false);
        }
        let done = work(self).map_err(Some);
        let throttled = matches!(&done, Err(Some(refusal)) if refusal.status == 429);
        (done, throttled)
    }

    fn permitted(&self, account: &AmazonAccount, operation: Operation) -> Result<&Seller, Refusal> {
        let seller = self.sellers.get(account).ok_or_else(|| Refusal::forbidden("unknown seller"))?;
        let about_orders = matches!(operation, Operation::SearchOrders | Operation::GetOrder);
        if self.tokens.is_revoked(account) {
            Err(Refusal::forbidden("The access token you provided is revoked, malformed or invalid."))
        } else if about_orders && seller.orders_forbidden {
            Err(Refusal::forbidden(""))
        } else {
            Ok(seller)
        }
    }

    fn luck(&self, account: &AmazonAccount, operation: Operation, subject: &str, attempt: u64) -> Luck {
        let faults = &self.faults;
        let name = account.to_string();
        let mut draw = Draw::new(self.seed, &["call", operation.as_str(), &name, subject], attempt);
        // All dice fall whatever the first ones show, so that one fault more moves no other.
        let [server_error, lost_request, lost_answer, slow, unavailable, tells_rate_on_429] = [
            faults.server_error,
            faults.lost_request,
            faults.lost_answer,
            faults.slow_answer,
            0.3,
            self.behaviour.rate_header_on_429,
        ]
        .map(|chance| draw.chance(chance));
        let slowness = if slow { draw.between(1_000, 5_000) } else { 0 };
        Luck {
            server_error,
            unavailable,
            lost_request,
            lost_answer,
            throttled: false,
            slowness: Duration::from_millis(slowness),
            tells_rate_on_429,
        }
    }

    /// The name of the next request, which Amazon's support would ask for.
    pub(in super::super) fn name_request(&mut self) -> String {
        self.calls.n_requests += 1;
        uuid(&mut Draw::new(self.seed, &["request"], self.calls.n_requests))
    }
}

/// Sixteen bytes in the usual writing.
pub(super) fn uuid(draw: &mut Draw) -> String {
    let (high, low) = (draw.next(), draw.next());
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFF,
        (low >> 48) & 0xFFF,
        low & 0xFFFF_FFFF_FFFF
    )
}

/// The instant so long after another.
pub(super) fn later(at: DateTime<Utc>, delta: TimeDelta) -> DateTime<Utc> {
    at.checked_add_signed(delta).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
