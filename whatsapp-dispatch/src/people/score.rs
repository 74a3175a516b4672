//! When somebody counts as not reachable: by a score, not by one strike, because WhatsApp's
//! "undeliverable" has at least four causes and three of them pass.

use chrono::TimeDelta;

/// The weight of an answer that says that the number is not on WhatsApp, in thousandths.
pub const NOT_ON_WHATSAPP: u32 = 1_000;

/// The weight of error 131026, undeliverable, in thousandths.
pub const UNDELIVERABLE: u32 = 600;

/// The score, in thousandths, from which on nobody writes to the person.
const ENOUGH: u32 = 1_000;
/// How long nobody does. After it, one message is the probe.
const REST: TimeDelta = TimeDelta::days(30);
/// Somebody who was found not reachable this often is given up.
const GIVEN_UP: u32 = 3;

/// For ever.
pub(super) const NEVER: i64 = i64::MAX;

/// Until when nobody should write to a person who missed messages at these instants, in order, in
/// microseconds and with their weights; nothing since then reached the person.
///
/// What fails while nobody should write was on its way before and says nothing new.
pub(super) fn invalid_until(misses: impl IntoIterator<Item = (i64, u32)>) -> Option<i64> {
    let rest = REST.num_microseconds().unwrap_or(NEVER);
    let (mut score, mut strikes, mut until) = (0_u32, 0, None);
    for (at, weight) in misses {
        if until.is_some_and(|until| at < until) {
            continue;
        }
        score = score.saturating_add(weight);
        if ENOUGH <= score {
            strikes += 1;
            until = Some(if strikes < GIVEN_UP { at.saturating_add(rest) } else { NEVER });
        }
    }
    until
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400_000_000;

    #[test]
    fn one_undeliverable_message_is_no_verdict_and_two_are() {
        assert_eq!(invalid_until([]), None);
        assert_eq!(invalid_until([(0, UNDELIVERABLE)]), None);
        assert_eq!(invalid_until([(0, UNDELIVERABLE), (DAY, UNDELIVERABLE)]), Some(31 * DAY));
        assert_eq!(invalid_until([(5, NOT_ON_WHATSAPP)]), Some(30 * DAY + 5));
    }

    #[test]
    fn a_probe_that_fails_begins_another_rest_and_the_third_strike_is_the_last() {
        let mut misses = vec![(0, NOT_ON_WHATSAPP)];
        misses.push((30 * DAY, UNDELIVERABLE));
        assert_eq!(invalid_until(misses.clone()), Some(60 * DAY));
        misses.push((61 * DAY, UNDELIVERABLE));
        assert_eq!(invalid_until(misses), Some(NEVER));
    }

    #[test]
    fn what_was_on_its_way_is_no_further_strike() {
        let misses = (0..9).map(|second| (second, NOT_ON_WHATSAPP));
        assert_eq!(invalid_until(misses), Some(30 * DAY));
    }

    proptest! {
        #[test]
        fn a_score_below_one_is_never_a_verdict_and_more_misses_never_shorten_it(
            days in prop::collection::btree_set(0_i64..400, 0..10),
            weight in 1_u32..1_200,
        ) {
            let misses: Vec<_> = days.iter().map(|day| (day * DAY, weight)).collect();
            let mut before = None;
            for upto in 0..=misses.len() {
                let until = invalid_until(misses.iter().copied().take(upto));
                let total = weight * u32::try_from(upto).unwrap();
                prop_assert_eq!(until.is_some(), ENOUGH <= total);
                prop_assert!(before <= until);
                before = until;
            }
        }
    }
}
