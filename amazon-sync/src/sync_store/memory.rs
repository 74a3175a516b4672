//! The store in memory: the readable reference of the port.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::convert::Infallible;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::store::memory::{Memory, Part};
use rules_core::work::StoreError;
use rules_core::work::clock::Clock;

use super::booking::{Book, Booking, ItemEntry, OrderEntry, Source, carry_out, kept, refusal};
use super::{
    Commit, Committed, Cursor, Cursors, History, ItemRecord, Items, Letter, ListingOutcome, ListingRecord,
    Listings, NewLetter, SyncStore,
};
use crate::host_stock::HostMark;
use crate::ledger::{Booked, Bucket, MovementKey, Seq};
use crate::listing::ListingKey;
use crate::order::{OrderId, OrderVersion};
use crate::quantity::Units;
use crate::seller::{SellerAccount, Shelf};
use crate::sku::ItemCode;

/// The shelves of one memory store.
#[derive(Debug)]
struct SyncState {
    clock: Arc<dyn Clock>,
    shelves: Mutex<HashMap<Shelf, ShelfState>>,
}

/// One shelf.
#[derive(Clone, Debug, Default)]
struct ShelfState {
    /// Movement number n at index n - 1.
    movements: Vec<Booked>,
    by_item: HashMap<ItemCode, Vec<Seq>>,
    /// Those that come from an order, and those that come from the host.
    from_orders: HashSet<Seq>,
    from_host: HashSet<Seq>,
    host_keys: HashSet<MovementKey>,
    items: BTreeMap<ItemCode, ItemEntry>,
    dirty: BTreeSet<(Seq, ItemCode)>,
    orders: HashMap<(SellerAccount, OrderId), OrderEntry>,
    listings: BTreeMap<SellerAccount, Listed>,
    cursors: HashMap<SellerAccount, Cursor>,
    host_mark: Option<HostMark>,
    letters: BTreeMap<u64, Letter>,
    letter_about: HashMap<(String, Code), u64>,
    last_letter: u64,
}

/// The listings of one account.
#[derive(Clone, Debug, Default)]
struct Listed {
    records: BTreeMap<ListingKey, ListingRecord>,
    /// Those with an intent, by the microsecond since when they wait.
    waiting: BTreeSet<(i64, ListingKey)>,
}

impl Listed {
    fn record(&mut self, key: &ListingKey) -> &mut ListingRecord {
        self.records.entry(key.clone()).or_insert_with(|| ListingRecord {
            key: key.clone(),
            revision: 0,
            base: None,
            shown: None,
            intent: None,
            sold: Units::ZERO,
            frozen: None,
        })
    }
}

fn waits_since(record: &ListingRecord) -> Option<(i64, ListingKey)> {
    record.intent.as_ref().map(|intent| (intent.decided_at.timestamp_micros(), record.key.clone()))
}

impl Part for SyncState {
    fn new(store: &Memory) -> Self {
        Self { clock: Arc::clone(store.clock()), shelves: Mutex::default() }
    }
}

impl SyncState {
    fn shelves(&self) -> MutexGuard<'_, HashMap<Shelf, ShelfState>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ShelfState {
    fn movement(&self, seq: Seq) -> Option<&Booked> {
        let index = usize::try_from(seq.0).ok()?.checked_sub(1)?;
        self.movements.get(index)
    }

    /// The movements of an item, newest first.
    fn of_item(&self, item: &ItemCode) -> impl Iterator<Item = &Booked> {
        let numbers = self.by_item.get(item).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().rev().filter_map(|seq| self.movement(*seq))
    }

    fn listing(&self, key: &ListingKey) -> Option<&ListingRecord> {
        self.listings.get(key.account())?.records.get(key)
    }

    fn record(&self, item: &ItemCode) -> Option<ItemRecord> {
        self.items.get(item).map(|entry| ItemRecord {
            item: item.clone(),
            position: entry.position,
            reconciled: entry.reconciled,
        })
    }

    fn positions(&self, select: &Items) -> Vec<ItemRecord> {
        let codes: BTreeSet<&ItemCode> = match select {
            Items::Named(codes) => codes.iter().collect(),
            Items::Dirty { max } => self.dirty.iter().take(*max).map(|(_, item)| item).collect(),
            Items::All { after, max } => {
                let behind = after.as_ref().map_or(Unbounded, Excluded);
                self.items
                    .range::<ItemCode, _>((behind, Unbounded))
                    .take(*max)
                    .map(|(item, _)| item)
                    .collect()
            }
        };
        codes.into_iter().filter_map(|item| self.record(item)).collect()
    }

