use std::collections::BTreeMap;

/// When refusals of single messages mean that something is wrong with the campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Escalation {
    /// So many answers in a row with the same number.
    pub in_a_row: Option<u16>,
    /// More than this share of the latest answers, of which there are a hundred at least.
    pub percent: Option<u8>,
}

impl Escalation {
    /// Never.
    pub const NEVER: Self = Self { in_a_row: None, percent: None };

    /// True unless it never happens.
    pub const fn is_possible(self) -> bool {
        self.in_a_row.is_some() || self.percent.is_some()
    }
}

/// The latest answers about one campaign, as far as escalations ask about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Streak {
    answers: u32,
    last: Option<(i64, u16)>,
    refusals: BTreeMap<i64, u32>,
}

/// Answers before a share of them says anything.
const FEW: u32 = 100;
/// After so many answers the older half weighs half, so that what went wrong lately shows.
const MANY: u32 = 2_000;

impl Streak {
    /// An answer that says nothing against the campaign.
    pub fn passed(&mut self) {
        self.count();
        self.last = None;
    }

    /// An answer with this number; true when it is the one too many. Counting then begins anew.
    pub fn refused(&mut self, number: i64, escalation: Escalation) -> bool {
        if !escalation.is_possible() {
            self.passed();
            return false;
        }
        self.count();
        let in_a_row = match self.last {
            Some((last, in_a_row)) if last == number => in_a_row.saturating_add(1),
            _ => 1,
        };
        self.last = Some((number, in_a_row));
        let refusals = self.refusals.entry(number).or_default();
        *refusals += 1;
        let too_long = escalation.in_a_row.is_some_and(|most| most <= in_a_row);
        let too_many = escalation.percent.is_some_and(|most| {
            FEW <= self.answers && u64::from(self.answers) * u64::from(most) < u64::from(*refusals) * 100
        });
        let escalates = too_long || too_many;
        if escalates {
            *self = Self::default();
        }
        escalates
    }

    fn count(&mut self) {
        if MANY <= self.answers {
            self.answers /= 2;
            self.refusals.values_mut().for_each(|refusals| *refusals /= 2);
        }
        self.answers += 1;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROW: Escalation = Escalation { in_a_row: Some(3), percent: None };
    const SHARE: Escalation = Escalation { in_a_row: None, percent: Some(20) };

    #[test]
    fn three_in_a_row_are_too_many_and_anything_between_breaks_the_row() {
        let mut streak = Streak::default();
        assert!(!streak.refused(100, ROW) && !streak.refused(100, ROW));
        streak.passed();
        assert!(!streak.refused(100, ROW) && !streak.refused(100, ROW));
        assert!(!streak.refused(131_008, ROW), "another number is another row");
        assert!(!streak.refused(100, ROW) && !streak.refused(100, ROW));
        assert!(!streak.refused(131_026, Escalation::NEVER));
        assert!(!streak.refused(100, ROW) && !streak.refused(100, ROW));
        assert!(streak.refused(100, ROW));
        assert!(!streak.refused(100, ROW), "counting began anew");
    }

    #[test]
    fn a_share_counts_from_a_hundred_answers_on() {
        let mut streak = Streak::default();
        assert!((0..99).all(|_| !streak.refused(130_497, SHARE)), "too few to say");
        assert!(streak.refused(130_497, SHARE));
        for _ in 0..400 {
            streak.passed();
        }
        let until = (1..10_000).find(|_| streak.refused(130_497, SHARE));
        assert_eq!(until, Some(101), "101 of 501 are more than 20 %");
    }

    #[test]
    fn what_was_long_ago_weighs_less() {
        let mut streak = Streak::default();
        for _ in 0..100_000 {
            streak.passed();
        }
        let until = (1..10_000).find(|_| streak.refused(130_497, SHARE)).unwrap();
        assert!(until < 1_000, "{until}");
    }

    proptest! {
        #[test]
        fn it_never_escalates_for_less_than_its_share(
            refused in prop::collection::vec(prop::bool::weighted(0.15), 100..400),
        ) {
            let mut streak = Streak::default();
            let (mut answers, mut refusals) = (0_u32, 0_u32);
            for refused in refused {
                answers += 1;
                refusals += u32::from(refused);
                let escalates = refused && streak.refused(1, SHARE);
                if !refused {
                    streak.passed();
                }
                let due = refused && FEW <= answers && answers * 20 < refusals * 100;
                prop_assert_eq!(escalates, due);
                if escalates {
                    (answers, refusals) = (0, 0);
                }
            }
        }
    }
}
