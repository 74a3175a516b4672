use std::collections::BTreeSet;

use rules_core::work::StoreError;

use super::{PlanError, Sync};
use crate::desk::Amendment;
use crate::intake::Intake;
use crate::listing::ListingKey;
use crate::order::OrderId;
use crate::seller::SellerAccount;
use crate::sku_map::{SkuMap, Unresolved};
use crate::sync_store::{Commit, Committed};

/// Letters that are looked through together.
const PAGE: usize = 500;

impl Sync {
    /// Puts a corrected SKU map in place of an account's, has all listings compared anew, and reads
    /// orders again whose lines stood for nothing: what they sold is deducted now, and their letters
    /// are answered. Says how many orders that were. 0 for an account that is none of these.
    ///
    /// # Errors
    /// [`PlanError`] when Amazon or the store does not answer; the map is in place, and calling again
    /// goes on.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the map in place and some of the orders read.
    pub async fn replace_map(&self, account: &SellerAccount, map: SkuMap) -> Result<usize, PlanError> {
        let desk = &self.desk;
        let Some(account) = desk.account(account) else { return Ok(0) };
        let is_gone = |key: &ListingKey| map.listing(key.sku(), key.channel()).is_err();
        let intents = account.intents.all();
        let gone = intents.iter().filter(|record| is_gone(&record.key));
        let gone =
            gone.map(|record| Amendment::new(record.key.clone(), |record| record.intent.take().is_some()));
        let gone: Vec<Amendment> = gone.collect();
        account.replace_map(map);
        desk.amend(gone, Commit::default()).await?;
        account.forget_orders();
        account.look_at_all();
        desk.moved.notify_one();
        let mut read = 0;
        for (letter, order) in self.unmapped_orders().await? {
            let fetched = desk.market.order(&account.account, &order).await.map_err(|source| {
                PlanError::Market { what: "an order", account: account.account.to_string(), source }
            })?;
            // An order of another account is not known to this one.
            let Some(fetched) = fetched else { continue };
            let intake = Intake { desk, account };
            let mut commit = Commit::default();
            intake.add(&[fetched.order], &mut commit);
            let is_mapped =
                commit.orders.iter().flat_map(|report| &report.lines).all(|line| line.parts.is_some());
            if is_mapped {
                commit.answered.extend(letter);
                read += 1;
            }
            if let Committed::Done(receipt) = desk.commit(&commit).await? {
                intake.committed(&commit.orders, &receipt).await?;
            }
        }
        Ok(read)
    }

    /// Orders with lines that stood for nothing, each with its letters.
    async fn unmapped_orders(&self) -> Result<Vec<(Vec<u64>, OrderId)>, StoreError> {
        let codes = [Unresolved::Unmapped, Unresolved::Ambiguous, Unresolved::Refused].map(Unresolved::code);
        let (mut found, mut after): (Vec<(Vec<u64>, OrderId)>, u64) = (Vec::new(), 0);
        let mut seen = BTreeSet::new();
        loop {
            let page = self.letters(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(found) };
            after = last.number;
            for letter in page.iter().filter(|letter| codes.contains(&letter.letter.code)) {
                // Letters about listings have subjects that name no order.
                let Ok(order) = OrderId::parse(&letter.letter.subject) else { continue };
                if seen.insert(order.clone()) {
                    found.push((vec![letter.number], order));
                } else if let Some((letters, _)) = found.iter_mut().find(|(_, known)| *known == order) {
                    letters.push(letter.number);
                }
            }
        }
    }
}
