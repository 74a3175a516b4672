//! What a seller sees of its own listings.

use super::super::account::AmazonAccount;
use super::super::draw::Draw;
use super::super::plan::Operation;
use super::call::{Reply, Worth};
use super::refusal::Refusal;
use super::{Amazon, Listing};
use crate::sku::Sku;

/// SKUs that one search names, and listings that a page of it holds, at most.
pub(in super::super) const SEARCH_MAX: usize = 20;

impl Amazon {
    /// `searchListingsItems` by SKU: those that are found, in the order of their names.
    pub(in super::super) fn find_listings(
        &mut self,
        account: &AmazonAccount,
        skus: &[Sku],
    ) -> Reply<Vec<Listing>> {
        let subject = skus.iter().map(Sku::as_str).collect::<Vec<_>>().join(",");
        self.call(account, Operation::SearchListingsItems, &subject, |amazon| {
            if SEARCH_MAX < skus.len() {
                return Err(Refusal::invalid(format!("identifiers may hold {SEARCH_MAX} values at most.")));
            }
            let mut found: Vec<_> = skus.iter().filter_map(|sku| amazon.look(account, sku)).collect();
            found.sort_by(|one, other| one.sku.cmp(&other.sku));
            found.dedup_by(|one, other| one.sku == other.sku);
            Ok((found, Worth::Something))
        })
    }

    /// `searchListingsItems` without identifiers: a page of all, behind so many.
    pub(in super::super) fn list_listings(
        &mut self,
        account: &AmazonAccount,
        behind: usize,
        page: usize,
    ) -> Reply<(Vec<Listing>, usize)> {
        self.call(account, Operation::SearchListingsItems, &format!("all behind {behind}"), |amazon| {
            let Some(seller) = amazon.sellers.get(account) else { return Err(Refusal::forbidden("")) };
            let total = seller.listings.len();
            let skus: Vec<_> =
                seller.listings.keys().skip(behind).take(page.min(SEARCH_MAX)).cloned().collect();
            let found = skus.iter().filter_map(|sku| amazon.look(account, sku)).collect();
            Ok(((found, total), Worth::Something))
        })
    }

    /// `getListingsItem`.
    pub(in super::super) fn get_listing(&mut self, account: &AmazonAccount, sku: &Sku) -> Reply<Listing> {
        self.call(account, Operation::GetListingsItem, sku.as_str(), |amazon| {
            let found = amazon.listing(account, sku).cloned();
            let found = found.ok_or_else(|| Refusal::not_found(format!("SKU '{sku}' not found.")))?;
            Ok((found, Worth::Something))
        })
    }

    /// The listing, unless this answer leaves it out.
    fn look(&mut self, account: &AmazonAccount, sku: &Sku) -> Option<Listing> {
        let (seed, absent, name) = (self.seed, self.faults.absent_row, account.to_string());
        let listing = self.sellers.get_mut(account)?.listings.get_mut(sku)?;
        listing.n_reads += 1;
        let is_absent = Draw::new(seed, &["read", &name, sku.as_str()], listing.n_reads).chance(absent);
        (!is_absent).then(|| listing.clone())
    }
}
