//! What the command line says.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

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

    /// Where the campaign is kept: `memory`, or `sqlite:PATH` [default: a temporary file, removed
    /// when the campaign has ended].
    #[arg(long, value_name = "STORE")]
    pub store: Option<String>,

    /// Decides the fate of every message in the simulator.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,

    /// How the report is printed on standard output.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub report: ReportFormat,

    /// Also say why the person with this number did or did not get the message.
    #[arg(long, value_name = "PHONE")]
    pub explain: Option<String>,

    /// Send through the real Cloud API, with credentials from the environment.
    #[arg(long)]
    pub live: bool,

    /// With --live: where webhooks are received, behind your own TLS.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", requires = "live")]
    pub webhooks: SocketAddr,

    /// Use a simulator that runs in a process of its own (`simulate-cloud-api`) at this address.
    #[arg(long, value_name = "URL", conflicts_with = "live")]
    pub simulator: Option<String>,
}

/// How the report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people.
    Text,
    /// One JSON object.
    Json,
}
