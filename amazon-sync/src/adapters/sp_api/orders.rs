//! Orders: from the wire to what matters to stock.

use chrono::{DateTime, TimeDelta, Utc};

use super::misread::{Misread, needed, optional};
use super::{Answered, SpApi};
use crate::marketplace::{Fetched, MarketError, OrderPage, OrderQuery, PageToken, Poison};
use crate::order::{LineId, Order, OrderId, OrderLine, OrderStatus, ShippedBy};
use crate::quantity::{Quantity, Units};
use crate::seller::SellerAccount;
use crate::sku::{Asin, Sku};
use crate::wire::{
    Call, Field, FulfilledBy, GetOrder, ItemCancellation, OrderItem, OrdersPage, SearchOrders, Timestamp,
    WireOrder,
};

/// Nothing personal and no money.
const INCLUDED: [&str; 2] = ["FULFILLMENT", "CANCELLATION"];
/// Amazon refuses a window that ends later than so long ago.
const SETTLED: TimeDelta = TimeDelta::minutes(2);

fn included() -> Field<Vec<String>> {
    INCLUDED.map(str::to_owned).to_vec().into()
}

impl SpApi {
    pub(super) async fn search_orders(
        &self,
        account: &SellerAccount,
        query: &OrderQuery,
    ) -> Result<OrderPage, MarketError> {
        let window = &query.window;
        let names = window.marketplaces.iter().map(|marketplace| marketplace.as_str().to_owned());
        let names: Vec<String> = names.collect();
        let marketplaces =
            if names.is_empty() { self.access::<SearchOrders>(account)?.marketplace_names() } else { names };
        let call = SearchOrders {
            last_updated_after: Timestamp::from(window.from).into(),
            last_updated_before: Timestamp::from(window.to).into(),
            marketplace_ids: marketplaces.into(),
            fulfilled_by: vec![FulfilledBy::Merchant].into(),
            included_data: included(),
            pagination_token: query.page.as_ref().map(|page| page.0.clone()).into(),
            ..SearchOrders::default()
        };
        let answered = self.call(account, &call).await;
        let now = self.inner.clock.now();
        let answered = answered.map_err(|error| explained(error, query, now))?;
        page(answered)
    }

    pub(super) async fn fetch_order(
        &self,
        account: &SellerAccount,
        id: &OrderId,
    ) -> Result<Option<Fetched>, MarketError> {
        let call =
            GetOrder { order_id: id.as_str().into(), included_data: included(), ..GetOrder::default() };
        let Answered { answer, request, server_now } = match self.call(account, &call).await {
            Err(MarketError::Rejected { status: 404, .. }) => return Ok(None),
            answered => answered?,
        };
        let read =
            needed(&answer.order, "order").and_then(|wire| order(wire).map_err(|it| it.below("order")));
        let order = read.map_err(|Misread { place, reason }| MarketError::Unreadable {
            operation: GetOrder::NAME,
            place,
            reason,
            request,
        })?;
        Ok(Some(Fetched { order, server_now }))
    }
}

/// Says of a refusal what Amazon's words leave out: that a token is of no use any more, or that a
/// window ends too late (selling-partner-api-docs issue 326).
fn explained(error: MarketError, query: &OrderQuery, now: DateTime<Utc>) -> MarketError {
    match error {
        MarketError::Rejected { operation, status: 400, request, .. } if query.page.is_some() => {
            MarketError::PageRefused { operation, request }
        }
        MarketError::Rejected { operation, status: 400, code, request }
            if now < query.window.to + SETTLED =>
        {
            let ago = (now - query.window.to).num_seconds();
            let code = format!(
                "{code}: the window must end at least 2 minutes ago by Amazon's clock, and ended {ago} s ago by ours"
            );
            MarketError::Rejected { operation, status: 400, code, request }
        }
        other => other,
    }
}

fn page(answered: Answered<OrdersPage>) -> Result<OrderPage, MarketError> {
    let Answered { answer, request, server_now } = answered;
    let unreadable = |Misread { place, reason }| MarketError::Unreadable {
        operation: SearchOrders::NAME,
        place,
        reason,
        request: request.clone(),
    };
    let told = needed(&answer.orders, "orders").map_err(unreadable)?;
    let (mut orders, mut poison) = (Vec::with_capacity(told.len()), Vec::new());
    for (index, told) in told.iter().enumerate() {
        let place = format!("orders[{index}]");
        match needed(told, "").and_then(order) {
            Ok(order) => orders.push(order),
            Err(misread) => {
                let id = told.get().and_then(|wire| OrderId::parse(wire.order_id.get()?).ok());
                let Misread { place, reason } = misread.below(&place);
                poison.push(Poison { order: id, place, reason });
            }
        }
    }
    // A page without a readable end would be taken for the last.
    let pagination = optional(&answer.pagination, "pagination").map_err(unreadable)?;
    let next = pagination.map(|pagination| optional(&pagination.next_token, "pagination.nextToken"));
    let next = next.transpose().map_err(unreadable)?.flatten();
    Ok(OrderPage {
        orders,
        poison,
        next: next.filter(|token| !token.is_empty()).map(|token| PageToken(token.clone())),
        used_to: answer.last_updated_before.get().and_then(Timestamp::at),
        server_now,
    })
}

