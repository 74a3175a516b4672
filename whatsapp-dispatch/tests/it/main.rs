//! Campaigns end to end, on every store, against a gateway with a script; webhooks of every kind;
//! and the suites of the ports.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at its first surprise"
)]

#[cfg(feature = "redis")]
#[path = "../../../rules-core/tests/support/redis.rs"]
mod redis_server;
#[cfg(feature = "redis")]
#[path = "../../../rules-core/tests/support/hostile.rs"]
mod hostile;
mod house;
mod again;
mod campaign;
mod direct;
mod steer;
mod templates;
mod planning;
mod limits;
mod reactions;
mod loss;
mod inbox;
mod later;
mod privacy;
mod people;
mod erase;
mod retention;
mod trips;
mod ports;
mod props;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "redis")]
mod redis_forgets;
#[cfg(feature = "redis")]
mod redis_frequency;
mod webhooks;
