//! A worker: sends, retries, tracks and follows up the campaigns of a store. Any number of them
//! share one Redis server; each may be stopped or killed at any instant.
//!
//! ```text
//! cargo run --release --bin dispatch-worker -- --store redis://127.0.0.1:6379 --simulator URL
//! ```

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser;
use examples::fleet::{DRAIN, Wiring, exit, interrupted, log};

/// Sends the campaigns of a store, together with as many others as there are. Ends at Ctrl-C or
/// SIGTERM, after what is begun is finished and the rest is handed back.
#[derive(Debug, Parser)]
#[command(name = "dispatch-worker", version)]
struct Options {
    #[command(flatten)]
    wiring: Wiring,
}

#[tokio::main]
async fn main() -> ExitCode {
    log();
    exit("dispatch-worker", Box::pin(work(Options::parse()))).await
}

async fn work(options: Options) -> Result<()> {
    let wired = options.wiring.connect().await?;
    let running = wired.dispatch.start();
    println!("working on {}; Ctrl-C or SIGTERM drains", wired.place);
    interrupted().await;
    if !running.drain(DRAIN).await? {
        bail!(
            "not everything came back within {} s; what was begun is looked after by the others",
            DRAIN.as_secs()
        );
    }
    println!("drained");
    Ok(())
}
