//! What becomes of a message: a function of seed, number and attempt, never of arrival order, so
//! that two runs compare.

use serde::{Deserialize, Serialize};

use super::faults::Faults;

/// What becomes of one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Refused as undeliverable.
    Undeliverable,
    /// Refused for now.
    Transient,
    /// Not taken; an answer that says nothing.
    ServerError,
    /// Not taken; no answer.
    LostRequest,
    Taken(Journey),
}

/// The way of a message that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Journey {
    pub(super) answer_lost: bool,
    pub(super) held: bool,
    /// The code with which it fails instead of being delivered.
    pub(super) fails_with: Option<i64>,
    pub(super) read: bool,
    /// How the person answers that they want no other message.
    pub(super) stop: Option<Stop>,
}

/// How a person says that they want no messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// A word.
    Word,
    /// The button of the message.
    Button,
    /// WhatsApp's own settings.
    Preference,
}

/// Three in ten delivered messages are read.
const READ: f64 = 0.3;

/// One attempt to write to a person from a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Try {
    /// The number's place in the list.
    pub(super) number: u16,
    pub(super) digits: u64,
    pub(super) attempt: u16,
}

impl Try {
    /// Tells the tries to one person apart.
    pub(super) const fn which(self) -> u64 {
        self.attempt as u64 | (self.number as u64) << 16
    }
}

impl Fate {
    pub(super) fn of(seed: u64, of: Try, faults: &Faults) -> Self {
        let mut person = Draw::new(&[seed, of.digits]);
        let unreachable = person.chance(faults.not_on_whatsapp);
        let refused_at_once = person.chance(0.5);
        let mut draw = Draw::new(&[seed, of.digits, of.which()]);
        // All dice fall whatever the first ones show, so that one fault more moves no other.
        let [transient, server_error, lost_request, answer_lost, held, limited, read, dropped, stops] = [
            faults.transient,
            faults.server_error,
            faults.lost_request,
            faults.lost_answer,
            faults.held,
            faults.marketing_limit,
            READ,
            faults.dropped,
            faults.stop,
        ]
        .map(|chance| draw.chance(chance));
        let stop = match draw.next() % 3 {
            0 => Stop::Word,
            1 => Stop::Button,
            _ => Stop::Preference,
        };
        if transient {
            Self::Transient
        } else if server_error {
            Self::ServerError
        } else if lost_request {
            Self::LostRequest
        } else if unreachable && refused_at_once {
            Self::Undeliverable
        } else {
            let dropped = held && dropped;
            let fails_with = match (unreachable, limited) {
                _ if dropped => Some(132_015),
                (true, _) => Some(131_026),
                (false, true) => Some(131_049),
                (false, false) => None,
            };
            let stop = stops.then_some(stop);
            Self::Taken(Journey { answer_lost, held, fails_with, read, stop })
        }
    }
}

/// How many milliseconds longer than others the answer to an attempt takes.
pub(super) fn slowness_ms(seed: u64, of: Try, faults: &Faults) -> u64 {
    let mut draw = Draw::new(&[seed, of.digits, of.which(), 98]);
    if draw.chance(faults.slow_answer) { draw.between(1_000, 5_000).unsigned_abs() } else { 0 }
}

/// True for a person whose number webhooks do not tell.
pub(super) fn hides_number(seed: u64, digits: u64, faults: &Faults) -> bool {
    Draw::new(&[seed, digits, 97]).chance(faults.hidden_number)
}

/// Dice that fall the same way for the same parts (`SplitMix64`).
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn new(parts: &[u64]) -> Self {
        let mut draw = Self(0);
        for part in parts {
            draw.0 = draw.next() ^ part;
        }
        draw
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn chance(&mut self, chance: f64) -> bool {
        let millionths = u32::try_from(self.next() % 1_000_000).unwrap_or_default();
        f64::from(millionths) < chance * 1_000_000.0
    }

    /// A number of the range, ends included.
    pub(super) const fn between(&mut self, least: u32, most: u32) -> i64 {
        let span = (most - least) as u64 + 1;
        (self.next() % span).cast_signed() + least as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn attempt(digits: u64, attempt: u16) -> Try {
        Try { number: 0, digits, attempt }
    }

    #[test]
    fn a_fate_repeats_and_depends_on_seed_number_and_attempt() {
        let faults = Faults::harsh();
        let fates = |seed, nth| {
            (0..1_000).map(|digits| Fate::of(seed, attempt(digits, nth), &faults)).collect::<Vec<_>>()
        };
        assert_eq!(fates(1, 1), fates(1, 1));
        assert_ne!(fates(1, 1), fates(2, 1));
        assert_ne!(fates(1, 1), fates(1, 2));
    }

    #[test]
    fn faults_come_as_often_as_asked() {
        let mut faults = Faults::none();
        faults.lost_answer = 0.1;
        let lost = |fate| matches!(fate, Fate::Taken(Journey { answer_lost: true, .. }));
        let n_lost = (0..100_000).filter(|digits| lost(Fate::of(7, attempt(*digits, 1), &faults))).count();
        assert!((9_500..10_500).contains(&n_lost), "{n_lost}");
    }

    #[test]
    fn who_is_not_on_whatsapp_is_never_reached() {
        let mut faults = Faults::none();
        faults.not_on_whatsapp = 1.0;
        for digits in 0..100 {
            match Fate::of(7, attempt(digits, 1), &faults) {
                Fate::Undeliverable => {}
                Fate::Taken(journey) => assert_eq!(journey.fails_with, Some(131_026)),
                other => panic!("{other:?}"),
            }
        }
    }
}
