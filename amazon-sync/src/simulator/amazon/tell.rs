//! What of an order can be found, and since when.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::super::account::AmazonAccount;
use super::super::behaviour::Span;
use super::super::draw::Draw;
use super::Amazon;
use super::agenda::Event;
use super::call::later;
use super::order::OrderState;
use crate::order::OrderId;

impl Amazon {
    /// Makes a new version of the order, which can be found a little later.
    pub(super) fn changed(&mut self, account: &AmazonAccount, id: &OrderId) {
        let at = self.now;
        let Some(order) = self.sellers.get_mut(account).and_then(|seller| seller.orders.get_mut(id)) else {
            return;
        };
        let state = &mut order.state;
        state.version += 1;
        // Amazon tells whole seconds; a change never has the instant of the one before it.
        let after_last =
            if state.version == 1 { state.updated_at } else { state.updated_at + TimeDelta::seconds(1) };
        state.updated_at = at.trunc_subsecs(0).max(after_last);
        let (version, state) = (state.version, state.clone());
        order.waiting.insert(version, state.clone());
        let mut draw = Draw::new(self.seed, &["told", id.as_str()], version.into());
        let is_late = draw.chance(self.faults.late_order);
        let lag = draw.within(self.behaviour.order_lag);
        let much_later = draw.within(Span::seconds(180, 2_400));
        let told_at = later(at, if is_late { much_later } else { lag });
        self.notice_of_order(account, &state);
        if told_at <= at {
            self.tell(account, id, version);
        } else {
            self.agenda.put(told_at, Event::Told { account: account.clone(), order: id.clone(), version });
        }
    }

    /// A version of the order can be found, unless a newer one can.
    pub(super) fn tell(&mut self, account: &AmazonAccount, id: &OrderId, version: u32) {
        let Some(seller) = self.sellers.get_mut(account) else { return };
        let Some(order) = seller.orders.get_mut(id) else { return };
        let Some(state) = order.waiting.remove(&version) else { return };
        let newest = order.told.as_ref().map_or(0, |told| told.version);
        if version <= newest {
            return;
        }
        if let Some(old) = order.told.replace(state) {
            seller.by_change.remove(&(old.updated_at, id.clone()));
        }
        if let Some(updated_at) = order.told.as_ref().map(|told| told.updated_at) {
            seller.by_change.insert((updated_at, id.clone()));
        }
    }

    /// The order as it can be found, and when it changed.
    pub(super) fn told_order(&self, account: &AmazonAccount, id: &OrderId) -> Option<&OrderState> {
        self.sellers.get(account)?.orders.get(id)?.told.as_ref()
    }

    /// Every order as it is, whether it can be found or not.
    pub(in super::super) fn true_orders<'a>(
        &'a self,
        account: &AmazonAccount,
    ) -> impl Iterator<Item = &'a OrderState> + use<'a> {
        let seller = self.sellers.get(account);
        seller.into_iter().flat_map(|seller| seller.orders.values().map(|order| &order.state))
    }
}

/// The instant in whole seconds.
pub(super) fn whole_seconds(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(0)
}
