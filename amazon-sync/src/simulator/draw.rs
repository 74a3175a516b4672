//! Dice that fall the same way for the same question, whoever asks and when.

use chrono::TimeDelta;

use super::behaviour::Span;

/// Dice (`SplitMix64`) that follow from a seed, a subject and a count, and never from the order in
/// which things happen, so that two runs compare.
pub(super) struct Draw(u64);

impl Draw {
    /// The dice of the subject's `nth` event.
    pub(super) fn new(seed: u64, subject: &[&str], nth: u64) -> Self {
        let mut draw = Self(seed);
        for part in subject {
            draw.0 = draw.next() ^ fingerprint(part);
        }
        draw.0 = draw.next() ^ nth;
        draw
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number above 0 and up to 1.
    fn unit(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).unwrap_or_default();
        (f64::from(bits) + 1.0) / (f64::from(u32::MAX) + 1.0)
    }

    pub(super) fn chance(&mut self, chance: f64) -> bool {
        self.unit() <= chance
    }

    /// A number of the range, ends included.
    pub(super) const fn between(&mut self, least: u64, most: u64) -> u64 {
        let span = most.saturating_sub(least).saturating_add(1);
        least + self.next() % span
    }

    /// A time within the span, to the millisecond.
    pub(super) fn within(&mut self, span: Span) -> TimeDelta {
        let millis = |duration: std::time::Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let drawn = self.between(millis(span.least), millis(span.most));
        TimeDelta::milliseconds(i64::try_from(drawn).unwrap_or(i64::MAX / 1_000_000))
    }

    /// The time until the next event of so many an hour (exponentially distributed), to the
    /// millisecond and at least one.
    pub(super) fn until_next(&mut self, per_hour: f64) -> TimeDelta {
        #[expect(clippy::cast_possible_truncation, reason = "a cast from float ends at the integer's limits")]
        let millis = (-self.unit().ln() * 3_600_000.0 / per_hour).ceil().clamp(1.0, 1e13) as i64;
        TimeDelta::milliseconds(millis)
    }
}

/// FNV-1a.
pub(super) fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dice_follow_from_seed_subject_and_count_alone() {
        let first = |seed, subject: &[&str], nth| Draw::new(seed, subject, nth).next();
        assert_eq!(first(7, &["patch", "MUG"], 1), first(7, &["patch", "MUG"], 1));
        assert_ne!(first(7, &["patch", "MUG"], 1), first(8, &["patch", "MUG"], 1));
        assert_ne!(first(7, &["patch", "MUG"], 1), first(7, &["patch", "CUP"], 1));
        assert_ne!(first(7, &["patch", "MUG"], 1), first(7, &["patch", "MUG"], 2));
        assert_ne!(first(7, &["a", "bc"], 1), first(7, &["ab", "c"], 1));
    }

    #[test]
    fn chances_come_as_often_as_asked_and_never_or_always_at_the_ends() {
        let hits = |chance| (0..100_000).filter(|nth| Draw::new(1, &["x"], *nth).chance(chance)).count();
        assert!((9_500..10_500).contains(&hits(0.1)), "{}", hits(0.1));
        assert_eq!((hits(0.0), hits(1.0)), (0, 100_000));
    }

    #[test]
    fn events_come_as_often_an_hour_as_asked() {
        let hours = (0..20_000).map(|nth| Draw::new(1, &["x"], nth).until_next(6.0));
        let total = hours.fold(TimeDelta::zero(), |sum, gap| sum + gap);
        let per_hour = 20_000.0 / (total.as_seconds_f64() / 3_600.0);
        assert!((5.8..6.2).contains(&per_hour), "{per_hour}");
    }

    #[test]
    fn a_time_is_within_its_span() {
        let span = Span { least: Duration::from_secs(60), most: Duration::from_secs(300) };
        for nth in 0..1_000 {
            let seconds = Draw::new(1, &["x"], nth).within(span).as_seconds_f64();
            assert!((60.0..=300.0).contains(&seconds), "{seconds}");
        }
    }
}
