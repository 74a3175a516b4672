//! Documents: what a feed brings and what a report holds, behind addresses that soon expire.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};

use super::super::account::AmazonAccount;
use super::super::draw::Draw;
use super::call::{later, uuid};
use super::feed::FeedMessage;
use super::report::Row;
use super::{Amazon, ReportKind};

/// Documents that are kept for each seller; older ones are gone. Amazon keeps them for days.
const KEPT: usize = 50;

#[derive(Debug, Default)]
pub(super) struct Documents {
    all: BTreeMap<(AmazonAccount, u64), Kept>,
    made: BTreeMap<AmazonAccount, u64>,
    /// Addresses and until when they are good.
    addresses: BTreeMap<String, (AmazonAccount, u64, DateTime<Utc>)>,
    n_addresses: u64,
}

#[derive(Debug)]
struct Kept {
    id: String,
    document: Document,
}

/// What a document holds.
#[derive(Clone, Debug)]
pub(in super::super) enum Document {
    /// It waits to be uploaded.
    Empty,
    /// A feed as it was uploaded.
    Feed(Bytes),
    /// A feed that was handed over without text.
    Messages(Arc<[FeedMessage]>),
    /// The processing report of the feed with this name.
    Result(String),
    Report(ReportKind, Arc<[Row]>),
}

impl Amazon {
    /// A new document of the seller's; its name.
    pub(super) fn add_document(&mut self, account: &AmazonAccount, document: Document) -> String {
        let made = self.documents.made.entry(account.clone()).or_default();
        *made += 1;
        let nth = *made;
        let mut draw = Draw::new(self.seed, &["document", &account.to_string()], nth);
        let id = format!("amzn1.tortuga.4.{}", uuid(&mut draw));
        self.documents.all.insert((account.clone(), nth), Kept { id: id.clone(), document });
        let oldest = nth.saturating_sub(u64::try_from(KEPT).unwrap_or(u64::MAX));
        self.documents.all.remove(&(account.clone(), oldest));
        id
    }

    /// An address for a document, good for a while; `None` when there is no such document.
    pub(in super::super) fn address(&mut self, account: &AmazonAccount, id: &str) -> Option<String> {
        let now = self.now;
        let of_seller = self.documents.all.iter().filter(|((owner, _), _)| owner == account);
        let nth = of_seller.into_iter().find(|(_, kept)| kept.id == id).map(|((_, nth), _)| *nth)?;
        let documents = &mut self.documents;
        documents.n_addresses += 1;
        let address = uuid(&mut Draw::new(self.seed, &["address"], documents.n_addresses));
        let life = TimeDelta::from_std(self.behaviour.document_life).unwrap_or(TimeDelta::MAX);
        documents.addresses.retain(|_, (_, _, until)| now <= *until);
        documents.addresses.insert(address.clone(), (account.clone(), nth, later(now, life)));
        Some(address)
    }

    /// Puts a body where the address points; false when it is not good for that.
    pub(in super::super) fn upload(&mut self, address: &str, body: Bytes) -> bool {
        let now = self.now;
        let Some((account, nth, until)) = self.documents.addresses.get(address).cloned() else {
            return false;
        };
        match self.documents.all.get_mut(&(account, nth)) {
            Some(Kept { document: document @ (Document::Empty | Document::Feed(_)), .. }) if now <= until => {
                *document = Document::Feed(body);
                true
            }
            _ => false,
        }
    }

    /// What lies where the address points, and whose it is.
    pub(in super::super) fn download(&self, address: &str) -> Option<(AmazonAccount, Document)> {
        let (account, nth, until) = self.documents.addresses.get(address)?;
        let kept = self.documents.all.get(&(account.clone(), *nth))?;
        (self.now <= *until).then(|| (account.clone(), kept.document.clone()))
    }

    /// The seller's document.
    pub(in super::super) fn document(&self, account: &AmazonAccount, id: &str) -> Option<&Document> {
        let of_seller = self.documents.all.iter().filter(|((owner, _), _)| owner == account);
        of_seller.into_iter().find(|(_, kept)| kept.id == id).map(|(_, kept)| &kept.document)
    }

    pub(super) fn document_mut(&mut self, account: &AmazonAccount, id: &str) -> Option<&mut Document> {
        let of_seller = self.documents.all.iter_mut().filter(|((owner, _), _)| owner == account);
        of_seller.into_iter().find(|(_, kept)| kept.id == id).map(|(_, kept)| &mut kept.document)
    }
}
