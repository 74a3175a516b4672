//! What is told in these tests.

use amazon_sync::ledger::Bucket;
use amazon_sync::order::{LineId, OrderId, OrderStatus, OrderVersion, ShippedBy};
use amazon_sync::quantity::Units;
use amazon_sync::seller::{Region, SellerAccount, SellerId, Shelf};
use amazon_sync::sku::{ItemCode, Sku};
use amazon_sync::sync_store::{LineTarget, OrderReport, Part};
use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rules_core::judge::tenant::TenantScope;

/// The items that are moved.
pub(crate) const ITEMS: [&str; 3] = ["mug", "cup", "jug"];

pub(crate) fn item(index: usize) -> ItemCode {
    ItemCode::parse(ITEMS.get(index % ITEMS.len()).unwrap()).unwrap()
}

pub(crate) fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_793_613_600, 0).unwrap() + TimeDelta::minutes(minutes)
}

pub(crate) fn order(number: u64) -> OrderId {
    OrderId::parse(&format!("902-{number:07}-0000001")).unwrap()
}

/// A shelf, and an account that sells from it.
#[derive(Clone, Debug)]
pub(crate) struct House {
    pub(crate) shelf: Shelf,
    pub(crate) account: SellerAccount,
}

impl House {
    pub(crate) fn of(scope: &TenantScope) -> Self {
        let seller = SellerId::parse("A2NEXAMPLETF53").unwrap();
        let account = SellerAccount::new(scope, seller, Region::Europe);
        Self { shelf: Shelf::new(scope, "main").unwrap(), account }
    }

    /// A report of a version.
    pub(crate) fn report(&self, number: u64, told: &Version) -> OrderReport {
        OrderReport {
            account: self.account.clone(),
            order: order(number),
            version: told.by,
            status: told.status.clone(),
            shipped_by: told.shipped_by,
            lines: told.lines.clone(),
        }
    }
}

/// A version of an order, as one report tells it.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) by: OrderVersion,
    pub(crate) status: OrderStatus,
    pub(crate) shipped_by: ShippedBy,
    pub(crate) lines: Vec<LineTarget>,
}

impl Version {
    /// The same version by a map that does not know the SKUs.
    pub(crate) fn unmapped(&self) -> Self {
        let unmapped =
            |line: &LineTarget| LineTarget { parts: None, shipped_parts: Vec::new(), ..line.clone() };
        Self { lines: self.lines.iter().map(unmapped).collect(), ..self.clone() }
    }
}

fn line(index: usize) -> impl Strategy<Value = LineTarget> {
    let part = (0..ITEMS.len(), prop::sample::select(&Bucket::ALL[..3]), -3_i64..6);
    let part =
        part.prop_map(|(index, bucket, units)| Part { item: item(index), bucket, units: Units::new(units) });
    let parts = prop::collection::vec(part, 0..4);
    (parts, 0..2_usize, 0..9_i64, prop::option::weighted(0.8, 0..2_usize)).prop_map(
        move |(parts, shipped, sold, sku)| LineTarget {
            line: LineId::parse(&index.to_string()).unwrap(),
            sku: sku.map(|index| Sku::parse(ITEMS.get(index).unwrap()).unwrap()),
            sold: Units::new(sold),
            shipped_parts: parts.iter().take(shipped).cloned().collect(),
            parts: sku.map(|_| parts),
        },
    )
}

fn version(number: i64) -> impl Strategy<Value = Version> {
    let lines = (0..3).map(|index| prop::option::weighted(0.7, line(index))).collect::<Vec<_>>();
    let status = prop::sample::select(vec![
        OrderStatus::Pending,
        OrderStatus::Unshipped,
        OrderStatus::PartiallyShipped,
        OrderStatus::Shipped,
        OrderStatus::Cancelled,
        OrderStatus::Cancelled,
    ]);
    (status, prop::bool::weighted(0.1), lines).prop_map(move |(status, by_amazon, lines)| Version {
        // Every other version was made in the minute of the one before it.
        by: OrderVersion { updated_at: at(number / 2), digest: (number * 7 % 5).cast_unsigned() },
        status,
        shipped_by: if by_amazon { ShippedBy::Amazon } else { ShippedBy::Merchant },
        lines: lines.into_iter().flatten().collect(),
    })
}

/// The versions of one order, each told with its SKUs mapped, and some also without.
pub(crate) fn versions() -> impl Strategy<Value = Vec<Version>> {
    let each = |number| (version(number), prop::bool::weighted(0.3));
    (1..6_i64).prop_flat_map(move |most| (0..most).map(each).collect::<Vec<_>>()).prop_map(|told| {
        let again = told.iter().filter(|(_, again)| *again).map(|(version, _)| version.unmapped());
        let again: Vec<_> = again.collect();
        told.into_iter().map(|(version, _)| version).chain(again).collect()
    })
}
