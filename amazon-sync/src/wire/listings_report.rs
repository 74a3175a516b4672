//! What became of a `JSON_LISTINGS_FEED`.

use super::{IssueSeverity, ListingsItem};

objects! { "camelCase"
    /// The processing report of a feed.
    pub struct FeedReport {
        /// About all of it.
        header: FeedReportHeader,
        /// What was wrong, message by message.
        issues: Vec<FeedIssue>,
        /// Counts.
        summary: FeedSummary,
        /// The listings after it, as far as it was asked for.
        items: Vec<ListingsItem>,
    }

    /// About all of a report.
    pub struct FeedReportHeader {
        /// Whose listings.
        seller_id: String,
        /// Always `2.0`.
        version: String,
        /// Which feed.
        feed_id: String,
        /// What it should hold.
        report: super::FeedReportRequest,
    }

    /// Something that was wrong with a message.
    pub struct FeedIssue {
        /// Which message; missing when it is about the whole feed.
        message_id: i64,
        /// Which listing.
        sku: String,
        /// Amazon's code.
        code: String,
        /// How bad it is. Only an error stops the message.
        severity: IssueSeverity,
        /// For people.
        message: String,
        /// The attribute.
        attribute_name: String,
    }

    /// Counts.
    pub struct FeedSummary {
        /// Errors.
        errors: i64,
        /// Warnings.
        warnings: i64,
        /// Messages that were looked at.
        messages_processed: i64,
        /// Messages that were taken.
        messages_accepted: i64,
        /// Messages that were refused.
        messages_invalid: i64,
        /// Counts of the listings after it.
        item_summary: ItemSummary,
    }

    /// Counts of the listings after a feed.
    pub struct ItemSummary {
        /// How many the report holds.
        items: i64,
        /// Errors on them.
        errors: i64,
        /// Warnings on them.
        warnings: i64,
    }
}
