//! The HTTP door: the Cloud API's two paths, and a control door for other processes.

use std::fmt::Write;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::meta::{Refusal, Reply, refusal};
use super::shared::{Endpoint, Shared};
use super::socket::Scissors;
use super::wire::Asked;
use super::{templates, wire};

pub(super) const NO_TOKEN: Refusal = refusal(190, 401, "Invalid OAuth access token");
pub(super) const NO_OBJECT: Refusal = refusal(100, 400, "Unsupported request: no object with this id");

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/{version}/{id}/messages", post(|asked: Request| send(asked, false)))
        .route("/{version}/{id}/marketing_messages", post(|asked: Request| send(asked, true)))
        .route("/{version}/{id}/media", post(media).layer(DefaultBodyLimit::max(110 * 1024 * 1024)))
        .route("/{version}/{id}/message_templates", get(message_templates))
        .route("/simulator/webhook", post(webhook))
        .route("/simulator/report", get(report))
        .route("/simulator/accepted", get(accepted))
        .with_state(shared)
}

/// What both doors for messages are asked.
type Request = (State<Arc<Shared>>, ConnectInfo<Scissors>, Path<(String, String)>, HeaderMap, Bytes);

async fn send(request: Request, marketing_only: bool) -> Response {
    let (State(shared), ConnectInfo(scissors), Path((_, number)), headers, body) = request;
    if !is_authorized(&shared, &headers) {
        return refused(&NO_TOKEN);
    }
    let number = shared.meta().number(&number);
    let Some(number) = number else { return refused(&NO_OBJECT) };
    let post = match wire::ask(number, &body, marketing_only) {
        Ok(Asked::Send(post)) => post,
        Ok(Asked::MarkRead) => return answer(StatusCode::OK, &json!({"success": true})),
        Err(refusal) => return refused(&refusal),
    };
    let reply = shared.post(&post).await;
    let mut response = match reply {
        Reply::Accepted { wamid, held } => answer(StatusCode::OK, &wire::accepted(&post.to, &wamid, held)),
        Reply::Refused(refusal) => refused(&refusal),
        Reply::ServerError => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Reply::Silence => {
            scissors.cut();
            return StatusCode::OK.into_response();
        }
    };
    tell_usage(&shared, number, response.headers_mut());
    response
}

/// How much of the limits is used up, as Meta tells it with every answer.
fn tell_usage(shared: &Shared, number: u16, headers: &mut HeaderMap) {
    let meta = shared.meta();
    let percent = meta.usage_percent(number, shared.clock.now());
    let waba = meta.numbers.get(usize::from(number)).map_or("", |sender| sender.waba.as_str());
    let business = json!({waba: [{"type": "whatsapp", "call_count": percent, "total_cputime": 0,
        "total_time": 0, "estimated_time_to_regain_access": 0}]});
    let app = json!({"call_count": percent, "total_cputime": 0, "total_time": 0});
    for (name, value) in [("x-business-use-case-usage", business), ("x-app-usage", app)] {
        if let Ok(value) = HeaderValue::from_str(&value.to_string()) {
            headers.insert(name, value);
        }
    }
}

/// Takes any file; the same one gets the same id.
async fn media(
    State(shared): State<Arc<Shared>>,
    Path((_, number)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_authorized(&shared, &headers) {
        return refused(&NO_TOKEN);
    }
    let mut meta = shared.meta();
    if meta.number(&number).is_none() {
        return refused(&NO_OBJECT);
    }
    if body.is_empty() {
        return refused(&NO_FILE);
    }
    answer(StatusCode::OK, &json!({"id": meta.upload(&body)}))
}

const NO_FILE: Refusal = refusal(131_053, 400, "Media upload error: there is no file");

async fn message_templates(
    State(shared): State<Arc<Shared>>,
    Path((_, waba)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !is_authorized(&shared, &headers) {
        return refused(&NO_TOKEN);
    }
    if shared.meta().numbers.iter().all(|sender| sender.waba != waba) {
        return refused(&NO_OBJECT);
    }
    let query: Vec<_> = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes()).collect();
    let asked = |name| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref());
    let meta = shared.meta();
    // Like the real one, the name is looked for inside the names.
    let found = meta.templates.iter().filter(|template| {
        asked("name").is_none_or(|name| template.name.contains(name))
            && asked("language").is_none_or(|language| template.language == language)
    });
    ([(header::CONTENT_TYPE, "application/json")], templates::listing(found, |name| meta.is_paused(name)))
        .into_response()
}

async fn webhook(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    #[derive(Deserialize)]
    struct Registration {
        url: String,
    }
    match serde_json::from_slice::<Registration>(&body) {
        Ok(registration) => {
            shared.deliver_to(Endpoint::Url(registration.url));
            StatusCode::NO_CONTENT.into_response()
        }
        Err(_) => (StatusCode::BAD_REQUEST, "send {\"url\": \"http://...\"}\n").into_response(),
    }
}

async fn report(State(shared): State<Arc<Shared>>) -> Response {
    let report = shared.meta().report();
    answer(StatusCode::OK, &serde_json::to_value(report).unwrap_or_default())
}

async fn accepted(State(shared): State<Arc<Shared>>) -> Response {
    let all = shared.meta().accepted();
    let n_chunks = all.len().div_ceil(1_000);
    let chunks = (0..n_chunks).map(move |chunk| {
        let mut lines = String::new();
        for (digits, times) in all.iter().skip(chunk * 1_000).take(1_000) {
            // Writing into a text cannot fail.
            writeln!(lines, "+{digits} {times}").unwrap_or_default();
        }
        Ok::<_, std::convert::Infallible>(lines)
    });
    Body::from_stream(futures_util::stream::iter(chunks)).into_response()
}

fn is_authorized(shared: &Shared, headers: &HeaderMap) -> bool {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    token.and_then(|text| text.strip_prefix("Bearer ")) == Some(shared.secrets.access_token().expose_secret())
        && shared.secrets.is_valid()
}

fn refused(refusal: &Refusal) -> Response {
    let status = StatusCode::from_u16(refusal.http_status).unwrap_or(StatusCode::BAD_REQUEST);
    answer(status, &wire::refused(refusal))
}

fn answer(status: StatusCode, value: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}
