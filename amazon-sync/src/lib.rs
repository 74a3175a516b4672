//! The number that Amazon shows is the number that can ship.
//!
//! An Amazon seller's stock kept true: orders on Amazon are polled and told by events, deducted
//! from an append-only ledger over the components that a listing is made of, compared with what
//! Amazon shows by a three-way merge, and published. The ledger says why each number is what it
//! is, and never counts anything twice, whatever is repeated, late or out of order.
//!
//! Read on in the order of the modules below: values and pure rules come first, then ports, then
//! services, then what knows a technology.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `backoff` (default) | retry delays by the `backoff` crate |
//! | `sp-api` | the SP-API adapter on reqwest |
//! | `tls` | TLS for it |
//! | `sqlite` | the sync store on the `Sqlite` handle, and a host's stock in SQLite tables |
//! | `simulator` | an SP-API on 127.0.0.1 or in the process: no account needed; turns on `sp-api` |
//! | `metrics` | counters through the `metrics` facade |
//! | `conformance` | public suites that any implementation of a port can run |
//! | `mocks` | mockall mocks of the ports |
//!
//! tokio is assumed: the host owns the runtime, this crate never builds one.

pub use rules_core;

// Values and pure rules.
pub mod quantity;
pub mod seller;
pub mod sku;
pub mod listing;
pub mod order;
pub mod ledger;
pub mod intent;
pub mod wire;

// Ports.
pub mod marketplace;
pub mod sink;
pub mod host_stock;
pub mod sync_store;

// What knows a technology.
pub mod adapters;
