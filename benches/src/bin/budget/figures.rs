//! The figures of a run, and whether they keep the limits.

use amazon_sync::simulator::OperationReport;
use benches::process::cpu_time;
use serde::Serialize;

use crate::amazon::BURST;
use crate::calm::Lateness;
use crate::worker::Told;

pub(crate) struct Figures {
    pub(crate) budgets_on: &'static str,
    pub(crate) processes: u32,
    pub(crate) at_once: u32,
    pub(crate) rate: u32,
    pub(crate) seconds: u64,
    /// By how much the true rate changed, and what Amazon counted.
    pub(crate) scenarios: Vec<(Option<f64>, OperationReport)>,
    pub(crate) lateness: Lateness,
    pub(crate) told: Vec<Told>,
}

/// What is printed.
#[derive(Serialize)]
struct Summary {
    /// `redis` or `memory`.
    budgets_on: &'static str,
    processes: u32,
    at_once: u32,
    /// Calls a second that Amazon published.
    rate: u32,
    seconds: u64,
    scenarios: Vec<ScenarioSummary>,
    limits_kept: bool,
    /// How late this process was woken, and how often later than Amazon's burst lasts.
    late_p99_ms: f64,
    late_most_ms: f64,
    later_than_a_burst: usize,
    /// Questions for a permit that were answered with a wait, of each call, in the middle of all.
    waits_per_call: f64,
    /// Of all processes but Amazon's, for each call.
    client_cpu_us_per_call: f64,
    /// Of this process, which plays Amazon.
    amazon_cpu_us_per_call: f64,
}

#[derive(Serialize)]
struct ScenarioSummary {
    scenario: &'static str,
    calls: u64,
    useful: u64,
    throttled: u64,
    idle: u64,
    failed: u64,
    /// Burst and rate up to the last useful call.
    allowed: f64,
    share: f64,
    waste: f64,
    share_at_least: f64,
    waste_at_most: f64,
    kept: bool,
}

impl Figures {
    pub(crate) fn print(&self, json: bool) -> anyhow::Result<()> {
        let calls: u64 = self.scenarios.iter().map(|(_, patches)| patches.calls).sum();
        let per_call = |sum: u64| rounded(sum as f64 / calls as f64);
        let scenarios: Vec<_> =
            self.scenarios.iter().map(|(change, patches)| ScenarioSummary::of(*change, patches)).collect();
        let limits_kept = scenarios.iter().all(|scenario| scenario.kept);
        let summary = Summary {
            budgets_on: self.budgets_on,
            processes: self.processes,
            at_once: self.at_once,
            rate: self.rate,
            seconds: self.seconds,
            scenarios,
            limits_kept,
            late_p99_ms: rounded(self.lateness.p99_ms()),
            late_most_ms: rounded(self.lateness.most_ms()),
            later_than_a_burst: self.lateness.above_ms(1e3 * f64::from(BURST) / f64::from(self.rate)),
            waits_per_call: per_call(self.told.iter().map(|told| told.not_now).sum()),
            client_cpu_us_per_call: per_call(self.told.iter().map(|told| told.cpu_us).sum()),
            amazon_cpu_us_per_call: per_call(cpu_time()?.as_micros().try_into()?),
        };
        if json {
            println!("{}", serde_json::to_string(&summary)?);
        } else {
            summary.table();
        }
        Ok(())
    }
}

impl ScenarioSummary {
    fn of(change: Option<f64>, patches: &OperationReport) -> Self {
        let (scenario, share_at_least, waste_at_most) = match change {
            None => ("plain", 0.98, 0.001),
            Some(factor) if factor < 1.0 => ("halves", 0.90, 0.02),
            Some(_) => ("doubles", 0.90, 0.02),
        };
        Self {
            scenario,
            calls: patches.calls,
            useful: patches.useful,
            throttled: patches.throttled,
            idle: patches.idle,
            failed: patches.failed + patches.refused,
            allowed: rounded(patches.allowed),
            share: rounded(patches.share),
            waste: rounded(patches.waste),
            share_at_least,
            waste_at_most,
            kept: share_at_least <= patches.share && patches.waste <= waste_at_most,
        }
    }
}

impl Summary {
    fn table(&self) {
        println!(
            "{} processes, budgets on {}, {} calls at once, published rate {} a second, {} s",
            self.processes, self.budgets_on, self.at_once, self.rate, self.seconds
        );
        println!(
            "  {:<10} {:>7} {:>7} {:>5} {:>5} {:>9} {:>7} {:>8}  limits",
            "true rate", "calls", "useful", "429", "idle", "allowed", "share", "waste"
        );
        for scenario in &self.scenarios {
            let ScenarioSummary { share_at_least, waste_at_most, .. } = scenario;
            println!(
                "  {:<10} {:>7} {:>7} {:>5} {:>5} {:>9} {:>7} {:>8}  {share_at_least}, {waste_at_most}: {}",
                scenario.scenario,
                scenario.calls,
                scenario.useful,
                scenario.throttled,
                scenario.idle,
                scenario.allowed,
                scenario.share,
                scenario.waste,
                if scenario.kept { "kept" } else { "NOT KEPT" }
            );
        }
        println!(
            "  woken late by {} ms (p99), {} ms at most, {} times by more than a burst",
            self.late_p99_ms, self.late_most_ms, self.later_than_a_burst
        );
        println!(
            "  a call: {} waits, {} us of CPU, and {} us of Amazon's",
            self.waits_per_call, self.client_cpu_us_per_call, self.amazon_cpu_us_per_call
        );
    }
}

/// Four digits after the point below 10, one above.
fn rounded(value: f64) -> f64 {
    let scale = if value < 10.0 { 1e4 } else { 10.0 };
    (value * scale).round() / scale
}
