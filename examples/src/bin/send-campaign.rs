//! A WhatsApp campaign from a CSV file to delivered, read and failed.
//!
//! ```text
//! cargo run --release --bin send-campaign
//! ```
//!
//! Reads `examples/data/recipients.csv` and `examples/data/campaign.toml`, plans, judges, sends
//! to a simulated Cloud API on 127.0.0.1 and reports what became of everybody.

use std::process::ExitCode;

use clap::Parser;
use examples::send_campaign::{Ended, Options, run};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("error,whatsapp_dispatch::planner=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_target(false)
        .init();
    match run(Options::parse()).await {
        Ok(Ended::Finished) => ExitCode::SUCCESS,
        Ok(Ended::Interrupted) => ExitCode::from(130),
        Err(error) => {
            eprintln!("send-campaign: {error:#}");
            ExitCode::FAILURE
        }
    }
}
