use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Book, Booking, Counted, ItemEntry, OrderEntry, Source};
use crate::host_stock::Count;
use crate::ledger::{Bucket, LineMove, Movement, MovementKey, News, Seq, due, fold};
use crate::listing::{Channel, ListingKey};
use crate::quantity::Units;
use crate::sku::ItemCode;
use crate::sync_store::{MovementOutcome, OrderOutcome, OrderReport};

/// Who books.
pub(super) struct Clerk<'a, B> {
    pub(super) book: &'a mut B,
    pub(super) last: Seq,
    pub(super) booked_at: DateTime<Utc>,
}

/// Units that move, before they are known to be bookable.
struct Move<'a> {
    item: &'a ItemCode,
    bucket: Bucket,
    by: Units,
    at: DateTime<Utc>,
    source: Source<'a>,
}

impl<B: Book> Clerk<'_, B> {
    /// Books all of the moves, or none when a sum cannot be expressed.
    fn book(&mut self, moves: Vec<Move<'_>>) -> Result<bool, B::Error> {
        let mut entries: BTreeMap<&ItemCode, ItemEntry> = BTreeMap::new();
        let first = self.last.0 + 1;
        for (seq, one) in (first..).map(Seq).zip(&moves) {
            let entry = match entries.remove(one.item) {
                Some(entry) => entry,
                None => self.book.item(one.item)?,
            };
            let Some(entry) = entry.after(one.bucket, one.by, seq, &one.source) else { return Ok(false) };
            entries.insert(one.item, entry);
        }
        for (item, entry) in entries {
            self.book.put_item(item, entry)?;
        }
        for Move { item, bucket, by, at, source } in moves {
            self.last = Seq(self.last.0 + 1);
            let (seq, booked_at) = (self.last, self.booked_at);
            self.book.append(&Booking { seq, booked_at, item, bucket, by, at, source })?;
        }
        Ok(true)
    }

    pub(super) fn order(&mut self, report: &OrderReport) -> Result<OrderOutcome, B::Error> {
        let OrderReport { account, order, version, .. } = report;
        let known = self.book.order(account, order)?;
        let before = known.as_ref().map(|entry| &entry.state);
        let folded = fold(before, report);
        let (vanished, first) = match folded.news {
            News::Repeated => return Ok(OrderOutcome::Repeated),
            News::Stale => return Ok(OrderOutcome::Stale),
            News::Applied { vanished, first } => (vanished, first),
        };
        let refused =
            |what| OrderOutcome::Refused { why: format!("{what} of order {order} cannot be expressed") };
        let Some(due) = due(before, &folded.state) else {
            return Ok(refused("the difference of a line"));
        };
        let mut sold = Vec::with_capacity(due.sold.len());
        for (sku, by) in due.sold {
            let listing = ListingKey::new(account.clone(), sku, Channel::Merchant);
            let Some(sum) = self.book.sold(&listing)?.checked_add(by) else {
                return Ok(refused("the sum of units sold"));
            };
            sold.push((listing, sum));
        }
        let change = known.as_ref().map_or(0, |entry| entry.changes).saturating_add(1);
        let at = version.updated_at;
        let moves = due.moves.iter().map(|LineMove { line, item, bucket, by }| {
            let source = Source::Order { account, order, line, version: *version, change };
            Move { item, bucket: *bucket, by: *by, at, source }
        });
        if !self.book(moves.collect())? {
            return Ok(refused("the position of an item"));
        }
        self.book.put_order(account, order, OrderEntry { state: folded.state, changes: change })?;
        for (listing, sum) in sold {
            self.book.put_sold(&listing, sum)?;
        }
        Ok(OrderOutcome::Applied { booked: due.moves.len(), vanished, first })
    }

    pub(super) fn movement(&mut self, movement: &Movement) -> Result<MovementOutcome, B::Error> {
        let Movement { key, item, bucket, by, cause, at } = movement;
        if by.is_zero() || self.book.is_booked(key)? {
            return Ok(MovementOutcome::Known);
        }
        let mut moves =
            vec![Move { item, bucket: *bucket, by: *by, at: *at, source: Source::Host { key, cause } }];
        let count = self.book.item(item)?.count.filter(|count| *bucket == Bucket::OnHand && *at <= count.at);
        if let Some(count) = count {
            let Some(back) = Units::ZERO.checked_sub(*by) else { return Ok(MovementOutcome::Refused) };
            let key = MovementKey(format!("{} includes {}", count.key(item).0, key.0));
            moves.push(Move { item, bucket: *bucket, by: back, at: count.at, source: Source::Count { key } });
        }
        let seq = Seq(self.last.0 + 1);
        Ok(if self.book(moves)? { MovementOutcome::Booked(seq) } else { MovementOutcome::Refused })
    }

    pub(super) fn count(&mut self, count: &Count) -> Result<MovementOutcome, B::Error> {
        let Count { item, at, .. } = count;
        let new = Counted::of(count);
        let entry = self.book.item(item)?;
        if entry.count.is_some_and(|known| new.rank() <= known.rank()) {
            return Ok(MovementOutcome::Known);
        }
        let shipped = match new.includes {
            Some(seq) => self.book.shipped_after(item, seq)?,
            None => Some(entry.shipped),
        };
        let moved = self.book.moved_after(item, *at)?;
        let target = new.quantity.units();
        let target = shipped.and_then(|units| target.checked_add(units));
        let target = target.zip(moved).and_then(|(target, units)| target.checked_add(units));
        let Some(by) = target.and_then(|target| target.checked_sub(entry.position.on_hand)) else {
            return Ok(MovementOutcome::Refused);
        };
        let is_first = entry.position.seq == Seq::default();
        if !by.is_zero() || is_first {
            let source = Source::Count { key: new.key(item) };
            if !self.book(vec![Move { item, bucket: Bucket::OnHand, by, at: *at, source }])? {
                return Ok(MovementOutcome::Refused);
            }
        }
        let mut entry = self.book.item(item)?;
        entry.count = Some(new);
        self.book.put_item(item, entry)?;
        let booked = !by.is_zero() || is_first;
        Ok(if booked { MovementOutcome::Booked(self.last) } else { MovementOutcome::Known })
    }
}
