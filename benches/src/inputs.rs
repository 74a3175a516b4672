//! The inputs of every measurement, made in one place so that figures of different benches and of
//! different days are about the same work.
//!
//! What a regression means:
//! - `rules`: every message is judged twice, when it is planned and when it leaves. Above 50 ns a
//!   message, or with an allocation per allowed message, rules show in the cost of a campaign.
//! - `planning`: how long a host waits between a file and a plan. A million records at 50,000/s
//!   are 20 s.
//! - `delivery_log`: `begin` is the one door to a POST and durable before it. Below 20,000/s on
//!   SQLite the log, and not WhatsApp, limits what one machine sends.
//! - `queue`: references in and out; it costs a campaign twice its figure.
//! - the load run: what is left of the speed of a bare loop of POSTs when each is judged, charged,
//!   logged, paced, recorded and settled. At least 0.75, the goal is 0.85.
//! - `webhook` and `render`: what each webhook and each message costs beside its store. Above 20 us
//!   a webhook and 1 us a body they show in the figures below.
//! - the load run of webhooks: Meta sends up to three statuses for each message, in bursts, and
//!   repeats what is not answered. Below 10,000 statuses/s a number at full speed outruns one
//!   machine.
#![expect(clippy::missing_panics_doc, reason = "constants that are known to be right")]

use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use async_trait::async_trait;
use chrono::{DateTime, NaiveTime, Utc};
use rules_core::judge::rule::entitlement::EntitlementRule;
use rules_core::judge::rule::subscription::SubscriptionRule;
use rules_core::judge::rule_set::RuleSet;
use rules_core::judge::subscription::{Status, Subscription};
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::work::secrets::SecretRef;
use rules_core::work::tenants::{FixedTenants, Tenants};
use whatsapp_dispatch::campaign::Campaign;
use whatsapp_dispatch::columns::Columns;
use whatsapp_dispatch::dispatch::ONLY_TENANT;
use whatsapp_dispatch::gateway::{GatewayError, MessageGateway, Outgoing, Receipt, Wamid};
use whatsapp_dispatch::recipients::Listed;
use whatsapp_dispatch::region::Region;
use whatsapp_dispatch::rule::{ConsentGiven, CountryBlock, OptOut, QuietHours};
use whatsapp_dispatch::sender::{NumberId, Sender};
use whatsapp_dispatch::template::{Template, TemplateDefinition};

/// The name of the access token.
pub const SECRET: &str = "token";
/// The template's text; two parameters.
pub const TEMPLATE_TEXT: &str = "Hi {{1}}, enjoy {{2}} off today!";

const COLUMNS: [&str; 4] = ["phone", "first_name", "discount", "opted_out"];
const NAMES: [&str; 8] = ["Asha", "Jürgen", "Chloé", "Олег", "María", "Wei", "Fatima", "João"];

/// The template that campaigns send.
pub fn template() -> Template {
    Template::marketing("diwali_offer", "en_US")
}

/// The number that campaigns leave from.
pub fn sender() -> Sender {
    let tenant = TenantId::parse(ONLY_TENANT).expect("a tenant's name");
    let number = NumberId::parse("106540352242922").expect("a number's id");
    Sender::new(number, "102290129340398", tenant, SecretRef::named(SECRET))
}

/// A campaign to everybody in [`people`] or in the file of [`write_csv`].
pub fn campaign(name: &str) -> Campaign {
    Campaign::new(name, sender())
        .template(template())
        .body(["{first_name|friend}", "{discount}"])
        .assume_consent()
}

/// One tenant with a subscription and a limit per day, so that both are looked at.
pub fn tenant(daily_limit: u64) -> TenantRecord {
    let period_end = DateTime::<Utc>::MAX_UTC;
    let subscription =
        Subscription::new("pro", Status::Active { period_end }).with_entitlements(["campaigns"]);
    let id = TenantId::parse(ONLY_TENANT).expect("a tenant's name");
    TenantRecord::new(id).with_daily_limit(daily_limit).with_subscription(subscription)
}

/// Only [`tenant`].
pub fn tenants(daily_limit: u64) -> Tenants {
    Tenants::new(FixedTenants::new([tenant(daily_limit)]))
}

/// The six built-in rules; quiet between the given hours.
pub fn rules(quiet: QuietHours) -> RuleSet {
    let blocked = ["CU", "IR", "KP", "SY"].map(Region::known);
    RuleSet::builder()
        .with(SubscriptionRule {})
        .with(EntitlementRule::new("campaigns"))
        .with(ConsentGiven::default())
        .with(OptOut::default())
        .with(CountryBlock::new(blocked))
        .with(quiet)
        .build()
        .expect("rules of different names")
}

/// Quiet hours that are looked at and never come, so that a run does not depend on its hour.
pub const fn never_quiet() -> QuietHours {
    QuietHours::new(NaiveTime::MIN, NaiveTime::MIN)
}

/// The cells of one person: every one has a number of their own, in India, Germany or Brazil.
pub fn person(index: usize) -> [String; 4] {
    let phone = match index % 4 {
        0 => format!("+4915{:09}", 100_000_000 + index),
        1 => format!("+55119{:08}", 10_000_000 + index),
        _ => format!("+9198{index:08}"),
    };
    [phone, format!("{} {index}", NAMES[index % NAMES.len()]), "20 %".to_owned(), String::new()]
}

/// So many people, in memory.
pub fn people(count: usize) -> Listed {
    let columns = Columns::new(COLUMNS).expect("columns of different names");
    Listed::new(columns, (0..count).map(person))
}

/// People of these numbers, in a file.
///
/// # Errors
/// When the file cannot be written.
pub fn write_csv(path: &Path, people: Range<usize>) -> io::Result<()> {
    let mut file = BufWriter::new(std::fs::File::create(path)?);
    writeln!(file, "{}", COLUMNS.join(","))?;
    for index in people {
        writeln!(file, "{}", person(index).join(","))?;
    }
    file.flush()
}

/// A gateway without a network that knows the template and accepts everything at once.
#[derive(Clone, Copy, Debug)]
pub struct Accepting;

#[async_trait]
impl MessageGateway for Accepting {
    async fn send(&self, _: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError> {
        Ok(Receipt::new(Wamid::new(format!("wamid.{}", message.token))))
    }

    async fn template(
        &self,
        _: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        Ok(TemplateDefinition::new(template.clone(), TEMPLATE_TEXT).ok())
    }
}
