use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::amazon::{Refusal, Search};
use super::super::json;
use super::{Asked, Query};
use crate::order::OrderId;

/// `searchOrders`.
pub(super) async fn search(asked: Asked) -> Response {
    let search = match read(&asked.query) {
        Ok(search) => search,
        Err(refusal) => return asked.refuse(refusal),
    };
    let units = asked.shared.world().amazon.behaviour.cancelled_units;
    let ask = |amazon: &mut super::super::amazon::Amazon| amazon.search_orders(&asked.account, &search);
    asked.call(ask, StatusCode::OK, |found| json::orders(&found, &search.included, units)).await
}

/// `getOrder`.
pub(super) async fn get(asked: Asked, Path(order): Path<String>) -> Response {
    let Ok(id) = OrderId::parse(&order) else {
        return asked.refuse(Refusal::invalid("Invalid Input"));
    };
    let units = asked.shared.world().amazon.behaviour.cancelled_units;
    let included = asked.query.list("includedData");
    let ask = |amazon: &mut super::super::amazon::Amazon| amazon.get_order(&asked.account, &id);
    let body = |order| serde_json::json!({"order": json::order(&order, &included, units)});
    asked.call(ask, StatusCode::OK, body).await
}

fn read(query: &Query) -> Result<Search, Refusal> {
    Ok(Search {
        created_after: query.instant("createdAfter")?,
        created_before: query.instant("createdBefore")?,
        updated_after: query.instant("lastUpdatedAfter")?,
        updated_before: query.instant("lastUpdatedBefore")?,
        statuses: query.list("fulfillmentStatuses"),
        marketplaces: query.list("marketplaceIds"),
        fulfilled_by: query.list("fulfilledBy"),
        included: query.list("includedData"),
        page_size: query.number("maxResultsPerPage")?,
        token: query.text("paginationToken").map(str::to_owned),
    })
}
