//! Ports, each with its memory implementation beside it, and the services that need only ports.

pub mod clock;
pub mod ids;
pub mod tenants;
pub mod secrets;

pub mod queue;
pub mod lanes;
pub mod quota;
pub mod pacer;

pub mod fact_source;
pub mod referee;

pub mod archive;
pub mod events;
pub mod outbox;

mod store_error;
pub use store_error::StoreError;
