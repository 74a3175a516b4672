//! A campaign reaches each person at most as often as its policy says, and everybody's outcome
//! is known.
//!
//! WhatsApp campaigns over the Business Cloud API, for many tenants: recipients are streamed from
//! a file, judged by business rules, planned durably in batches of 500, queued, paced, judged
//! again at the second of sending, begun by one compare-and-set and posted once. Single messages
//! go the same way, ahead of campaigns. Webhooks tell what came of it; what nobody knows is called
//! unknown and never simply sent again. Every error of WhatsApp has its reaction.
//!
//! Start with [`dispatch::Dispatch`]. Webhooks come in through [`dispatch::Webhooks`], single
//! messages are written with [`content::Message`], and [`erase`] forgets a person. Read on in the
//! order of the modules below: values and pure rules come first, then ports, then services, then
//! what knows a technology.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `backoff` (default) | retry delays by the `backoff` crate |
//! | `cloud-api` | the Cloud API adapter on reqwest |
//! | `tls` | TLS for it |
//! | `sqlite` | campaigns, delivery log, people, quarantine and register on the `Sqlite` handle |
//! | `toml` | rules, senders and tenants from TOML text |
//! | `axum` | the webhook receiver as an axum `Router` |
//! | `simulator` | a Cloud API on 127.0.0.1 or in the process: no account needed; turns on `cloud-api` and `axum` |
//! | `metrics` | counters through the `metrics` facade |
//! | `conformance` | public suites that any implementation of a port can run |
//! | `mocks` | mockall mocks of the ports |
//!
//! tokio is assumed: the host owns the runtime, this crate never builds one.

pub use rules_core;

// Values and pure rules.
pub mod phone;
pub mod region;
pub mod columns;
pub mod media;
pub mod template;
mod json;
pub mod content;
pub mod graph;
pub mod campaign;
pub mod message;
pub mod fact;
pub mod reaction;
pub mod codes;
pub mod progress;
pub mod rule;

// Ports.
pub mod recipients;
pub mod sender;
pub mod gateway;
pub mod people;
pub mod register;
pub mod campaigns;
pub mod delivery;
pub mod quarantine;

// Services.
pub mod config;
pub mod dispatch;
pub mod retention;
pub mod erase;
pub mod webhook;
mod telemetry;
mod accounts;
mod desk;
mod aftermath;
mod shelf;
mod planner;
mod reference;
mod feeder;
mod dispatcher;
mod tracker;
mod inbox;
mod resolver;
mod sweeper;

// What knows a technology.
mod store;
pub mod adapters;
#[cfg(feature = "simulator")]
pub mod simulator;

// What tests are made of.
#[cfg(feature = "conformance")]
pub mod conformance;
