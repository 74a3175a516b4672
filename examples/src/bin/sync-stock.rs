//! An Amazon seller's stock kept true for a day.
//!
//! ```text
//! cargo run --release --bin sync-stock
//! ```
//!
//! Reads the shop of 2,000 SKUs in `examples/data/shop`, lets a day pass in about a minute against
//! a simulated Amazon and the merchant's own shop, and reports what was sold, written and oversold.
//! With `--live` it keeps the listings of a real seller account; see `--help`.

use std::process::ExitCode;

use clap::Parser;
use examples::sync_stock::{Ended, Options, run};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .init();
    match run(Options::parse()).await {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::Broken) => ExitCode::from(2),
        Ok(Ended::Interrupted) => ExitCode::from(130),
        Ok(Ended::Unheard) => ExitCode::from(141),
        Err(error) => {
            eprintln!("sync-stock: {error:#}");
            ExitCode::FAILURE
        }
    }
}
