//! What may be called how often: Amazon's usage plan as data.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

/// An operation of the Selling Partner API that the simulator answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is named as Amazon names it")]
pub enum Operation {
    SearchOrders,
    GetOrder,
    GetListingsItem,
    SearchListingsItems,
    PatchListingsItem,
    CreateFeedDocument,
    CreateFeed,
    GetFeed,
    GetFeedDocument,
    CreateReport,
    GetReport,
    GetReportDocument,
    GetInventorySummaries,
    GetMarketplaceParticipations,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::SearchOrders,
        Self::GetOrder,
        Self::GetListingsItem,
        Self::SearchListingsItems,
        Self::PatchListingsItem,
        Self::CreateFeedDocument,
        Self::CreateFeed,
        Self::GetFeed,
        Self::GetFeedDocument,
        Self::CreateReport,
        Self::GetReport,
        Self::GetReportDocument,
        Self::GetInventorySummaries,
        Self::GetMarketplaceParticipations,
    ];

    /// Amazon's name of it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SearchOrders => "searchOrders",
            Self::GetOrder => "getOrder",
            Self::GetListingsItem => "getListingsItem",
            Self::SearchListingsItems => "searchListingsItems",
            Self::PatchListingsItem => "patchListingsItem",
            Self::CreateFeedDocument => "createFeedDocument",
            Self::CreateFeed => "createFeed",
            Self::GetFeed => "getFeed",
            Self::GetFeedDocument => "getFeedDocument",
            Self::CreateReport => "createReport",
            Self::GetReport => "getReport",
            Self::GetReportDocument => "getReportDocument",
            Self::GetInventorySummaries => "getInventorySummaries",
            Self::GetMarketplaceParticipations => "getMarketplaceParticipations",
        }
    }
}

impl Display for Operation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How often one operation may be called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Calls a second, in the long run.
    pub per_second: f64,
    /// Calls at once after a pause.
    pub burst: u32,
}

/// How often each operation may be called: by one seller through the application, and by all
/// sellers through it together.
#[derive(Clone, Debug, PartialEq)]
pub struct UsagePlan {
    pub(super) seller: BTreeMap<Operation, Rate>,
    pub(super) application: BTreeMap<Operation, Rate>,
    /// `JSON_LISTINGS_FEED` has a limit of its own beside that of `createFeed`.
    pub(super) listings_feeds: Rate,
}

impl UsagePlan {
    /// What Amazon publishes: the models at commit 34dc93f of selling-partner-api-models
    /// (2026-08), the page "Listings Items API Rate Limits" for the application's, and the
    /// changelog "Feed size and rate limit changes" for listings feeds. Where these disagree the
    /// lower value stands.
    pub fn published() -> Self {
        let rate = |per_second, burst| Rate { per_second, burst };
        let seller = BTreeMap::from([
            (Operation::SearchOrders, rate(0.0056, 20)),
            (Operation::GetOrder, rate(0.5, 30)),
            (Operation::GetListingsItem, rate(5.0, 5)),
            (Operation::SearchListingsItems, rate(5.0, 5)),
            (Operation::PatchListingsItem, rate(5.0, 5)),
            (Operation::CreateFeedDocument, rate(0.5, 15)),
            (Operation::CreateFeed, rate(0.0083, 15)),
            (Operation::GetFeed, rate(2.0, 15)),
            (Operation::GetFeedDocument, rate(0.0222, 10)),
            (Operation::CreateReport, rate(0.0167, 15)),
            (Operation::GetReport, rate(2.0, 15)),
            (Operation::GetReportDocument, rate(0.0167, 15)),
            (Operation::GetInventorySummaries, rate(2.0, 2)),
            (Operation::GetMarketplaceParticipations, rate(0.016, 15)),
        ]);
        let application = BTreeMap::from([(Operation::PatchListingsItem, rate(500.0, 500))]);
        Self { seller, application, listings_feeds: rate(5.0 / 300.0, 5) }
    }

    /// The same plan with another rate for each seller.
    #[must_use]
    pub fn with(mut self, operation: Operation, rate: Rate) -> Self {
        self.seller.insert(operation, rate);
        self
    }

    /// The same plan with a rate for all sellers together.
    #[must_use]
    pub fn with_application(mut self, operation: Operation, rate: Rate) -> Self {
        self.application.insert(operation, rate);
        self
    }

    /// The rate for each seller.
    pub fn rate(&self, operation: Operation) -> Rate {
        self.seller.get(&operation).copied().unwrap_or(Rate { per_second: 1.0, burst: 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_name_and_a_rate_of_its_own() {
        let plan = UsagePlan::published();
        let mut names: Vec<_> = Operation::ALL.map(Operation::as_str).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Operation::ALL.len());
        assert!(Operation::ALL.iter().all(|operation| plan.seller.contains_key(operation)));
    }
}
