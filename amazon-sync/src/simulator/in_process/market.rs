use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::super::account::AmazonAccount;
use super::super::amazon::{Found, Line, Listing, OrderState, ReportState, Row, SEARCH_MAX, Search};
use super::super::behaviour::CancelledUnits;
use super::super::json::told_ordered;
use super::super::plan::Operation;
use super::{Answer, SimulatedMarketplace, answered};
use crate::listing::{Channel, ListingState};
use crate::marketplace::{
    Fetched, MarketError, Marketplace, OrderPage, OrderQuery, PageToken, RowError, Snapshot, SnapshotAsk,
    SnapshotKind, SnapshotRef, SnapshotRow, SnapshotRows,
};
use crate::order::{Order, OrderId, OrderLine};
use crate::quantity::{Quantity, Units};
use crate::seller::SellerAccount;
use crate::sku::Sku;

#[async_trait]
impl Marketplace for SimulatedMarketplace {
    async fn orders(&self, account: &SellerAccount, query: &OrderQuery) -> Result<OrderPage, MarketError> {
        let operation = Operation::SearchOrders;
        let marketplaces = query.window.marketplaces.iter().map(|name| name.as_str().to_owned());
        let search = Search {
            updated_after: Some(query.window.from),
            updated_before: Some(query.window.to),
            marketplaces: marketplaces.collect(),
            fulfilled_by: vec!["MERCHANT".to_owned()],
            token: query.page.as_ref().map(|page| page.0.clone()),
            ..Search::default()
        };
        let reply = self.shared.ask(|amazon| amazon.search_orders(&account.into(), &search)).await;
        match answered(&self.shared, account, operation, reply) {
            Ok(Answer { value, at }) => Ok(self.page(value, at)),
            Err(MarketError::Rejected { request, .. }) if query.page.is_some() => {
                Err(MarketError::PageRefused { operation: operation.as_str(), request })
            }
            Err(error) => Err(error),
        }
    }

