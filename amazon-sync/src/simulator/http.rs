//! The HTTP door: SP-API's own paths, parameters and answers, and Login with Amazon beside them.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post, put};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::account::AmazonAccount;
use super::amazon::{Outcome, Refusal, Reply};
use super::json;
use super::shared::Shared;
use super::socket::Scissors;

mod documents;
mod feeds;
mod inventory;
mod listings;
mod orders;
mod query;
mod reports;
mod text;
mod token;

use query::Query;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const RATE_LIMIT: HeaderName = HeaderName::from_static("x-amzn-ratelimit-limit");
const ACCESS_TOKEN: HeaderName = HeaderName::from_static("x-amz-access-token");
/// Longer ones are refused ("Include a User-Agent header in all requests").
const USER_AGENT_MAX: usize = 500;
/// As large as a feed of 25,000 full messages may be.
const BODY_MAX: usize = 64 * 1024 * 1024;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/orders/2026-01-01/orders", get(orders::search))
        .route("/orders/2026-01-01/orders/{order}", get(orders::get))
        .route("/listings/2021-08-01/items/{seller}", get(listings::search))
        .route("/listings/2021-08-01/items/{seller}/{sku}", patch(listings::patch).get(listings::get))
        .route("/feeds/2021-06-30/documents", post(feeds::create_document))
        .route("/feeds/2021-06-30/documents/{document}", get(feeds::document))
        .route("/feeds/2021-06-30/feeds", post(feeds::create))
        .route("/feeds/2021-06-30/feeds/{feed}", get(feeds::get))
        .route("/reports/2021-06-30/reports", post(reports::create))
        .route("/reports/2021-06-30/reports/{report}", get(reports::get))
        .route("/reports/2021-06-30/documents/{document}", get(reports::document))
        .route("/fba/inventory/v1/summaries", get(inventory::summaries))
        .route("/sellers/v1/marketplaceParticipations", get(inventory::participations))
        .route("/documents/{address}", put(documents::upload).get(documents::download))
        .route("/auth/o2/token", post(token::grant))
        .route("/simulator/report", get(report))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(shared)
}

async fn report(State(shared): State<Arc<Shared>>) -> Response {
    let report = shared.world().report();
    json_answer(StatusCode::OK, &serde_json::to_value(report).unwrap_or_default())
}

/// A request with the seller that it comes from.
struct Asked {
    shared: Arc<Shared>,
    account: AmazonAccount,
    query: Query,
    host: String,
    scissors: Scissors,
}

impl FromRequestParts<Arc<Shared>> for Asked {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, Response> {
        let turned_away = |refusal: Refusal| {
            let mut world = shared.world();
            let (request, at) = (world.amazon.name_request(), world.now());
            drop(world);
            answer(Reply::<()>::refused(refusal, request, at), &Scissors::default(), StatusCode::OK, |()| {
                Value::Null
            })
        };
        let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let agent = text(header::USER_AGENT).unwrap_or_default();
        if agent.is_empty() || USER_AGENT_MAX < agent.len() {
            return Err(turned_away(Refusal::invalid("The User-Agent header is missing or too long.")));
        }
        let account = text(ACCESS_TOKEN).and_then(|token| shared.world().amazon.bearer(token));
        let Some(account) = account else {
            let details = "The access token you provided is revoked, malformed or invalid.";
            return Err(turned_away(Refusal::forbidden(details)));
        };
        let host = text(header::HOST).unwrap_or("127.0.0.1").to_owned();
        let scissors = parts.extensions.get::<ConnectInfo<Scissors>>();
        let scissors = scissors.map_or_else(Scissors::default, |ConnectInfo(scissors)| scissors.clone());
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        Ok(Self { shared: Arc::clone(shared), account, query, host, scissors })
    }
}

impl Asked {
    /// Asks Amazon, and makes the answer of what comes.
    async fn call<T>(
        &self,
        ask: impl FnOnce(&mut super::amazon::Amazon) -> Reply<T>,
        status: StatusCode,
        body: impl FnOnce(T) -> Value,
    ) -> Response {
        answer(self.shared.ask(ask).await, &self.scissors, status, body)
    }

    /// Refuses before any budget is touched.
    fn refuse(&self, refusal: Refusal) -> Response {
        let mut world = self.shared.world();
        let (request, at) = (world.amazon.name_request(), world.now());
        drop(world);
        answer(Reply::<()>::refused(refusal, request, at), &self.scissors, StatusCode::OK, |()| Value::Null)
    }

    fn address(&self, document: &str) -> String {
        format!("http://{}/documents/{document}", self.host)
    }
}

fn answer<T>(
    reply: Reply<T>,
    scissors: &Scissors,
    status: StatusCode,
    body: impl FnOnce(T) -> Value,
) -> Response {
    let mut response = match reply.outcome {
        Outcome::Done(value) => json_answer(status, &body(value)),
        Outcome::Refused(refusal) => {
            let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
            json_answer(status, &json::refused(&refusal))
        }
        Outcome::Silence => {
            scissors.cut();
            return StatusCode::OK.into_response();
        }
    };
    let headers = response.headers_mut();
    put_header(headers, REQUEST_ID, &reply.request);
    put_header(headers, header::DATE, &http_date(reply.at));
    if let Some(rate) = reply.rate {
        put_header(headers, RATE_LIMIT, &rate.to_string());
    }
    response
}

fn put_header(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

fn http_date(at: DateTime<Utc>) -> String {
    at.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn json_answer(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

/// The body as JSON.
fn json_body(body: &Bytes) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::invalid("The request body is not valid JSON."))
}
