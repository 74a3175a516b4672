//! The figures of a run.

use std::time::Duration;

use serde::Serialize;

use crate::bare::Bare;
use crate::dispatched::Dispatched;
use benches::process::peak_rss_mb;

/// What was measured; `bare` is empty when only the dispatcher ran.
#[derive(Default)]
pub(crate) struct Figures {
    pub(crate) bare: Vec<Bare>,
    pub(crate) dispatched: Vec<Dispatched>,
}

/// What is printed. Medians over the pairs; `null` where there is no such figure.
#[derive(Serialize)]
pub(crate) struct Summary {
    messages: usize,
    pairs: usize,
    pub(crate) messages_per_second: Option<f64>,
    bare_per_second: Option<f64>,
    /// The median of the pairs' own ratios.
    ratio: Option<f64>,
    ratios: Vec<f64>,
    pub(crate) store_trips_per_message: Option<f64>,
    plan_trips_per_message: Option<f64>,
    pub(crate) cpu_us_per_message: Option<f64>,
    bare_cpu_us_per_message: Option<f64>,
    /// Of the store's server, whoever else uses it.
    pub(crate) store_cpu_us_per_message: Option<f64>,
    peak_rss_mb: f64,
    planned_per_second: Option<f64>,
    /// From the start of the dispatcher to its first POST, which counts as time of dispatching.
    first_post_ms: Option<f64>,
}

impl Figures {
    /// Takes in the figures of another run of the same work.
    pub(crate) fn add(&mut self, other: Self) {
        self.bare.extend(other.bare);
        self.dispatched.extend(other.dispatched);
    }

    pub(crate) fn summary(&self) -> anyhow::Result<Summary> {
        let per_message = |value: fn(&Dispatched) -> Option<f64>| {
            median(self.dispatched.iter().filter_map(|run| Some(value(run)? / run.messages as f64)))
        };
        let bare_rate = |bare: &Bare| per_second(bare.messages, bare.took);
        let rate = |run: &Dispatched| per_second(run.messages, run.took);
        let pairs = self.dispatched.iter().zip(&self.bare);
        let ratios: Vec<f64> = pairs.map(|(run, bare)| rounded(rate(run) / bare_rate(bare))).collect();
        Ok(Summary {
            messages: self.dispatched.first().map_or(0, |run| run.messages),
            pairs: self.bare.len(),
            messages_per_second: median(self.dispatched.iter().map(rate)),
            bare_per_second: median(self.bare.iter().map(bare_rate)),
            ratio: median(ratios.iter().copied()),
            ratios,
            store_trips_per_message: per_message(|run| Some(run.trips? as f64)),
            plan_trips_per_message: per_message(|run| Some(run.plan_trips? as f64)),
            cpu_us_per_message: per_message(|run| Some(run.cpu.as_secs_f64() * 1e6)),
            bare_cpu_us_per_message: median(
                self.bare.iter().map(|bare| bare.cpu.as_secs_f64() * 1e6 / bare.messages as f64),
            ),
            store_cpu_us_per_message: per_message(|run| Some(run.store_cpu?.as_secs_f64() * 1e6)),
            peak_rss_mb: rounded(peak_rss_mb()?),
            planned_per_second: median(
                self.dispatched.iter().map(|run| per_second(run.messages, run.planning)),
            ),
            first_post_ms: median(self.dispatched.iter().map(|run| run.first_post.as_secs_f64() * 1e3)),
        })
    }

    pub(crate) fn print(&self, json: bool) -> anyhow::Result<()> {
        let summary = self.summary()?;
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
            ("  and in the bare loop", self.bare_cpu_us_per_message),
            ("  and in the server", self.store_cpu_us_per_message),
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

fn per_second(messages: usize, took: Duration) -> f64 {
    messages as f64 / took.as_secs_f64()
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
