//! Budgets at two levels, as Amazon keeps them, and what they would have allowed.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::account::AmazonAccount;
use super::bucket::Bucket;
use super::plan::{Operation, UsagePlan};

/// Which budget is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// The seller's, through this application.
    Seller,
    /// The application's, for all sellers.
    Application,
    /// That of listings feeds.
    ListingsFeeds,
}

/// There was no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UsedUp {
    pub(super) level: Level,
    /// When there would be one, if nobody takes it before.
    pub(super) wait: Option<Duration>,
}

/// All buckets. They are full when the first call comes.
#[derive(Debug)]
pub(super) struct Budgets {
    plan: UsagePlan,
    sellers: BTreeMap<(AmazonAccount, Operation), Bucket>,
    application: BTreeMap<Operation, Bucket>,
    listings_feeds: BTreeMap<AmazonAccount, Bucket>,
    /// By how much the true rate differs from the published one, from an instant on.
    factors: BTreeMap<Operation, Vec<(DateTime<Utc>, f64)>>,
}

impl Budgets {
    pub(super) const fn new(plan: UsagePlan) -> Self {
        Self {
            plan,
            sellers: BTreeMap::new(),
            application: BTreeMap::new(),
            listings_feeds: BTreeMap::new(),
            factors: BTreeMap::new(),
        }
    }

    /// From `at` on each seller's true rate is the published one times `factor`. The burst stays.
    pub(super) fn scale(&mut self, operation: Operation, factor: f64, at: DateTime<Utc>) {
        self.factors.entry(operation).or_default().push((at, factor));
        let per_second = self.in_force(operation);
        for ((_, of), bucket) in &mut self.sellers {
            if *of == operation {
                bucket.set_rate(per_second, at);
            }
        }
    }

    /// The rate that each seller has.
    pub(super) fn in_force(&self, operation: Operation) -> f64 {
        let factor =
            self.factors.get(&operation).and_then(|all| all.last()).map_or(1.0, |(_, factor)| *factor);
        self.plan.rate(operation).per_second * factor
    }

    /// The rate that is published for each seller.
    pub(super) fn published(&self, operation: Operation) -> f64 {
        self.plan.rate(operation).per_second
    }

    pub(super) const fn plan(&self) -> &UsagePlan {
        &self.plan
    }

    /// Takes a token at both levels, or none.
    pub(super) fn take(
        &mut self,
        account: &AmazonAccount,
        operation: Operation,
        at: DateTime<Utc>,
    ) -> Result<(), UsedUp> {
        let per_second = self.in_force(operation);
        let burst = self.plan.rate(operation).burst;
        let seller = self
            .sellers
            .entry((account.clone(), operation))
            .or_insert_with(|| Bucket::full(per_second, burst, at));
        if !seller.has_one(at) {
            return Err(UsedUp { level: Level::Seller, wait: seller.wait(at) });
        }
        if let Some(rate) = self.plan.application.get(&operation) {
            let all = self
                .application
                .entry(operation)
                .or_insert_with(|| Bucket::full(rate.per_second, rate.burst, at));
            if !all.take(at) {
                return Err(UsedUp { level: Level::Application, wait: all.wait(at) });
            }
        }
        seller.take(at);
        Ok(())
    }

    /// Takes a token of the seller's listings feeds.
    pub(super) fn take_listings_feed(
        &mut self,
        account: &AmazonAccount,
        at: DateTime<Utc>,
    ) -> Result<(), UsedUp> {
        let rate = self.plan.listings_feeds;
        let bucket = self
            .listings_feeds
            .entry(account.clone())
            .or_insert_with(|| Bucket::full(rate.per_second, rate.burst, at));
        if bucket.take(at) {
            Ok(())
        } else {
            Err(UsedUp { level: Level::ListingsFeeds, wait: bucket.wait(at) })
        }
    }

    /// How many calls a seller could have made from one instant to another, the burst included:
    /// what a share of the budget is a share of.
    pub(super) fn allowed(&self, operation: Operation, from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
        let rate = self.plan.rate(operation);
        let changes = self.factors.get(&operation).map(Vec::as_slice).unwrap_or_default();
        let mut calls = f64::from(rate.burst);
        let (mut since, mut factor) = (from, 1.0);
        for (at, next) in changes {
            let until = (*at).clamp(since, to.max(since));
            calls += rate.per_second * factor * (until - since).as_seconds_f64();
            (since, factor) = (until, *next);
        }
        calls + rate.per_second * factor * (to - since).as_seconds_f64().max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::super::plan::Rate;
    use super::*;
    use crate::seller::Region;

    fn nine() -> DateTime<Utc> {
        "2026-01-05T09:00:00Z".parse().unwrap()
    }

    fn account(nth: usize) -> AmazonAccount {
        AmazonAccount::parse(&format!("SELLER{nth}"), Region::Europe).unwrap()
    }

    #[test]
    fn the_application_is_a_second_level_above_its_sellers() {
        let plan = UsagePlan::published()
            .with_application(Operation::PatchListingsItem, Rate { per_second: 6.0, burst: 6 });
        let mut budgets = Budgets::new(plan);
        let mut take = |nth| budgets.take(&account(nth), Operation::PatchListingsItem, nine());
        assert_eq!((0..9).filter(|_| take(1).is_ok()).count(), 5);
        assert_eq!(take(1).unwrap_err().level, Level::Seller);
        assert!(take(2).is_ok());
        let used_up = take(2).unwrap_err();
        assert_eq!(used_up.level, Level::Application);
        assert_eq!(used_up.wait, Some(Duration::from_nanos(166_666_667)));
    }

    #[test]
    fn what_was_allowed_counts_each_rate_for_its_time() {
        let operation = Operation::PatchListingsItem;
        let mut budgets = Budgets::new(UsagePlan::published());
        let at = |seconds| nine() + TimeDelta::seconds(seconds);
        budgets.scale(operation, 0.5, at(100));
        budgets.scale(operation, 2.0, at(200));
        let allowed = budgets.allowed(operation, at(0), at(300));
        assert!((allowed - (5.0 + 500.0 + 250.0 + 1_000.0)).abs() < 1e-9, "{allowed}");
        let allowed = budgets.allowed(operation, at(150), at(160));
        assert!((allowed - (5.0 + 25.0)).abs() < 1e-9, "{allowed}");
    }

    proptest! {
        #[test]
        fn changing_rates_never_grant_more_than_was_allowed(
            gaps_ms in prop::collection::vec(0..400_i64, 1..400),
            changes in prop::collection::vec((0..400_usize, 0.1..3.0_f64), 0..4),
        ) {
            let operation = Operation::PatchListingsItem;
            let mut budgets = Budgets::new(UsagePlan::published());
            let (mut at, mut granted) = (nine(), 0_u32);
            for (nth, gap) in gaps_ms.iter().enumerate() {
                at += TimeDelta::milliseconds(*gap);
                for (_, factor) in changes.iter().filter(|(when, _)| *when == nth) {
                    budgets.scale(operation, *factor, at);
                }
                granted += u32::from(budgets.take(&account(1), operation, at).is_ok());
                prop_assert!(f64::from(granted) <= budgets.allowed(operation, nine(), at) + 1e-6);
            }
        }
    }
}