    fn select_listings(&self, select: &Listings) -> Vec<ListingRecord> {
        match select {
            Listings::Named(keys) => {
                let keys: BTreeSet<&ListingKey> = keys.iter().collect();
                keys.into_iter().filter_map(|key| self.listing(key)).cloned().collect()
            }
            Listings::WithIntent { account, max } => {
                let Some(listed) = self.listings.get(account) else { return Vec::new() };
                let waiting = listed.waiting.iter().take(*max);
                waiting.filter_map(|(_, key)| listed.records.get(key)).cloned().collect()
            }
            Listings::All { account, after, max } => {
                let Some(listed) = self.listings.get(account) else { return Vec::new() };
                let behind = after.as_ref().map_or(Unbounded, Excluded);
                let records = listed.records.range((behind, Unbounded)).map(|(_, record)| record);
                records.take(*max).cloned().collect()
            }
        }
    }

    fn history(&self, select: &History) -> Vec<Booked> {
        let History { item, after, until, max } = select;
        // Numbers rise with the instants at which they were booked.
        let known = |booked: &&Booked| until.is_none_or(|until| booked.booked_at <= until);
        let Some(item) = item else {
            let skip = usize::try_from(after.0).unwrap_or(usize::MAX);
            return self.movements.iter().skip(skip).take_while(known).take(*max).cloned().collect();
        };
        let numbers = self.by_item.get(item).map(Vec::as_slice).unwrap_or_default();
        let (_, numbers) = numbers.split_at(numbers.partition_point(|seq| seq <= after));
        let movements = numbers.iter().filter_map(|seq| self.movement(*seq));
        movements.take_while(known).take(*max).cloned().collect()
    }
}

impl Book for ShelfState {
    type Error = Infallible;

    fn last(&mut self) -> Result<(Seq, DateTime<Utc>), Infallible> {
        Ok(self
            .movements
            .last()
            .map_or((Seq::default(), DateTime::<Utc>::MIN_UTC), |last| (last.seq, last.booked_at)))
    }

    fn item(&mut self, item: &ItemCode) -> Result<ItemEntry, Infallible> {
        Ok(self.items.get(item).cloned().unwrap_or_default())
    }

    fn put_item(&mut self, item: &ItemCode, entry: ItemEntry) -> Result<(), Infallible> {
        let dirty = entry.dirty_since;
        let before = self.items.insert(item.clone(), entry).and_then(|before| before.dirty_since);
        if before != dirty {
            if let Some(since) = before {
                self.dirty.remove(&(since, item.clone()));
            }
            self.dirty.extend(dirty.map(|since| (since, item.clone())));
        }
        Ok(())
    }

    fn append(&mut self, booking: &Booking<'_>) -> Result<(), Infallible> {
        let Booking { seq, booked_at, .. } = *booking;
        let movement = booking.movement();
        self.by_item.entry(movement.item.clone()).or_default().push(seq);
        match &booking.source {
            Source::Order { .. } => {
                self.from_orders.insert(seq);
            }
            Source::Count { .. } => {}
            Source::Host { .. } => {
                self.from_host.insert(seq);
                self.host_keys.insert(movement.key.clone());
            }
        }
        self.movements.push(Booked { seq, booked_at, movement });
        Ok(())
    }

    fn is_booked(&mut self, key: &MovementKey) -> Result<bool, Infallible> {
        Ok(self.host_keys.contains(key))
    }

    fn shipped_after(&mut self, item: &ItemCode, after: Seq) -> Result<Option<Units>, Infallible> {
        let later = self.of_item(item).take_while(|booked| after < booked.seq);
        let shipped = later.filter(|booked| self.from_orders.contains(&booked.seq));
        Ok(on_hand(&shipped.collect::<Vec<_>>()))
    }

    fn moved_after(&mut self, item: &ItemCode, after: DateTime<Utc>) -> Result<Option<Units>, Infallible> {
        let later = self.of_item(item).filter(|booked| after < booked.movement.at);
        let moved = later.filter(|booked| self.from_host.contains(&booked.seq));
        Ok(on_hand(&moved.collect::<Vec<_>>()))
    }

    fn order(&mut self, account: &SellerAccount, order: &OrderId) -> Result<Option<OrderEntry>, Infallible> {
        Ok(self.orders.get(&(account.clone(), order.clone())).cloned())
    }

    fn put_order(
        &mut self,
        account: &SellerAccount,
        order: &OrderId,
        entry: OrderEntry,
    ) -> Result<(), Infallible> {
        self.orders.insert((account.clone(), order.clone()), entry);
        Ok(())
    }

    fn sold(&mut self, listing: &ListingKey) -> Result<Units, Infallible> {
        Ok(self.listing(listing).map_or(Units::ZERO, |record| record.sold))
    }

    fn put_sold(&mut self, listing: &ListingKey, sold: Units) -> Result<(), Infallible> {
        self.listings.entry(listing.account().clone()).or_default().record(listing).sold = sold;
        Ok(())
    }

    fn change_listing(&mut self, record: &ListingRecord) -> Result<ListingOutcome, Infallible> {
        let revision = self.listing(&record.key).map_or(0, |known| known.revision);
        if revision != record.revision {
            return Ok(ListingOutcome::Changed);
        }
        let listed = self.listings.entry(record.key.account().clone()).or_default();
        let known = listed.record(&record.key);
        let waited = waits_since(known);
        *known = ListingRecord { revision: revision + 1, sold: known.sold, ..record.clone() };
        if let Some(waited) = waited {
            listed.waiting.remove(&waited);
        }
        listed.waiting.extend(waits_since(record));
        Ok(ListingOutcome::Made(revision + 1))
    }

