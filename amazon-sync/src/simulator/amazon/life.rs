//! Orders from placing to the end.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::super::account::AmazonAccount;
use super::super::behaviour::Span;
use super::super::draw::Draw;
use super::super::happening::{What, Why};
use super::agenda::Event;
use super::call::later;
use super::demand::order_id;
use super::listing::MERCHANT;
use super::order::{CancelledBy, Line, OrderState, SimOrder};
use super::{Amazon, ScriptedOrder, Step};
use crate::order::{LineId, OrderId, OrderStatus, ShippedBy};
use crate::sku::Sku;

impl Amazon {
    /// Places an order of what the listings show of it; `None` when they show nothing.
    pub(in super::super) fn place(
        &mut self,
        account: &AmazonAccount,
        order: ScriptedOrder,
    ) -> Option<OrderId> {
        self.place_as(account, order, None)
    }

    fn place_as(
        &mut self,
        account: &AmazonAccount,
        order: ScriptedOrder,
        replaces: Option<&OrderId>,
    ) -> Option<OrderId> {
        let at = self.now;
        let (seed, name) = (self.seed, account.to_string());
        let seller = self.sellers.get_mut(account)?;
        let id = if let Some(id) = order.id {
            id
        } else {
            seller.n_scripted += 1;
            order_id(&mut Draw::new(seed, &["scripted", &name], seller.n_scripted)).ok()?
        };
        if seller.orders.contains_key(&id) {
            return None;
        }
        let first = seller.listings.get(&order.lines.first()?.0)?;
        let shipped_by = if first.amazon.is_some() { ShippedBy::Amazon } else { ShippedBy::Merchant };
        let marketplace = first.marketplaces.first().or(seller.marketplaces.first())?.clone();
        let (mut lines, mut shown) = (Vec::new(), Vec::new());
        for (nth, (sku, wanted)) in order.lines.iter().enumerate() {
            let Some(listing) = seller.listings.get_mut(sku) else { continue };
            let units = (*wanted).min(listing.available());
            if units == 0 {
                continue;
            }
            let code = listing.take(units);
            listing.updated_at = at;
            let digits: String = id.as_str().chars().filter(char::is_ascii_digit).collect();
            lines.push(Line {
                id: LineId::parse(&format!("{digits}{nth:02}")).ok()?,
                sku: sku.clone(),
                asin: listing.asin.clone(),
                ordered: units,
                shipped: 0,
                cancelled: 0,
                cancelled_by: None,
                cancel_asked: false,
                unshippable: 0,
                is_hidden: false,
            });
            shown.extend(code.map(|code| (sku.clone(), code, listing.available())));
        }
        if lines.is_empty() {
            return None;
        }
        let state = OrderState {
            id: id.clone(),
            marketplace,
            created_at: at.trunc_subsecs(0),
            updated_at: at.trunc_subsecs(0),
            shipped_by,
            lines,
            replaces: replaces.cloned(),
            preorder: order.preorder,
            is_paid: false,
            is_void: false,
            word: None,
            version: 0,
        };
        let steps = order.steps.iter().map(|(_, step)| step.clone()).collect();
        let ordered = state.lines.clone();
        let new = SimOrder { state, told: None, waiting: BTreeMap::new(), steps };
        seller.orders.insert(id.clone(), new);
        self.tally.orders += 1;
        for (nth, (after, _)) in order.steps.iter().enumerate() {
            let at = later(at, TimeDelta::from_std(*after).unwrap_or(TimeDelta::MAX));
            self.agenda.put(at, Event::Step { account: account.clone(), order: id.clone(), nth });
        }
        for Line { id: line, sku, ordered: units, .. } in ordered {
            self.happen(account, What::Ordered { order: id.clone(), line, sku, units, shipped_by });
        }
        for (sku, channel, quantity) in shown {
            self.tell_quantity(account, &sku, &channel, quantity);
            self.happen(account, What::Shown { sku, channel, quantity, why: Why::Order });
        }
        self.changed(account, &id);
        Some(id)
    }

