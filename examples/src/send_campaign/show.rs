//! What people see: progress on the way, the report at the end.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Map, Value, json};
use whatsapp_dispatch::dispatch::{Report, Sent};
use whatsapp_dispatch::rules_core::judge::fault::{Classify, Fault, chain};
use whatsapp_dispatch::rules_core::work::StoreError;

/// How often progress is shown on a terminal, and elsewhere.
const BAR: Duration = Duration::from_millis(100);
const LINE: Duration = Duration::from_secs(1);

/// Shows progress until a campaign has finished.
pub struct Watcher<'a> {
    sent: &'a Sent,
    bar: Option<ProgressBar>,
    /// When progress was shown first, and how many were settled then.
    first: Option<(Instant, u64)>,
}

impl<'a> Watcher<'a> {
    pub fn new(sent: &'a Sent) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg}").ok();
            bar.with_style(style.unwrap_or_else(ProgressStyle::default_bar))
        });
        Self { sent, bar, first: None }
    }

    /// Returns the report when the campaign has finished.
    pub async fn watch(mut self) -> Result<Report, StoreError> {
        loop {
            match self.try_watch().await {
                // A server may be away for a while; the workers wait for it, too.
                Err(error) if matches!(error.fault(), Fault::Transient | Fault::InDoubt) => {
                    eprintln!("{}; trying again", chain(&error));
                    tokio::time::sleep(LINE).await;
                }
                ended => {
                    if let Some(bar) = &self.bar {
                        bar.finish_and_clear();
                    }
                    return ended;
                }
            }
        }
    }

    async fn try_watch(&mut self) -> Result<Report, StoreError> {
        let finished = self.sent.finished();
        tokio::pin!(finished);
        loop {
            let pause = if self.bar.is_some() { BAR } else { LINE };
            tokio::select! {
                report = &mut finished => return report,
                () = tokio::time::sleep(pause) => self.show(&self.sent.report().await?),
            }
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for people"
    )]
    fn show(&mut self, report: &Report) {
        let (planned, open) = (report.progress.planned(), report.waiting() + report.deferred());
        let settled = planned.saturating_sub(open);
        let (since, before) = *self.first.get_or_insert((Instant::now(), settled));
        let seconds = since.elapsed().as_secs_f64();
        let rate = if seconds < 0.05 { 0.0 } else { settled.saturating_sub(before) as f64 / seconds };
        let mut message = String::new();
        if 0.0 < rate && 0 < open {
            message += &format!("{rate:.0}/s, {} s left, ", (open as f64 / rate).ceil() as u64);
        }
        message += &format!("{} delivered, {} read", report.delivered(), report.read());
        for wait in report.waits() {
            message += &format!(", waits for {}", wait.code);
        }
        match &self.bar {
            Some(bar) => {
                bar.set_length(planned);
                bar.set_position(settled);
                bar.set_message(message);
            }
            None => eprintln!("{settled} of {planned}: {message}"),
        }
    }
}

/// A table for people, its columns as wide as what stands in them.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: Vec<&str>| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(head.to_vec())];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
    lines.join("\n")
}

/// True when everybody is counted exactly once.
pub fn sums_hold(report: &Report) -> bool {
    let count =
        |wanted: &str| report.counts().into_iter().find(|(name, _)| *name == wanted).map_or(0, |(_, n)| n);
    let sum = |names: &[&str]| names.iter().map(|name| count(name)).sum::<u64>();
    let rows = ["malformed", "invalid", "duplicate", "suppressed", "planned"];
    let planned = [
        "waiting",
        "deferred",
        "cancelled",
        "expired",
        "dead",
        "failed",
        "unknown",
        "accepted_without_delivery",
        "delivered",
    ];
    count("rows") == sum(&rows) && count("planned") == sum(&planned) && report.read() <= count("delivered")
}

/// The report as one JSON object.
pub fn json(report: &Report, took: Duration) -> Value {
    let mut object = Map::new();
    object.insert("campaign".to_owned(), json!(report.record.name.as_str()));
    object.insert("status".to_owned(), json!(report.record.status.as_str()));
    for (name, count) in report.counts() {
        object.insert(name.to_owned(), json!(count));
        if name == "delivered" {
            object.insert("read".to_owned(), json!(report.read()));
        }
    }
    let reasons = report.progress.reasons().into_iter().map(|(code, n)| (code.as_str().to_owned(), json!(n)));
    object.insert("reasons".to_owned(), Value::Object(reasons.collect()));
    let wait = |wait: whatsapp_dispatch::dispatch::Waiting| json!({ "code": wait.code.as_str(), "until": wait.until, "messages": wait.messages });
    object.insert("waits".to_owned(), report.waits().into_iter().map(wait).collect());
    object.insert("seconds".to_owned(), json!((took.as_secs_f64() * 1_000.0).round() / 1_000.0));
    Value::Object(object)
}

/// One line that says it all.
pub fn last_line(report: &Report, took: Duration) -> String {
    format!(
        "{} of {} planned messages accepted, {} delivered, {} read, {} failed, {} unknown, in {:.1} s; the sums hold.",
        report.progress.accepted,
        report.progress.planned(),
        report.delivered(),
        report.read(),
        report.failed(),
        report.unknown(),
        took.as_secs_f64(),
    )
}
