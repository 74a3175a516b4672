//! A campaign reaches each person at most as often as its policy says, and everybody's outcome
//! is known.

pub mod campaign;
pub mod campaigns;
pub mod delivery;
pub mod people;

pub mod fact;
pub mod gateway;
pub mod message;
pub mod phone;
pub mod progress;
pub mod reaction;
pub mod recipients;
pub mod sender;
mod store;
pub mod template;
