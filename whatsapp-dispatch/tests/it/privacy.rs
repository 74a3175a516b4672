//! Nothing of a person shows where it should not: not in another tenant's reports, not in logs,
//! evidence, errors or debug output.

use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rules_core::judge::key::ChainKey;
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::events::EventLog;
use rules_core::work::secrets::SecretRef;
use rules_core::work::tenants::{FixedTenants, Tenants};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use whatsapp_dispatch::campaign::{Campaign, CampaignName};
use whatsapp_dispatch::columns::Columns;
use whatsapp_dispatch::delivery::{DeliveryLog, Kind, Query};
use whatsapp_dispatch::dispatch::Dispatch;
use whatsapp_dispatch::gateway::{ApiError, GatewayError, Outgoing, Receipt, Wamid};
use whatsapp_dispatch::people::Address;
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::recipients::{Listed, Recipients};
use whatsapp_dispatch::sender::{NumberId, Sender};
use whatsapp_dispatch::template::{Skeleton, Template};

use crate::house::{Scripted, finished, quick, sqlite};

/// Writes down everything that is traced.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Visit for &Log {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0.lock().unwrap(), " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("whatsapp_dispatch") || metadata.target().starts_with("rules_core")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.0.lock().unwrap().push_str(span.metadata().name());
        span.record(&mut &*self);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut &*self);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut &*self);
        self.0.lock().unwrap().push('\n');
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Canary {
    tenant: &'static str,
    phone: &'static str,
    name: &'static str,
}

const CANARIES: [Canary; 2] = [
    Canary { tenant: "alpha", phone: "+919812345678", name: "Canarina" },
    Canary { tenant: "beta", phone: "+919887654321", name: "Finchley" },
];

impl Canary {
    fn sender(&self) -> Sender {
        let number = NumberId::parse(&format!("1{}", self.tenant.len())).unwrap();
        let tenant = TenantId::parse(self.tenant).unwrap();
        Sender::new(number, "102290129340398", tenant, SecretRef::named("token"))
    }

    fn campaign(&self) -> Campaign {
        Campaign::new(format!("campaign of {}", self.tenant), self.sender())
            .template(Template::marketing("diwali_offer", "en_US"))
            .body(["{first_name}", "{discount}"])
            .assume_consent()
    }

    fn people(&self) -> Listed {
        let columns = Columns::new(["phone", "first_name", "discount"]).unwrap();
        let bad = format!("{}x", self.phone);
        Listed::new(
            columns,
            [[self.phone, self.name, "20 %"], [&bad, self.name, "20 %"], [self.phone, self.name, ""]],
        )
    }

    /// True when the text says something of the person: the name, or four digits of the number
    /// in a row beyond the calling code.
    fn shows_in(&self, text: &str) -> bool {
        let digits = self.phone.get(3..).unwrap();
        let parts = (0..=digits.len() - 4).filter_map(|from| digits.get(from..from + 4));
        text.contains(self.name) || parts.into_iter().any(|part| text.contains(part))
    }
}

#[tokio::test]
async fn nothing_of_a_person_shows_in_logs_reports_and_evidence() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let house = sqlite().await;
    let gateway = Scripted::new(|to, nth| match (to.digits() % 10, nth) {
        (1, 1) => Err(GatewayError::Refused(ApiError::new(131_016, 400))),
        (1, _) => Err(GatewayError::InDoubt { what: "the connection was closed", source: None }),
        _ => Ok(()),
    });
    let records = CANARIES.map(|canary| TenantRecord::new(TenantId::parse(canary.tenant).unwrap()));
    let tenants = Tenants::new(FixedTenants::new(records));
    let dispatch =
        Dispatch::builder(&house.store, gateway).config(quick()).tenants(tenants.clone()).build().unwrap();
    let running = dispatch.start();
    let mut told = Vec::new();
    for canary in &CANARIES {
        let plan = dispatch.plan(canary.campaign(), canary.people()).await.unwrap();
        let sent = dispatch.release(&plan).await.unwrap();
        let report = finished(&sent).await;
        let scope = tenants.enter(&TenantId::parse(canary.tenant).unwrap()).await.unwrap();
        let number = PhoneNumber::parse(canary.phone).unwrap();
        let explained = sent.explain(&scope, number).await.unwrap();
        assert_eq!(explained.records.len(), 2, "the person and the duplicate");
        for gate in [
            "\n  planned    ",
            "\n  released   ",
            "\n  the rules at ",
            "\n    consent: allow, consent given is true",
        ] {
            assert!(explained.to_string().contains(gate), "{gate:?} in {explained}");
        }
        told.push(format!("{plan}\n{plan:?}\n{report}\n{report:?}\n{explained}"));
    }
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
    for canary in &CANARIES {
        let chain = ChainKey::of(&TenantId::parse(canary.tenant).unwrap());
        let entries = EventLog::read(&house.store, &chain, 1, 1_000).await.unwrap();
        assert!(2 < entries.len(), "planned, begun, recorded");
        told.push(entries.iter().map(|entry| entry.body.as_str()).collect());
    }
    told.push(log.0.lock().unwrap().clone());
    assert!(told.last().unwrap().contains("dispatch.plan"), "the log was written");
    for canary in &CANARIES {
        for text in &told {
            assert!(!canary.shows_in(text), "{} shows in: {text}", canary.name);
        }
    }
}

