//! The addresses that documents are put to and got from. They ask for no token, like the real ones.

use std::io::Write;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::super::amazon::Document;
use super::super::json;
use super::super::shared::Shared;
use super::text;

pub(super) async fn upload(
    State(shared): State<Arc<Shared>>,
    Path(address): Path<String>,
    body: Bytes,
) -> StatusCode {
    let taken = shared.world().amazon.upload(&address, body);
    if taken { StatusCode::OK } else { StatusCode::FORBIDDEN }
}

pub(super) async fn download(State(shared): State<Arc<Shared>>, Path(address): Path<String>) -> Response {
    let world = shared.world();
    let Some((account, document)) = world.amazon.download(&address) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let behaviour = world.amazon.behaviour.clone();
    let (content, kind) = match document {
        Document::Feed(body) => return body.into_response(),
        Document::Empty | Document::Messages(_) => return StatusCode::NOT_FOUND.into_response(),
        Document::Result(feed) => {
            let Some(feed) = world.amazon.feed(&account, &feed) else {
                return StatusCode::NOT_FOUND.into_response();
            };
            (json::processing_report(feed, account.seller().as_str()).to_string(), "application/json")
        }
        Document::Report(kind, rows) => (text::report(kind, &rows, &behaviour), "text/tab-separated-values"),
    };
    drop(world);
    let bytes = if behaviour.report_gzip { gzip(content.as_bytes()) } else { Some(content.into_bytes()) };
    match bytes {
        Some(bytes) => ([(header::CONTENT_TYPE, kind)], Body::from(bytes)).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}
