//! What the Selling Partner API says and is told: typed, and written again without loss.
//!
//! Everything here is what stands on the wire, and nothing is decided: what an order means for
//! stock is [`crate::order`], and whoever reads it says where it cannot be read. So nothing that is
//! a JSON object fails to be read: a member that is not what it should be is kept as
//! [`Field::Odd`], one that nobody knows in `rest`, and a word that is in no list as `Other`.
//! [`kept`] tells of all of them by their paths.
//!
//! What we never ask for because it is personal or about money is [`Unread`]: it is kept, it shows
//! in no `Debug`, and nothing of it is looked at.
//!
//! ```
//! use amazon_sync::wire::{Field, FeedStatus, GetFeedAnswer, kept};
//! let feed: GetFeedAnswer = serde_json::from_str(
//!     r#"{"feedId": "53347018456", "processingStatus": "RESTING", "createdTime": 7}"#,
//! )?;
//! assert_eq!(feed.feed_id.get().map(String::as_str), Some("53347018456"));
//! assert_eq!(feed.processing_status.get(), Some(&FeedStatus::Other("RESTING".to_owned())));
//! assert_eq!(kept(&feed), ["createdTime", "processingStatus"]);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod field;
mod timestamp;
#[macro_use]
mod object;

mod call;
mod carrier;
mod envelope;
mod error;
mod payload;
mod fba;
mod feed;
mod issue;
mod listing;
mod listings_feed;
mod listings_report;
mod order;
mod order_item;
mod report;
mod seller;
mod subscription;

pub use call::{Call, Method, OPERATIONS, Operation, Rewritten};
pub use carrier::carried;
pub use envelope::{CamelEnvelope, CamelMetadata, Envelope, PascalEnvelope, PascalMetadata};
pub use error::{ErrorBody, ErrorEntry};
pub use fba::{
    AddInventory, AddedInventory, AddedItem, AmazonStockDetails, AmazonStockPage, AmazonStockPayloadPage,
    AmazonStockSummary, CreateInventoryItem, DeleteInventoryItem, GetInventorySummaries, Granularity,
    NewInventoryItem, ResearchingEntry, ResearchingQuantity, ReservedQuantity, UnfulfillableQuantity,
};
pub use feed::{
    CancelFeed, CreateFeed, CreateFeedAnswer, CreateFeedDocument, CreateFeedDocumentAnswer,
    FeedDocumentSpecification, FeedSpecification, FeedStatus, GetFeed, GetFeedAnswer, GetFeedDocument,
    GetFeedDocumentAnswer, GetFeeds, GetFeedsAnswer,
};
pub use field::{Field, Kept, Nothing, Rest, Unread, kept};
pub use issue::{Issue, IssueAction, IssueEnforcements, IssueExemption, IssueSeverity};
pub use listing::{
    Audience, DeleteListingsItem, FulfillmentAttribute, FulfillmentAvailability, GetListingsItem,
    Identifiers, Image, ListingsItem, ListingsPage, ListingsPagination, Money, Offer, PatchListingsItem,
    PatchOp, PatchOperation, PatchRequest, Points, Procurement, ProductType, PutListingsItem, PutRequest,
    Relationship, Relationships, SearchListingsItems, SubmissionAnswer, SubmissionStatus, Summary,
    VariationTheme,
};
pub use listings_feed::{FeedHeader, FeedMessage, FeedOperation, FeedReportRequest, ListingsFeed};
pub use listings_report::{FeedIssue, FeedReport, FeedReportHeader, FeedSummary, ItemSummary};
pub use object::Wrapped;
pub use order::{
    Alias, AssociatedOrder, FulfilledBy, FulfillmentOrder, FulfillmentStatus, GetOrder, GetOrderAnswer,
    OrderFulfillment, OrderPackage, OrderPagination, OrdersPage, PackageItem, PackageStatus, SalesChannel,
    SearchOrders, TimeRange, WireOrder,
};
pub use order_item::{
    AssociatedOrderItem, CancellationExecution, CancellationRequest, ItemCancellation, ItemFulfillment,
    ItemProduct, Measurement, OrderItem, Picking, SubstitutionOption, SubstitutionPreference,
};
pub use payload::{
    AmazonStockByMarketplace, AmazonStockCounts, AmazonStockPayload, FeedFinished, FeedFinishedPayload,
    InboundBreakdown, ListingStatusPayload, OrderChange, OrderChangeItem, OrderChangePayload,
    OrderChangeSummary, OrderChangeTrigger, Payload, QuantityPayload, ReportFinished, ReportFinishedPayload,
    ReservedBreakdown,
};
pub use report::{
    CancelReport, CancelReportSchedule, CreateReport, CreateReportAnswer, CreateReportSchedule,
    CreateReportScheduleAnswer, GetReport, GetReportAnswer, GetReportDocument, GetReportDocumentAnswer,
    GetReportSchedule, GetReportScheduleAnswer, GetReportSchedules, GetReports, GetReportsAnswer,
    ReportSchedules, ReportSpecification, ReportStatus, ScheduleSpecification,
};
pub use seller::{
    Account, CreateRestrictedDataToken, GetAccount, GetMarketplaceParticipations, Marketplace,
    MarketplaceParticipation, Participation, RestrictedDataToken, RestrictedResource, TokenRequest,
};
pub use subscription::{
    AggregationSettings, CreateDestination, CreateSubscription, DeleteDestination, DeleteSubscriptionById,
    Destination, DestinationRequest, DestinationResource, EventBridge, EventFilter, GetDestination,
    GetDestinations, GetSubscription, GetSubscriptionById, GetSubscriptions, ProcessingDirective,
    SendTestNotification, Sqs, Subscription, SubscriptionRequest, Subscriptions, TestNotification,
    TestNotificationRequest,
};
pub use timestamp::Timestamp;

#[cfg(test)]
mod tests;
