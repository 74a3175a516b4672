use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::super::amazon::{Amazon, Feed, Refusal};
use super::super::json::{self, put};
use super::{Asked, json_body};

/// `createFeedDocument`.
pub(super) async fn create_document(asked: Asked, body: Bytes) -> Response {
    let body = match json_body(&body) {
        Ok(body) => body,
        Err(refusal) => return asked.refuse(refusal),
    };
    if body.get("contentType").and_then(Value::as_str).is_none_or(str::is_empty) {
        return asked.refuse(Refusal::invalid("'contentType' is missing from the request body."));
    }
    let ask = |amazon: &mut Amazon| amazon.create_feed_document(&asked.account);
    let told =
        |(id, address): (String, String)| json!({"feedDocumentId": id, "url": asked.address(&address)});
    asked.call(ask, StatusCode::CREATED, told).await
}

/// `createFeed`.
pub(super) async fn create(asked: Asked, body: Bytes) -> Response {
    let body = match json_body(&body) {
        Ok(body) => body,
        Err(refusal) => return asked.refuse(refusal),
    };
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let known = asked.marketplaces();
    let named = body.get("marketplaceIds").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_ours = |name: &Value| name.as_str().is_some_and(|name| known.iter().any(|known| known == name));
    if named.is_empty() || !named.iter().all(is_ours) {
        return asked.refuse(Refusal::invalid("marketplaceIds must name marketplaces of the seller."));
    }
    let (kind, document) = (text("feedType"), text("inputFeedDocumentId"));
    let ask = |amazon: &mut Amazon| amazon.create_feed(&asked.account, kind, document);
    asked.call(ask, StatusCode::ACCEPTED, |id| json!({"feedId": id})).await
}

/// `getFeed`.
pub(super) async fn get(asked: Asked, Path(feed): Path<String>) -> Response {
    let marketplaces = asked.marketplaces();
    let names: Vec<_> = marketplaces.iter().map(String::as_str).collect();
    let now = asked.shared.world().now();
    let ask = |amazon: &mut Amazon| amazon.get_feed(&asked.account, &feed);
    asked.call(ask, StatusCode::OK, |feed: Feed| json::feed(&feed, &names, now)).await
}

/// `getFeedDocument`.
pub(super) async fn document(asked: Asked, Path(document): Path<String>) -> Response {
    let gzip = asked.shared.world().amazon.behaviour.report_gzip;
    let ask = |amazon: &mut Amazon| amazon.get_feed_document(&asked.account, &document);
    let told = |address: String| {
        let mut told = json!({"feedDocumentId": document, "url": asked.address(&address)});
        if gzip {
            put(&mut told, "compressionAlgorithm", "GZIP");
        }
        told
    };
    asked.call(ask, StatusCode::OK, told).await
}
