//! The last units of a SKU that Amazon and a web shop sell from one shelf: how many are sold twice
//! when every change is written over Amazon's number, when changes are merged, and when they are
//! merged and the default lag buffer holds some back.
//!
//! `cargo run --release -p benches --bin oversell -- --json`
//!
//! The days are those of [`Race`]: the same buyers come whatever is published, and merge, lag buffer
//! and available stock are the library's own. The directions are solid; the factors are those of
//! this model's lags and buyers, and no promise.

use amazon_sync::available::StockPolicy;
use amazon_sync::demand::LagBuffer;
use amazon_sync::simulator::{Publishing, Race, RaceDay};
use clap::Parser;

mod figures;

use figures::{Figures, Scenario};

#[derive(Parser)]
#[command(about = "Counts units that are sold twice, by how numbers get to Amazon")]
struct Cli {
    /// Days of each scenario and policy.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    days: u64,
    /// The seed of the first day; the others follow.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=1_000_000_000))]
    seed: u64,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

/// What is oversold at most, of what overwriting oversells, in the scenarios of [`Race::MEASURED`].
const AT_MOST: [f64; 4] = [0.1, 0.25, 0.1, 0.25];

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let held_back = StockPolicy::default();
    let bare = StockPolicy { lag_buffer: LagBuffer::OFF, ..StockPolicy::default() };
    let scenarios = Race::MEASURED.iter().zip(AT_MOST).map(|(race, at_most)| {
        let days = |publishing, policy: &StockPolicy| -> RaceDay {
            (cli.seed..cli.seed + cli.days).map(|seed| race.day(publishing, policy, seed)).sum()
        };
        Scenario {
            race: *race,
            at_most,
            overwrite: days(Publishing::Overwrite, &bare),
            merge: days(Publishing::Merge, &bare),
            buffered: days(Publishing::Merge, &held_back),
        }
    });
    Figures { days: cli.days, scenarios: scenarios.collect() }.print(cli.json)
}
