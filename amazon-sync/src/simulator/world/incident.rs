//! What a test or a simulation makes happen, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::account::AmazonAccount;
use super::super::amazon::{ScriptedOrder, Step, Trouble};
use super::super::draw::Draw;
use super::super::plan::Operation;
use super::World;
use crate::ledger::Cause;
use crate::order::OrderId;
use crate::sku::{ItemCode, Sku};

/// Something that happens because somebody wants it to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Incident {
    /// Somebody buys on Amazon.
    Place(AmazonAccount, ScriptedOrder),
    /// An order goes on.
    Step(AmazonAccount, OrderId, Step),
    /// Somebody else writes a number into a listing.
    ForeignWrite(AmazonAccount, Sku, u32),
    /// Somebody else has the listing shipped through another channel, which shows or holds so many.
    Flip(AmazonAccount, Sku, String, u32),
    /// Goods come in; negative ones are lost.
    Restock(ItemCode, i64),
    /// The true rate of an operation is so many times the published one.
    HiddenRate(Operation, f64),
    /// The seller takes its authorisation back.
    Revoke(AmazonAccount),
    /// The seller authorises the application again.
    Authorise(AmazonAccount),
    /// Requests for orders of this seller are refused from now on, or no longer.
    ForbidOrders(AmazonAccount, bool),
    /// The next calls of an operation, so many, meet trouble whatever the dice say.
    Trouble(Operation, Trouble, u32),
    /// No access token that was given so far is good any longer.
    ExpireTokens,
    /// The merchant gives up units of the order that it does not have.
    GiveUp(AmazonAccount, OrderId),
    /// The day is over: no more buyers come, neither to Amazon nor to the shop, and nobody meddles.
    /// What was ordered goes on.
    Close,
}

/// How often others meddle, of all listings that the merchant ships together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Meddling {
    pub(super) per_hour: f64,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ForeignWrite,
    Flip,
}

#[derive(Debug)]
pub(super) struct Script {
    agenda: BTreeMap<(DateTime<Utc>, u64), Planned>,
    n_planned: u64,
    /// After so long the merchant cancels what it cannot ship.
    pub(super) gives_up_after: Duration,
}

#[derive(Clone, Debug)]
enum Planned {
    Once(Incident),
    Meddle(Meddling, u64),
}

impl Script {
    pub(super) const fn new(gives_up_after: Duration) -> Self {
        Self { agenda: BTreeMap::new(), n_planned: 0, gives_up_after }
    }

    pub(super) fn next_at(&self) -> Option<DateTime<Utc>> {
        self.agenda.first_key_value().map(|((at, _), _)| *at)
    }

    pub(super) fn plan(&mut self, at: DateTime<Utc>, incident: Incident) {
        self.put(at, Planned::Once(incident));
    }

    fn put(&mut self, at: DateTime<Utc>, planned: Planned) {
        self.n_planned += 1;
        self.agenda.insert((at, self.n_planned), planned);
    }

    pub(super) fn meddle(&mut self, meddling: Meddling, seed: u64, from: DateTime<Utc>, nth: u64) {
        if 0.0 < meddling.per_hour {
            let gap = meddling.draw(seed, nth).until_next(meddling.per_hour);
            let at = from.checked_add_signed(gap).unwrap_or(DateTime::<Utc>::MAX_UTC);
            self.put(at, Planned::Meddle(meddling, nth));
        }
    }

    pub(super) fn give_up_later(&mut self, at: DateTime<Utc>, account: &AmazonAccount, order: &OrderId) {
        let after = TimeDelta::from_std(self.gives_up_after).unwrap_or(TimeDelta::MAX);
        let at = at.checked_add_signed(after).unwrap_or(DateTime::<Utc>::MAX_UTC);
        self.plan(at, Incident::GiveUp(account.clone(), order.clone()));
    }
}

impl Meddling {
    fn draw(self, seed: u64, nth: u64) -> Draw {
        let name = if self.kind == Kind::Flip { "flip" } else { "foreign" };
        Draw::new(seed, &["meddle", name], nth)
    }
}