    /// What will happen to an order that demand brought.
    pub(super) fn life_of(&self, id: &OrderId, units: u32) -> Vec<(Duration, Step)> {
        let life = &self.behaviour.life;
        let mut draw = Draw::new(self.seed, &["life", id.as_str()], 0);
        // All dice fall whatever the first ones show, so that one chance more moves no other.
        let [fails, cancelled, partly, in_two, asked, replaced, by_buyer] = [
            life.payment_fails,
            life.cancelled,
            life.partly_cancelled,
            life.in_two_parts,
            life.cancel_asked,
            life.replaced,
            0.5,
        ]
        .map(|chance| draw.chance(chance));
        let paid = draw.within(life.payment);
        let shipping = draw.within(life.shipping);
        let again = draw.within(life.shipping);
        let replacement = draw.within(Span::seconds(3_600, 48 * 3_600));
        let std = |delta: TimeDelta| delta.to_std().unwrap_or_default();
        if fails {
            return vec![(std(paid), Step::Cancel(None, CancelledBy::Amazon))];
        }
        let mut steps = vec![(std(paid), Step::Pay)];
        let halfway = paid + shipping / 2;
        if cancelled {
            let by = if by_buyer { CancelledBy::Buyer } else { CancelledBy::Merchant };
            steps.push((std(halfway), Step::Cancel(None, by)));
            return steps;
        }
        if asked {
            steps.push((std(paid + shipping / 3), Step::AskToCancel));
        }
        if partly && 1 < units {
            steps.push((std(halfway), Step::Cancel(Some(1), CancelledBy::Merchant)));
        }
        if in_two && 1 < units {
            steps.push((std(paid + shipping), Step::Ship(Some(units / 2))));
            steps.push((std(paid + shipping + again), Step::Ship(None)));
        } else {
            steps.push((std(paid + shipping), Step::Ship(None)));
        }
        if replaced {
            steps.push((std(paid + shipping + again + replacement), Step::Replace));
        }
        steps
    }

    pub(super) fn go_on(&mut self, account: &AmazonAccount, id: &OrderId, nth: usize) {
        let seller = self.sellers.get(account);
        let step = seller.and_then(|seller| seller.orders.get(id)?.steps.get(nth)).cloned();
        if let Some(step) = step {
            self.take_step(account, id, &step);
        }
    }

    /// Lets an order go on; false when that changes nothing of it.
    pub(in super::super) fn take_step(&mut self, account: &AmazonAccount, id: &OrderId, step: &Step) -> bool {
        let Some(order) = self.sellers.get_mut(account).and_then(|seller| seller.orders.get_mut(id)) else {
            return false;
        };
        let state = &mut order.state;
        let is_over = state.status() == OrderStatus::Cancelled;
        match step {
            Step::Pay if !state.is_paid && !is_over => state.is_paid = true,
            Step::Ship(most) if state.is_paid && !is_over => return self.ship(account, id, *most),
            Step::Cancel(most, by) if !is_over => return self.cancel(account, id, *most, *by),
            Step::AskToCancel if !is_over => {
                for line in &mut state.lines {
                    line.cancel_asked = true;
                }
            }
            Step::Void if !state.is_void => state.is_void = true,
            Step::Replace => return self.replace(account, id),
            Step::HideLine => {
                let Some(line) = state.lines.iter_mut().rev().find(|line| !line.is_hidden) else {
                    return false;
                };
                line.is_hidden = true;
            }
            Step::Rename(word) => state.word = Some(word.clone()),
            Step::Pay | Step::Ship(_) | Step::Cancel(..) | Step::AskToCancel | Step::Void => return false,
        }
        self.changed(account, id);
        true
    }

    fn ship(&mut self, account: &AmazonAccount, id: &OrderId, most: Option<u32>) -> bool {
        self.settle(account, id, most.unwrap_or(u32::MAX), None)
    }

    fn cancel(&mut self, account: &AmazonAccount, id: &OrderId, most: Option<u32>, by: CancelledBy) -> bool {
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

    fn replace(&mut self, account: &AmazonAccount, id: &OrderId) -> bool {
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

    /// Makes a new version of the order, which can be found a little later.
    fn changed(&mut self, account: &AmazonAccount, id: &OrderId) {
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
        let mut draw = Draw::new(self.seed, &["told", id.as_str()], version.into());
        let is_late = draw.chance(self.faults.late_order);
        let lag = draw.within(self.behaviour.order_lag);
        let much_later = draw.within(Span::seconds(180, 2_400));
        let told_at = later(at, if is_late { much_later } else { lag });
        self.notice_of_order(account, &state);
        order_waits(self, account, id, state);
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

fn order_waits(amazon: &mut Amazon, account: &AmazonAccount, id: &OrderId, state: OrderState) {
    let order = amazon.sellers.get_mut(account).and_then(|seller| seller.orders.get_mut(id));
    if let Some(order) = order {
        order.waiting.insert(state.version, state);
    }
}

/// The instant in whole seconds.
pub(super) fn whole_seconds(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(0)
}
