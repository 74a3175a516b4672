//! The figures of a run, and whether they keep the limits.

use amazon_sync::simulator::{Race, RaceDay};
use serde::Serialize;

/// Units unsold at the end, at most so many times those of overwriting.
const UNSOLD_AT_MOST: f64 = 1.02;

pub(crate) struct Scenario {
    pub(crate) race: Race,
    /// What is oversold with the lag buffer at most, of what overwriting oversells.
    pub(crate) at_most: f64,
    pub(crate) overwrite: RaceDay,
    pub(crate) merge: RaceDay,
    pub(crate) buffered: RaceDay,
}

pub(crate) struct Figures {
    pub(crate) days: u64,
    pub(crate) scenarios: Vec<Scenario>,
}

/// What is printed.
#[derive(Serialize)]
struct Summary {
    days: u64,
    scenarios: Vec<ScenarioSummary>,
    limits_kept: bool,
}

#[derive(Serialize)]
struct ScenarioSummary {
    stock: u32,
    amazon_per_hour: u32,
    shop_per_hour: u32,
    policies: [PolicySummary; 3],
    /// With the lag buffer, of what overwriting oversells, at most.
    oversold_at_most: f64,
    oversold_kept: bool,
    unsold_kept: bool,
}

/// Sums over all days.
#[derive(Serialize)]
struct PolicySummary {
    policy: &'static str,
    sold: u64,
    sold_on_amazon: u64,
    sold_in_shop: u64,
    oversold: u64,
    oversold_per_10k_orders: f64,
    /// Of what overwriting oversells; `null` where that is nothing.
    oversold_ratio: Option<f64>,
    unsold: u64,
    writes: u64,
}

impl Figures {
    pub(crate) fn print(&self, json: bool) -> anyhow::Result<()> {
        let scenarios: Vec<_> = self.scenarios.iter().map(ScenarioSummary::of).collect();
        let limits_kept = scenarios.iter().all(|scenario| scenario.oversold_kept && scenario.unsold_kept);
        let summary = Summary { days: self.days, scenarios, limits_kept };
        if json {
            println!("{}", serde_json::to_string(&summary)?);
        } else {
            summary.table();
        }
        Ok(())
    }
}

impl ScenarioSummary {
    fn of(scenario: &Scenario) -> Self {
        let Scenario { race, at_most, overwrite, merge, buffered } = scenario;
        let policy = |policy, day: &RaceDay| {
            let ratio = day.oversold as f64 / overwrite.oversold as f64;
            PolicySummary {
                policy,
                sold: day.sold_on_amazon + day.sold_in_shop,
                sold_on_amazon: day.sold_on_amazon,
                sold_in_shop: day.sold_in_shop,
                oversold: day.oversold,
                oversold_per_10k_orders: rounded(day.oversold as f64 / day.sold_on_amazon as f64 * 1e4),
                oversold_ratio: ratio.is_finite().then(|| rounded(ratio)),
                unsold: day.unsold,
                writes: day.writes,
            }
        };
        Self {
            stock: race.stock,
            amazon_per_hour: race.amazon_per_hour,
            shop_per_hour: race.shop_per_hour,
            policies: [
                policy("overwrite", overwrite),
                policy("merge", merge),
                policy("merge_with_lag_buffer", buffered),
            ],
            oversold_at_most: *at_most,
            oversold_kept: buffered.oversold as f64 <= overwrite.oversold as f64 * at_most,
            unsold_kept: buffered.unsold as f64 <= overwrite.unsold as f64 * UNSOLD_AT_MOST,
        }
    }
}

impl Summary {
    fn table(&self) {
        let kept = |is_kept| if is_kept { "kept" } else { "NOT KEPT" };
        println!("{} days of each scenario and policy; sums", self.days);
        for scenario in &self.scenarios {
            let ScenarioSummary { stock, amazon_per_hour, shop_per_hour, .. } = scenario;
            println!("\nstock {stock}, Amazon {amazon_per_hour} an hour, shop {shop_per_hour} an hour");
            println!(
                "  {:<22} {:>7} {:>7} {:>9} {:>9} {:>7} {:>7} {:>7}",
                "", "Amazon", "shop", "oversold", "of 10,000", "ratio", "unsold", "writes"
            );
            for policy in &scenario.policies {
                let ratio = policy.oversold_ratio.map_or_else(|| "-".to_owned(), |ratio| ratio.to_string());
                println!(
                    "  {:<22} {:>7} {:>7} {:>9} {:>9} {:>7} {:>7} {:>7}",
                    policy.policy,
                    policy.sold_on_amazon,
                    policy.sold_in_shop,
                    policy.oversold,
                    policy.oversold_per_10k_orders,
                    ratio,
                    policy.unsold,
                    policy.writes
                );
            }
            println!(
                "  oversold at most {} of overwriting: {}; unsold at most 2 % above it: {}",
                scenario.oversold_at_most,
                kept(scenario.oversold_kept),
                kept(scenario.unsold_kept)
            );
        }
    }
}

/// Four digits after the point below 10, one above.
fn rounded(value: f64) -> f64 {
    let scale = if value < 10.0 { 1e4 } else { 10.0 };
    (value * scale).round() / scale
}
