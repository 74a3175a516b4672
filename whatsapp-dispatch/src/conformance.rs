//! Suites that any implementation of a port can run: one case per sentence of the port's
//! contract, and one macro per suite that writes all of its tests, so that none can be left out.
//!
//! Not a stable interface: a patch release may add cases.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "an assertion is the purpose of a suite")]

use std::any::Any;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::tenant::TenantScope;
use rules_core::work::clock::{Clock, after};
use rules_core::work::outbox::Outbox;

use crate::campaign::{Campaign, CampaignName};
use crate::campaigns::{CampaignRecord, Campaigns, Change, Changed, Created, NewCampaign};
use crate::delivery::DeliveryLog;
use crate::message::Salt;
use crate::people::People;
use crate::phone::PhoneNumber;
use crate::quarantine::Quarantine;
use crate::register::Register;
use crate::sender::{NumberId, Sender};
use crate::template::Template;
use rules_core::work::secrets::SecretRef;

pub mod campaigns;
pub mod delivery_log;
pub mod people;
pub mod quarantine;
pub mod register;

/// Lends the ports of one empty store to a case.
pub struct Subject {
    /// Campaigns.
    pub campaigns: Arc<dyn Campaigns>,
    /// The delivery log of the same store.
    pub log: Arc<dyn DeliveryLog>,
    /// People of the same store.
    pub people: Arc<dyn People>,
    /// The quarantine of the same store.
    pub quarantine: Arc<dyn Quarantine>,
    /// The register of the same store.
    pub register: Arc<dyn Register>,
    /// The outbox of the same store.
    pub outbox: Arc<dyn Outbox>,
    /// Two tenants.
    pub scopes: [Arc<TenantScope>; 2],
    /// The clock that the store reads.
    pub clock: Arc<dyn Clock>,
    /// Moves that clock forward.
    pub advance: Box<dyn Fn(Duration) + Send + Sync>,
    /// What lives as long as the subject, such as a folder.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl Debug for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("campaigns", &self.campaigns)
            .field("log", &self.log)
            .finish_non_exhaustive()
    }
}

impl Subject {
    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The instant `ahead` of now.
    fn instant(&self, ahead: Duration) -> DateTime<Utc> {
        after(self.now(), ahead)
    }

    /// A campaign of tenant 0 or 1 as it would be added: up to 3 attempts, an hour to live.
    fn new_campaign(&self, tenant: usize, name: &str) -> NewCampaign {
        let scope = self.scopes.get(tenant).unwrap();
        let number = NumberId::parse("106540352242922").unwrap();
        let sender = Sender::new(number, "102290129340398", scope.id().clone(), SecretRef::named("token"));
        let campaign = Campaign::new(name, sender)
            .template(Template::marketing("offer", "en_US"))
            .expires_after(Duration::from_secs(3_600))
            .max_attempts(3);
        let (name, definition) = campaign.define().unwrap();
        NewCampaign::new(scope, name, Arc::new(definition), "source".to_owned(), Salt::from_bytes([7; 32]))
    }

    /// A campaign that was just added.
    async fn added(&self, tenant: usize, name: &str) -> CampaignRecord {
        match self.campaigns.create(&self.new_campaign(tenant, name)).await.unwrap() {
            Created::New(record) => record,
            Created::Known(record) => unreachable!("{} was there", record.name),
        }
    }

    /// Makes a change that must be allowed.
    async fn made(&self, campaign: &CampaignRecord, change: Change) -> CampaignRecord {
        let loaded = self.campaigns.load(std::slice::from_ref(&campaign.key)).await.unwrap();
        let revision = loaded.first().unwrap().as_ref().unwrap().revision;
        match self.campaigns.change(&campaign.key, revision, &change).await.unwrap() {
            Changed::Made(record) => record,
            other => unreachable!("{other:?}"),
        }
    }
}

/// The name of a campaign.
fn name(text: &str) -> CampaignName {
    CampaignName::parse(text).unwrap()
}

/// An Indian number, one for each `n`.
fn number(n: u64) -> PhoneNumber {
    PhoneNumber::from_digits(919_800_000_000 + n).unwrap()
}

/// Writes one test per named case of a suite.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($suite:ident, $new:path: $($case:ident)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::conformance::$suite::$case($new().await).await;
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_macros_list_every_case() {
        for source in [
            include_str!("conformance/campaigns.rs"),
            include_str!("conformance/delivery_log.rs"),
            include_str!("conformance/people.rs"),
            include_str!("conformance/quarantine.rs"),
            include_str!("conformance/register.rs"),
        ] {
            let (suite, list) = source.split_once("macro_rules!").unwrap();
            let cases: Vec<&str> = suite
                .lines()
                .filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next())
                .collect();
            let (list, _) = list.split_once('}').unwrap();
            let listed: Vec<&str> = list.lines().map(str::trim).filter(|line| cases.contains(line)).collect();
            assert_eq!(listed, cases);
            assert!(!cases.is_empty());
        }
    }
}
