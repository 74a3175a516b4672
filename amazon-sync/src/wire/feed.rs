//! Feeds API 2021-06-30.

use serde_json::{Map, Value};

use super::{Nothing, Timestamp};

calls! {
    /// Asks where a feed's content can be put.
    Post "/feeds/2021-06-30/documents" as "createFeedDocument" gives CreateFeedDocumentAnswer;
    pub struct CreateFeedDocument {
        /// What will be put there.
        body: FeedDocumentSpecification,
    }

    /// Hands in a feed whose content was put there.
    Post "/feeds/2021-06-30/feeds" as "createFeed" gives CreateFeedAnswer;
    pub struct CreateFeed {
        /// The feed.
        body: FeedSpecification,
    }

    /// How far is a feed?
    Get "/feeds/2021-06-30/feeds/{feedId}" as "getFeed" gives GetFeedAnswer;
    pub struct GetFeed {
        /// Which.
        feed_id: String,
    }

    /// Which feeds are there? The first question has filters, each further one only `nextToken`.
    Get "/feeds/2021-06-30/feeds" as "getFeeds" gives GetFeedsAnswer;
    pub struct GetFeeds {
        /// Of these types: 1 to 10.
        feed_types: Vec<String>,
        /// Of these marketplaces: 1 to 10.
        marketplace_ids: Vec<String>,
        /// So many a page: 1 to 100, 10 if it is left out.
        page_size: i64,
        /// As far as this.
        processing_statuses: Vec<FeedStatus>,
        /// Made at or after; 90 days ago if it is left out.
        created_since: Timestamp,
        /// Made at or before.
        created_until: Timestamp,
        /// Where the last page said to go on.
        next_token: String,
    }

    /// Where is a document, such as the report of a feed?
    Get "/feeds/2021-06-30/documents/{feedDocumentId}" as "getFeedDocument" gives GetFeedDocumentAnswer;
    pub struct GetFeedDocument {
        /// Which.
        feed_document_id: String,
        /// Whether its address should be one that names the encoding of the content.
        enable_content_encoding_url_header: bool,
    }

    /// Takes a feed back that nobody has begun on.
    Delete "/feeds/2021-06-30/feeds/{feedId}" as "cancelFeed" gives Nothing;
    pub struct CancelFeed {
        /// Which.
        feed_id: String,
    }
}

objects! { "camelCase"
    /// What will be put into a document.
    pub struct FeedDocumentSpecification {
        /// Its media type with the encoding, such as `application/json; charset=UTF-8`.
        content_type: String,
    }

    /// A new document.
    pub struct CreateFeedDocumentAnswer {
        /// Amazon's name of it.
        feed_document_id: String,
        /// Where the content is put, for 5 minutes. Whoever knows it can write.
        url: String,
    }

    /// A feed that is handed in.
    pub struct FeedSpecification {
        /// Its type, such as `JSON_LISTINGS_FEED`.
        feed_type: String,
        /// For which marketplaces: 1 to 25.
        marketplace_ids: Vec<String>,
        /// The document with its content.
        input_feed_document_id: String,
        /// What some types want to be told.
        feed_options: Map<String, Value>,
    }

    /// A feed that was taken.
    pub struct CreateFeedAnswer {
        /// Amazon's name of it.
        feed_id: String,
    }

    /// How far a feed is.
    pub struct GetFeedAnswer {
        /// Amazon's name of it.
        feed_id: String,
        /// Its type.
        feed_type: String,
        /// For which marketplaces.
        marketplace_ids: Vec<String>,
        /// When it was handed in.
        created_time: Timestamp,
        /// How far it is.
        processing_status: FeedStatus,
        /// When somebody began on it.
        processing_start_time: Timestamp,
        /// When it was done.
        processing_end_time: Timestamp,
        /// The document with its report, when it is done.
        result_feed_document_id: String,
    }

    /// A page of feeds.
    pub struct GetFeedsAnswer {
        /// The feeds.
        feeds: Vec<GetFeedAnswer>,
        /// Where it goes on.
        next_token: String,
    }

    /// Where a document is.
    pub struct GetFeedDocumentAnswer {
        /// Amazon's name of it.
        feed_document_id: String,
        /// Where it is, for 5 minutes. Whoever knows it can read.
        url: String,
        /// `GZIP` where it is packed.
        compression_algorithm: String,
    }
}

words! {
    /// How far a feed is.
    pub enum FeedStatus {
        /// It waits.
        InQueue = "IN_QUEUE",
        /// Somebody works on it.
        InProgress = "IN_PROGRESS",
        /// It is worked through; its report tells what became of each message.
        Done = "DONE",
        /// It was taken back.
        Cancelled = "CANCELLED",
        /// It was given up; some of it may be in effect.
        Fatal = "FATAL",
    }
}