impl World {
    /// Makes something happen at once.
    pub fn happen(&mut self, incident: Incident) {
        let at = self.now();
        match incident {
            Incident::Place(account, order) => drop(self.amazon.place(&account, order)),
            Incident::Step(account, order, step) => {
                self.amazon.take_step(&account, &order, &step);
            }
            Incident::ForeignWrite(account, sku, quantity) => {
                self.amazon.foreign_write(&account, &sku, quantity);
            }
            Incident::Flip(account, sku, code, quantity) => self.amazon.flip(&account, &sku, &code, quantity),
            Incident::Restock(item, by) => self.restock(at, &item, by),
            Incident::HiddenRate(operation, factor) => self.amazon.budgets.scale(operation, factor, at),
            Incident::Revoke(account) => self.amazon.tokens.revoke(&account),
            Incident::Authorise(account) => {
                let token = refresh_token(&account);
                self.amazon.tokens.authorise(token, account);
            }
            Incident::ForbidOrders(account, forbidden) => self.amazon.forbid_orders(&account, forbidden),
            Incident::Trouble(operation, trouble, calls) => {
                self.amazon.calls.trouble(operation, trouble, calls);
            }
            Incident::ExpireTokens => self.amazon.tokens.expire_all(),
            Incident::GiveUp(account, order) => self.amazon.cancel_unshippable(&account, &order),
            Incident::Close => {
                self.amazon.want_nothing();
                self.shop.close();
                self.script.agenda.retain(|_, planned| matches!(planned, Planned::Once(_)));
            }
        }
        self.take_note();
    }

    /// Makes something happen later.
    pub fn plan(&mut self, at: DateTime<Utc>, incident: Incident) {
        self.script.plan(at, incident);
    }

    pub(super) fn follow_script(&mut self, until: DateTime<Utc>) {
        let is_due = self.script.next_at().is_some_and(|at| at <= until);
        let Some(((at, _), planned)) = is_due.then(|| self.script.agenda.pop_first()).flatten() else {
            return;
        };
        self.amazon.pass_to(at);
        match planned {
            Planned::Once(incident) => self.happen(incident),
            Planned::Meddle(meddling, nth) => self.meddle(at, meddling, nth),
        }
    }

    fn meddle(&mut self, at: DateTime<Utc>, meddling: Meddling, nth: u64) {
        let seed = self.amazon.seed;
        self.script.meddle(meddling, seed, at, nth + 1);
        let mut draw = Draw::new(seed, &["meddled"], nth);
        let all: Vec<_> = self.amazon.merchant_listings().collect();
        let most = u64::try_from(all.len()).unwrap_or(0);
        let place = usize::try_from(draw.next().checked_rem(most).unwrap_or(0)).unwrap_or(0);
        let Some((account, sku, shown)) = all.get(place).cloned() else { return };
        match meddling.kind {
            Kind::ForeignWrite => {
                let quantity = u32::try_from(draw.between(0, u64::from(shown) + 10)).unwrap_or(0);
                self.happen(Incident::ForeignWrite(account, sku, quantity));
            }
            Kind::Flip => {
                let code = account.amazon_channel().to_owned();
                self.happen(Incident::Flip(account, sku, code, 0));
            }
        }
    }

    fn restock(&mut self, at: DateTime<Utc>, item: &ItemCode, by: i64) {
        let units = u32::try_from(by.unsigned_abs()).unwrap_or(u32::MAX);
        if 0 <= by {
            self.shelf.put(item.clone(), units);
            self.shop.note(at, item.clone(), by, Cause::Received);
        } else {
            let cause = Cause::Host { reason: "lost".to_owned() };
            self.shop.note(at, item.clone(), by, cause);
            self.take_from_shelf(at, item, units);
        }
    }
}

/// The refresh token of a seller in the simulator.
pub(in super::super) fn refresh_token(account: &AmazonAccount) -> String {
    format!("Atzr|simulator-{}-{}", account.seller(), account.region())
}
