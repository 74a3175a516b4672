use axum::body::Bytes;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::super::amazon::{Amazon, Refusal, Report, ReportState};
use super::super::json::{instant, put};
use super::{Asked, json_body};

/// `createReport`.
pub(super) async fn create(asked: Asked, body: Bytes) -> Response {
    let body = match json_body(&body) {
        Ok(body) => body,
        Err(refusal) => return asked.refuse(refusal),
    };
    if body.get("marketplaceIds").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        return asked.refuse(Refusal::invalid("'marketplaceIds' is missing from the request body."));
    }
    let kind = body.get("reportType").and_then(Value::as_str).unwrap_or_default();
    let ask = |amazon: &mut Amazon| amazon.create_report(&asked.account, kind);
    asked.call(ask, StatusCode::ACCEPTED, |id| json!({"reportId": id})).await
}

/// `getReport`.
pub(super) async fn get(asked: Asked, Path(report): Path<String>) -> Response {
    let marketplaces = asked.marketplaces();
    let now = asked.shared.world().now();
    let ask = |amazon: &mut Amazon| amazon.get_report(&asked.account, &report);
    let told = |report: Report| {
        let status = match report.state(now) {
            ReportState::InQueue => "IN_QUEUE",
            ReportState::InProgress => "IN_PROGRESS",
            ReportState::Done => "DONE",
            ReportState::Fatal => "FATAL",
        };
        let mut told = json!({
            "reportId": report.id,
            "reportType": report.kind.as_str(),
            "marketplaceIds": marketplaces,
            "createdTime": instant(report.created_at),
            "processingStatus": status,
        });
        if matches!(status, "DONE" | "FATAL") {
            put(&mut told, "processingEndTime", instant(report.ends_at));
        }
        if let Some(document) = &report.document {
            put(&mut told, "reportDocumentId", document.as_str());
        }
        told
    };
    asked.call(ask, StatusCode::OK, told).await
}

/// `getReportDocument`.
pub(super) async fn document(asked: Asked, Path(document): Path<String>) -> Response {
    let gzip = asked.shared.world().amazon.behaviour.report_gzip;
    let ask = |amazon: &mut Amazon| amazon.get_report_document(&asked.account, &document);
    let told = |address: String| {
        let mut told = json!({"reportDocumentId": document, "url": asked.address(&address)});
        if gzip {
            put(&mut told, "compressionAlgorithm", "GZIP");
        }
        told
    };
    asked.call(ask, StatusCode::OK, told).await
}
