//! One server for many small cases that stay out of each other's way by their keys.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use super::server::{Persistence, RedisServer};

/// The URL in `REDIS_SHARED_URL`, else that of a server which this process starts once and which ends
/// with it.
pub(crate) fn shared_url() -> String {
    static SERVER: OnceLock<RedisServer> = OnceLock::new();
    match env::var("REDIS_SHARED_URL") {
        Ok(url) if !url.is_empty() => url,
        _ => SERVER.get_or_init(|| RedisServer::start(Persistence::None)).url(),
    }
}

/// Letters and digits that no other call gets, in this process or another: the start of a case's keys.
pub(crate) fn key_prefix() -> String {
    format!("t{:016x}", random())
}

/// Random bits that need no clock and no crate.
pub(super) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}
