//! What Amazon knows and does: a state machine that takes instants and requests and gives answers,
//! with no clock, no socket and no randomness but its seed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use super::account::AmazonAccount;
use super::behaviour::Behaviour;
use super::budgets::Budgets;
use super::faults::Faults;
use super::happening::{Happening, What};
use super::plan::UsagePlan;
use crate::order::OrderId;
use crate::seller::MarketplaceId;
use crate::sku::Sku;

mod agenda;
mod call;
mod demand;
mod document;
mod feed;
mod inventory;
mod life;
mod listing;
mod notice;
mod order;
mod refusal;
mod report;
mod search;
mod settle;
mod sight;
mod tell;
mod token;
mod write;

pub use call::Trouble;
pub(super) use call::{Outcome, Reply};
pub(super) use demand::Demand;
pub(super) use document::Document;
pub(super) use feed::{Channels, Feed, FeedMessage, LISTINGS_FEED};
pub(super) use listing::{AmazonShelf, Change, Entry, Listing, MERCHANT, Patch};
pub use order::{CancelledBy, ScriptedOrder, Step};
pub(super) use order::{Line, OrderState};
pub(super) use refusal::Refusal;
pub(super) use report::{Report, ReportKind, ReportState, Row};
pub(super) use search::{Found, Search};
pub(super) use sight::SEARCH_MAX;
pub(super) use token::Grant;
pub(super) use write::{Accepted, Issue};

use agenda::{Agenda, Event};
use call::Calls;
use document::Documents;
use notice::Notices;
use order::SimOrder;
use token::Tokens;

#[derive(Debug)]
pub(super) struct Amazon {
    pub(super) seed: u64,
    pub(super) behaviour: Behaviour,
    pub(super) faults: Faults,
    now: DateTime<Utc>,
    sellers: BTreeMap<AmazonAccount, Seller>,
    agenda: Agenda,
    pub(super) budgets: Budgets,
    pub(super) calls: Calls,
    documents: Documents,
    pub(super) tokens: Tokens,
    notices: Notices,
    happened: VecDeque<Happening>,
    pub(super) tally: Tally,
}

/// What the calls' counts do not show.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) orders: u64,
    /// Writes that were accepted.
    pub(super) writes: u64,
    /// Of those, writes that change nothing.
    pub(super) idle_writes: u64,
    /// Of those, writes that never arrive.
    pub(super) lost_writes: u64,
    /// Of those, writes that only change the stored attribute.
    pub(super) stuck_writes: u64,
    /// How long each write took to reach buyers.
    pub(super) effects: Vec<TimeDelta>,
    pub(super) notices_sent: u64,
    pub(super) notices_lost: u64,
}

/// What Amazon knows of one seller in one region.
#[derive(Debug, Default)]
pub(super) struct Seller {
    pub(super) marketplaces: Vec<MarketplaceId>,
    /// Requests about orders are answered with 403, whatever they ask for
    /// (selling-partner-api-models issue 5319).
    orders_forbidden: bool,
    pub(super) listings: BTreeMap<Sku, Listing>,
    orders: BTreeMap<OrderId, SimOrder>,
    /// Orders that can be found, by when they changed.
    by_change: BTreeSet<(DateTime<Utc>, OrderId)>,
    demands: BTreeMap<Sku, Demand>,
    n_scripted: u64,
    feeds: BTreeMap<String, Feed>,
    reports: BTreeMap<String, Report>,
}

impl Amazon {
    pub(super) fn new(seed: u64, plan: UsagePlan, at: DateTime<Utc>) -> Self {
        Self {
            seed,
            behaviour: Behaviour::default(),
            faults: Faults::none(),
            now: at,
            sellers: BTreeMap::new(),
            agenda: Agenda::default(),
            budgets: Budgets::new(plan),
            calls: Calls::default(),
            documents: Documents::default(),
            tokens: Tokens::default(),
            notices: Notices::default(),
            happened: VecDeque::new(),
            tally: Tally::default(),
        }
    }

    /// Amazon's clock.
    pub(super) const fn now(&self) -> DateTime<Utc> {
        self.now
    }

    pub(super) fn add_seller(&mut self, account: AmazonAccount, marketplaces: Vec<MarketplaceId>) {
        self.sellers.entry(account).or_default().marketplaces = marketplaces;
    }

    pub(super) fn add_listing(&mut self, account: &AmazonAccount, listing: Listing) {
        if let Some(seller) = self.sellers.get_mut(account) {
            seller.listings.insert(listing.sku.clone(), listing);
        }
    }

    pub(super) fn seller(&self, account: &AmazonAccount) -> Option<&Seller> {
        self.sellers.get(account)
    }

    pub(super) fn accounts(&self) -> impl Iterator<Item = &AmazonAccount> {
        self.sellers.keys()
    }

    pub(super) fn listing(&self, account: &AmazonAccount, sku: &Sku) -> Option<&Listing> {
        self.sellers.get(account)?.listings.get(sku)
    }

    pub(super) fn forbid_orders(&mut self, account: &AmazonAccount, forbidden: bool) {
        if let Some(seller) = self.sellers.get_mut(account) {
            seller.orders_forbidden = forbidden;
        }
    }

    /// When something happens next by itself.
    pub(super) fn next_at(&self) -> Option<DateTime<Utc>> {
        self.agenda.next_at()
    }

    /// Lets the next thing happen that is due by `until`; false when there is none, and then it is
    /// `until`.
    pub(super) fn step(&mut self, until: DateTime<Utc>) -> bool {
        let Some((at, event)) = self.agenda.pop_until(until) else {
            self.now = self.now.max(until);
            return false;
        };
        self.now = self.now.max(at);
        match event {
            Event::Demand { account, sku, nth } => self.demand(&account, &sku, nth),
            Event::Step { account, order, nth } => self.go_on(&account, &order, nth),
            Event::Told { account, order, version } => self.tell(&account, &order, version),
            Event::Stored { account, sku, write } => self.store(&account, &sku, write),
            Event::Shown { account, sku, write } => self.show(&account, &sku, write),
            Event::FeedDone { account, feed } => self.finish_feed(&account, &feed),
            Event::ReportDone { account, report } => self.finish_report(&account, &report),
            Event::Notice { id, copy } => self.notices.deliver(&id, copy),
        }
        true
    }

    /// Time passes and nothing is due.
    pub(super) fn pass_to(&mut self, at: DateTime<Utc>) {
        self.now = self.now.max(at);
    }

    /// All listings that a merchant ships, with what they show, in the order of their names.
    pub(super) fn merchant_listings(&self) -> impl Iterator<Item = (AmazonAccount, Sku, u32)> {
        self.sellers.iter().flat_map(|(account, seller)| {
            let merchants = seller.listings.values().filter(|listing| listing.amazon.is_none());
            merchants.map(|listing| (account.clone(), listing.sku.clone(), listing.available()))
        })
    }

    /// What happened since it was asked last, oldest first.
    pub(super) fn next_happening(&mut self) -> Option<Happening> {
        self.happened.pop_front()
    }

    /// Notifications are sent from now on.
    pub(super) const fn subscribe(&mut self) {
        self.notices.is_subscribed = true;
    }

    /// Notifications that are due, in the order in which they are to be delivered.
    pub(super) fn take_notices(&mut self) -> Vec<Bytes> {
        self.notices.take()
    }

    fn happen(&mut self, account: &AmazonAccount, what: What) {
        self.happened.push_back(Happening { at: self.now, account: account.clone(), what });
    }
}
