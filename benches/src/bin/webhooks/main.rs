//! The load run of the webhook receiver: how many statuses a second are taken durably, how long
//! Meta waits for its answer, and how soon all of it is applied.
//!
//! `cargo run --release -p benches --bin webhooks -- --posts 40000 --json`
//!
//! This process sends a campaign to a gateway that accepts everything, and then receives on an
//! SQLite file with synchronous FULL. A second process posts signed webhooks with 1 to 3 statuses
//! each, *sent*, *delivered* and *read* of all messages in random order, over connections that it
//! keeps. At the end the counters of the campaign must be exactly what was posted.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use axum::serve::ListenerExt;
use benches::process::cpu_time;
use clap::{Args, Parser, Subcommand};
use rules_core::store::sqlite::Sqlite;
use secrecy::SecretString;
use tokio::net::TcpListener;
use whatsapp_dispatch::dispatch::{WebhookConfig, Webhooks};
use whatsapp_dispatch::fact::State;

mod figures;
mod house;
mod poster;
mod statuses;

use figures::Figures;
use house::House;
use poster::{PosterProcess, Posting};
use statuses::Expected;

/// What webhooks are signed with.
const APP_SECRET: &str = "app secret";

#[derive(Parser)]
#[command(about = "Posts webhooks to a receiver and measures it")]
#[command(args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    run: Run,
}

#[derive(Subcommand)]
enum Part {
    /// Posts webhooks and prints how that went.
    #[command(hide = true)]
    Post(Posting),
}

#[derive(Args)]
struct Run {
    /// Webhooks to post, each with 1 to 3 statuses.
    #[arg(long, default_value_t = 40_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    posts: u32,
    /// Connections, each with one request on the wire.
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    connections: u32,
    /// Decides the order of the statuses.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Where the database is made, in place of the folder for temporary files.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Stops posting after so many seconds, and gives up after as many more.
    #[arg(long, default_value_t = 300)]
    timeout_seconds: u64,
    /// Prints one JSON object.
    #[arg(long)]
    json: bool,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if let Some(Part::Post(posting)) = cli.part {
        return posting.run();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let limit = Duration::from_secs(2 * cli.run.timeout_seconds);
    runtime.block_on(async {
        match tokio::time::timeout(limit, cli.run.run()).await {
            Ok(outcome) => outcome,
            Err(_) => bail!("not done after {limit:?}; allow more with --timeout-seconds or post less"),
        }
    })
}

impl Run {
    async fn run(&self) -> anyhow::Result<()> {
        let folder = match &self.folder {
            Some(folder) => tempfile::tempdir_in(folder),
            None => tempfile::tempdir(),
        };
        let folder = folder.context("making a temporary folder")?;
        let store = Sqlite::open(folder.path().join("webhooks.db")).await.context("opening the database")?;
        let house = House::with_accepted(&store, statuses::messages(self.posts)).await?;
        let list = folder.path().join("messages");
        std::fs::write(&list, house.ids.join("\n")).context("writing the list of messages")?;
        let expected = Expected::of(house.ids.len(), self.posts, self.seed);

        let app_secrets = vec![SecretString::from(APP_SECRET)];
        let config = WebhookConfig { app_secrets, verify_token: SecretString::from("token") };
        let app = Webhooks::new(&house.dispatch, config)?.router();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let listener = listener.tap_io(|connection| connection.set_nodelay(true).unwrap_or_default());
        tokio::spawn(async move { axum::serve(listener, app).await });

        let posting = Posting {
            port,
            messages: list,
            posts: self.posts,
            connections: self.connections,
            seed: self.seed,
            seconds: self.timeout_seconds,
        };
        let process = PosterProcess::start(&posting)?;
        let running = house.dispatch.start();
        let (trips, cpu) = (store.trips(), cpu_time()?);
        let posted = process.posted().await?;
        let last_post = Instant::now();
        let mut looks = 0;
        while 0 < house.dispatch.inbox_depth().await? {
            looks += 1;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let applied_after = last_post.elapsed();
        let (trips, cpu) = (store.trips() - trips - looks - 1, cpu_time()?.saturating_sub(cpu));
        ensure!(posted.refused == 0, "{} webhooks were refused", posted.refused);
        ensure!(
            posted.posts == self.posts,
            "{} of {} webhooks were posted in {} s; allow more with --timeout-seconds",
            posted.posts,
            self.posts,
            self.timeout_seconds
        );
        let progress = house.sent.report().await?.progress;
        let counted = [State::Accepted, State::Delivered, State::Read].map(|state| progress.in_state(state));
        ensure!(
            counted == expected.states,
            "{counted:?} messages are accepted, delivered and read; {:?} were told",
            expected.states
        );
        running.drain(Duration::from_secs(30)).await?;
        Figures { posted, statuses: expected.statuses, applied_after, trips, cpu }.print(self.json)
    }
}

/// The list of messages is shared by whoever posts.
type Ids = Arc<Vec<String>>;