fn order(wire: &WireOrder) -> Result<Order, Misread> {
    let id = parsed(&wire.order_id, "orderId", OrderId::parse)?;
    let fulfillment = needed(&wire.fulfillment, "fulfillment")?;
    let status = needed(&fulfillment.fulfillment_status, "fulfillment.fulfillmentStatus")?;
    let shipped_by = match needed(&fulfillment.fulfilled_by, "fulfillment.fulfilledBy")? {
        FulfilledBy::Merchant => ShippedBy::Merchant,
        FulfilledBy::Amazon => ShippedBy::Amazon,
        FulfilledBy::Other(_) => {
            return Err(Misread::at("fulfillment.fulfilledBy", "is neither MERCHANT nor AMAZON"));
        }
    };
    let status = OrderStatus::of(status.as_str());
    let lines = needed(&wire.order_items, "orderItems")?.iter().enumerate();
    let lines: Result<Vec<OrderLine>, Misread> = lines
        .map(|(index, item)| line(item, &status).map_err(|it| it.below(&format!("orderItems[{index}]"))))
        .collect();
    Ok(Order {
        id,
        updated_at: instant(&wire.last_updated_time, "lastUpdatedTime")?,
        created_at: instant(&wire.created_time, "createdTime")?,
        shipped_by,
        lines: lines?,
        status,
    })
}

fn line(item: &OrderItem, status: &OrderStatus) -> Result<OrderLine, Misread> {
    let product = needed(&item.product, "product")?;
    let sku = optional(&product.seller_sku, "product.sellerSku")?.filter(|sku| !sku.is_empty());
    let sku = sku.map(|sku| Sku::parse(sku).map_err(|_| Misread::at("product.sellerSku", "is no SKU")));
    let ordered = needed(&item.quantity_ordered, "quantityOrdered")?;
    let ordered = quantity(*ordered, "quantityOrdered")?;
    let (shipped, open) = match optional(&item.fulfillment, "fulfillment")? {
        None => (None, None),
        Some(fulfillment) => {
            let read = |field, place: &str| -> Result<Option<Quantity>, Misread> {
                optional(field, place)?.map(|number| quantity(*number, place)).transpose()
            };
            (
                read(&fulfillment.quantity_fulfilled, "fulfillment.quantityFulfilled")?,
                read(&fulfillment.quantity_unfulfilled, "fulfillment.quantityUnfulfilled")?,
            )
        }
    };
    let shipped = shipped.unwrap_or_default();
    if ordered < shipped && *status != OrderStatus::Cancelled {
        return Err(Misread::at("fulfillment.quantityFulfilled", "is more than was ordered"));
    }
    let was_cancelled = optional(&item.cancellation, "cancellation")?.is_some_and(is_carried_out);
    Ok(OrderLine {
        id: parsed(&item.order_item_id, "orderItemId", LineId::parse)?,
        sku: sku.transpose()?,
        asin: product.asin.get().and_then(|asin| Asin::parse(asin).ok()),
        ordered,
        shipped,
        cancelled: cancelled(ordered, shipped, open, was_cancelled, status),
    })
}

/// How many units were cancelled. Amazon tells that a cancellation was carried out, and never of
/// how many units: they are what is neither shipped nor to be shipped. Of an order that is pending
/// nothing is to be shipped yet, so there the difference says nothing.
fn cancelled(
    ordered: Quantity,
    shipped: Quantity,
    open: Option<Quantity>,
    was_cancelled: bool,
    status: &OrderStatus,
) -> Quantity {
    let rest = ordered.units().checked_sub(shipped.units()).unwrap_or_default();
    let difference = rest.checked_sub(open.unwrap_or_default().units()).unwrap_or_default();
    let has_begun = matches!(status, OrderStatus::PartiallyShipped | OrderStatus::Shipped);
    Quantity::clamped(match open {
        _ if *status == OrderStatus::Cancelled => rest,
        Some(_) if was_cancelled || has_begun => difference,
        None if was_cancelled => rest,
        _ => Units::ZERO,
    })
}

fn is_carried_out(cancellation: &ItemCancellation) -> bool {
    let execution = cancellation.cancellation_execution.get();
    execution.and_then(|execution| execution.cancelled_by.get()).is_some_and(|by| !by.is_empty())
}

fn quantity(number: i64, place: &str) -> Result<Quantity, Misread> {
    Quantity::new(number).map_err(|error| Misread::at(place, error.to_string()))
}

fn instant(field: &Field<Timestamp>, place: &str) -> Result<DateTime<Utc>, Misread> {
    needed(field, place)?.at().ok_or_else(|| Misread::at(place, "is no instant"))
}

fn parsed<T, E>(
    field: &Field<String>,
    place: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, Misread> {
    parse(needed(field, place)?).map_err(|_| Misread::at(place, "is not written as Amazon's names are"))
}

#[cfg(test)]
mod tests;
