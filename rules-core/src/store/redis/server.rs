//! What kind of server is at the other end, and whether it is still the same one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use deadpool_redis::redis::cmd;

use super::command::Reply;
use super::link::Link;
use super::{Guarantee, RedisConfig, RedisError};

/// Looks at the server and refuses one that may not be trusted with the work; says what it promises.
pub(super) async fn examine(link: &Link, home: &str, config: &RedisConfig) -> Result<Guarantee, RedisError> {
    let info = info(link, home).await?;
    link.lives.meet(&link.server, &info);
    check_version(link, &info)?;
    let promises = match settings(link, home).await? {
        Some(settings) => {
            if settings.eviction != "noeviction" {
                return Err(RedisError::Setting {
                    server: link.server.clone(),
                    setting: "maxmemory-policy",
                    found: settings.eviction,
                    remedy: "under memory pressure it would throw messages away; set maxmemory-policy noeviction",
                });
            }
            settings.promises
        }
        None => config.promised.ok_or_else(|| RedisError::Silent { server: link.server.clone() })?,
    };
    if promises < config.accept {
        return Err(RedisError::Setting {
            server: link.server.clone(),
            setting: "persistence",
            found: promises.as_str().to_owned(),
            remedy: "when it dies, marks of messages that were begun are lost and people may get them twice; set appendonly yes and appendfsync always, or accept it by name (RedisConfig::accepting)",
        });
    }
    Ok(promises)
}

async fn info(link: &Link, home: &str) -> Result<String, RedisError> {
    let mut ask = cmd("INFO");
    ask.arg("server");
    let answer = Reply::of(link.send_home(&ask, home, "INFO").await?);
    answer.text().map(str::to_owned).ok_or_else(|| RedisError::odd("INFO"))
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn check_version(link: &Link, info: &str) -> Result<(), RedisError> {
    let found = field(info, "redis_version").unwrap_or("unknown");
    let major: u32 = found.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if field(info, "valkey_version").is_some() || 7 <= major {
        return Ok(());
    }
    Err(RedisError::Version { server: link.server.clone(), found: found.to_owned() })
}

struct Settings {
    eviction: String,
    promises: Guarantee,
}

/// How the server is configured; `None` when it does not tell.
async fn settings(link: &Link, home: &str) -> Result<Option<Settings>, RedisError> {
    let mut ask = cmd("CONFIG");
    ask.arg("GET").arg("maxmemory-policy").arg("appendonly").arg("appendfsync");
    let answer = match link.send_home(&ask, home, "CONFIG GET").await {
        Ok(answer) => Reply::of(answer).list(),
        Err(RedisError::Refused { .. }) => return Ok(None),
        Err(other) => return Err(other),
    };
    let value = |name: &str| {
        let at = answer.iter().position(|reply| reply.text() == Some(name))?;
        answer.get(at + 1)?.text()
    };
    let Some(eviction) = value("maxmemory-policy") else { return Ok(None) };
    let promises = match (value("appendonly"), value("appendfsync")) {
        (Some("yes"), Some("always")) => Guarantee::Always,
        (Some("yes"), Some("everysec")) => Guarantee::EverySecond,
        _ => Guarantee::Nothing,
    };
    Ok(Some(Settings { eviction: eviction.to_owned(), promises }))
}

/// Which lives of the server were seen.
#[derive(Debug, Default)]
pub(super) struct Lives {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Of the life that was seen last.
    run_id: Option<String>,
    restarts: u64,
    looked_at: Option<DateTime<Utc>>,
}

impl Lives {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a server says of itself; says how often it was found to have started anew.
    pub(super) fn meet(&self, server: &str, info: &str) -> u64 {
        let mut state = self.state();
        let Some(run_id) = field(info, "run_id") else { return state.restarts };
        if state.run_id.as_deref() != Some(run_id) {
            if state.run_id.is_some() {
                tracing::warn!(server, "redis has started anew");
                state.restarts += 1;
            }
            state.run_id = Some(run_id.to_owned());
        }
        state.restarts
    }

    /// Looks whether it is another life, once a second at most, and says how many were seen.
    pub(super) async fn seen(&self, link: &Link, home: &str, now: DateTime<Utc>) -> Result<u64, RedisError> {
        {
            let mut state = self.state();
            let looked = state.looked_at.is_some_and(|at| (now - at).abs() < TimeDelta::seconds(1));
            if looked {
                return Ok(state.restarts);
            }
            state.looked_at = Some(now);
        }
        let info = info(link, home).await.inspect_err(|_| self.state().looked_at = None)?;
        Ok(self.meet(&link.server, &info))
    }
}
