//! Feeds: thousands of writes in one document, carried out when Amazon gets round to it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::account::AmazonAccount;
use super::super::behaviour::Span;
use super::super::draw::Draw;
use super::super::plan::Operation;
use super::super::read::feed::{FeedText, read_feed};
use super::Amazon;
use super::agenda::Event;
use super::call::{Reply, Worth, later};
use super::document::Document;
use super::listing::Patch;
use super::refusal::Refusal;
use super::write::Issue;
use crate::sku::Sku;

/// The only kind of feed that is carried out: the others are dead or have nothing to do with stock.
pub(in super::super) const LISTINGS_FEED: &str = "JSON_LISTINGS_FEED";

/// One message of a feed.
#[derive(Clone, Debug)]
pub(in super::super) struct FeedMessage {
    pub(in super::super) number: i64,
    pub(in super::super) sku: Sku,
    pub(in super::super) patches: Result<Vec<Patch>, Issue>,
}

#[derive(Clone, Debug)]
pub(in super::super) struct Feed {
    pub(in super::super) id: String,
    pub(in super::super) created_at: DateTime<Utc>,
    pub(in super::super) begins_at: DateTime<Utc>,
    pub(in super::super) ends_at: DateTime<Utc>,
    pub(super) is_done: bool,
    pub(super) is_fatal: bool,
    /// The document of its processing report.
    pub(in super::super) result: Option<String>,
    pub(in super::super) n_messages: usize,
    /// What is wrong with which message of which SKU.
    pub(in super::super) issues: Vec<(Option<i64>, Option<String>, Issue)>,
    skus: Vec<Sku>,
    pub(in super::super) tells_availability: bool,
    /// What buyers saw when the report was written, by SKU and channel.
    pub(in super::super) availability: Vec<(Sku, Channels)>,
}

/// Channels, each with the number that buyers see, where there is one.
pub(in super::super) type Channels = Vec<(String, Option<u32>)>;

impl Feed {
    /// Amazon's word for how far it is.
    pub(in super::super) fn status(&self, now: DateTime<Utc>) -> &'static str {
        match (self.is_done, self.is_fatal) {
            (true, true) => "FATAL",
            (true, false) => "DONE",
            (false, _) if now < self.begins_at => "IN_QUEUE",
            (false, _) => "IN_PROGRESS",
        }
    }
}

impl Amazon {
    /// `createFeedDocument`: the document's name and where to put it.
    pub(in super::super) fn create_feed_document(
        &mut self,
        account: &AmazonAccount,
    ) -> Reply<(String, String)> {
        self.call(account, Operation::CreateFeedDocument, "", |amazon| {
            let id = amazon.add_document(account, Document::Empty);
            let address = amazon.address(account, &id).unwrap_or_default();
            Ok(((id, address), Worth::Something))
        })
    }

    /// Puts messages into a document, without the text between.
    pub(in super::super) fn upload_messages(
        &mut self,
        account: &AmazonAccount,
        document: &str,
        messages: Arc<[FeedMessage]>,
    ) {
        if let Some(document @ Document::Empty) = self.document_mut(account, document) {
            *document = Document::Messages(messages);
        }
    }

    /// `createFeed`.
    pub(in super::super) fn create_feed(
        &mut self,
        account: &AmazonAccount,
        kind: &str,
        document: &str,
    ) -> Reply<String> {
        self.call(account, Operation::CreateFeed, document, |amazon| {
            if kind != LISTINGS_FEED {
                return Err(Refusal::invalid(format!("The feedType '{kind}' is not supported.")));
            }
            let content = match amazon.document(account, document) {
                Some(Document::Feed(text)) => Ok(read_feed(text, account.seller().as_str())),
                Some(Document::Messages(messages)) => Ok(Ok(FeedText {
                    tells_availability: true,
                    messages: messages.to_vec(),
                    issues: Vec::new(),
                })),
                _ => Err(Refusal::invalid("The inputFeedDocumentId names no uploaded document.")),
            }?;
            let at = amazon.now;
            amazon.budgets.take_listings_feed(account, at).map_err(Refusal::quota)?;
            Ok(amazon.begin_feed(account, content))
        })
    }

