//! Suites that any implementation of a port can run: one case per sentence of the port's
//! contract, and one macro per suite that writes all of its tests, so that none can be left out.
//!
//! Not a stable interface: a patch release may add cases.

pub mod pacer;
pub mod quota;
pub mod lanes;
pub mod queue;
pub mod archive;
pub mod events;
pub mod outbox;
