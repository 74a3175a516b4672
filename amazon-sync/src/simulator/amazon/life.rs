//! Orders from placing to the end.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{SubsecRound, TimeDelta};

use super::super::account::AmazonAccount;
use super::super::behaviour::Span;
use super::super::draw::Draw;
use super::super::happening::{What, Why};
use super::agenda::Event;
use super::call::later;
use super::demand::order_id;
use super::order::{CancelledBy, Line, OrderState, SimOrder};
use super::{Amazon, ScriptedOrder, Step};
use crate::order::{LineId, OrderId, OrderStatus, ShippedBy};

impl Amazon {
    /// Places an order of what the listings show of it; `None` when they show nothing.
    pub(in super::super) fn place(
        &mut self,
        account: &AmazonAccount,
        order: ScriptedOrder,
    ) -> Option<OrderId> {
        self.place_as(account, order, None)
    }

    pub(super) fn place_as(
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
}
