//! Reports API 2021-06-30.

use serde_json::{Map, Value};

use super::{Nothing, Timestamp};

calls! {
    /// Asks for a report.
    Post "/reports/2021-06-30/reports" as "createReport" gives CreateReportAnswer;
    pub struct CreateReport {
        /// Which.
        body: ReportSpecification,
    }

    /// How far is a report?
    Get "/reports/2021-06-30/reports/{reportId}" as "getReport" gives GetReportAnswer;
    pub struct GetReport {
        /// Which.
        report_id: String,
    }

    /// Which reports are there? The first question has filters, each further one only `nextToken`.
    Get "/reports/2021-06-30/reports" as "getReports" gives GetReportsAnswer;
    pub struct GetReports {
        /// Of these types: 1 to 10.
        report_types: Vec<String>,
        /// As far as this.
        processing_statuses: Vec<ReportStatus>,
        /// Of these marketplaces: 1 to 10.
        marketplace_ids: Vec<String>,
        /// So many a page: 1 to 100, 10 if it is left out.
        page_size: i64,
        /// Made at or after; 90 days ago if it is left out.
        created_since: Timestamp,
        /// Made at or before.
        created_until: Timestamp,
        /// Where the last page said to go on.
        next_token: String,
    }

    /// Where is a report's document?
    Get "/reports/2021-06-30/documents/{reportDocumentId}" as "getReportDocument" gives GetReportDocumentAnswer;
    pub struct GetReportDocument {
        /// Which.
        report_document_id: String,
        /// Whether its address should be one that names the encoding of the content.
        enable_content_encoding_url_header: bool,
    }

    /// Takes a report back that nobody has begun on.
    Delete "/reports/2021-06-30/reports/{reportId}" as "cancelReport" gives Nothing;
    pub struct CancelReport {
        /// Which.
        report_id: String,
    }

    /// Asks for a report again and again.
    Post "/reports/2021-06-30/schedules" as "createReportSchedule" gives CreateReportScheduleAnswer;
    pub struct CreateReportSchedule {
        /// Which, and when.
        body: ScheduleSpecification,
    }

    /// What is a schedule?
    Get "/reports/2021-06-30/schedules/{reportScheduleId}" as "getReportSchedule" gives GetReportScheduleAnswer;
    pub struct GetReportSchedule {
        /// Which.
        report_schedule_id: String,
    }

    /// Which schedules are there?
    Get "/reports/2021-06-30/schedules" as "getReportSchedules" gives ReportSchedules;
    pub struct GetReportSchedules {
        /// Of these types: 1 to 10.
        report_types: Vec<String>,
    }

    /// Ends a schedule.
    Delete "/reports/2021-06-30/schedules/{reportScheduleId}" as "cancelReportSchedule" gives Nothing;
    pub struct CancelReportSchedule {
        /// Which.
        report_schedule_id: String,
    }
}

objects! { "camelCase"
    /// A report that is asked for.
    pub struct ReportSpecification {
        /// Its type, such as `GET_MERCHANT_LISTINGS_ALL_DATA`.
        report_type: String,
        /// From when its data should be.
        data_start_time: Timestamp,
        /// Until when its data should be.
        data_end_time: Timestamp,
        /// For which marketplaces: 1 to 25.
        marketplace_ids: Vec<String>,
        /// What some types want to be told.
        report_options: Map<String, Value>,
    }

    /// A report that will be made.
    pub struct CreateReportAnswer {
        /// Amazon's name of it.
        report_id: String,
    }

    /// How far a report is.
    pub struct GetReportAnswer {
        /// Amazon's name of it.
        report_id: String,
        /// Its type.
        report_type: String,
        /// For which marketplaces.
        marketplace_ids: Vec<String>,
        /// From when its data is.
        data_start_time: Timestamp,
        /// Until when its data is.
        data_end_time: Timestamp,
        /// The schedule that asked for it.
        report_schedule_id: String,
        /// When it was asked for.
        created_time: Timestamp,
        /// How far it is.
        processing_status: ReportStatus,
        /// When somebody began on it.
        processing_start_time: Timestamp,
        /// When it was done.
        processing_end_time: Timestamp,
        /// Its document, when it is done.
        report_document_id: String,
    }

    /// A page of reports.
    pub struct GetReportsAnswer {
        /// The reports.
        reports: Vec<GetReportAnswer>,
        /// Where it goes on.
        next_token: String,
    }

    /// Where a document is.
    pub struct GetReportDocumentAnswer {
        /// Amazon's name of it.
        report_document_id: String,
        /// Where it is, for 5 minutes. Whoever knows it can read.
        url: String,
        /// `GZIP` where it is packed.
        compression_algorithm: String,
    }

    /// A schedule that is asked for.
    pub struct ScheduleSpecification {
        /// The type of the reports.
        report_type: String,
        /// For which marketplaces: 1 to 10.
        marketplace_ids: Vec<String>,
        /// What some types want to be told.
        report_options: Map<String, Value>,
        /// How often, from `PT5M` to `P1M`.
        period: String,
        /// When the next one is made.
        next_report_creation_time: Timestamp,
    }

    /// A schedule that was made.
    pub struct CreateReportScheduleAnswer {
        /// Amazon's name of it.
        report_schedule_id: String,
    }

    /// A schedule.
    pub struct GetReportScheduleAnswer {
        /// Amazon's name of it.
        report_schedule_id: String,
        /// The type of the reports.
        report_type: String,
        /// For which marketplaces.
        marketplace_ids: Vec<String>,
        /// What some types want to be told.
        report_options: Map<String, Value>,
        /// How often.
        period: String,
        /// When the next one is made.
        next_report_creation_time: Timestamp,
    }

    /// Schedules.
    pub struct ReportSchedules {
        /// All of them.
        report_schedules: Vec<GetReportScheduleAnswer>,
    }
}

words! {
    /// How far a report is.
    pub enum ReportStatus {
        /// It waits.
        InQueue = "IN_QUEUE",
        /// Somebody works on it.
        InProgress = "IN_PROGRESS",
        /// It is there.
        Done = "DONE",
        /// It was taken back, or there is nothing to report.
        Cancelled = "CANCELLED",
        /// It was given up, such as when one was asked for too recently.
        Fatal = "FATAL",
    }
}
