//! Real Redis servers for tests: each is private to its test, listens on 127.0.0.1 or a unix socket,
//! keeps its files in a temporary folder and ends with the test, however the test ends.
//!
//! ```text
//! #[path = "support/redis.rs"] // from another crate: "../../rules-core/tests/support/redis.rs"
//! mod redis;
//! use redis::{Persistence, RedisServer};
//!
//! let mut server = RedisServer::start(Persistence::Always);
//! let store = connect(&server.url()).await; // the client under test
//! server.kill(); // SIGKILL
//! server.start_again(); // same port, same folder
//! assert_eq!(server.command(&["GET", "key"]).text(), Some("value"));
//! ```
//!
//! A private server takes about 15 ms. A suite of many small cases shares one: `redis::shared_url()`
//! is the server that `REDIS_SHARED_URL` names, or one per process where that is not set, and
//! `redis::key_prefix()` keeps the cases apart. A case that counts keys, flushes, changes the
//! configuration or stops the server needs a private one.
//!
//! [`FaultProxy`] stands between a client and a server and spoils what passes, byte by byte.
//!
//! The program is `REDIS_SERVER_BIN`, else `redis-server` or `valkey-server` on the PATH, and a test
//! without it fails. Tests that come here have `redis` in their path, because `scripts/test` counts
//! them.

#![expect(
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test stops at its first surprise, reads its environment and waits for real processes"
)]
#![allow(dead_code, unused_imports, reason = "no test needs all of it")]

#[path = "redis/server.rs"]
mod server;
pub(crate) use server::{Persistence, RedisServer, ServerOptions};

#[path = "redis/shared.rs"]
mod shared;
pub(crate) use shared::{key_prefix, shared_url};

#[path = "redis/cluster.rs"]
mod cluster;
pub(crate) use cluster::RedisCluster;

#[path = "redis/reply.rs"]
mod reply;
pub(crate) use reply::{Connection, Reply};

#[path = "redis/fault_proxy.rs"]
mod fault_proxy;
pub(crate) use fault_proxy::{Chaos, Counts, Direction, Ending, FaultProxy};

#[path = "redis/program.rs"]
mod program;
