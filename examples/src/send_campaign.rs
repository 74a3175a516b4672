//! `send-campaign`: a campaign from a CSV file to delivered, read and failed.

mod config;
mod meta;
mod options;
mod place;
mod run;
mod show;

pub use config::FileConfig;
pub use options::Options;
pub use run::{Ended, run};
