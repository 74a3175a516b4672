//! Reports: everything at once, when Amazon feels like it.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::super::account::AmazonAccount;
use super::super::draw::Draw;
use super::super::plan::Operation;
use super::agenda::Event;
use super::call::{Reply, Worth, later};
use super::document::Document;
use super::listing::MERCHANT;
use super::refusal::Refusal;
use super::{Amazon, Seller};
use crate::order::{OrderId, OrderStatus, ShippedBy};
use crate::sku::{Asin, Sku};

/// What a report holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum ReportKind {
    Listings,
    AmazonStock,
    Orders,
}

impl ReportKind {
    const ALL: [Self; 3] = [Self::Listings, Self::AmazonStock, Self::Orders];

    /// Amazon's name of it.
    pub(in super::super) const fn as_str(self) -> &'static str {
        match self {
            Self::Listings => "GET_MERCHANT_LISTINGS_ALL_DATA",
            Self::AmazonStock => "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA",
            Self::Orders => "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL",
        }
    }

    pub(in super::super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// How far a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum ReportState {
    InQueue,
    InProgress,
    Done,
    Fatal,
}

#[derive(Clone, Debug)]
pub(in super::super) struct Report {
    pub(in super::super) id: String,
    pub(in super::super) kind: ReportKind,
    pub(in super::super) created_at: DateTime<Utc>,
    pub(in super::super) ends_at: DateTime<Utc>,
    pub(super) is_done: bool,
    pub(super) is_fatal: bool,
    pub(in super::super) document: Option<String>,
}

impl Report {
    pub(in super::super) fn state(&self, now: DateTime<Utc>) -> ReportState {
        match (self.is_done, self.is_fatal) {
            (true, true) => ReportState::Fatal,
            (true, false) => ReportState::Done,
            (false, _) if now < self.created_at + (self.ends_at - self.created_at) / 2 => {
                ReportState::InQueue
            }
            (false, _) => ReportState::InProgress,
        }
    }
}

/// A row of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Row {
    Listing {
        sku: Sku,
        asin: Asin,
        title: String,
        channel: String,
        /// `None` for one that Amazon ships; -1 for a broken row.
        quantity: Option<i64>,
        opened_at: DateTime<Utc>,
    },
    AmazonStock {
        sku: Sku,
        asin: Asin,
        title: String,
        fulfillable: u32,
        reserved: u32,
    },
    OrderLine {
        order: OrderId,
        created_at: DateTime<Utc>,
        updated_at: DateTime<Utc>,
        status: OrderStatus,
        shipped_by: ShippedBy,
        sku: Sku,
        asin: Asin,
        quantity: u32,
    },
}

impl Amazon {
    /// `createReport`.
    pub(in super::super) fn create_report(&mut self, account: &AmazonAccount, kind: &str) -> Reply<String> {
        self.call(account, Operation::CreateReport, kind, |amazon| {
            let Some(kind) = ReportKind::of(kind) else {
                return Err(Refusal::invalid(format!("The reportType '{kind}' is not supported.")));
            };
            Ok((amazon.begin_report(account, kind), Worth::Something))
        })
    }

    fn begin_report(&mut self, account: &AmazonAccount, kind: ReportKind) -> String {
        let at = self.now;
        let pause = TimeDelta::from_std(self.behaviour.report_pause).unwrap_or(TimeDelta::MAX);
        let known = self.sellers.get(account).map(|seller| &seller.reports);
        let nth = known.map_or(0, |reports| reports.len() + 1);
        let last = known.into_iter().flat_map(|reports| reports.values());
        let last = last
            .filter(|report| report.kind == kind && !report.is_fatal)
            .map(|report| report.created_at)
            .max();
        let id = (60_000_000_000 + nth).to_string();
        let mut draw =
            Draw::new(self.seed, &["report", &account.to_string()], u64::try_from(nth).unwrap_or_default());
        let report = Report {
            id: id.clone(),
            kind,
            created_at: at,
            ends_at: later(at, draw.within(self.behaviour.report_time)),
            is_done: false,
            is_fatal: last.is_some_and(|last| at < later(last, pause)),
            document: None,
        };
        self.agenda.put(report.ends_at, Event::ReportDone { account: account.clone(), report: id.clone() });
        if let Some(seller) = self.sellers.get_mut(account) {
            seller.reports.insert(id.clone(), report);
        }
        id
    }

