//! What will happen, in an order that follows from what it is and not from who asked first.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::super::account::AmazonAccount;
use crate::order::OrderId;
use crate::sku::Sku;

/// Something that happens by itself when its time has come. Of two at one instant the smaller one
/// comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Event {
    /// Somebody wants a listing.
    Demand {
        account: AmazonAccount,
        sku: Sku,
        nth: u64,
    },
    /// An order goes on.
    Step {
        account: AmazonAccount,
        order: OrderId,
        nth: usize,
    },
    /// A change of an order can be found.
    Told {
        account: AmazonAccount,
        order: OrderId,
        version: u32,
    },
    /// A write has reached the stored attribute.
    Stored {
        account: AmazonAccount,
        sku: Sku,
        write: u64,
    },
    /// A write has reached buyers.
    Shown {
        account: AmazonAccount,
        sku: Sku,
        write: u64,
    },
    FeedDone {
        account: AmazonAccount,
        feed: String,
    },
    ReportDone {
        account: AmazonAccount,
        report: String,
    },
    /// A notification is delivered.
    Notice {
        id: String,
        copy: u32,
    },
}

#[derive(Debug, Default)]
pub(in super::super) struct Agenda(BTreeSet<(DateTime<Utc>, Event)>);

impl Agenda {
    pub(in super::super) fn put(&mut self, at: DateTime<Utc>, event: Event) {
        self.0.insert((at, event));
    }

    pub(in super::super) fn next_at(&self) -> Option<DateTime<Utc>> {
        self.0.first().map(|(at, _)| *at)
    }

    pub(in super::super) fn pop_until(&mut self, until: DateTime<Utc>) -> Option<(DateTime<Utc>, Event)> {
        if self.next_at()? <= until { self.0.pop_first() } else { None }
    }
}
