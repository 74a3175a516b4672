//! What is to be booked for a line of an order: its target less what the ledger holds for it. So a
//! line that is told again moves nothing, and one that is told late moves what is still missing.

use rules_core::judge::fault::{Classify, Fault};

use crate::ledger::Bucket;
use crate::quantity::Units;
use crate::sku::ItemCode;
use crate::sync_store::Part;

/// The movements that turn what the ledger holds for a line into what it should hold, by item and
/// bucket and in their order. Several parts of one item and bucket count together; what does not
/// change is left out.
///
/// # Errors
/// [`DeltaError`] names the first movement that cannot be expressed.
pub fn delta(target: &[Part], held: &[Part]) -> Result<Vec<(ItemCode, Bucket, Units)>, DeltaError> {
    // Sums in 128 bits cannot overflow: a slice has less than 2^63 parts of less than 2^64.
    let signed = |sign: i128| move |part: &Part| (part.bucket, sign * i128::from(part.units.get()));
    let mut parts: Vec<(&ItemCode, (Bucket, i128))> = target
        .iter()
        .map(|part| (&part.item, signed(1)(part)))
        .chain(held.iter().map(|part| (&part.item, signed(-1)(part))))
        .collect();
    parts.sort_unstable();
    let mut moves = Vec::new();
    for same in parts.chunk_by(|(item, (bucket, _)), (next, (other, _))| (item, bucket) == (next, other)) {
        let Some((item, (bucket, _))) = same.first() else { continue };
        match i64::try_from(same.iter().map(|(_, (_, units))| units).sum::<i128>()) {
            Ok(0) => {}
            Ok(units) => moves.push(((*item).clone(), *bucket, Units::new(units))),
            Err(_) => return Err(DeltaError { item: (*item).clone(), bucket: *bucket }),
        }
    }
    Ok(moves)
}

/// A movement that cannot be expressed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the units of item {item} that should move in bucket {bucket} cannot be expressed")]
pub struct DeltaError {
    /// Of what.
    pub item: ItemCode,
    /// Where.
    pub bucket: Bucket,
}

impl Classify for DeltaError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn part(item: &str, bucket: Bucket, units: i64) -> Part {
        Part { item: ItemCode::parse(item).unwrap(), bucket, units: Units::new(units) }
    }

    #[test]
    fn only_what_is_missing_moves() {
        let target = [part("mug", Bucket::OnHand, -1), part("mug", Bucket::Committed, 1)];
        let held = [part("mug", Bucket::Reserved, 2), part("spoon", Bucket::Committed, 1)];
        let moves = delta(&target, &held).unwrap();
        let expected = [
            part("mug", Bucket::OnHand, -1),
            part("mug", Bucket::Reserved, -2),
            part("mug", Bucket::Committed, 1),
            part("spoon", Bucket::Committed, -1),
        ];
        assert_eq!(moves, expected.map(|part| (part.item, part.bucket, part.units)));
        assert_eq!(delta(&target, &target).unwrap(), []);
    }

    #[test]
    fn a_movement_that_cannot_be_expressed_is_named() {
        let target = [part("mug", Bucket::OnHand, i64::MIN)];
        let held = [part("mug", Bucket::OnHand, 1)];
        let error = delta(&target, &held).unwrap_err().to_string();
        assert_eq!(error, "the units of item mug that should move in bucket on_hand cannot be expressed");
    }

    fn parts() -> impl Strategy<Value = Vec<Part>> {
        let bucket = prop::sample::select(&Bucket::ALL[..]);
        let one = ("[ab]", bucket, -5..6_i64).prop_map(|(item, bucket, units)| part(&item, bucket, units));
        prop::collection::vec(one, 0..8)
    }

    fn sums(parts: &[Part]) -> BTreeMap<(ItemCode, Bucket), i64> {
        let mut sums = BTreeMap::new();
        for part in parts {
            *sums.entry((part.item.clone(), part.bucket)).or_default() += part.units.get();
        }
        sums.retain(|_, units| *units != 0);
        sums
    }

    proptest! {
        #[test]
        fn what_is_held_and_what_moves_make_the_target(target in parts(), held in parts()) {
            let moves = delta(&target, &held).unwrap();
            prop_assert!(moves.iter().all(|(_, _, units)| !units.is_zero()));
            prop_assert!(moves.is_sorted_by(|one, next| (&one.0, one.1) < (&next.0, next.1)));
            let moved = moves.into_iter().map(|(item, bucket, units)| Part { item, bucket, units });
            let after: Vec<_> = held.into_iter().chain(moved).collect();
            prop_assert_eq!(sums(&after), sums(&target));
            prop_assert_eq!(delta(&target, &after).unwrap(), vec![]);
        }
    }
}
