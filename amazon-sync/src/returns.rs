//! Returns: what comes back is not for sale before somebody has looked at it.
//!
//! A buyer's return is booked into quarantine when it is received, and leaves it by inspection: what
//! is as good as new goes back on hand, the rest is written off. A cancelled order needs nothing of
//! this: what had not shipped is free again by itself.

use chrono::{DateTime, Utc};

use crate::ledger::{Bucket, Cause, Movement, MovementKey};
use crate::quantity::{Quantity, Units};
use crate::sku::ItemCode;

/// A return of one item, by the merchant's own name of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    /// Makes booking repeatable; unique among the shelf's returns together with the item.
    pub name: String,
    /// What came back.
    pub item: ItemCode,
}

impl Return {
    /// The return `name` of an item.
    pub fn new(name: impl Into<String>, item: ItemCode) -> Self {
        Self { name: name.into(), item }
    }

    /// So many came back. A second receipt of the same return is not booked.
    pub fn received(&self, units: Quantity, at: DateTime<Utc>) -> Movement {
        self.movement("received", Bucket::Quarantine, units.units().get(), Cause::Returned, at)
    }

    /// So many of them are as good as new, and so many are not. A second inspection of the same
    /// return is not booked; neither is what moves nothing.
    pub fn inspected(&self, sellable: Quantity, unsellable: Quantity, at: DateTime<Utc>) -> Vec<Movement> {
        let (good, bad) = (sellable.units().get(), unsellable.units().get());
        let out = self.movement("inspected", Bucket::Quarantine, -(good + bad), Cause::Inspected, at);
        let back = self.movement("restocked", Bucket::OnHand, good, Cause::Inspected, at);
        [out, back].into_iter().filter(|movement| !movement.by.is_zero()).collect()
    }

    fn movement(&self, step: &str, bucket: Bucket, by: i64, cause: Cause, at: DateTime<Utc>) -> Movement {
        Movement {
            key: MovementKey(format!("return {step} {} {}", self.item, self.name)),
            item: self.item.clone(),
            bucket,
            by: Units::new(by),
            cause,
            at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_back_is_for_sale_after_the_inspection_only() {
        let at = "2026-11-02T10:00:00Z".parse().unwrap();
        let of = |number| Quantity::new(number).unwrap();
        let back = Return::new("R-17", ItemCode::parse("mug").unwrap());
        let received = back.received(of(3), at);
        assert_eq!((received.bucket, received.by.get()), (Bucket::Quarantine, 3));
        let inspected = back.inspected(of(2), of(1), at);
        let moved: Vec<_> = inspected.iter().map(|moved| (moved.bucket, moved.by.get())).collect();
        assert_eq!(moved, [(Bucket::Quarantine, -3), (Bucket::OnHand, 2)]);
        assert_eq!(back.inspected(of(0), of(0), at), []);
        let keys: std::collections::HashSet<_> =
            inspected.iter().chain([&received]).map(|moved| &moved.key).collect();
        assert_eq!(keys.len(), 3);
    }
}
