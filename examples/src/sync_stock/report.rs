//! What is said at the end.

use std::collections::BTreeMap;
use std::time::Duration;

use amazon_sync::drift::Drift;
use amazon_sync::simulator::OperationReport;
use serde::Serialize;

use super::ReportFormat;
use super::day::Outcome;

/// What is printed as JSON.
#[derive(Serialize)]
struct Summary<'a> {
    hours: u32,
    /// On Amazon.
    orders: u64,
    units_sold: u64,
    units_sold_by_amazon: u64,
    shop_units_sold: u64,
    /// Units sold on Amazon that the shelf did not have.
    oversold_units: u64,
    oversold_per_10k_orders: f64,
    /// Numbers that Amazon took.
    writes: u64,
    /// Changes that needed no write, because Amazon counts its own sales.
    writes_saved: u64,
    /// Useful calls of those that the budgets allowed, of all operations that were called.
    budget_share: f64,
    /// Calls answered with 429.
    wasted_calls: u64,
    drift_by_class: &'a BTreeMap<Drift, u64>,
    p50_change_to_effect_s: Option<f64>,
    p99_change_to_effect_s: Option<f64>,
    orders_missed: u64,
    letters: usize,
    applied: Option<usize>,
    operations: &'a [OperationReport],
    invariants_ok: bool,
    broken: &'a [String],
}

impl<'a> Summary<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let Outcome { hours, sync, amazon, applied, letters, broken } = outcome;
        let operations = &amazon.operations;
        let useful: u64 = operations.iter().map(|operation| operation.useful).sum();
        let allowed: f64 = operations.iter().map(|operation| operation.allowed).sum();
        let seconds = |effect: Option<Duration>| effect.map(|effect| rounded(effect.as_secs_f64()));
        Self {
            hours: *hours,
            orders: amazon.orders,
            units_sold: amazon.units_sold,
            units_sold_by_amazon: amazon.units_sold_by_amazon,
            shop_units_sold: amazon.shop_units_sold,
            oversold_units: amazon.oversold_units,
            oversold_per_10k_orders: rounded(ratio(count(amazon.oversold_units) * 1e4, count(amazon.orders))),
            writes: sync.writes,
            writes_saved: sync.writes_saved,
            budget_share: rounded(ratio(count(useful), allowed)),
            wasted_calls: operations.iter().map(|operation| operation.throttled).sum(),
            drift_by_class: &sync.drift_by_class,
            p50_change_to_effect_s: seconds(sync.p50_change_to_effect),
            p99_change_to_effect_s: seconds(sync.p99_change_to_effect),
            orders_missed: sync.orders_missed,
            letters: *letters,
            applied: applied.as_ref().map(|applied| applied.decided),
            operations,
            invariants_ok: broken.is_empty(),
            broken,
        }
    }
}

pub(super) fn print(outcome: &Outcome, format: ReportFormat) -> anyhow::Result<()> {
    let summary = Summary::of(outcome);
    match format {
        ReportFormat::Json => println!("{}", serde_json::to_string(&summary)?),
        ReportFormat::Text => people(outcome, &summary),
    }
    Ok(())
}

fn people(outcome: &Outcome, summary: &Summary<'_>) {
    println!();
    if let Some(applied) = &outcome.applied {
        print!("{applied}");
    }
    println!(
        "sold        {} units in {} orders on Amazon, {} more shipped by Amazon, {} in the shop",
        summary.units_sold, summary.orders, summary.units_sold_by_amazon, summary.shop_units_sold
    );
    println!(
        "oversold    {} units, {} in 10,000 orders",
        summary.oversold_units, summary.oversold_per_10k_orders
    );
    println!("writes      {}, and {} saved", summary.writes, summary.writes_saved);
    println!(
        "budget      {:.1} % of the calls that Amazon allowed, {} wasted",
        summary.budget_share * 100.0,
        summary.wasted_calls
    );
    let seconds =
        |effect: Option<f64>| effect.map_or_else(|| "-".to_owned(), |effect| format!("{effect:.0} s"));
    println!(
        "effect      {} from a change to its effect in the middle, {} for all but one in a hundred",
        seconds(summary.p50_change_to_effect_s),
        seconds(summary.p99_change_to_effect_s)
    );
    for (class, times) in summary.drift_by_class {
        println!("drift       {class}: {times}");
    }
    println!("letters     {} for somebody to look at", summary.letters);
    for broken in summary.broken {
        println!("BROKEN      {broken}");
    }
    if summary.invariants_ok {
        println!(
            "The ledger's sums are those of the orders, no listing that Amazon ships was written, every number is settled."
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "nobody makes 2^52 calls")]
const fn count(number: u64) -> f64 {
    number as f64
}

fn ratio(of: f64, all: f64) -> f64 {
    if 0.0 < all { of / all } else { 0.0 }
}

fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}
