//! Where the campaign is kept, and how to come back to it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use whatsapp_dispatch::rules_core::store::redis::RedisConfig;
use whatsapp_dispatch::simulator::SimulatorState;

use super::Options;

const NO_STORE: &str = "this is not a store; use memory, sqlite:PATH such as sqlite:campaigns.db, or a server such as redis://127.0.0.1:6379";

/// Where the campaign is kept.
#[derive(Debug)]
pub enum Place {
    /// In this process, and gone with it.
    Memory,
    /// In a file.
    File {
        /// The database.
        path: PathBuf,
        /// The folder that was made for it, if nobody named one.
        made: Option<PathBuf>,
    },
    /// On a server, shared with other processes.
    Server(String),
}

impl Place {
    /// The place that the options name, or a fresh temporary one.
    pub fn of(options: &Options) -> Result<Self> {
        if let Some(store) = options.store.as_deref() {
            return Self::named(store);
        }
        let folder = tempfile::Builder::new()
            .prefix("send-campaign-")
            .tempdir()
            .context("making a temporary folder for the database")?
            .keep();
        Ok(Self::File { path: folder.join("campaign.db"), made: Some(folder) })
    }

    /// The place that a word of the command line names.
    pub fn named(store: &str) -> Result<Self> {
        if store == "memory" {
            return Ok(Self::Memory);
        }
        if store.starts_with("redis") {
            RedisConfig::parse(store)?;
            return Ok(Self::Server(store.to_owned()));
        }
        match store.strip_prefix("sqlite:") {
            Some(path) if !path.is_empty() => Ok(Self::File { path: path.into(), made: None }),
            // An address may hold a password, so it is not repeated.
            _ if store.contains('@') => bail!("{NO_STORE}"),
            _ => bail!("{store:?}: {NO_STORE}"),
        }
    }

    fn state_file(&self) -> Option<PathBuf> {
        let Self::File { path, .. } = self else { return None };
        let mut name = path.as_os_str().to_owned();
        name.push(".simulator.json");
        Some(name.into())
    }

    /// What a simulator of an interrupted run left behind.
    pub fn simulator_state(&self) -> Result<Option<SimulatorState>> {
        let Some(path) = self.state_file().filter(|path| path.exists()) else { return Ok(None) };
        let text = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        let state = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not the state of a simulator", path.display()))?;
        Ok(Some(state))
    }

    /// Keeps what a simulator knows, for the run that goes on.
    pub fn keep_simulator(&self, state: &SimulatorState) -> Result<()> {
        let Some(path) = self.state_file() else { return Ok(()) };
        let text = serde_json::to_vec(state)?;
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    }

    /// Removes the place if it was made for this run.
    pub fn clean_made(&self) -> Result<()> {
        let Self::File { made: Some(folder), .. } = self else { return Ok(()) };
        std::fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))
    }

    /// Removes what is not needed any more: all of a place made for this run, else the
    /// simulator's state.
    pub fn clean(&self) -> Result<()> {
        if let Self::File { made: Some(_), .. } = self {
            return self.clean_made();
        }
        match self.state_file() {
            Some(path) if path.exists() => {
                std::fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// The command that goes on with this campaign; `None` if nothing of it is left.
    pub fn resume_command(&self, options: &Options) -> Option<String> {
        let store = match self {
            Self::Memory => return None,
            Self::File { path, .. } => format!("sqlite:{}", path.display()),
            Self::Server(address) if address.contains('@') => "$STORE".to_owned(),
            Self::Server(address) => address.clone(),
        };
        let mut words = vec!["cargo run --release --bin send-campaign --".to_owned()];
        words.push(format!("--store {}", quoted(&store)));
        let file = |path: &Path| quoted(&path.display().to_string());
        words.extend(options.recipients.as_deref().map(|path| format!("--recipients {}", file(path))));
        words.extend(options.config.as_deref().map(|path| format!("--config {}", file(path))));
        words.extend((options.seed != 1).then(|| format!("--seed {}", options.seed)));
        words.extend(options.line.simulator.as_deref().map(|url| format!("--simulator {}", quoted(url))));
        words.extend(options.line.live.then(|| "--live".to_owned()));
        Some(words.join(" "))
    }
}

/// A word of a command line, in quotes where it needs them.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:=$".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn the_command_goes_on_where_the_run_stopped() {
        let line =
            ["send-campaign", "--store", "sqlite:my db.sqlite", "--seed", "7", "--recipients", "people.csv"];
        let options = Options::parse_from(line);
        let place = Place::of(&options).unwrap();
        assert_eq!(
            place.resume_command(&options).unwrap(),
            "cargo run --release --bin send-campaign -- --store 'sqlite:my db.sqlite' --recipients people.csv --seed 7"
        );
        let nowhere = Options::parse_from(["send-campaign", "--store", "postgres"]);
        assert!(Place::of(&nowhere).unwrap_err().to_string().contains("sqlite:PATH"));
        for secret in ["postgres://me:secret@db", "redis://me:secret@"] {
            assert!(!format!("{:#}", Place::named(secret).unwrap_err()).contains("secret"));
        }
    }
}
