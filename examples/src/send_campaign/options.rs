//! What the command line says.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};
use whatsapp_dispatch::rules_core::store::redis::Guarantee;

/// Plans and sends a WhatsApp campaign, and reports what became of everybody.
///
/// Without arguments it sends the 10,000 records that come with it to a simulated Cloud API on
/// this machine; no account is needed and nothing leaves the machine.
#[derive(Clone, Debug, Parser)]
#[command(name = "send-campaign", version)]
pub struct Options {
    /// CSV file of recipients; the first line names the columns [default: the list that comes with
    /// the program].
    #[arg(long, value_name = "FILE")]
    pub recipients: Option<PathBuf>,

    /// TOML file with the campaign, its tenant and its rules [default: the one that comes with the
    /// program].
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Where the campaign is kept: `memory`, `sqlite:PATH`, or a Redis server such as
    /// `redis://127.0.0.1:6379`, with which this program plans and watches and `dispatch-worker`s
    /// send [default: a temporary file, removed when the campaign has ended].
    #[arg(long, value_name = "STORE")]
    pub store: Option<String>,

    #[command(flatten)]
    pub server: ServerOptions,

    /// Decides the fate of every message in the simulator.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// How the report is printed on standard output.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub report: ReportFormat,

    /// Also say why the person with this number did or did not get the message.
    #[arg(long, value_name = "PHONE")]
    pub explain: Option<String>,

    #[command(flatten)]
    pub line: Line,

    /// With --live: where webhooks are received, behind your own TLS.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", requires = "live")]
    pub webhooks: SocketAddr,
}

/// Which WhatsApp it is.
#[derive(Clone, Debug, Args)]
pub struct Line {
    /// Send through the real Cloud API, with credentials from the environment.
    #[arg(long)]
    pub live: bool,

    /// Use a simulator that runs in a process of its own (`simulate-cloud-api`) at this address.
    #[arg(long, value_name = "URL", conflicts_with = "live")]
    pub simulator: Option<String>,
}

/// How a Redis server is used.
#[derive(Clone, Debug, Args)]
pub struct ServerOptions {
    /// The folder that every process writes evidence and exports into.
    #[arg(long, value_name = "FOLDER", default_value = "evidence")]
    pub evidence: PathBuf,

    /// The secret under which evidence is chained; the same for every process.
    #[arg(long, env = "EVENTS_CHAIN_SECRET", hide_env_values = true)]
    pub secret: Option<String>,

    /// Use a server that promises less than to keep what it answered: `everysec` or `nothing`.
    #[arg(long, value_name = "PROMISE", value_parser = promise)]
    pub accept: Option<Guarantee>,
}

fn promise(word: &str) -> Result<Guarantee, String> {
    Guarantee::parse(word).ok_or_else(|| "use always, everysec or nothing".to_owned())
}

/// How the report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}
