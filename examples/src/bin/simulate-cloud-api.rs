//! A WhatsApp Cloud API on this machine, in a process of its own: no account needed.
//!
//! Prints where it listens and its secrets as `NAME=value` lines, and runs until Ctrl-C.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, ValueEnum};
use secrecy::ExposeSecret;
use tokio::sync::oneshot;
use whatsapp_dispatch::simulator::{Faults, Simulator};

/// A WhatsApp Cloud API on this machine, for tests and trials.
#[derive(Parser)]
struct Options {
    /// Port on 127.0.0.1; 0 takes any free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Decides the fate of each message, and the secrets.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Messages a second that the number may send.
    #[arg(long, default_value_t = 1_000)]
    rate: u32,
    /// How much goes wrong.
    #[arg(long, value_enum, default_value_t = Mood::Mild)]
    faults: Mood,
    /// How long each answer takes, in milliseconds.
    #[arg(long, default_value_t = 0)]
    answer_after_ms: u64,
    /// Where webhooks go; another process can say so later with POST /simulator/webhook.
    #[arg(long)]
    webhook: Option<String>,
    /// Goes on from this file if it is there, and leaves its state in it at the end.
    #[arg(long)]
    state: Option<PathBuf>,
    /// Ends when standard input ends, so that whoever started it never leaves it behind.
    #[arg(long)]
    until_stdin_closes: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mood {
    None,
    Mild,
    Harsh,
}

impl From<Mood> for Faults {
    fn from(mood: Mood) -> Self {
        match mood {
            Mood::None => Self::none(),
            Mood::Mild => Self::mild(),
            Mood::Harsh => Self::harsh(),
        }
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut builder = Simulator::builder()
        .port(options.port)
        .seed(options.seed)
        .rate(options.rate)
        .faults(options.faults.into())
        .answer_after(Duration::from_millis(options.answer_after_ms));
    if let Some(path) = options.state.as_ref().filter(|path| path.exists()) {
        let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let state = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not the state of a simulator", path.display()))?;
        builder = builder.restore(state);
    }
    let simulator = builder.start().await?;
    if let Some(url) = options.webhook {
        simulator.deliver_webhooks_to_url(url);
    }
    let sender = simulator.sender();
    println!("WHATSAPP_BASE_URL={}", simulator.url());
    println!("WHATSAPP_NUMBER_ID={}", sender.number_id);
    println!("WHATSAPP_WABA={}", sender.waba);
    println!("WHATSAPP_ACCESS_TOKEN={}", simulator.access_token().expose_secret());
    println!("WHATSAPP_APP_SECRET={}", simulator.app_secret().expose_secret());
    println!("WHATSAPP_VERIFY_TOKEN={}", simulator.verify_token().expose_secret());

    let stdin_closed = stdin_closed(options.until_stdin_closes);
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("waiting for Ctrl-C")?,
        () = stdin_closed => {}
    }
    if let Some(path) = options.state {
        let text = serde_json::to_vec(&simulator.save())?;
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// Resolves when standard input ends; never, unless it is watched.
async fn stdin_closed(watched: bool) {
    if !watched {
        return std::future::pending().await;
    }
    let (close, closed) = oneshot::channel();
    // A plain thread: a read of standard input cannot be interrupted when the program ends.
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        let _ = close.send(());
    });
    let _ = closed.await;
}
