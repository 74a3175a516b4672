use std::time::Duration;

/// The park after the fifth refusal of a pair.
const PARK: Duration = Duration::from_mins(15);

/// How long to leave a person alone whose messages were refused `so_far` times before because
/// too many went from this number to them: 1, 4, 16, 64 and 256 s ("About the platform", Meta:
/// wait 4^X seconds), then a quarter of an hour each. `random` takes away or adds up to a tenth,
/// so that many who were refused together do not come back together.
pub fn pair_backoff(so_far: u8, random: u64) -> Duration {
    let whole = if so_far < 5 { Duration::from_secs(1 << (2 * so_far)) } else { PARK };
    let per_mille = u32::try_from(random % 201).unwrap_or_default() + 900;
    whole * per_mille / 1_000
}

/// How long to leave a person alone to whom WhatsApp showed no more marketing, after `so_far`
/// deferrals before: 24, 48, 96 hours ("Per-user marketing template message limits", Meta: an
/// earlier message prolongs the wait).
pub fn deferral(so_far: u8) -> Duration {
    Duration::from_hours(24 << so_far.min(2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_waits_of_a_pair_are_the_ones_of_meta() {
        let whole: Vec<u64> = (0..8).map(|so_far| pair_backoff(so_far, 100).as_secs()).collect();
        assert_eq!(whole, [1, 4, 16, 64, 256, 900, 900, 900]);
        let hours: Vec<u64> = (0..4).map(|so_far| deferral(so_far).as_secs() / 3_600).collect();
        assert_eq!(hours, [24, 48, 96, 96]);
    }

    proptest! {
        #[test]
        fn the_jitter_is_at_most_a_tenth(so_far in any::<u8>(), random in any::<u64>()) {
            let (wait, whole) = (pair_backoff(so_far, random), pair_backoff(so_far, 100));
            prop_assert!(whole * 9 / 10 <= wait && wait <= whole * 11 / 10, "{wait:?} of {whole:?}");
        }
    }
}
