//! What is said at the end.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use amazon_sync::drift::Drift;
use amazon_sync::simulator::OperationReport;
use amazon_sync::sync_store::{Letter, NewLetter};
use serde::Serialize;

use super::ReportFormat;
use super::day::Outcome;
use super::screen::say;

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
    letters_by_code: BTreeMap<String, u64>,
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
            letters: letters.len(),
            letters_by_code: by_code(letters).into_iter().map(|(code, (count, _))| (code, count)).collect(),
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
        ReportFormat::Json => say(serde_json::to_string(&summary)?)?,
        ReportFormat::Text => say(people(outcome, &summary)?)?,
    }
    Ok(())
}

fn people(outcome: &Outcome, summary: &Summary<'_>) -> Result<String, std::fmt::Error> {
    let mut text = String::from("\n");
    if let Some(applied) = &outcome.applied {
        writeln!(text, "plan        {} numbers of it were decided and published", applied.decided)?;
        for (listing, why) in &applied.left_out {
            writeln!(text, "left out    {listing}: {why}")?;
        }
    }
    writeln!(
        text,
        "sold        {} units in {} orders on Amazon, {} of them shipped by Amazon; {} in the shop",
        summary.units_sold + summary.units_sold_by_amazon,
        summary.orders,
        summary.units_sold_by_amazon,
        summary.shop_units_sold
    )?;
    writeln!(
        text,
        "oversold    {} units, {} in 10,000 orders",
        summary.oversold_units, summary.oversold_per_10k_orders
    )?;
    writeln!(
        text,
        "writes      {}, and {} changes that needed none because Amazon counts its own sales",
        summary.writes, summary.writes_saved
    )?;
    writeln!(
        text,
        "budget      {:.1} % of the calls that Amazon allowed, {} wasted",
        summary.budget_share * 100.0,
        summary.wasted_calls
    )?;
    let seconds =
        |effect: Option<f64>| effect.map_or_else(|| "-".to_owned(), |effect| format!("{effect:.0} s"));
    writeln!(
        text,
        "effect      {} from a change to its effect in the middle, {} for all but one in a hundred",
        seconds(summary.p50_change_to_effect_s),
        seconds(summary.p99_change_to_effect_s)
    )?;
    for (class, times) in summary.drift_by_class.iter().filter(|(class, _)| **class != Drift::InSync) {
        writeln!(text, "drift       {:<22} {times:>6} times: {}", class.as_str(), meaning(*class))?;
    }
    writeln!(text, "letters     {} for somebody to look at", summary.letters)?;
    for (code, (count, first)) in by_code(&outcome.letters) {
        writeln!(text, "            {code} {count} times, such as {}: {}", first.subject, first.text)?;
    }
    for broken in summary.broken {
        writeln!(text, "BROKEN      {broken}")?;
    }
    text.push_str(if summary.invariants_ok {
        "The ledger's sums are those of the orders, no listing that Amazon ships was written, every number is settled."
    } else {
        "Something that must hold does not: see BROKEN above."
    });
    Ok(text)
}

/// What a listing that stands so is like.
const fn meaning(class: Drift) -> &'static str {
    match class {
        Drift::InSync => "as it should be",
        Drift::OursAhead => "what can ship had changed",
        Drift::InFlight => "a number was on its way",
        Drift::LostWrite => "a number did not arrive in time",
        Drift::UnseenSale => "Amazon showed less than the known orders explain",
        Drift::ForeignWrite => "somebody else wrote a number",
        Drift::LateCancel => "Amazon showed more than the known orders explain",
        Drift::ChannelFlip => "somebody had it shipped through another channel",
        Drift::Missing => "Amazon did not show it",
        Drift::Unmapped => "nobody said how many there are",
        Drift::Ambiguous => "the SKU map says two things about it",
        Drift::DeclaredEffectiveGap => "Amazon had stored a number and did not show it yet",
    }
}

/// Letters by their code: how many, and the first of them.
fn by_code(letters: &[Letter]) -> BTreeMap<String, (u64, &NewLetter)> {
    let mut by_code = BTreeMap::new();
    for Letter { letter, .. } in letters {
        by_code.entry(letter.code.to_string()).or_insert((0, letter)).0 += 1;
    }
    by_code
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
