//! Units of an order that leave, and those that are given up.

use super::super::account::AmazonAccount;
use super::super::draw::Draw;
use super::super::happening::{What, Why};
use super::demand::order_id;
use super::listing::MERCHANT;
use super::order::{CancelledBy, Line};
use super::{Amazon, ScriptedOrder, Step};
use crate::order::{LineId, OrderId, ShippedBy};
use crate::sku::Sku;

impl Amazon {
    pub(super) fn ship(&mut self, account: &AmazonAccount, id: &OrderId, most: Option<u32>) -> bool {
        self.settle(account, id, most.unwrap_or(u32::MAX), None)
    }

    pub(super) fn cancel(
        &mut self,
        account: &AmazonAccount,
        id: &OrderId,
        most: Option<u32>,
        by: CancelledBy,
    ) -> bool {
        self.settle(account, id, most.unwrap_or(u32::MAX), Some(by))
    }

    /// Ships or cancels up to so many open units.
    fn settle(
        &mut self,
        account: &AmazonAccount,
        id: &OrderId,
        mut most: u32,
        cancelled_by: Option<CancelledBy>,
    ) -> bool {
        let Some(seller) = self.sellers.get_mut(account) else { return false };
        let Some(order) = seller.orders.get_mut(id) else { return false };
        let shipped_by = order.state.shipped_by;
        let mut moved = Vec::new();
        let mut settle_line = |line: &mut Line| {
            let can = if cancelled_by.is_some() {
                line.open()
            } else {
                line.open().saturating_sub(line.unshippable)
            };
            let units = can.min(most);
            if units == 0 {
                return;
            }
            most -= units;
            let unshippable = line.unshippable.min(units);
            if cancelled_by.is_some() {
                line.cancelled += units;
                line.cancelled_by = cancelled_by;
                line.unshippable -= unshippable;
            } else {
                line.shipped += units;
            }
            moved.push((line.id.clone(), line.sku.clone(), units, unshippable));
        };
        if cancelled_by.is_some() {
            order.state.lines.iter_mut().rev().for_each(&mut settle_line);
        } else {
            order.state.lines.iter_mut().for_each(&mut settle_line);
        }
        if moved.is_empty() {
            return false;
        }
        for (line, sku, units, unshippable) in moved {
            let order = id.clone();
            let what = if cancelled_by.is_some() {
                self.release(account, &sku, units, shipped_by);
                What::Cancelled { order, line, sku, units, unshippable, shipped_by }
            } else {
                self.leave(account, &sku, units, shipped_by);
                What::Shipped { order, line, sku, units, shipped_by }
            };
            self.happen(account, what);
        }
        self.changed(account, id);
        true
    }

    /// Units leave Amazon's shelf.
    fn leave(&mut self, account: &AmazonAccount, sku: &Sku, units: u32, shipped_by: ShippedBy) {
        let listing = self.sellers.get_mut(account).and_then(|seller| seller.listings.get_mut(sku));
        if let (ShippedBy::Amazon, Some(stock)) =
            (shipped_by, listing.and_then(|listing| listing.amazon.as_mut()))
        {
            stock.reserved = stock.reserved.saturating_sub(units);
        }
    }

    /// Units that were cancelled can be had again: always on Amazon's shelf, and on the merchant's
    /// listing if Amazon restores it.
    fn release(&mut self, account: &AmazonAccount, sku: &Sku, units: u32, shipped_by: ShippedBy) {
        let restores = self.behaviour.restores_on_cancel;
        let at = self.now;
        let listing = self.sellers.get_mut(account).and_then(|seller| seller.listings.get_mut(sku));
        let Some(listing) = listing else { return };
        match (shipped_by, &mut listing.amazon) {
            (ShippedBy::Amazon, Some(stock)) => {
                stock.reserved = stock.reserved.saturating_sub(units);
                stock.fulfillable = stock.fulfillable.saturating_add(units);
            }
            (ShippedBy::Merchant, None) if restores => {
                let channel = listing.put_back(units).unwrap_or_else(|| MERCHANT.to_owned());
                listing.updated_at = at;
                let quantity = listing.available();
                self.tell_quantity(account, sku, &channel, quantity);
                self.happen(
                    account,
                    What::Shown { sku: sku.clone(), channel, quantity, why: Why::Cancellation },
                );
            }
            _ => {}
        }
    }

    pub(super) fn replace(&mut self, account: &AmazonAccount, id: &OrderId) -> bool {
        let Some(order) = self.sellers.get(account).and_then(|seller| seller.orders.get(id)) else {
            return false;
        };
        let lines = order.state.lines.iter().map(|line| (line.sku.clone(), line.shipped));
        let lines: Vec<_> = lines.filter(|(_, units)| 0 < *units).collect();
        let units = lines.iter().map(|(_, units)| units).sum();
        let Ok(replacement) = order_id(&mut Draw::new(self.seed, &["replacement", id.as_str()], 0)) else {
            return false;
        };
        let mut steps = self.life_of(&replacement, units);
        steps.retain(|(_, step)| *step != Step::Replace);
        let new = ScriptedOrder { id: Some(replacement), lines, steps, preorder: false };
        self.place_as(account, new, Some(id)).is_some()
    }

    /// The merchant does not have so many units of the line: they never ship.
    pub(in super::super) fn mark_unshippable(
        &mut self,
        account: &AmazonAccount,
        id: &OrderId,
        line: &LineId,
        units: u32,
    ) {
        let order = self.sellers.get_mut(account).and_then(|seller| seller.orders.get_mut(id));
        let line = order.and_then(|order| order.state.lines.iter_mut().find(|known| known.id == *line));
        if let Some(line) = line {
            line.unshippable = line.unshippable.saturating_add(units);
        }
    }

    /// The merchant cancels the units that it does not have.
    pub(in super::super) fn cancel_unshippable(&mut self, account: &AmazonAccount, id: &OrderId) {
        let order = self.sellers.get_mut(account).and_then(|seller| seller.orders.get_mut(id));
        let Some(order) = order else { return };
        let mut given_up = Vec::new();
        for line in &mut order.state.lines {
            let units = line.unshippable.min(line.open());
            line.unshippable = 0;
            if 0 < units {
                line.cancelled += units;
                line.cancelled_by = Some(CancelledBy::Merchant);
                given_up.push((line.id.clone(), line.sku.clone(), units));
            }
        }
        let shipped_by = order.state.shipped_by;
        if given_up.is_empty() {
            return;
        }
        for (line, sku, units) in given_up {
            self.release(account, &sku, units, shipped_by);
            let order = id.clone();
            self.happen(account, What::Cancelled { order, line, sku, units, unshippable: units, shipped_by });
        }
        self.changed(account, id);
    }
}
