use async_trait::async_trait;
use rules_core::store::sqlite::{Sqlite, SqliteError, Transaction, put_out};
use rules_core::work::StoreError;

use super::books::Books;
use super::{SCHEMA, account, history, items, letters, listings};
use crate::ledger::Booked;
use crate::order::{OrderId, OrderVersion};
use crate::seller::{SellerAccount, Shelf};
use crate::sync_store::booking::{carry_out, kept, refusal};
use crate::sync_store::{
    Commit, Committed, Cursor, Cursors, History, ItemRecord, Items, Letter, ListingRecord, Listings,
    SyncStore,
};

#[async_trait]
impl SyncStore for Sqlite {
    async fn commit(&self, on: &Shelf, commit: &Commit) -> Result<Committed, StoreError> {
        let doing = "committing to a shelf";
        if let Some(reason) = refusal(on, commit) {
            return Err(SqliteError::Refused(reason).while_doing(doing));
        }
        let (on, commit, now) = (on.clone(), kept(commit), self.clock().now());
        self.write(&SCHEMA, move |tx| {
            let mut books = Books::open(tx, &on)?;
            let committed = carry_out(&mut books, &commit, now)?;
            if matches!(committed, Committed::Done(_)) {
                books.close()?;
                put_out(tx, &commit.evidence)?;
            }
            Ok(committed)
        })
        .await
        .map_err(|error| error.while_doing(doing))
    }

    async fn cursors(&self, on: &Shelf, accounts: &[SellerAccount]) -> Result<Cursors, StoreError> {
        let accounts = accounts.to_vec();
        let none = Cursors { host_mark: None, accounts: vec![Cursor::default(); accounts.len()] };
        let read = move |tx: &Transaction<'_>, shelf| {
            let cursors = accounts.iter().map(|of| account::cursor(tx, shelf, of));
            Ok(Cursors {
                host_mark: account::host_mark(tx, shelf)?,
                accounts: cursors.collect::<Result<_, _>>()?,
            })
        };
        of_shelf(self, on, "reading cursors", read).await.map(|found| found.unwrap_or(none))
    }

    async fn positions(&self, on: &Shelf, select: &Items) -> Result<Vec<ItemRecord>, StoreError> {
        let select = select.clone();
        let read = move |tx: &Transaction<'_>, shelf| items::select(tx, shelf, &select);
        of_shelf(self, on, "reading positions", read).await.map(Option::unwrap_or_default)
    }

    async fn listings(&self, on: &Shelf, select: &Listings) -> Result<Vec<ListingRecord>, StoreError> {
        let select = select.clone();
        let read = move |tx: &Transaction<'_>, shelf| listings::select(tx, shelf, &select);
        of_shelf(self, on, "reading listings", read).await.map(Option::unwrap_or_default)
    }

    async fn orders(
        &self,
        on: &Shelf,
        of: &SellerAccount,
        orders: &[OrderId],
    ) -> Result<Vec<Option<OrderVersion>>, StoreError> {
        let (of, orders) = (of.clone(), orders.to_vec());
        let none = vec![None; orders.len()];
        let read = move |tx: &Transaction<'_>, shelf| {
            let Some(account) = account::account(tx, shelf, &of)? else {
                return Ok(vec![None; orders.len()]);
            };
            orders.iter().map(|order| account::order_version(tx, account, order)).collect()
        };
        of_shelf(self, on, "reading orders", read).await.map(|found| found.unwrap_or(none))
    }

    async fn history(&self, on: &Shelf, select: &History) -> Result<Vec<Booked>, StoreError> {
        let select = select.clone();
        let read = move |tx: &Transaction<'_>, shelf| history::select(tx, shelf, &select);
        of_shelf(self, on, "reading movements", read).await.map(Option::unwrap_or_default)
    }

    async fn letters(&self, on: &Shelf, after: u64, max: usize) -> Result<Vec<Letter>, StoreError> {
        let read = move |tx: &Transaction<'_>, shelf| letters::select(tx, shelf, after, max);
        of_shelf(self, on, "reading letters", read).await.map(Option::unwrap_or_default)
    }
}

/// Reads of one shelf; `None` when nobody committed to it.
async fn of_shelf<T: Send + 'static>(
    store: &Sqlite,
    shelf: &Shelf,
    doing: &'static str,
    read: impl FnOnce(&Transaction<'_>, i64) -> Result<T, SqliteError> + Send + 'static,
) -> Result<Option<T>, StoreError> {
    let on = shelf.clone();
    store
        .read(&SCHEMA, move |tx| account::shelf(tx, &on)?.map(|number| read(tx, number)).transpose())
        .await
        .map_err(|error| error.while_doing(doing))
}
