//! `getInventorySummaries`: what lies on Amazon's own shelf.

use chrono::{DateTime, TimeDelta};

use super::super::account::AmazonAccount;
use super::super::plan::Operation;
use super::call::{Reply, Worth};
use super::refusal::Refusal;
use super::{Amazon, Listing};
use crate::sku::Sku;

/// Summaries that a page holds, and SKUs that a question names.
const PAGE: usize = 50;
/// After so long a token is no longer good (FBA Inventory v1, `nextToken`).
const TOKEN_LIFE: TimeDelta = TimeDelta::seconds(30);

impl Amazon {
    /// A page of the listings that Amazon ships, and the token of the next one.
    pub(in super::super) fn summaries(
        &mut self,
        account: &AmazonAccount,
        skus: &[Sku],
        token: Option<&str>,
    ) -> Reply<(Vec<Listing>, Option<String>)> {
        let subject = token.unwrap_or_default().to_owned();
        self.call(account, Operation::GetInventorySummaries, &subject, |amazon| {
            let now = amazon.now;
            if PAGE < skus.len() {
                return Err(Refusal::invalid(format!("sellerSkus may hold {PAGE} values at most.")));
            }
            let behind = match token.map(read_token) {
                None => 0,
                Some(Some((behind, given_at))) if now - given_at <= TOKEN_LIFE => behind,
                Some(_) => return Err(Refusal::invalid("The nextToken is invalid or has expired.")),
            };
            let listings =
                amazon.sellers.get(account).into_iter().flat_map(|seller| seller.listings.values());
            let ours = listings.filter(|listing| listing.amazon.is_some());
            let asked = ours.filter(|listing| skus.is_empty() || skus.contains(&listing.sku));
            let mut found: Vec<_> = asked.skip(behind).take(PAGE + 1).cloned().collect();
            let is_more = PAGE < found.len();
            found.truncate(PAGE);
            let next = is_more.then(|| format!("{}+{}=", behind + PAGE, now.timestamp_millis()));
            Ok(((found, next), Worth::Something))
        })
    }

    /// `getMarketplaceParticipations`: the seller's marketplaces.
    pub(in super::super) fn participations(&mut self, account: &AmazonAccount) -> Reply<Vec<String>> {
        self.call(account, Operation::GetMarketplaceParticipations, "", |amazon| {
            let seller = amazon.sellers.get(account).ok_or_else(|| Refusal::forbidden(""))?;
            let names = seller.marketplaces.iter().map(|name| name.as_str().to_owned());
            Ok((names.collect(), Worth::Something))
        })
    }
}

fn read_token(token: &str) -> Option<(usize, DateTime<chrono::Utc>)> {
    let (behind, given_at) = token.strip_suffix('=')?.split_once('+')?;
    Some((behind.parse().ok()?, DateTime::from_timestamp_millis(given_at.parse().ok()?)?))
}
