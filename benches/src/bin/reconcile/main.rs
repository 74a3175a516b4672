//! What a million SKUs cost: how long the merge takes to decide about all of them, how long it
//! takes from two snapshots to the decisions, and how much memory they hold.
//!
//! `cargo run --release -p benches --bin reconcile -- --json`
//!
//! The snapshots are the host's, by items, and Amazon's, by listings, each in an order of its own;
//! reading and interning them is measured apart. Times are given as seen, the best and the middle
//! one of all rounds, and as processor time, which holds on a machine with other work to do.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use amazon_sync::available::{Available, StockPolicy};
use amazon_sync::merge::{Decision, decide_all};
use amazon_sync::quantity::Quantity;
use amazon_sync::sku_map::SkuMap;
use anyhow::Context;
use benches::process::{cpu_time, peak_rss_mb, rss_mb};
use benches::stock;
use clap::Parser;

mod figures;

use figures::{Figures, Memory, Took};

#[derive(Parser)]
#[command(about = "Measures what reconciling a million SKUs costs")]
struct Cli {
    /// Listings, in tens.
    #[arg(long, default_value_t = 1_000_000, value_parser = skus)]
    skus: u32,
    /// How often each is measured.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rounds: u32,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

fn skus(text: &str) -> Result<u32, String> {
    let number = text.parse::<u32>().ok().filter(|number| (1_000..=20_000_000).contains(number));
    number
        .filter(|number| number.is_multiple_of(10))
        .ok_or_else(|| "use 1000 to 20000000, in tens".to_owned())
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    measure(&cli)?.print(cli.json)
}

fn measure(cli: &Cli) -> anyhow::Result<Figures> {
    let file = map_file(cli.skus)?;
    let begun = rss_mb()?;
    let (read, started) = (cpu_time()?, Instant::now());
    let map = Arc::new(SkuMap::from_csv(BufReader::new(File::open(file.path())?))?);
    let map_seconds = started.elapsed().as_secs_f64();
    let map_cpu_seconds = cpu_time()?.saturating_sub(read).as_secs_f64();
    // Pages that reading has touched and given back stay counted, so this is an upper bound.
    let (with_map, after_reading) = (rss_mb()?, peak_rss_mb()?);

    let items = u32::try_from(map.item_count())?;
    let mut available = Available::new(Arc::clone(&map), &StockPolicy::default());
    let with_available = rss_mb()?;
    let mut table = stock::table(cli.skus, stock::busy);
    let with_table = rss_mb()?;
    let mut decisions: Vec<Decision> = Vec::with_capacity(cli.skus as usize);
    let merge = rounds(cli.rounds, || decide_all(black_box(&table), &stock::context(), &mut decisions))?;
    let with_decisions = rss_mb()?;

    let (host, amazon) = (stock::of_the_host(items), stock::of_amazon(cli.skus));
    let reconcile = rounds(cli.rounds, || {
        for (item, free) in black_box(&host) {
            available.set(*item, *free, Quantity::ZERO);
        }
        available.all(table.ours_mut());
        table.take_in(black_box(&amazon).iter().copied(), true);
        decide_all(&table, &stock::context(), &mut decisions);
        black_box(&decisions);
    })?;
    Ok(Figures {
        skus: cli.skus,
        items,
        rounds: cli.rounds,
        merge,
        reconcile,
        map_seconds,
        map_cpu_seconds,
        memory: Memory {
            map_mb: with_map - begun,
            available_mb: with_available - with_map,
            table_mb: with_table - with_available,
            decisions_mb: with_decisions - with_table,
            held_mb: with_decisions,
            peak_reading_mb: after_reading,
            peak_mb: peak_rss_mb()?,
        },
    })
}

/// The map's text in a file, so that it is no part of the memory that is measured.
fn map_file(skus: u32) -> anyhow::Result<tempfile::NamedTempFile> {
    let mut file = tempfile::NamedTempFile::new().context("making a temporary file")?;
    stock::write_sku_map(&mut file, skus as usize).and_then(|()| file.flush()).context("writing the map")?;
    Ok(file)
}

fn rounds(rounds: u32, mut work: impl FnMut()) -> anyhow::Result<Took> {
    work();
    let mut seen: Vec<Duration> = Vec::with_capacity(rounds as usize);
    let cpu = cpu_time()?;
    for _ in 0..rounds {
        let started = Instant::now();
        work();
        seen.push(started.elapsed());
    }
    let cpu = cpu_time()?.saturating_sub(cpu);
    seen.sort_unstable();
    let at = |place: usize| seen.get(place).copied().unwrap_or_default().as_secs_f64() * 1e3;
    Ok(Took {
        best_ms: at(0),
        median_ms: at(seen.len() / 2),
        cpu_ms: cpu.as_secs_f64() * 1e3 / f64::from(rounds),
    })
}
