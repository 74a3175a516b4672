//! The figures of a run.

use std::time::Duration;

use benches::process::peak_rss_mb;
use serde::Serialize;

use crate::poster::Posted;

/// What was measured.
pub(crate) struct Figures {
    pub(crate) posted: Posted,
    pub(crate) statuses: usize,
    /// From the last answer to the last status that was applied.
    pub(crate) applied_after: Duration,
    pub(crate) trips: u64,
    /// Of the receiver, from the first webhook to the last status that was applied.
    pub(crate) cpu: Duration,
}

/// What is printed.
#[derive(Serialize)]
struct Summary {
    posts: u32,
    statuses: usize,
    statuses_per_second: f64,
    posts_per_second: f64,
    answer_p50_ms: f64,
    answer_p99_ms: f64,
    answer_longest_ms: f64,
    applied_after_ms: f64,
    store_trips_per_status: f64,
    cpu_us_per_status: f64,
    peak_rss_mb: f64,
}

impl Figures {
    pub(crate) fn print(&self, json: bool) -> anyhow::Result<()> {
        let statuses = self.statuses as f64;
        let summary = Summary {
            posts: self.posted.posts,
            statuses: self.statuses,
            statuses_per_second: rounded(statuses / self.posted.seconds),
            posts_per_second: rounded(f64::from(self.posted.posts) / self.posted.seconds),
            answer_p50_ms: rounded(self.posted.p50_ms),
            answer_p99_ms: rounded(self.posted.p99_ms),
            answer_longest_ms: rounded(self.posted.longest_ms),
            applied_after_ms: rounded(self.applied_after.as_secs_f64() * 1e3),
            store_trips_per_status: (self.trips as f64 / statuses * 1e5).round() / 1e5,
            cpu_us_per_status: rounded(self.cpu.as_secs_f64() * 1e6 / statuses),
            peak_rss_mb: rounded(peak_rss_mb()?),
        };
        if json {
            println!("{}", serde_json::to_string(&summary)?);
        } else {
            summary.table();
        }
        Ok(())
    }
}

impl Summary {
    fn table(&self) {
        println!("{} statuses in {} webhooks, all applied and counted", self.statuses, self.posts);
        for (name, figure) in [
            ("statuses a second", self.statuses_per_second),
            ("webhooks a second", self.posts_per_second),
            ("answer, median, ms", self.answer_p50_ms),
            ("answer, 99th of 100, ms", self.answer_p99_ms),
            ("answer, longest, ms", self.answer_longest_ms),
            ("applied after the last, ms", self.applied_after_ms),
            ("store trips a status", self.store_trips_per_status),
            ("CPU a status, us", self.cpu_us_per_status),
            ("peak RSS, MiB", self.peak_rss_mb),
        ] {
            println!("{name:<28} {figure:>12}");
        }
    }
}

fn rounded(figure: f64) -> f64 {
    (figure * 1e2).round() / 1e2
}
