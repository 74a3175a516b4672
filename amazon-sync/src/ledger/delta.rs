use std::collections::BTreeMap;

use crate::ledger::Bucket;
use crate::quantity::Units;
use crate::sku::ItemCode;
use crate::sync_store::Part;

/// What must be booked so that a line holds its target: for each item and bucket the target less
/// what the ledger holds already, without what is even. `None` when a sum cannot be expressed.
///
/// Because it books the difference and not the event, it may be asked again and again.
///
/// ```
/// use amazon_sync::ledger::{Bucket, delta};
/// use amazon_sync::quantity::Units;
/// use amazon_sync::sku::ItemCode;
/// use amazon_sync::sync_store::Part;
///
/// let mug = ItemCode::parse("MUG")?;
/// let part = |bucket, units| Part { item: mug.clone(), bucket, units: Units::new(units) };
/// let held = [part(Bucket::Committed, 3)];
/// let target = [part(Bucket::Committed, 1), part(Bucket::OnHand, -2)];
/// let due = delta(&target, &held).unwrap_or_default();
/// assert_eq!(due, [
///     (mug.clone(), Bucket::OnHand, Units::new(-2)),
///     (mug.clone(), Bucket::Committed, Units::new(-2)),
/// ]);
/// assert_eq!(delta(&target, &target), Some(Vec::new()));
/// # Ok::<(), amazon_sync::sku::SkuError>(())
/// ```
pub fn delta(target: &[Part], held: &[Part]) -> Option<Vec<(ItemCode, Bucket, Units)>> {
    let mut due: BTreeMap<(&ItemCode, Bucket), Units> = BTreeMap::new();
    for part in target {
        let sum = due.entry((&part.item, part.bucket)).or_default();
        *sum = sum.checked_add(part.units)?;
    }
    for part in held {
        let sum = due.entry((&part.item, part.bucket)).or_default();
        *sum = sum.checked_sub(part.units)?;
    }
    let uneven = due.into_iter().filter(|(_, by)| !by.is_zero());
    Some(uneven.map(|((item, bucket), by)| (item.clone(), bucket, by)).collect())
}