    pub(super) fn finish_report(&mut self, account: &AmazonAccount, id: &str) {
        let Some(seller) = self.sellers.get(account) else { return };
        let Some(report) = seller.reports.get(id) else { return };
        let (kind, is_fatal) = (report.kind, report.is_fatal);
        let document = if is_fatal {
            None
        } else {
            let rows = match kind {
                ReportKind::Listings => self.listing_rows(account, seller),
                ReportKind::AmazonStock => stock_rows(seller),
                ReportKind::Orders => order_rows(seller, self.now - TimeDelta::hours(48)),
            };
            Some(self.add_document(account, Document::Report(kind, rows.into())))
        };
        let status = if is_fatal { "FATAL" } else { "DONE" };
        self.notice_of_report(account, id, kind.as_str(), status, document.as_deref());
        let report = self.sellers.get_mut(account).and_then(|seller| seller.reports.get_mut(id));
        if let Some(report) = report {
            report.is_done = true;
            report.document = document;
        }
    }

    fn listing_rows(&self, account: &AmazonAccount, seller: &Seller) -> Vec<Row> {
        let nth = u64::try_from(seller.reports.len()).unwrap_or_default();
        let name = account.to_string();
        let row = |listing: &super::Listing| {
            let mut draw = Draw::new(self.seed, &["row", &name, listing.sku.as_str()], nth);
            let quantity = listing.amazon.is_none().then(|| i64::from(listing.available()));
            let is_broken = draw.chance(self.faults.broken_row);
            Row::Listing {
                sku: listing.sku.clone(),
                asin: listing.asin.clone(),
                title: listing.title.clone(),
                channel: listing.channels().first().map_or(MERCHANT, |code| code).to_owned(),
                quantity: if is_broken { Some(-1) } else { quantity },
                opened_at: listing.created_at,
            }
        };
        seller.listings.values().map(row).collect()
    }

    /// `getReport`.
    pub(in super::super) fn get_report(&mut self, account: &AmazonAccount, id: &str) -> Reply<Report> {
        self.call(account, Operation::GetReport, id, |amazon| {
            let report = amazon.sellers.get(account).and_then(|seller| seller.reports.get(id)).cloned();
            Ok((report.ok_or_else(|| Refusal::not_found("Report not found."))?, Worth::Something))
        })
    }

    /// `getReportDocument`: where it lies.
    pub(in super::super) fn get_report_document(
        &mut self,
        account: &AmazonAccount,
        id: &str,
    ) -> Reply<String> {
        self.call(account, Operation::GetReportDocument, id, |amazon| {
            let address = amazon.address(account, id);
            Ok((address.ok_or_else(|| Refusal::not_found("Report document not found."))?, Worth::Something))
        })
    }

    /// The rows of a report's document, without the text between.
    pub(in super::super) fn report_rows(
        &self,
        account: &AmazonAccount,
        document: &str,
    ) -> Option<Arc<[Row]>> {
        match self.document(account, document) {
            Some(Document::Report(_, rows)) => Some(Arc::clone(rows)),
            _ => None,
        }
    }
}

fn stock_rows(seller: &Seller) -> Vec<Row> {
    let row = |listing: &super::Listing| {
        let shelf = listing.amazon.as_ref()?;
        Some(Row::AmazonStock {
            sku: listing.sku.clone(),
            asin: listing.asin.clone(),
            title: listing.title.clone(),
            fulfillable: shelf.fulfillable,
            reserved: shelf.reserved,
        })
    };
    seller.listings.values().filter_map(row).collect()
}

fn order_rows(seller: &Seller, since: DateTime<Utc>) -> Vec<Row> {
    let changed = seller.orders.values().map(|order| &order.state).filter(|order| since <= order.updated_at);
    changed
        .flat_map(|order| {
            order.told_lines().map(move |line| Row::OrderLine {
                order: order.id.clone(),
                created_at: order.created_at,
                updated_at: order.updated_at,
                status: order.status(),
                shipped_by: order.shipped_by,
                sku: line.sku.clone(),
                asin: line.asin.clone(),
                quantity: line.ordered.saturating_sub(line.cancelled),
            })
        })
        .collect()
}