    fn begin_feed(&mut self, account: &AmazonAccount, content: Result<FeedText, Issue>) -> (String, Worth) {
        let at = self.now;
        let nth = self.sellers.get(account).map_or(0, |seller| seller.feeds.len() + 1);
        let id = (50_000_000_000 + nth).to_string();
        let name = account.to_string();
        let mut draw = Draw::new(self.seed, &["feed", &name], u64::try_from(nth).unwrap_or_default());
        let [is_fatal, is_slow] =
            [self.faults.fatal_feed, self.faults.slow_feed].map(|chance| draw.chance(chance));
        let usual = draw.within(self.behaviour.feed_effect);
        let slow = draw.within(Span::seconds(1_800, 8 * 3_600));
        let takes = if is_slow { slow } else { usual };
        let mut feed = Feed {
            id: id.clone(),
            created_at: at,
            begins_at: later(at, takes / 2),
            ends_at: later(at, takes),
            is_done: false,
            is_fatal: is_fatal || content.is_err(),
            result: None,
            n_messages: 0,
            issues: Vec::new(),
            skus: Vec::new(),
            tells_availability: false,
            availability: Vec::new(),
        };
        let mut worth = Worth::Something;
        match content {
            Ok(text) if !is_fatal => worth = self.take_messages(account, &mut feed, text, takes),
            Ok(_) => {}
            Err(issue) => feed.issues.push((None, None, issue)),
        }
        self.agenda.put(feed.ends_at, Event::FeedDone { account: account.clone(), feed: id.clone() });
        if let Some(seller) = self.sellers.get_mut(account) {
            seller.feeds.insert(id.clone(), feed);
        }
        (id, worth)
    }

    fn take_messages(
        &mut self,
        account: &AmazonAccount,
        feed: &mut Feed,
        text: FeedText,
        takes: TimeDelta,
    ) -> Worth {
        feed.n_messages = text.messages.len() + text.issues.len();
        feed.tells_availability = text.tells_availability;
        let unread = text.issues.into_iter().map(|(number, sku, issue)| (Some(number), sku, issue));
        feed.issues.extend(unread);
        let mut worth = Worth::Nothing;
        for FeedMessage { number, sku, patches } in text.messages {
            // Between the middle and the end of the feed, each message at its own time.
            let part = |draw: &mut Draw| takes / 20 * i32::try_from(draw.between(10, 19)).unwrap_or(10);
            let accepted = self.accept(account, &sku, patches, false, part);
            if !accepted.is_idle && accepted.issues.is_empty() {
                worth = Worth::Something;
            }
            for issue in accepted.issues {
                feed.issues.push((Some(number), Some(sku.as_str().to_owned()), issue));
            }
            feed.skus.push(sku);
        }
        worth
    }

    pub(super) fn finish_feed(&mut self, account: &AmazonAccount, id: &str) {
        let Some(seller) = self.sellers.get_mut(account) else { return };
        let Some(feed) = seller.feeds.get_mut(id) else { return };
        feed.is_done = true;
        feed.skus.sort();
        feed.skus.dedup();
        if feed.tells_availability {
            let seen = feed.skus.iter().filter_map(|sku| seller.listings.get(sku));
            feed.availability = seen
                .map(|listing| {
                    let number = |code: &&str| ((*code).to_owned(), listing.shown.get(*code).copied());
                    (listing.sku.clone(), listing.channels().iter().map(number).collect())
                })
                .collect();
        }
        let status = feed.status(feed.ends_at);
        let result = self.add_document(account, Document::Result(id.to_owned()));
        self.notice_of_feed(account, id, status, Some(&result));
        if let Some(feed) = self.sellers.get_mut(account).and_then(|seller| seller.feeds.get_mut(id)) {
            feed.result = Some(result);
        }
    }

    /// `getFeed`.
    pub(in super::super) fn get_feed(&mut self, account: &AmazonAccount, id: &str) -> Reply<Feed> {
        self.call(account, Operation::GetFeed, id, |amazon| {
            let feed = amazon.feed(account, id).cloned();
            Ok((feed.ok_or_else(|| Refusal::not_found("Feed not found."))?, Worth::Something))
        })
    }

    pub(in super::super) fn feed(&self, account: &AmazonAccount, id: &str) -> Option<&Feed> {
        self.sellers.get(account)?.feeds.get(id)
    }

    /// `getFeedDocument`: where it lies.
    pub(in super::super) fn get_feed_document(&mut self, account: &AmazonAccount, id: &str) -> Reply<String> {
        self.call(account, Operation::GetFeedDocument, id, |amazon| {
            let address = amazon.address(account, id);
            Ok((address.ok_or_else(|| Refusal::not_found("Feed document not found."))?, Worth::Something))
        })
    }
}
