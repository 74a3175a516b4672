//! `JSON_LISTINGS_FEED`, version 2: thousands of changes in one document.

use serde_json::{Map, Value};

use super::PatchOperation;

objects! { "camelCase"
    /// A feed of changes to listings.
    pub struct ListingsFeed {
        /// About all of it.
        header: FeedHeader,
        /// At most 25,000.
        messages: Vec<FeedMessage>,
    }

    /// About all of a feed.
    pub struct FeedHeader {
        /// Whose listings.
        seller_id: String,
        /// Always `2.0`.
        version: String,
        /// The language of what is said about it, such as `en_US`.
        issue_locale: String,
        /// What its report should hold.
        report: FeedReportRequest,
    }

    /// What a report should hold.
    pub struct FeedReportRequest {
        /// Such as `fulfillmentAvailability`.
        included_data: Vec<String>,
        /// Always `2021-08-01`.
        api_version: String,
    }

    /// A change to one listing.
    pub struct FeedMessage {
        /// From 1, unique within the feed.
        message_id: i64,
        /// Which listing.
        sku: String,
        /// What to do.
        operation_type: FeedOperation,
        /// Amazon's product type; `PRODUCT` does for offers.
        product_type: String,
        /// What must be complete: `LISTING`, `LISTING_PRODUCT_ONLY`, `LISTING_OFFER_ONLY`.
        requirements: String,
        /// With an update: the attributes.
        attributes: Map<String, Value>,
        /// With a patch: the changes.
        patches: Vec<PatchOperation>,
    }
}

words! {
    /// What a feed does with a listing.
    pub enum FeedOperation {
        /// All of its attributes are replaced.
        Update = "UPDATE",
        /// The given attributes are replaced.
        PartialUpdate = "PARTIAL_UPDATE",
        /// It is changed operation by operation.
        Patch = "PATCH",
        /// It is taken away.
        Delete = "DELETE",
    }
}
