//! What the command line says.

use std::path::PathBuf;

use amazon_sync::sku::Sku;
use clap::{Parser, ValueEnum};

/// Keeps an Amazon seller's stock true for a day, and reports what was sold, written and oversold.
///
/// Without arguments it runs the shop of 2,000 SKUs that comes with it against a simulated Amazon
/// in this process, a day in about a minute; no account is needed and nothing leaves the machine.
///
/// With --live it keeps the listings of a real seller account, with credentials from the
/// environment; without --publish or --apply nothing is written to it.
#[derive(Clone, Debug, Parser)]
#[command(name = "sync-stock", version)]
pub struct Options {
    /// CSV file that says what each listing is made of [default: the one that comes with the
    /// program].
    #[arg(long, value_name = "FILE")]
    pub skus: Option<PathBuf>,

    /// CSV file of what lies on the shelf: `item`, `on_hand`, `shop_per_hour` [default: the one that
    /// comes with the program]. With --live: your own stock, a column of items and one of quantities, read
    /// again whenever it changes.
    #[arg(long, value_name = "FILE")]
    pub shelf: Option<PathBuf>,

    /// CSV file of how much is wanted: `sku`, `per_hour`, `most_units`, `on_amazons_shelf` [default: the
    /// one that comes with the program].
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    pub demand: Option<PathBuf>,

    /// Where ledger and listings are kept: `memory` or `sqlite:PATH` [default: a temporary file,
    /// removed at the end].
    #[arg(long, value_name = "STORE")]
    pub store: Option<String>,

    /// Decides who buys what and when, and what goes wrong.
    #[arg(long, default_value_t = 1, conflicts_with = "live")]
    pub seed: u64,

    /// How long the simulated day is.
    #[arg(long, default_value_t = 24, conflicts_with = "live", value_parser = clap::value_parser!(u32).range(1..=240))]
    pub hours: u32,

    /// How many simulated seconds pass in one.
    #[arg(long, default_value_t = 1_440, conflicts_with = "live", value_parser = clap::value_parser!(u32).range(1..=7_200))]
    pub speed: u32,

    /// Read everything once, write what would be done about each listing into this file, and stop.
    #[arg(long, value_name = "FILE", conflicts_with = "apply")]
    pub plan: Option<PathBuf>,

    /// Publish the numbers of this plan, and nothing but them; in the simulation before the shop opens.
    #[arg(long, value_name = "FILE")]
    pub apply: Option<PathBuf>,

    /// With --apply: leave out listings that are not as the plan found them, instead of refusing all of
    /// it.
    #[arg(long, requires = "apply")]
    pub leave_out_moved: bool,

    /// Keep the listings of a real seller account; needs --skus, --shelf, --store sqlite:PATH, one of
    /// --plan, --apply and --publish, and credentials from the environment.
    #[arg(long)]
    pub live: bool,

    /// With --live: publish every number that is due, until Ctrl-C.
    #[arg(long, requires = "live", conflicts_with_all = ["plan", "apply"])]
    pub publish: bool,

    /// How the report is printed on standard output.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub report: ReportFormat,

    /// Also say why this SKU shows what it shows.
    #[arg(long, value_name = "SKU", value_parser = |text: &str| Sku::parse(text).map_err(|error| error.to_string()))]
    pub explain: Option<Sku>,
}

/// How the report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}
