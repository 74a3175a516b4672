//! The merchant's own system as the host's stock: it knows what it sold itself and what came in,
//! and nothing of Amazon.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::work::StoreError;

use super::shared::Shared;
use super::world::ShopMove;
use crate::host_stock::{Count, HostChange, HostChanges, HostMark, HostStock};
use crate::ledger::{Bucket, MovementKey};
use crate::quantity::{Quantity, Units};
use crate::sku::ItemCode;

/// The simulated merchant's own system.
#[derive(Clone, Debug)]
pub struct SimulatedShop {
    pub(super) shared: Arc<Shared>,
}

#[async_trait]
impl HostStock for SimulatedShop {
    async fn read(&self, items: &[ItemCode]) -> Result<Vec<Option<Count>>, StoreError> {
        let world = self.shared.world();
        let at = self.shared.by_our_clock(world.now());
        Ok(items.iter().map(|item| Some(count(item, world.shop_count(item)?, at))).collect())
    }

    /// A mark says how many moves were read. The first answer counts everything as it is there.
    async fn changes(&self, since: Option<HostMark>, max: usize) -> Result<HostChanges, StoreError> {
        let world = self.shared.world();
        let at = self.shared.by_our_clock(world.now());
        let Some(mark) = since else {
            let counts = world.shop_counts();
            let counts = counts.iter().map(|(item, on_hand)| HostChange::Counted(count(item, *on_hand, at)));
            let mark = Some(HostMark(world.n_shop_moves().to_string()));
            return Ok(HostChanges { changes: counts.collect(), refused: Vec::new(), mark });
        };
        let read = mark.0.parse().map_err(|_| StoreError::Refused {
            doing: "reading the shop's moves".into(),
            reason: "the mark is none of the shop's".into(),
        })?;
        let moves = world.shop_moves(read, max);
        let mark = moves.last().map(|last| HostMark(last.number.to_string()));
        let changes = moves.into_iter().map(|moved| self.change(moved)).collect();
        Ok(HostChanges { changes, refused: Vec::new(), mark })
    }
}

impl SimulatedShop {
    fn change(&self, moved: ShopMove) -> HostChange {
        HostChange::Moved {
            key: MovementKey(format!("shop {}", moved.number)),
            item: moved.item,
            bucket: Bucket::OnHand,
            by: Units::new(moved.by),
            cause: moved.cause,
            at: self.shared.by_our_clock(moved.at),
        }
    }
}

fn count(item: &ItemCode, on_hand: i64, at: DateTime<Utc>) -> Count {
    Count { item: item.clone(), quantity: Quantity::clamped(Units::new(on_hand)), includes: None, at }
}
