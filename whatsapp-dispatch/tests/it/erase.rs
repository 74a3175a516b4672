//! Whoever is erased is forgotten under every number.

use std::time::Duration;

use async_trait::async_trait;
use rules_core::judge::tenant::TenantScope;
use rules_core::work::events::EventLog;
use whatsapp_dispatch::delivery::DeliveryLog;
use whatsapp_dispatch::dispatch::{Dispatch, DispatchStore};
use whatsapp_dispatch::erase::erase;
use whatsapp_dispatch::fact::{Fact, Recorded, Subject, What};
use whatsapp_dispatch::gateway::{GatewayError, MessageGateway, Outgoing, Receipt, Wamid};
use whatsapp_dispatch::people::{Address, Learned, Lesson, Name};
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::sender::Sender;
use whatsapp_dispatch::template::{Template, TemplateDefinition};

use crate::house::{Scripted, campaign, finished, main_tenant, memory, people, quick, sqlite};

/// A gateway whose ids tell the number, as WhatsApp's do.
#[derive(Debug)]
struct Telling(Scripted);

fn telling(number: PhoneNumber) -> Wamid {
    Wamid::new(format!("wamid.{}", number.digits()))
}

#[async_trait]
impl MessageGateway for Telling {
    async fn send(&self, sender: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError> {
        self.0.send(sender, message).await?;
        Ok(Receipt::new(telling(message.to)))
    }

    async fn template(
        &self,
        sender: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        self.0.template(sender, template).await
    }
}

/// WhatsApp told of a message to this number, and not of which.
async fn hear(store: &impl DispatchStore, scope: &TenantScope, number: PhoneNumber) {
    let of = Subject::Wamid(scope.id().clone(), telling(number));
    let fact = Fact { of, at: store.dispatch_clock().now(), what: What::Delivered };
    assert_eq!(DeliveryLog::record(store, &[fact]).await.unwrap(), [Recorded::Unmatched]);
}

async fn strays_of_all_numbers_are_forgotten(store: &(impl DispatchStore + EventLog)) {
    let dispatch = Dispatch::builder(store, Telling(Scripted::accepting())).config(quick()).build().unwrap();
    let scope = main_tenant().await;
    let [first, second, other] =
        ["+919800000004", "+919800000002", "+919800000003"].map(|text| PhoneNumber::parse(text).unwrap());
    let same = Lesson::SameAs(Name::Number(second));
    let at = store.dispatch_clock().now();
    store.learn(&[Learned::new(Address::new(&scope, first), at, same)]).await.unwrap();
    let _plan = dispatch.plan(campaign("before"), people(3)).await.unwrap();
    for number in [first, second, other] {
        hear(store, &scope, number).await;
    }
    let erased = erase(store, store, &scope, &[first]).await.unwrap();
    assert_eq!((erased.people, erased.records), (1, 1));
    // What is still kept meets the message that gets its id.
    let running = dispatch.start();
    let plan = dispatch.plan(campaign("after"), people(4)).await.unwrap();
    let report = finished(&dispatch.release(&plan).await.unwrap()).await;
    assert_eq!((report.accepted_without_delivery(), report.delivered()), (3, 1), "{report}");
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

#[tokio::test]
async fn strays_of_all_numbers_are_forgotten_on_memory() {
    strays_of_all_numbers_are_forgotten(&memory()).await;
}

#[tokio::test]
async fn strays_of_all_numbers_are_forgotten_on_sqlite() {
    strays_of_all_numbers_are_forgotten(&sqlite().await.store).await;
}
