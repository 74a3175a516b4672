//! Snapshots: reports that are asked for, waited for and read as a stream.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rules_core::work::clock::after;

use self::lines::Lines;
use self::rows::Rows;
use super::{Answered, SpApi};
use crate::marketplace::{MarketError, Snapshot, SnapshotKind, SnapshotRef, SnapshotRows};
use crate::seller::SellerAccount;
use crate::wire::{
    Call, CreateReport, GetReport, GetReportAnswer, GetReportDocument, ReportSpecification, ReportStatus,
    Timestamp,
};

mod charset;
mod columns;
mod lines;
mod rows;

pub use columns::{Column, ColumnNames};

/// Reports take minutes, so nobody asks more often.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// How far back a snapshot of orders reaches.
const ORDERS_SINCE: TimeDelta = TimeDelta::hours(48);

/// Amazon's name of a kind of report.
const fn report_type(kind: SnapshotKind) -> &'static str {
    match kind {
        SnapshotKind::Listings => "GET_MERCHANT_LISTINGS_ALL_DATA",
        SnapshotKind::AmazonStock => "GET_FBA_MYI_UNSUPPRESSED_INVENTORY_DATA",
        SnapshotKind::Orders => "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL",
    }
}

impl SpApi {
    pub(super) async fn ask_for_report(
        &self,
        account: &SellerAccount,
        kind: SnapshotKind,
    ) -> Result<Snapshot, MarketError> {
        let access = self.access::<CreateReport>(account)?;
        let now = self.inner.clock.now();
        let since = (kind == SnapshotKind::Orders).then(|| Timestamp::from(now - ORDERS_SINCE));
        let body = ReportSpecification {
            report_type: report_type(kind).into(),
            marketplace_ids: access.marketplace_names().into(),
            data_start_time: since.into(),
            ..ReportSpecification::default()
        };
        let call = CreateReport { body: body.into(), ..CreateReport::default() };
        let Answered { answer, request, .. } = self.call(account, &call).await?;
        let report = answer.report_id.into_option().ok_or_else(|| MarketError::Unreadable {
            operation: CreateReport::NAME,
            place: "reportId".to_owned(),
            reason: "is missing".to_owned(),
            request,
        })?;
        Ok(Snapshot::Pending {
            asked: SnapshotRef { kind, report, document: None },
            again_at: after(self.inner.clock.now(), ASK_AGAIN),
        })
    }

    pub(super) async fn look_at_report(
        &self,
        account: &SellerAccount,
        asked: &SnapshotRef,
    ) -> Result<Snapshot, MarketError> {
        let report = self.report(account, asked).await?.answer;
        Ok(match (report.processing_status.get(), report.report_document_id.into_option()) {
            (Some(ReportStatus::Done), Some(document)) => {
                Snapshot::Ready(SnapshotRef { document: Some(document), ..asked.clone() })
            }
            (Some(status @ (ReportStatus::Done | ReportStatus::Cancelled | ReportStatus::Fatal)), _) => {
                Snapshot::Refused { why: status.as_str().to_owned() }
            }
            _ => {
                Snapshot::Pending { asked: asked.clone(), again_at: after(self.inner.clock.now(), ASK_AGAIN) }
            }
        })
    }

    pub(super) async fn open_report(
        &self,
        account: &SellerAccount,
        snapshot: &SnapshotRef,
    ) -> Result<Box<dyn SnapshotRows>, MarketError> {
        let Answered { answer: report, server_now, .. } = self.report(account, snapshot).await?;
        let told = [&report.processing_start_time, &report.created_time];
        let told = told.into_iter().find_map(|told| told.get()?.at());
        let as_of: DateTime<Utc> = told.or(server_now).unwrap_or_else(|| self.inner.clock.now());
        let document = report.report_document_id.into_option().or_else(|| snapshot.document.clone());
        let document =
            document.ok_or_else(|| unreadable("reportDocumentId", "is missing: it is not ready"))?;
        let call = GetReportDocument { report_document_id: document.into(), ..GetReportDocument::default() };
        let Answered { answer, .. } = self.call(account, &call).await?;
        let url = answer.url.get().ok_or_else(|| unreadable("url", "is missing"))?;
        let packed = answer.compression_algorithm.get().map(String::as_str);
        let document = self.open(GetReportDocument::NAME, url, packed).await?;
        let names = &self.inner.config.column_names;
        Ok(Box::new(Rows::open(snapshot.kind, as_of, Lines::new(document)?, names).await?))
    }

    async fn report(
        &self,
        account: &SellerAccount,
        asked: &SnapshotRef,
    ) -> Result<Answered<GetReportAnswer>, MarketError> {
        let call = GetReport { report_id: asked.report.as_str().into(), ..GetReport::default() };
        self.call(account, &call).await
    }
}

/// What is wrong with a report or its document.
fn unreadable(place: &str, reason: impl Into<String>) -> MarketError {
    MarketError::Unreadable {
        operation: GetReportDocument::NAME,
        place: place.to_owned(),
        reason: reason.into(),
        request: None,
    }
}
