//! What the tests share: stores, a gateway with a script, a list of people.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use rules_core::judge::retry::RetryPolicy;
use rules_core::judge::tenant::{TenantId, TenantRecord, TenantScope};
use rules_core::store::memory::Memory;
use rules_core::store::sqlite::{Sqlite, SqliteConfig};
use rules_core::work::clock::{Clock, ClockExt, SystemClock};
use rules_core::work::secrets::SecretRef;
use rules_core::work::tenants::{FixedTenants, Tenants};
use tempfile::TempDir;
use whatsapp_dispatch::campaign::Campaign;
use whatsapp_dispatch::columns::Columns;
use whatsapp_dispatch::config::DispatchConfig;
use whatsapp_dispatch::dispatch::{Report, Sent};
use whatsapp_dispatch::gateway::{GatewayError, MessageGateway, Outgoing, Receipt, Wamid};
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::recipients::Listed;
use whatsapp_dispatch::sender::{NumberId, Sender};
use whatsapp_dispatch::template::{Template, TemplateDefinition};

/// Counts every POST and answers as its script says.
#[derive(Clone, Debug)]
pub(crate) struct Scripted {
    pub(crate) posts: Arc<Mutex<HashMap<PhoneNumber, u32>>>,
    script: fn(PhoneNumber, u32) -> Result<(), GatewayError>,
}

impl Scripted {
    /// A gateway that answers post number `n` (from 1) to a number as `script` says.
    pub(crate) fn new(script: fn(PhoneNumber, u32) -> Result<(), GatewayError>) -> Self {
        Self { posts: Arc::default(), script }
    }

    pub(crate) fn accepting() -> Self {
        Self::new(|_, _| Ok(()))
    }

    /// True when nobody got more than one POST.
    pub(crate) fn nobody_twice(&self) -> bool {
        self.posts.lock().unwrap().values().all(|count| *count == 1)
    }

    pub(crate) fn total(&self) -> u32 {
        self.posts.lock().unwrap().values().sum()
    }
}

#[async_trait]
impl MessageGateway for Scripted {
    async fn send(&self, _: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError> {
        let nth = {
            let mut posts = self.posts.lock().unwrap();
            let count = posts.entry(message.to).or_default();
            *count += 1;
            *count
        };
        tokio::task::yield_now().await;
        (self.script)(message.to, nth)?;
        Ok(Receipt::new(Wamid::new(format!("wamid.{}", message.token))))
    }

    async fn template(
        &self,
        _: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        Ok(Some(definition(template)))
    }
}

/// What WhatsApp says of the template of [`campaign`].
pub(crate) fn definition(template: &Template) -> TemplateDefinition {
    TemplateDefinition::new(template.clone(), "Hi {{1}}, enjoy {{2}} off today!").unwrap()
}

pub(crate) fn sender() -> Sender {
    let tenant = TenantId::parse("main").unwrap();
    let number = NumberId::parse("106540352242922").unwrap();
    Sender::new(number, "102290129340398", tenant, SecretRef::named("token")).with_rate(1_000)
}

/// The tenant of [`sender`].
pub(crate) async fn main_tenant() -> Arc<TenantScope> {
    let id = TenantId::parse("main").unwrap();
    Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())])).enter(&id).await.unwrap()
}

/// A campaign to everybody in a list.
pub(crate) fn campaign(name: &str) -> Campaign {
    Campaign::new(name, sender())
        .template(Template::marketing("diwali_offer", "en_US"))
        .body(["{first_name|friend}", "{discount}"])
        .assume_consent()
}

/// `n` people with Indian numbers.
pub(crate) fn people(n: usize) -> Listed {
    people_of(0..n)
}

/// People of these numbers.
pub(crate) fn people_of(numbers: Range<usize>) -> Listed {
    let columns = Columns::new(["phone", "first_name", "discount", "opted_out"]).unwrap();
    let records = numbers
        .map(|i| [format!("+9198{:08}", i + 1), format!("Person {i}"), "20 %".to_owned(), String::new()]);
    Listed::new(columns, records.collect::<Vec<_>>())
}

/// A store in a folder of its own, which lives as long as the house.
#[derive(Debug)]
pub(crate) struct SqliteHouse {
    pub(crate) store: Sqlite,
    pub(crate) folder: TempDir,
}

impl SqliteHouse {
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("campaigns.db")
    }
}

/// The machine's clock, some time ahead, so that a test can skip the time it does not want to
/// wait for. Begins at noon, so that no test meets midnight by accident.
#[derive(Clone, Debug)]
pub(crate) struct Jumping {
    ahead: Arc<Mutex<TimeDelta>>,
}

impl Jumping {
    pub(crate) fn at_noon() -> Self {
        let noon: DateTime<Utc> = "2026-01-05T12:00:00Z".parse().unwrap();
        Self { ahead: Arc::new(Mutex::new(noon - SystemClock.now())) }
    }

    pub(crate) fn jump(&self, by: Duration) {
        *self.ahead.lock().unwrap() += TimeDelta::from_std(by).unwrap();
    }
}

#[async_trait]
impl Clock for Jumping {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + *self.ahead.lock().unwrap()
    }

    async fn sleep_until(&self, instant: DateTime<Utc>) {
        while self.now() < instant {
            let rest = (instant - self.now()).to_std().unwrap_or_default();
            SystemClock.sleep(rest.min(Duration::from_millis(20))).await;
        }
    }
}

/// An empty SQLite store on a clock that can jump.
pub(crate) async fn jumping() -> (SqliteHouse, Jumping) {
    let clock = Jumping::at_noon();
    let folder = tempfile::tempdir().unwrap();
    let config = SqliteConfig::default().with_clock(Arc::new(clock.clone()));
    let store = Sqlite::open_with(folder.path().join("campaigns.db"), config).await.unwrap();
    (SqliteHouse { store, folder }, clock)
}

/// Returns when the condition holds; fails after 20 s.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    for _ in 0..2_000 {
        if condition().await {
            return;
        }
        SystemClock.sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain until {what}");
}

/// The end of a campaign, within 30 s.
pub(crate) async fn finished(sent: &Sent) -> Report {
    let report = tokio::time::timeout(Duration::from_secs(30), sent.finished()).await;
    let late = sent.report().await.unwrap();
    report.unwrap_or_else(|_| panic!("not finished: {late}")).unwrap()
}

/// Quick retries, and no wait for webhooks.
pub(crate) fn quick() -> DispatchConfig {
    let retry = RetryPolicy::new(5, Duration::from_millis(5), Duration::from_millis(20)).unwrap();
    DispatchConfig::default().with_report_after(Duration::ZERO).with_retry(retry)
}

pub(crate) async fn sqlite() -> SqliteHouse {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("campaigns.db")).await.unwrap();
    SqliteHouse { store, folder }
}

pub(crate) fn memory() -> Memory {
    Memory::new()
}
