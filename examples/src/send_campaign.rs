//! `send-campaign`: a campaign from a CSV file to delivered, read and failed.

mod config;
mod meta;
mod options;
mod place;
mod run;
mod show;

pub use config::FileConfig;
pub use meta::Meta;
pub use options::{Line, Options, ServerOptions};
pub use place::Place;
pub use run::{Ended, run, shipped};
pub use show::table;
