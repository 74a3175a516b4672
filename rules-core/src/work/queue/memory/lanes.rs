use std::ops::Bound;

use async_trait::async_trait;

use super::MemoryQueue;
use super::state::LaneState;
use crate::judge::key::Lane;
use crate::work::StoreError;
use crate::work::lanes::{DeadLetter, Dropped, Hold, HoldOn, LaneDepth, Lanes, Weight};

#[async_trait]
impl Lanes for MemoryQueue {
    async fn hold(&self, holds: &[Hold]) -> Result<(), StoreError> {
        let held = &mut self.state().holds;
        for hold in holds {
            let known = held.entry(hold.on.clone()).or_insert_with(|| hold.clone());
            if let Some(until) = known.until
                && hold.until.is_none_or(|longer| until < longer)
            {
                known.clone_from(hold);
            }
        }
        Ok(())
    }

    async fn release(&self, on: &[HoldOn]) -> Result<(), StoreError> {
        let mut state = self.state();
        for on in on {
            state.holds.remove(on);
        }
        Ok(())
    }

    async fn weigh(&self, weights: &[Weight]) -> Result<(), StoreError> {
        let mut state = self.state();
        for weight in weights {
            match weight {
                Weight::Tenant(tenant, 0 | 1) => state.tenant_weights.remove(tenant),
                Weight::Tenant(tenant, weight) => state.tenant_weights.insert(tenant.clone(), *weight),
                Weight::Lane(lane, 0 | 1) => state.lane_weights.remove(lane),
                Weight::Lane(lane, weight) => state.lane_weights.insert(lane.clone(), *weight),
            };
        }
        Ok(())
    }

    async fn drop_lane(&self, lane: &Lane, max: usize) -> Result<Dropped, StoreError> {
        let mut state = self.state();
        let known = state.tenants.get(lane.tenant()).is_some_and(|tenant| tenant.lanes.contains_key(lane));
        if !known {
            return Ok(Dropped { removed: 0, more: false });
        }
        let waiting = &mut state.lane(lane).waiting;
        let mut removed = waiting.len().min(max);
        waiting.drain(..removed);
        let of_lane = state.delayed.iter().filter(|(_, (delayed, _))| delayed == lane);
        let doomed: Vec<_> = of_lane.map(|(key, _)| *key).take(max - removed).collect();
        for key in &doomed {
            state.delayed.remove(key);
        }
        removed += doomed.len();
        state.depth -= removed as u64;
        let left = state.lane(lane);
        left.delayed -= doomed.len() as u64;
        let more = !left.waiting.is_empty() || 0 < left.delayed;
        state.forget_if_empty(lane);
        Ok(Dropped { removed, more })
    }

    async fn depths(&self, after: Option<Lane>, max: usize) -> Result<Vec<LaneDepth>, StoreError> {
        let now = self.clock.now();
        let state = self.state();
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let lanes =
            state.tenants.values().flat_map(|tenant| tenant.lanes.range((from.clone(), Bound::Unbounded)));
        let depth = |(lane, depth): (&Lane, &LaneState)| {
            let on = [
                HoldOn::Lane(lane.clone()),
                HoldOn::Outlet(lane.outlet().clone()),
                HoldOn::Tenant(lane.tenant().clone()),
            ];
            let holds = on.iter().filter_map(|on| state.holds.get(on));
            LaneDepth {
                lane: lane.clone(),
                waiting: depth.waiting.len() as u64,
                delayed: depth.delayed,
                leased: depth.leased,
                holds: holds.filter(|hold| hold.until.is_none_or(|until| now < until)).cloned().collect(),
            }
        };
        Ok(lanes.map(depth).take(max).collect())
    }

    async fn dead(&self, after: Option<u64>, max: usize) -> Result<Vec<DeadLetter>, StoreError> {
        let state = self.state();
        let skip = usize::try_from(after.unwrap_or(0)).unwrap_or(usize::MAX);
        Ok(state.dead.iter().skip(skip).take(max).cloned().collect())
    }
}
