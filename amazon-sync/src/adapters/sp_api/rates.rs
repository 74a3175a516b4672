//! How often each operation may be asked, as data.
//!
//! Sources, 2026-08: Amazon's models of the operations, its SDK's table, and the page "Listings
//! Items API Rate Limits". Where they disagree the lower number stands here; what an answer's
//! `x-amzn-RateLimit-Limit` says replaces it for that seller.

/// A budget: so many a second in the long run, and so many at once after a pause.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Calls per second.
    pub per_second: f64,
    /// Calls at once.
    pub burst: u32,
}

/// The budgets of one operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatePlan {
    /// Amazon's name of the operation, or of a kind of feed.
    pub operation: &'static str,
    /// For one seller through one application.
    pub seller: Budget,
    /// For all sellers through one application.
    pub application: Option<Budget>,
}

const fn plan(operation: &'static str, per_second: f64, burst: u32) -> RatePlan {
    RatePlan { operation, seller: Budget { per_second, burst }, application: None }
}

const fn shared(plan: RatePlan, per_second: f64, burst: u32) -> RatePlan {
    RatePlan { application: Some(Budget { per_second, burst }), ..plan }
}

/// Every operation's budgets.
pub const RATES: [RatePlan; 38] = [
    plan("searchOrders", 1.0 / 180.0, 20), // model 0.0056, SDK 1 in 180 s
    plan("getOrder", 0.5, 30),
    plan("getListingsItem", 5.0, 5), // model burst 10, docs and SDK 5
    plan("searchListingsItems", 5.0, 5),
    shared(plan("patchListingsItem", 5.0, 5), 500.0, 500),
    shared(plan("putListingsItem", 5.0, 5), 100.0, 100),
    plan("deleteListingsItem", 5.0, 5),
    plan("createFeedDocument", 0.5, 15),
    plan("createFeed", 0.0083, 15),
    plan("getFeed", 2.0, 15),
    plan("getFeeds", 0.0222, 10),
    plan("getFeedDocument", 0.0222, 10),
    plan("cancelFeed", 2.0, 15),
    plan(LISTINGS_FEED, 5.0 / 300.0, 5), // "Feed size and rate limit changes", 2025-05-06
    plan("createReport", 1.0 / 60.0, 15),
    plan("getReport", 2.0, 15),
    plan("getReports", 0.0222, 10),
    plan("getReportDocument", 1.0 / 60.0, 15),
    plan("cancelReport", 0.0222, 10),
    plan("createReportSchedule", 0.0222, 10),
    plan("getReportSchedule", 0.0222, 10),
    plan("getReportSchedules", 0.0222, 10),
    plan("cancelReportSchedule", 0.0222, 10),
    plan("getInventorySummaries", 2.0, 2),
    plan("getSubscriptions", 1.0, 5),
    plan("getSubscription", 1.0, 5),
    plan("createSubscription", 1.0, 5),
    plan("getSubscriptionById", 1.0, 5),
    plan("deleteSubscriptionById", 1.0, 5),
    plan("sendTestNotification", 1.0, 5),
    plan("getDestinations", 1.0, 5),
    plan("createDestination", 1.0, 5),
    plan("getDestination", 1.0, 5),
    plan("deleteDestination", 1.0, 5),
    plan("getMarketplaceParticipations", 0.016, 15),
    plan("getAccount", 0.016, 15), // model 0.016, SDK 0.5
    plan("createRestrictedDataToken", 1.0, 10),
    plan("createInventoryItem", 2.0, 3),
];

/// The kind of feed that has a budget of its own beside that of `createFeed`.
pub(super) const LISTINGS_FEED: &str = "JSON_LISTINGS_FEED";

/// The plan of an operation that has none here: slow, so that it harms nobody.
const UNKNOWN: RatePlan = plan("other", 0.5, 1);

/// The budgets of an operation.
pub fn rate_plan(operation: &str) -> RatePlan {
    RATES.into_iter().find(|plan| plan.operation == operation).unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::OPERATIONS;

    #[test]
    fn every_operation_has_its_budgets() {
        let sandbox_only = ["deleteInventoryItem", "addInventory"];
        for operation in OPERATIONS.iter().filter(|operation| !sandbox_only.contains(&operation.name)) {
            assert_eq!(rate_plan(operation.name).operation, operation.name);
        }
        assert_eq!(rate_plan("makeCoffee"), UNKNOWN);
        assert!(RATES.iter().all(|plan| 0.0 < plan.seller.per_second && 1 <= plan.seller.burst));
    }
}
