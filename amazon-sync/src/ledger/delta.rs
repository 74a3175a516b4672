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