    async fn order(&self, account: &SellerAccount, id: &OrderId) -> Result<Option<Fetched>, MarketError> {
        let reply = self.shared.ask(|amazon| amazon.get_order(&account.into(), id)).await;
        match answered(&self.shared, account, Operation::GetOrder, reply) {
            Ok(Answer { value, at }) => {
                Ok(Some(Fetched { order: order(&value, self.units()), server_now: Some(at) }))
            }
            Err(MarketError::Rejected { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn listings(
        &self,
        account: &SellerAccount,
        skus: &[Sku],
    ) -> Result<Vec<Vec<ListingState>>, MarketError> {
        let mut states = Vec::with_capacity(skus.len());
        for some in skus.chunks(SEARCH_MAX) {
            let reply = self.shared.ask(|amazon| amazon.find_listings(&account.into(), some)).await;
            let Answer { value, at } =
                answered(&self.shared, account, Operation::SearchListingsItems, reply)?;
            let of = |sku: &Sku| value.iter().find(|listing| listing.sku == *sku);
            states.extend(
                some.iter().map(|sku| of(sku).map_or_else(Vec::new, |found| listing_states(found, at))),
            );
        }
        Ok(states)
    }

    async fn snapshot(&self, account: &SellerAccount, ask: &SnapshotAsk) -> Result<Snapshot, MarketError> {
        let owner = AmazonAccount::from(account);
        let report = match ask {
            SnapshotAsk::New(kind) => {
                let reply = self.shared.ask(|amazon| amazon.create_report(&owner, report_type(*kind))).await;
                let Answer { value, at } = answered(&self.shared, account, Operation::CreateReport, reply)?;
                let asked = SnapshotRef { kind: *kind, report: value, document: None };
                return Ok(Snapshot::Pending { asked, again_at: self.again_at(at) });
            }
            SnapshotAsk::Of(report) => report,
        };
        let reply = self.shared.ask(|amazon| amazon.get_report(&owner, &report.report)).await;
        let Answer { value, at } = answered(&self.shared, account, Operation::GetReport, reply)?;
        Ok(match (value.state(at), value.document) {
            (ReportState::Done, Some(document)) => {
                Snapshot::Ready(SnapshotRef { document: Some(document), ..report.clone() })
            }
            (ReportState::Fatal, _) => Snapshot::Refused { why: "FATAL".to_owned() },
            _ => Snapshot::Pending { asked: report.clone(), again_at: self.again_at(at) },
        })
    }

    async fn snapshot_rows(
        &self,
        account: &SellerAccount,
        snapshot: &SnapshotRef,
    ) -> Result<Box<dyn SnapshotRows>, MarketError> {
        let owner = AmazonAccount::from(account);
        let document = snapshot.document.as_deref().unwrap_or_default();
        let reply = self.shared.ask(|amazon| amazon.get_report_document(&owner, document)).await;
        let Answer { at, .. } = answered(&self.shared, account, Operation::GetReportDocument, reply)?;
        let rows = self.shared.world().amazon.report_rows(&owner, document);
        let rows = rows.unwrap_or_else(|| Arc::from(Vec::new()));
        Ok(Box::new(Rows { all: rows, next: 0, at }))
    }
}

impl SimulatedMarketplace {
    fn units(&self) -> CancelledUnits {
        self.shared.world().amazon.behaviour.cancelled_units
    }

    fn page(&self, found: Found, at: DateTime<Utc>) -> OrderPage {
        let units = self.units();
        OrderPage {
            orders: found.orders.iter().map(|found| order(found, units)).collect(),
            poison: Vec::new(),
            next: found.next.map(PageToken),
            used_to: Some(found.used_to),
            server_now: Some(at),
        }
    }

    /// Ten seconds later, by our clock.
    fn again_at(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        self.shared.by_our_clock(at) + chrono::TimeDelta::seconds(10)
    }
}

const fn report_type(kind: SnapshotKind) -> &'static str {
    match kind {
        SnapshotKind::Listings => "GET_MERCHANT_LISTINGS_ALL_DATA",
        SnapshotKind::AmazonStock => "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA",
        SnapshotKind::Orders => "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL",
    }
}

fn quantity(number: u32) -> Quantity {
    Quantity::clamped(Units::new(number.into()))
}

/// The order as an adapter reads it: cancelled is what is neither fulfilled nor unfulfilled.
fn order(state: &OrderState, units: CancelledUnits) -> Order {
    let line = |line: &Line| {
        let ordered = told_ordered(line, units);
        OrderLine {
            id: line.id.clone(),
            sku: Some(line.sku.clone()),
            asin: Some(line.asin.clone()),
            ordered: quantity(ordered),
            shipped: quantity(line.shipped),
            cancelled: quantity(ordered.saturating_sub(line.shipped + line.open())),
        }
    };
    Order {
        id: state.id.clone(),
        updated_at: state.updated_at,
        created_at: state.created_at,
        status: state.status(),
        shipped_by: state.shipped_by,
        lines: state.told_lines().map(line).collect(),
    }
}

/// A listing as an adapter reads it: a state for each channel.
fn listing_states(listing: &Listing, at: DateTime<Utc>) -> Vec<ListingState> {
    let state = |code: &str| ListingState {
        sku: listing.sku.clone(),
        channel: Channel::of(code),
        declared: listing.stored_quantity(code).map(quantity),
        effective: listing.shown.get(code).copied().map(quantity),
        product_type: Some(listing.product_type.clone()),
        asin: Some(listing.asin.clone()),
        buyable: Some(0 < listing.available()),
        as_of: at,
    };
    listing.channels().into_iter().map(state).collect()
}

#[derive(Debug)]
struct Rows {
    all: Arc<[Row]>,
    next: usize,
    at: DateTime<Utc>,
}

#[async_trait]
impl SnapshotRows for Rows {
    async fn next(&mut self, max: usize) -> Result<Vec<Result<SnapshotRow, RowError>>, MarketError> {
        let from = self.next;
        let rows = self.all.iter().enumerate().skip(from).take(max);
        let rows: Vec<_> = rows.map(|(place, row)| snapshot_row(place, row, self.at)).collect();
        self.next += rows.len();
        Ok(rows)
    }
}

fn snapshot_row(place: usize, row: &Row, at: DateTime<Utc>) -> Result<SnapshotRow, RowError> {
    // The header is line 1.
    let line = u64::try_from(place).unwrap_or(u64::MAX - 2) + 2;
    Ok(match row {
        Row::Listing { sku, asin, channel, quantity, .. } => {
            let broken = |reason: crate::quantity::QuantityError| RowError {
                line,
                reason: format!("quantity: {reason}"),
            };
            let quantity = quantity.map(Quantity::new).transpose().map_err(broken)?;
            SnapshotRow::Listing(ListingState {
                sku: sku.clone(),
                channel: Channel::of(channel),
                declared: None,
                effective: quantity,
                product_type: None,
                asin: Some(asin.clone()),
                buyable: None,
                as_of: at,
            })
        }
        Row::AmazonStock { sku, asin, fulfillable, .. } => SnapshotRow::AmazonStock {
            sku: sku.clone(),
            asin: Some(asin.clone()),
            fulfillable: quantity(*fulfillable),
        },
        Row::OrderLine { order, updated_at, .. } => {
            SnapshotRow::OrderLine { order: order.clone(), updated_at: *updated_at }
        }
    })
}