#[tokio::test]
async fn a_tenant_finds_nothing_of_another() {
    let house = sqlite().await;
    let records = CANARIES.map(|canary| TenantRecord::new(TenantId::parse(canary.tenant).unwrap()));
    let tenants = Tenants::new(FixedTenants::new(records));
    let dispatch =
        Dispatch::builder(&house.store, Scripted::accepting()).tenants(tenants.clone()).build().unwrap();
    let [alpha, beta] = &CANARIES;
    let plan = dispatch.plan(alpha.campaign(), alpha.people()).await.unwrap();
    let beta_id = TenantId::parse(beta.tenant).unwrap();
    let name = CampaignName::parse("campaign of alpha").unwrap();
    assert!(dispatch.campaign(&beta_id, &name).await.unwrap().is_none());
    let (ours, theirs) = (plan.key().tenant(), tenants.enter(&beta_id).await.unwrap());
    let sent = dispatch.campaign(ours, &name).await.unwrap().unwrap();
    let number = PhoneNumber::parse(alpha.phone).unwrap();
    let explained = sent.explain(&theirs, number).await.unwrap();
    assert!(explained.records.is_empty(), "the number is another person there");
}

#[tokio::test]
async fn debug_output_shows_no_number_of_anybody() {
    let house = sqlite().await;
    let [canary, _] = &CANARIES;
    let records = CANARIES.map(|canary| TenantRecord::new(TenantId::parse(canary.tenant).unwrap()));
    let tenants = Tenants::new(FixedTenants::new(records));
    let dispatch =
        Dispatch::builder(&house.store, Scripted::accepting()).tenants(tenants.clone()).build().unwrap();
    let mut source = canary.people();
    let rows = source.next(10).await.unwrap();
    let plan = dispatch.plan(canary.campaign(), canary.people()).await.unwrap();
    let query = Query::Scan { campaign: plan.key().clone(), from: 0, of: Kind::Any, max: 10 };
    let page = house.store.messages(&query).await.unwrap();
    let number = PhoneNumber::parse(canary.phone).unwrap();
    let scope = tenants.enter(plan.key().tenant()).await.unwrap();
    let wamid = Wamid::new(format!("wamid.{}", canary.phone));
    let content =
        whatsapp_dispatch::gateway::Content::new(Template::marketing("a", "en_US"), Skeleton::numbered(2));
    let outgoing = Outgoing {
        to: number,
        content: Arc::new(content),
        parameters: page.messages[0].parameters.clone(),
        token: String::new(),
    };
    let shown: [(&str, String); 10] = [
        ("number", format!("{number} {number:?}")),
        ("rows", format!("{rows:?}")),
        ("source", format!("{source:?}")),
        ("page", format!("{page:?}")),
        ("address", format!("{:?}", Address::new(&scope, number))),
        ("outgoing", format!("{outgoing:?}")),
        ("receipt", format!("{:?}", Receipt::new(wamid.clone()))),
        ("wamid", format!("{wamid:?}")),
        ("dispatch", format!("{dispatch:?}")),
        ("error", format!("{0} {0:?}", PhoneNumber::parse(&format!("{}999999", canary.phone)).unwrap_err())),
    ];
    for (what, text) in shown {
        assert!(!canary.shows_in(&text), "{what} shows the person: {text}");
    }
}
