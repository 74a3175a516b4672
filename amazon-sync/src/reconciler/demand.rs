use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::work::StoreError;

use crate::available::StockPolicy;
use crate::demand::{Demand, Rate};
use crate::desk::Desk;
use crate::ledger::{Booked, Bucket, Cause, Seq};
use crate::quantity::{Quantity, Units};
use crate::sku::ItemCode;
use crate::sync_store::{Commit, Committed, History};

/// Movements that a process which has just started looks back on.
const LOOK_BACK: u64 = 50_000;
const PAGE: usize = 2_000;

/// What is sold of each item, on Amazon and elsewhere, learned from the ledger as it grows.
#[derive(Debug, Default)]
pub(crate) struct Demands {
    items: HashMap<ItemCode, ItemDemand>,
    /// The last movement that was learned from; `None` before the first.
    seen: Option<Seq>,
}

#[derive(Clone, Copy, Debug, Default)]
struct ItemDemand {
    amazon: Option<Demand>,
    elsewhere: Option<Demand>,
}

/// Learns from what was booked since.
pub(crate) async fn learn_demand(desk: &Desk) -> Result<(), StoreError> {
    let seen = desk.demands().seen;
    let mut after = match seen {
        Some(seen) => seen,
        None => match desk.commit(&Commit::default()).await? {
            Committed::Done(receipt) => Seq(receipt.seq.0.saturating_sub(LOOK_BACK)),
            Committed::Fenced(_) => Seq::default(),
        },
    };
    loop {
        let select = History { item: None, after, until: None, max: PAGE };
        let booked = desk.store.history(&desk.shelf, &select).await?;
        after = booked.last().map_or(after, |last| last.seq);
        let mut demands = desk.demands();
        for booked in &booked {
            demands.learn(booked);
        }
        demands.seen = Some(after);
        if booked.len() < PAGE {
            return Ok(());
        }
    }
}

impl Demands {
    fn learn(&mut self, booked: &Booked) {
        let movement = &booked.movement;
        let by = movement.by.get();
        // What an order takes from the units that are free, wherever it moves.
        let taken = match movement.bucket {
            Bucket::OnHand => by.saturating_neg(),
            Bucket::Reserved | Bucket::Committed => by,
            Bucket::Quarantine | Bucket::Inbound => return,
        };
        let (on_amazon, units) = match movement.cause {
            Cause::Order { .. } => (true, taken),
            Cause::SoldElsewhere => (false, taken),
            // A host that only counts sells where its counts fall.
            Cause::Counted if 0 < taken => (false, taken),
            _ => return,
        };
        let item = self.items.entry(movement.item.clone()).or_default();
        let demand = if on_amazon { &mut item.amazon } else { &mut item.elsewhere };
        demand.get_or_insert_with(|| Demand::new(movement.at)).take_in(Units::new(units), movement.at);
    }

    /// Units of an item to hold back.
    pub(crate) fn buffer(
        &self,
        policy: &StockPolicy,
        item: &ItemCode,
        free: Units,
        exposure: Duration,
        now: DateTime<Utc>,
    ) -> Quantity {
        let Some(demand) = self.items.get(item) else { return Quantity::ZERO };
        let rate = |of: Option<Demand>| of.map_or(Rate::ZERO, |demand| demand.rate(now));
        policy.lag_buffer_of(item).units(free, rate(demand.amazon), rate(demand.elsewhere), exposure)
    }

    /// What is sold of an item on Amazon.
    pub(crate) fn on_amazon(&self, item: &ItemCode, now: DateTime<Utc>) -> Rate {
        let amazon = self.items.get(item).and_then(|demand| demand.amazon);
        amazon.map_or(Rate::ZERO, |demand| demand.rate(now))
    }
}
