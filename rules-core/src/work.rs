//! Ports, each with its memory implementation beside it, and the services that need only ports.

pub mod clock;
pub mod events;
pub mod fact_source;
pub mod ids;
pub mod lanes;
pub mod outbox;
pub mod pacer;
pub mod queue;
pub mod quota;
pub mod referee;
pub mod tenants;

mod store_error;
pub use store_error::StoreError;