    fn cursor(&mut self, account: &SellerAccount) -> Result<Cursor, Infallible> {
        Ok(self.cursors.get(account).cloned().unwrap_or_default())
    }

    fn put_cursor(&mut self, account: &SellerAccount, cursor: &Cursor) -> Result<(), Infallible> {
        self.cursors.insert(account.clone(), cursor.clone());
        Ok(())
    }

    fn put_host_mark(&mut self, mark: &HostMark) -> Result<(), Infallible> {
        self.host_mark = Some(mark.clone());
        Ok(())
    }

    fn put_letter(&mut self, letter: &NewLetter) -> Result<(), Infallible> {
        let about = (letter.subject.clone(), letter.code.clone());
        let number = *self.letter_about.entry(about).or_insert(self.last_letter + 1);
        if let Some(known) = self.letters.get_mut(&number) {
            if known.letter != *letter {
                known.letter = letter.clone();
                known.times = known.times.saturating_add(1);
            }
            return Ok(());
        }
        self.last_letter = number;
        let letter = Letter { number, letter: letter.clone(), times: 1, first_at: letter.at };
        self.letters.insert(number, letter);
        Ok(())
    }

    fn answer(&mut self, letter: u64) -> Result<(), Infallible> {
        if let Some(Letter { letter: NewLetter { subject, code, .. }, .. }) = self.letters.remove(&letter) {
            self.letter_about.remove(&(subject, code));
        }
        Ok(())
    }
}

/// The sum of what moved on hand; `None` when it cannot be expressed.
fn on_hand(booked: &[&Booked]) -> Option<Units> {
    let on_hand = booked.iter().filter(|booked| booked.movement.bucket == Bucket::OnHand);
    on_hand.map(|booked| booked.movement.by).try_fold(Units::ZERO, Units::checked_add)
}

#[async_trait]
impl SyncStore for Memory {
    async fn commit(&self, on: &Shelf, commit: &Commit) -> Result<Committed, StoreError> {
        if let Some(reason) = refusal(on, commit) {
            return Err(StoreError::Refused { doing: "committing to a shelf".into(), reason: reason.into() });
        }
        let state = self.part::<SyncState>();
        let now = state.clock.now();
        let mut shelves = state.shelves();
        let Ok(committed) = carry_out(shelves.entry(on.clone()).or_default(), &kept(commit), now);
        if matches!(committed, Committed::Done(_)) {
            self.put_out(commit.evidence.iter().cloned());
        }
        Ok(committed)
    }

    async fn cursors(&self, on: &Shelf, accounts: &[SellerAccount]) -> Result<Cursors, StoreError> {
        let state = self.part::<SyncState>();
        let shelves = state.shelves();
        let known = shelves.get(on);
        let cursor = |account| known.and_then(|shelf| shelf.cursors.get(account)).cloned();
        Ok(Cursors {
            host_mark: known.and_then(|shelf| shelf.host_mark.clone()),
            accounts: accounts.iter().map(|account| cursor(account).unwrap_or_default()).collect(),
        })
    }

    async fn positions(&self, on: &Shelf, select: &Items) -> Result<Vec<ItemRecord>, StoreError> {
        let state = self.part::<SyncState>();
        Ok(state.shelves().get(on).map_or_else(Vec::new, |shelf| shelf.positions(select)))
    }

    async fn listings(&self, on: &Shelf, select: &Listings) -> Result<Vec<ListingRecord>, StoreError> {
        let state = self.part::<SyncState>();
        Ok(state.shelves().get(on).map_or_else(Vec::new, |shelf| shelf.select_listings(select)))
    }

    async fn orders(
        &self,
        on: &Shelf,
        account: &SellerAccount,
        orders: &[OrderId],
    ) -> Result<Vec<Option<OrderVersion>>, StoreError> {
        let state = self.part::<SyncState>();
        let shelves = state.shelves();
        let known = shelves.get(on);
        let version = |order: &OrderId| {
            let entry = known?.orders.get(&(account.clone(), order.clone()))?;
            Some(entry.state.version)
        };
        Ok(orders.iter().map(version).collect())
    }

    async fn history(&self, on: &Shelf, select: &History) -> Result<Vec<Booked>, StoreError> {
        let state = self.part::<SyncState>();
        Ok(state.shelves().get(on).map_or_else(Vec::new, |shelf| shelf.history(select)))
    }

    async fn letters(&self, on: &Shelf, after: u64, max: usize) -> Result<Vec<Letter>, StoreError> {
        let state = self.part::<SyncState>();
        let shelves = state.shelves();
        let behind = (Excluded(after), Unbounded);
        let letters = shelves.get(on).into_iter().flat_map(|shelf| shelf.letters.range(behind));
        Ok(letters.map(|(_, letter)| letter).take(max).cloned().collect())
    }
}
