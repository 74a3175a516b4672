//! What the tests share: stores, a gateway with a script, a list of people.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use rules_core::judge::tenant::TenantId;
use rules_core::store::memory::Memory;
use rules_core::store::sqlite::Sqlite;
use rules_core::work::secrets::SecretRef;
use tempfile::TempDir;
use whatsapp_dispatch::campaign::Campaign;
use whatsapp_dispatch::columns::Columns;
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
        Ok(TemplateDefinition::new(template.clone(), "Hi {{1}}, enjoy {{2}} off today!").ok())
    }
}

pub(crate) fn sender() -> Sender {
    let tenant = TenantId::parse("main").unwrap();
    let number = NumberId::parse("106540352242922").unwrap();
    Sender::new(number, "102290129340398", tenant, SecretRef::named("token")).with_rate(1_000)
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
    let columns = Columns::new(["phone", "first_name", "discount", "opted_out"]).unwrap();
    let records = (0..n)
        .map(|i| [format!("+9198{:08}", i + 1), format!("Person {i}"), "20 %".to_owned(), String::new()]);
    Listed::new(columns, records.collect::<Vec<_>>())
}

pub(crate) struct SqliteHouse {
    pub(crate) store: Sqlite,
    pub(crate) folder: TempDir,
}

pub(crate) async fn sqlite() -> SqliteHouse {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path().join("campaigns.db")).await.unwrap();
    SqliteHouse { store, folder }
}

pub(crate) fn memory() -> Memory {
    Memory::new()
}
