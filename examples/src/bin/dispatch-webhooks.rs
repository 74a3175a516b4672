//! A receiver of webhooks: checks them and puts them into the store, from where the workers apply
//! them. It sends nothing, so it can stand where the internet reaches it.
//!
//! ```text
//! cargo run --release --bin dispatch-webhooks -- --store redis://127.0.0.1:6379 --simulator URL
//! ```

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use examples::fleet::{Wiring, exit, interrupted, log};

/// Receives the webhooks of a store's numbers. A webhook is answered when it is durable.
#[derive(Debug, Parser)]
#[command(name = "dispatch-webhooks", version)]
struct Options {
    #[command(flatten)]
    wiring: Wiring,

    /// Where to listen, behind your own TLS.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> ExitCode {
    log();
    exit("dispatch-webhooks", Box::pin(receive(Options::parse()))).await
}

async fn receive(options: Options) -> Result<()> {
    let wired = options.wiring.connect().await?;
    let url = wired.meta.receive_webhooks(&options.wiring.line, options.listen, &wired.dispatch).await?;
    println!("receiving webhooks at {url} for {}; Ctrl-C or SIGTERM ends", wired.place);
    interrupted().await;
    Ok(())
}
