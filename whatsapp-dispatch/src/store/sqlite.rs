//! Campaigns, delivery log and people on the SQLite handle.
//!
//! Rows lie in plan order under an integer key (campaign, record) that references carry, so a
//! group of messages that leave together touches a few neighbouring pages.

use rules_core::store::sqlite::Schema;

mod campaigns;
mod delivery;
mod forget;
mod ledger;
mod messages;
mod pages;
mod orphans;
mod people;
mod plan;
mod quarantine;
mod register;

pub(crate) static SCHEMA: Schema = Schema {
    name: "whatsapp-dispatch",
    steps: &[concat!(
        include_str!("sqlite/schema.sql"),
        include_str!("sqlite/people.sql"),
        include_str!("sqlite/quarantine.sql"),
        include_str!("sqlite/register.sql"),
    )],
};
