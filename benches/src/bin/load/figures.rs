//! The figures of a run.

use std::time::Duration;

use serde::Serialize;

use crate::dispatched::Dispatched;
use crate::process::peak_rss_mb;

/// What was measured; `bare` is empty when only the dispatcher ran.
#[derive(Default)]
pub(crate) struct Figures {
    /// Messages a second, one for each pair.
    pub(crate) bare: Vec<f64>,
    pub(crate) dispatched: Vec<Dispatched>,
}

/// What is printed. Medians over the pairs; `null` where there is no such figure.
#[derive(Serialize)]
struct Summary {
    messages: usize,
    pairs: usize,
    messages_per_second: Option<f64>,
    bare_per_second: Option<f64>,
    /// The median of the pairs' own ratios.
    ratio: Option<f64>,
    ratios: Vec<f64>,
    store_trips_per_message: Option<f64>,
    plan_trips_per_message: Option<f64>,
    cpu_us_per_message: Option<f64>,
    peak_rss_mb: f64,
    planned_per_second: Option<f64>,
    /// From the start of the dispatcher to its first POST, which counts as time of dispatching.
    first_post_ms: Option<f64>,
}

impl Figures {
    pub(crate) fn print(&self, json: bool) -> anyhow::Result<()> {
        let per_message = |value: fn(&Dispatched) -> Option<f64>| {
            median(self.dispatched.iter().filter_map(|run| Some(value(run)? / run.messages as f64)))
        };
        let ratios: Vec<f64> = self
            .dispatched
            .iter()
            .zip(&self.bare)
            .map(|(run, bare)| rounded(rate(run, run.took) / bare))
            .collect();
        let summary = Summary {
            messages: self.dispatched.first().map_or(0, |run| run.messages),
            pairs: self.bare.len(),
            messages_per_second: median(self.dispatched.iter().map(|run| rate(run, run.took))),
            bare_per_second: median(self.bare.iter().copied()),
            ratio: median(ratios.iter().copied()),
            ratios,
            store_trips_per_message: per_message(|run| Some(run.trips? as f64)),
            plan_trips_per_message: per_message(|run| Some(run.plan_trips? as f64)),
            cpu_us_per_message: per_message(|run| Some(run.cpu.as_secs_f64() * 1e6)),
            peak_rss_mb: rounded(peak_rss_mb()?),
            planned_per_second: median(self.dispatched.iter().map(|run| rate(run, run.planning))),
            first_post_ms: median(self.dispatched.iter().map(|run| run.first_post.as_secs_f64() * 1e3)),
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
        println!("{} messages, {} pairs, medians", self.messages, self.pairs);
        let rows = [
            ("dispatched a second", self.messages_per_second),
            ("bare loop a second", self.bare_per_second),
            ("ratio", self.ratio),
            ("store trips a message", self.store_trips_per_message),
            ("  and for planning it", self.plan_trips_per_message),
            ("CPU a message, us", self.cpu_us_per_message),
            ("peak RSS, MiB", Some(self.peak_rss_mb)),
            ("planned a second", self.planned_per_second),
            ("start to first POST, ms", self.first_post_ms),
        ];
        for (name, value) in rows {
            println!("  {name:<24} {:>12}", value.map_or("-".to_owned(), |value| value.to_string()));
        }
        println!("  {:<24} {:?}", "ratios of the pairs", self.ratios);
    }
}

fn rate(run: &Dispatched, time: Duration) -> f64 {
    run.messages as f64 / time.as_secs_f64()
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some(rounded(f64::midpoint(lower, upper)))
}

/// Four digits after the point below 10, one above.
fn rounded(value: f64) -> f64 {
    let scale = if value < 10.0 { 1e4 } else { 10.0 };
    (value * scale).round() / scale
}
