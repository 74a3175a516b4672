//! *May this piece of outbound work happen, when, how often, and what is the proof?*
//!
//! This crate answers that question for a back end that serves many tenants. It holds three rooms,
//! and the arrows between them point one way, from the bottom of this list to its top:
//!
//! | room | what stands in it | what it may use |
//! |---|---|---|
//! | [`judge`] | values and pure functions: tenants, keys, rules, verdicts, subscriptions, quota windows, retry, faults | nothing of the other rooms; no clock, no store, no `async` |
//! | [`work`] | the ports ([`work::queue::Queue`], [`work::quota::Quota`], [`work::pacer::Pacer`] ...), each with its memory implementation beside it, and services over ports | `judge` |
//! | [`store`] | one handle per technology that implements every port: [`store::memory::Memory`], with feature `sqlite` `store::sqlite::Sqlite`, and [`store::files::Files`] for the archive alone | both |
//!
//! The tenant is **in the key types**: every address that a port takes is made by a
//! [`judge::tenant::TenantScope`], so forgetting the tenant does not compile.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `backoff` (default) | retry delays by the `backoff` crate; without it the same schedule is built in |
//! | `sqlite` | the `Sqlite` handle |
//! | `toml` | tenants and rule sets from TOML text |
//! | `metrics` | counters through the `metrics` facade |
//! | `conformance` | public suites that any implementation of a port can run |
//! | `mocks` | mockall mocks of the ports |
//!
//! tokio is assumed: the host owns the runtime, this crate never builds one.

pub mod judge;
pub mod work;

pub mod store;

#[cfg(feature = "conformance")]
pub mod conformance;
