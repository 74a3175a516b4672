//! The figures of a run.

use std::time::Duration;

use benches::process::peak_rss_mb;
use serde::Serialize;

/// One round of the measurement.
#[derive(Clone, Copy)]
pub(crate) struct Round {
    pub(crate) messages: usize,
    pub(crate) enqueue: Duration,
    pub(crate) drain: Duration,
    pub(crate) raw_lpop: Duration,
    /// Processor time of the server.
    pub(crate) enqueue_cpu: Duration,
    pub(crate) drain_cpu: Duration,
    /// Of this process, for both.
    pub(crate) client_cpu: Duration,
    /// Bytes of the server's memory while all of it waited.
    pub(crate) queued: usize,
    /// Bytes that were left when all was settled, and bytes of the batch ids that stay an hour.
    pub(crate) left: (usize, usize),
}

pub(crate) struct Figures {
    pub(crate) persistence: &'static str,
    pub(crate) messages: usize,
    pub(crate) payload: usize,
    pub(crate) tenants: usize,
    pub(crate) workers: usize,
    pub(crate) rounds: Vec<Round>,
    pub(crate) backlog: usize,
    /// Records a second at the small backlog and at the large one, in turn.
    pub(crate) backlog_rates: Vec<(f64, f64)>,
    pub(crate) recovery_ms: f64,
    pub(crate) fairness_ratio: f64,
    pub(crate) weight_error: f64,
    pub(crate) script_p99_ms: Option<f64>,
}

/// What is printed. Medians over the rounds; `null` where there is no such figure.
#[derive(Serialize)]
struct Summary {
    /// What the server says that it keeps: `nothing`, `everysec` or `always`.
    persistence: &'static str,
    messages: usize,
    payload: usize,
    tenants: usize,
    workers: usize,
    rounds: usize,
    enqueue_per_second: f64,
    drain_per_second: f64,
    raw_lpop_per_second: f64,
    /// The median of the rounds' own ratios.
    drain_ratio: f64,
    redis_cpu_us_per_message: f64,
    enqueue_cpu_us_per_message: f64,
    drain_cpu_us_per_message: f64,
    client_cpu_us_per_message: f64,
    bytes_per_queued_message: f64,
    bytes_left: usize,
    batch_id_bytes_per_message: f64,
    backlog: usize,
    backlog_per_second: f64,
    backlog_ratio: f64,
    script_p99_ms: Option<f64>,
    /// After the deadline, until the last record was with somebody else; at the large backlog.
    recovery_ms: f64,
    fairness_ratio: f64,
    weight_error: f64,
    peak_rss_mb: f64,
}

impl Figures {
    pub(crate) fn print(&self, json: bool) -> anyhow::Result<()> {
        let of_rounds = |value: &dyn Fn(&Round) -> f64| median(self.rounds.iter().map(value));
        let rate = |took: Duration, round: &Round| round.messages as f64 / took.as_secs_f64();
        let us = |cpu: Duration, round: &Round| cpu.as_secs_f64() * 1e6 / round.messages as f64;
        let summary = Summary {
            persistence: self.persistence,
            messages: self.messages,
            payload: self.payload,
            tenants: self.tenants,
            workers: self.workers,
            rounds: self.rounds.len(),
            enqueue_per_second: of_rounds(&|round| rate(round.enqueue, round)),
            drain_per_second: of_rounds(&|round| rate(round.drain, round)),
            raw_lpop_per_second: of_rounds(&|round| rate(round.raw_lpop, round)),
            drain_ratio: of_rounds(&|round| round.raw_lpop.as_secs_f64() / round.drain.as_secs_f64()),
            redis_cpu_us_per_message: of_rounds(&|round| us(round.enqueue_cpu + round.drain_cpu, round)),
            enqueue_cpu_us_per_message: of_rounds(&|round| us(round.enqueue_cpu, round)),
            drain_cpu_us_per_message: of_rounds(&|round| us(round.drain_cpu, round)),
            client_cpu_us_per_message: of_rounds(&|round| us(round.client_cpu, round)),
            bytes_per_queued_message: of_rounds(&|round| round.queued as f64 / round.messages as f64),
            bytes_left: self.rounds.iter().map(|round| round.left.0).max().unwrap_or(0),
            batch_id_bytes_per_message: of_rounds(&|round| round.left.1 as f64 / round.messages as f64),
            backlog: self.backlog,
            backlog_per_second: median(self.backlog_rates.iter().map(|(_, large)| *large)),
            backlog_ratio: median(self.backlog_rates.iter().map(|(small, large)| large / small)),
            script_p99_ms: self.script_p99_ms.map(rounded),
            recovery_ms: rounded(self.recovery_ms),
            fairness_ratio: rounded(self.fairness_ratio),
            weight_error: rounded(self.weight_error),
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
        println!(
            "{} records of {} bytes, {} tenants, {} workers, {} rounds, persistence {}; medians",
            self.messages, self.payload, self.tenants, self.workers, self.rounds, self.persistence
        );
        let rows = [
            ("enqueued a second", Some(self.enqueue_per_second)),
            ("drained a second", Some(self.drain_per_second)),
            ("bare LPOP a second", Some(self.raw_lpop_per_second)),
            ("ratio", Some(self.drain_ratio)),
            ("Redis CPU a record, us", Some(self.redis_cpu_us_per_message)),
            ("  to enqueue it", Some(self.enqueue_cpu_us_per_message)),
            ("  to lease and settle it", Some(self.drain_cpu_us_per_message)),
            ("client CPU a record, us", Some(self.client_cpu_us_per_message)),
            ("bytes a queued record", Some(self.bytes_per_queued_message)),
            ("bytes left", Some(self.bytes_left as f64)),
            ("batch ids, bytes a record", Some(self.batch_id_bytes_per_message)),
            ("a second at the backlog", Some(self.backlog_per_second)),
            ("  over that at 10,000", Some(self.backlog_ratio)),
            ("p99 of a script, ms", self.script_p99_ms),
            ("recovered after, ms", Some(self.recovery_ms)),
            ("small ones wait, of ideal", Some(self.fairness_ratio)),
            ("largest error of weights", Some(self.weight_error)),
            ("peak RSS, MiB", Some(self.peak_rss_mb)),
        ];
        for (name, value) in rows {
            println!("  {name:<26} {:>12}", value.map_or("-".to_owned(), |value| value.to_string()));
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(0.0);
    rounded(f64::midpoint(at(values.len() / 2), at(values.len().saturating_sub(1) / 2)))
}

/// Four digits after the point below 10, one above.
fn rounded(value: f64) -> f64 {
    let scale = if value < 10.0 { 1e4 } else { 10.0 };
    (value * scale).round() / scale
}
