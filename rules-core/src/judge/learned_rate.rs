//! The rate of a far side that may allow less or more than it says, found out by what passes and
//! what it refuses.
//!
//! The far side is a token bucket of unknown rate. When it refuses a call its bucket is empty, so
//! between two refusals exactly as many calls pass as it grants: their number over the time between
//! them **is** its rate. From there the pace is kept a little below, and after a long run of calls
//! that were all wanted the pace is raised bit by bit, until there is a refusal again. A raise that
//! fails costs one refusal, so they are rare: one in [`LONG_HOLD`] calls while nothing changes.

/// Calls at an even pace before it is raised, while raises fail.
pub const LONG_HOLD: f64 = 980.0;
/// Calls at an even pace before it is raised, after the rate was seen to change.
const SHORT_HOLD: f64 = 40.0;
/// So many calls raise the pace by as much as it was.
const RAMP: f64 = 40.0;
/// The pace stays so far below what was seen to pass, in parts of it.
const MARGIN: f64 = 0.005;
/// A change of more than this part is one.
const CHANGE: f64 = 0.03;
/// The far side may have so much more in store than the burst that we keep to.
const STORE: f64 = 2.0;
/// Without evidence of what passes, a refusal slows down to this part.
const BLIND_CUT: f64 = 0.9;
/// No refusal slows down to less than this part of the expected rate.
const FLOOR: f64 = 0.05;
/// No raise goes beyond so many times the expected rate.
const CEILING: f64 = 10.0;
/// After a refusal so many intervals pass, so that the far side has something in store again.
const REST: f64 = 2.0;
/// Refusals of calls that were on their way when another was refused come within this.
const ECHO_US: f64 = 500_000.0;

/// What was learnt of a rate. Instants are microseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LearnedRate {
    /// What the far side is expected to allow: as configured, or as it told.
    pub expected: f64,
    /// Whether it told.
    pub told: bool,
    /// The pace, per second, before it is raised.
    pub base: f64,
    /// Calls before it is raised.
    pub hold: f64,
    /// Calls that were wanted, since the last refusal.
    pub wanted: f64,
    /// Calls that passed since the last refusal.
    pub passed: f64,
    /// Whether more was wanted all the time since.
    pub steadily: bool,
    /// When the far side's bucket was empty last, so that calls that passed since are its rate.
    pub refused_us: Option<u64>,
    /// When more was wanted than there was.
    pub short_us: Option<u64>,
}

impl LearnedRate {
    /// Nothing was learnt yet: the far side is expected to allow `per_second`.
    pub const fn expecting(per_second: f64) -> Self {
        Self {
            expected: per_second,
            told: false,
            base: per_second,
            hold: LONG_HOLD,
            wanted: 0.0,
            passed: 0.0,
            steadily: true,
            refused_us: None,
            short_us: None,
        }
    }

    /// The pace, per second.
    pub fn per_second(&self) -> f64 {
        self.base * self.raise(0.0)
    }

    /// How much the pace was raised, `back` calls ago.
    fn raise(&self, back: f64) -> f64 {
        let raised = 1.0 + (self.wanted - self.hold - back).max(0.0) / RAMP;
        raised.min(CEILING * self.expected / self.base)
    }

    /// The distance of two calls, in microseconds.
    fn interval_us(&self) -> f64 {
        1_000_000.0 / self.per_second()
    }

    /// Of `want` calls, so many were let go.
    pub fn granted(&mut self, granted: u32, want: u32, now_us: u64) {
        if granted < want {
            self.short_us = Some(now_us);
        }
        if granted == 0 {
            return;
        }
        let since_short = self.short_us.map_or(f64::INFINITY, |short| between(short, now_us));
        if 2.0 * self.interval_us() < since_short {
            self.steadily = false;
        } else if !self.would_be_an_echo(now_us) {
            // Otherwise a raise would go on although it is refused.
            self.wanted += f64::from(granted);
        }
        self.passed += f64::from(granted);
    }

    /// Calls that were let go were not made.
    pub fn given_back(&mut self, unused: u32) {
        self.wanted = (self.wanted - f64::from(unused)).max(0.0);
        self.passed = (self.passed - f64::from(unused)).max(0.0);
    }

    /// The far side told its rate. What it tells again is no news.
    pub fn told(&mut self, per_second: f64) {
        if !self.told || (self.expected - per_second).abs() > 1e-9 {
            *self = Self { told: true, short_us: self.short_us, ..Self::expecting(per_second) };
        }
    }

    /// The far side refused a call that was let go: until when nothing is let go, unless the far
    /// side wants a longer rest; `None` for a call that was on its way when another was refused.
    pub fn refused(&mut self, burst: u32, now_us: u64, rest_us: u64) -> Option<u64> {
        self.passed = (self.passed - 1.0).max(0.0);
        if self.would_be_an_echo(now_us) {
            return None;
        }
        let before = self.base;
        self.base = self.after_refusal(burst, now_us).clamp(FLOOR * self.expected, CEILING * self.expected);
        let changed = (self.base - before).abs() > CHANGE * before;
        self.hold = if changed { SHORT_HOLD } else { (2.0 * self.hold).min(LONG_HOLD) };
        (self.wanted, self.passed, self.steadily) = (0.0, 0.0, true);
        let least_us = whole(REST * self.interval_us());
        let until = now_us.saturating_add(least_us.max(rest_us));
        self.refused_us = Some(until.saturating_sub(least_us));
        // Who was refused wants more, though nobody may ask during the rest.
        self.short_us = Some(until);
        Some(until)
    }

    /// Whether a refusal now says no more than the last one did.
    fn would_be_an_echo(&self, now_us: u64) -> bool {
        self.refused_us.is_some_and(|refused| {
            now_us < refused || between(refused, now_us) < ECHO_US.max(REST * self.interval_us())
        })
    }

    /// The pace that the evidence allows.
    fn after_refusal(&self, burst: u32, now_us: u64) -> f64 {
        let pace = self.per_second();
        let raise = self.raise(0.0);
        // What the far side's bucket had in store hides a raise for so many calls. Before them, the
        // raised pace passed.
        let hidden = (2.0 * (f64::from(burst) + STORE) * RAMP * raise).sqrt();
        let seen_to_pass = self.raise(hidden);
        if 1.0 + CHANGE < seen_to_pass {
            return self.base * seen_to_pass;
        }
        let seen = self.refused_us.filter(|_| self.steadily).map(|refused| {
            let seconds = between(refused, now_us).max(1.0) / 1_000_000.0;
            // The fewer calls passed, the less they say.
            let margin = (1.0 / (self.passed + 1.0)).max(MARGIN);
            (self.passed / seconds * (1.0 - margin)).clamp(pace / 2.0, pace)
        });
        // A raise that went well for a while: the far side had something in store, so the pace before
        // it was none too fast. (It may have had its bucket full, then the calls that passed are fewer
        // than it would have granted.)
        let went_well = (2.0 * RAMP * raise).sqrt() < self.wanted - self.hold;
        match seen {
            Some(seen) if went_well => seen.max(self.base),
            Some(seen) => seen,
            None if 1.0 < raise => self.base,
            None => self.base * BLIND_CUT,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact for 285 years")]
const fn between(earlier_us: u64, later_us: u64) -> f64 {
    later_us.saturating_sub(earlier_us) as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from float to integer ends at the integer's limits"
)]
fn whole(micros: f64) -> u64 {
    micros.ceil() as u64
}

#[cfg(test)]
mod tests;
