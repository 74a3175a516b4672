use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::webhook::{Handshake, MAX_BODY_BYTES, SIGNATURE_HEADER, WebhookError, WebhookHandler};

/// The endpoint to register with Meta, at the root of the returned router: answers the handshake
/// (GET) and takes webhooks (POST) with 200, 400, 401, 403, 413 or 503.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use whatsapp_dispatch::webhook::{WebhookHandler, router};
/// # fn app(handler: Arc<dyn WebhookHandler>) -> axum::Router {
/// axum::Router::new().nest("/whatsapp", router(handler))
/// # }
/// ```
pub fn router(handler: Arc<dyn WebhookHandler>) -> Router {
    Router::new()
        .route("/", get(handshake).post(receive))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(handler)
}

async fn handshake(State(handler): State<Arc<dyn WebhookHandler>>, RawQuery(query): RawQuery) -> Response {
    match handler.handshake(&question(query.as_deref().unwrap_or_default())) {
        Ok(challenge) => challenge.into_response(),
        Err(error) => refusal(&error),
    }
}

async fn receive(
    State(handler): State<Arc<dyn WebhookHandler>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return refusal(&WebhookError::TooLarge);
        }
        Err(rejection) => return rejection.into_response(),
    };
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    match handler.receive(signature, &body).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => refusal(&error),
    }
}

fn question(query: &str) -> Handshake {
    let mut question = Handshake::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "hub.mode" => question.mode = value.into_owned(),
            "hub.verify_token" => question.verify_token = value.into_owned(),
            "hub.challenge" => question.challenge = value.into_owned(),
            _ => {}
        }
    }
    question
}

fn refusal(error: &WebhookError) -> Response {
    let status = StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, error.to_string()).into_response()
}
