//! Login with Amazon.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::ExposeSecret;
use serde_json::json;

use super::super::amazon::Grant;
use super::super::shared::Shared;
use super::{Query, json_answer};

/// An access token for a refresh token.
pub(super) async fn grant(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let form = Query::parse(&String::from_utf8_lossy(&body));
    let text = |name| form.text(name).unwrap_or_default();
    if text("grant_type") != "refresh_token" {
        return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    let is_ours = text("client_id") == shared.client_id
        && text("client_secret") == shared.client_secret.expose_secret();
    if !is_ours {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    let refresh_token = text("refresh_token");
    let grant = shared.world().amazon.grant(refresh_token);
    match grant {
        Grant::Token { access_token, expires_in } => json_answer(
            StatusCode::OK,
            &json!({"access_token": access_token, "token_type": "bearer", "expires_in": expires_in,
                "refresh_token": refresh_token}),
        ),
        Grant::Refused("server_error") => refused(StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        Grant::Refused(word) => refused(StatusCode::BAD_REQUEST, word),
    }
}

fn refused(status: StatusCode, word: &str) -> Response {
    json_answer(status, &json!({"error": word, "error_description": "The simulator refuses it."}))
}
