//! The code of the book's guides: it compiles, and what can run without an account runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::judge::ballot::Ballot;
use rules_core::judge::code::Code;
use rules_core::judge::explanation::Note;
use rules_core::judge::fact::{Batch, FactId, Facts};
use rules_core::judge::rule::{Context, Mode, Rule, RuleError};
use rules_core::judge::rule_book::RuleBook;
use rules_core::judge::rule_set::RuleSet;
use rules_core::judge::tenant::{TenantId, TenantScope};
use rules_core::judge::verdict::{Verdict, Verdicts};
use rules_core::store::files::Files;
use rules_core::store::memory::Memory;
use rules_core::store::redis::{Redis, RedisConfig};
use rules_core::store::sqlite::Sqlite;
use rules_core::work::StoreError;
use rules_core::work::clock::{Clock, ClockExt, SystemClock};
use rules_core::work::events::{ChainSecret, Segments};
use rules_core::work::fact_source::{FactSource, Subjects};
use rules_core::work::secrets::FixedSecrets;
use rules_core::work::tenants::Tenants;
use rules_core::work::tenants::toml::TomlTenants;
use secrecy::SecretString;
use whatsapp_dispatch::adapters::cloud_api::{CloudApi, CloudApiConfig};
use whatsapp_dispatch::campaign::{Campaign, CampaignName};
use whatsapp_dispatch::codes;
use whatsapp_dispatch::columns::Columns;
use whatsapp_dispatch::config::DispatchConfig;
use whatsapp_dispatch::content::{Message, Parameter, TemplateMessage};
use whatsapp_dispatch::delivery::Recipient;
use whatsapp_dispatch::dispatch::{
    Direct, DirectContent, Dispatch, Round, SendError, Sent, WebhookConfig, Webhooks,
};
use whatsapp_dispatch::fact::{Resend, State};
use whatsapp_dispatch::gateway::{ApiError, GatewayError, Outgoing, Receipt, Wamid};
use whatsapp_dispatch::media::{Media, MediaId, MediaKind, MediaSource};
use whatsapp_dispatch::people::{
    Address, ConsentChange, ConsentSource, Learned, Lesson, Name, OptOutWords, People, Word,
};
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::recipients::{Listed, Mapping};
use whatsapp_dispatch::retention::Retention;
use whatsapp_dispatch::rule;
use whatsapp_dispatch::sender::{Sender, Senders};
use whatsapp_dispatch::template::{
    ButtonDefinition, ButtonValue, Category, Header, HeaderKind, Template, TemplateDefinition,
};
use whatsapp_dispatch::webhook::{Handshake, WebhookHandler, signature};

// --- sync a seller, read a plan -----------------------------------------------------------------

#[path = "guides/seller.rs"]
mod seller;

// --- send a campaign ----------------------------------------------------------------------------

const TENANTS_AND_RULES: &str = r#"
# ANCHOR: config
[[tenant]]
id = "acme"
zone = "Asia/Kolkata"
daily_limit = 100_000

[tenant.subscription]
plan = "pro"
status = "active"
period_end = "2027-01-01T00:00:00Z"
entitlements = ["campaigns"]

[[rule]]
kind = "entitlement"
feature = "campaigns"

[[rule]]
kind = "consent"

[[rule]]
kind = "opt_out"

[[rule]]
kind = "suppressed"

[[rule]]
kind = "invalid_score"

[[rule]]
kind = "marketing_deferral"

[[rule]]
kind = "us_marketing"

[[rule]]
kind = "country_block"
countries = ["CU", "IR", "KP", "SY"]

[[rule]]
kind = "quiet_hours"
from = "21:00"
until = "09:00"
# ANCHOR_END: config
"#;

const SENDERS: &str = r#"
# ANCHOR: senders
[[sender]]
number_id = "106540352242922"       # Meta's id of the number
waba = "102290129340398"            # the WhatsApp business account
portfolio = "506914307656634"       # the business portfolio
tenant = "acme"
secret = "whatsapp/acme"            # the name of the access token
messages_per_second = 70
# ANCHOR_END: senders
"#;

struct Credentials {
    access_token: SecretString,
    app_secret: SecretString,
    verify_token: SecretString,
}

// ANCHOR: production
async fn production(
    tenants_and_rules: &str,
    senders: &str,
    credentials: Credentials,
) -> anyhow::Result<(Dispatch, Webhooks)> {
    let store = Sqlite::open("campaigns.db").await?;
    let secrets = FixedSecrets::new().with("whatsapp/acme", credentials.access_token);
    let meta = CloudApi::new(CloudApiConfig::default(), Arc::new(secrets))?;
    let dispatch = Dispatch::builder(&store, meta)
        .tenants(Tenants::new(TomlTenants::parse(tenants_and_rules)?))
        .senders(Senders::from_toml(senders)?)
        .rule_book(RuleBook::from_toml(tenants_and_rules, &rule::kinds())?)
        .build()?;
    let webhooks = Webhooks::new(
        &dispatch,
        WebhookConfig { app_secrets: vec![credentials.app_secret], verify_token: credentials.verify_token },
    )?;
    Ok((dispatch, webhooks))
}
// ANCHOR_END: production

// ANCHOR: many
async fn shared(url: &str, chain_secret: &str, meta: CloudApi) -> anyhow::Result<Dispatch> {
    let store = Redis::connect(RedisConfig::parse(url)?).await?;
    let evidence = Segments::new(Arc::new(Files::at("/srv/evidence")), ChainSecret::of(chain_secret));
    Ok(Dispatch::builder(&store, meta).events(evidence).build()?)
}
// ANCHOR_END: many

// ANCHOR: tuned
fn for_a_slow_line(store: &Redis, meta: CloudApi, evidence: Segments) -> anyhow::Result<Dispatch> {
    // 1,000 messages a second at 150 ms, over a store that syncs every write.
    let config = DispatchConfig::default().with_concurrency(192).with_window(768);
    Ok(Dispatch::builder(store, meta).events(evidence).config(config).build()?)
}
// ANCHOR_END: tuned

// ANCHOR: keep
fn keeping(store: &Redis, meta: CloudApi, evidence: Segments) -> anyhow::Result<Dispatch> {
    let archive = Arc::new(Files::at("/srv/evidence"));
    let retention = Retention::new(archive).keeping(Duration::from_hours(45 * 24))?;
    Ok(Dispatch::builder(store, meta).events(evidence).retention(retention).build()?)
}
// ANCHOR_END: keep

// ANCHOR: export
async fn export(sent: &Sent, to: &mut impl std::io::Write) -> anyhow::Result<()> {
    let mut export = sent.export();
    while let Some(lines) = export.next().await? {
        to.write_all(&lines)?; // about 1 MB at a time, whatever the size of the campaign
    }
    Ok(())
}
// ANCHOR_END: export

// ANCHOR: mapping
fn diwali(sender: Sender) -> Campaign {
    let mapping = Mapping {
        phone: Some("mobile".to_owned()),
        consent: Some("newsletter".to_owned()),
        default_region: "IN".parse().ok(), // of numbers without a country
        ..Mapping::default()
    };
    Campaign::new("diwali-2026", sender)
        .template(Template::marketing("diwali_offer", "en_US"))
        .body(["{first_name|friend}", "{discount} %"]) // `friend` where the cell is empty
        .mapping(mapping)
        .max_attempts(3)
        .expires_after(Duration::from_hours(24))
}
// ANCHOR_END: mapping

// ANCHOR: reopen
async fn stop(dispatch: &Dispatch, tenant: &TenantId, name: &str) -> anyhow::Result<Option<Sent>> {
    let Some(sent) = dispatch.campaign(tenant, &CampaignName::parse(name)?).await? else {
        return Ok(None);
    };
    sent.pause().await?; // what is on the wire is finished; `resume` goes on, `cancel` ends it
    let report = sent.report().await?;
    for (code, people) in report.progress.reasons() {
        println!("{people:>8}  {}", codes::texts().text(&code));
    }
    Ok(Some(sent))
}
// ANCHOR_END: reopen

// ANCHOR: explain
async fn why(
    tenants: &Tenants,
    tenant: &TenantId,
    sent: &Sent,
    number: PhoneNumber,
) -> anyhow::Result<String> {
    let scope = tenants.enter(tenant).await?;
    Ok(sent.explain(&scope, number).await?.to_string())
}
// ANCHOR_END: explain

#[tokio::test]
async fn the_configuration_of_the_guide_is_read() {
    let book = RuleBook::from_toml(TENANTS_AND_RULES, &rule::kinds()).unwrap();
    let acme = TenantId::parse("acme").unwrap();
    assert_eq!(book.rules_of(&acme).ids().count(), 9);
    assert_eq!(TomlTenants::parse(TENANTS_AND_RULES).unwrap().records().count(), 1);
    let senders = Senders::from_toml(SENDERS).unwrap();
    let campaign = diwali(Sender::clone(senders.iter().next().unwrap()));
    assert!(format!("{campaign:?}").contains("mobile"));

    // Compiled, not run: these need an account, or a campaign of another process.
    let _ = (production, shared, keeping, for_a_slow_line);
    let dispatch = Dispatch::new(&Memory::new(), Nowhere).unwrap();
    assert!(stop(&dispatch, &TenantId::parse("main").unwrap(), "none").await.unwrap().is_none());
    let _ = why;
}

#[derive(Debug)]
struct Nowhere;

#[async_trait]
impl whatsapp_dispatch::gateway::MessageGateway for Nowhere {
    async fn send(
        &self,
        _: &Sender,
        _: &whatsapp_dispatch::gateway::Outgoing,
    ) -> Result<whatsapp_dispatch::gateway::Receipt, whatsapp_dispatch::gateway::GatewayError> {
        unreachable!("nothing is released here")
    }

    async fn template(
        &self,
        _: &Sender,
        _: &Template,
    ) -> Result<
        Option<whatsapp_dispatch::template::TemplateDefinition>,
        whatsapp_dispatch::gateway::GatewayError,
    > {
        Ok(None)
    }
}

/// A picture, columns in header, body and link, and a coupon.
fn rich(sender: Sender) -> Campaign {
    // ANCHOR: components
    Campaign::new("diwali-2026", sender)
        .template(Template::marketing("diwali_offer", "en_US"))
        .header(Header::image(MediaSource::File("poster.png".into())))
        .body(["{first_name|friend}", "{discount}"])
        .button(0, ButtonValue::url("diwali?for={code}"))
        .button(1, ButtonValue::copy_code("{code}"))
    // ANCHOR_END: components
}

/// Knows the rich offer and takes pictures.
#[derive(Debug)]
struct Shop;

#[async_trait]
impl whatsapp_dispatch::gateway::MessageGateway for Shop {
    async fn send(&self, _: &Sender, _: &Outgoing) -> Result<Receipt, GatewayError> {
        unreachable!("nothing is released here")
    }

    async fn template(
        &self,
        _: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        let buttons =
            [ButtonDefinition::url("Shop", "https://example.com/{{1}}"), ButtonDefinition::CopyCode];
        let definition = TemplateDefinition::new(template.clone(), "Hi {{1}}, {{2}} off today!")
            .and_then(|definition| definition.with_buttons(buttons))
            .unwrap();
        Ok(Some(definition.with_header_kind(HeaderKind::Media(MediaKind::Image))))
    }

    async fn upload(&self, _: &Sender, _: &Media) -> Result<MediaId, GatewayError> {
        Ok(MediaId::new("1"))
    }
}

#[tokio::test]
async fn a_campaign_fills_every_part_of_its_template() {
    let senders = Senders::from_toml(SENDERS).unwrap();
    let sender = Sender::clone(senders.iter().next().unwrap());
    let tenants = Tenants::new(TomlTenants::parse("[[tenant]]\nid = \"acme\"").unwrap());
    let dispatch = Dispatch::builder(&Memory::new(), Shop).tenants(tenants).build().unwrap();
    let columns = Columns::new(["phone", "first_name", "discount", "code"]).unwrap();
    let people =
        || Listed::new(columns.clone(), [["+919876543210", "Asha", "20 %", "SAVE20"].map(str::to_owned)]);
    let error = dispatch.plan(rich(sender.clone()).assume_consent(), people()).await.unwrap_err();
    assert_eq!(error.to_string(), "reading the file poster.png");
    let poster = MediaSource::Bytes(Media::named("poster.png", "a picture").unwrap());
    let campaign = rich(sender).assume_consent().header(Header::image(poster));
    assert_eq!(dispatch.plan(campaign, people()).await.unwrap().progress().planned(), 1);
}

// --- write a rule -------------------------------------------------------------------------------

// ANCHOR: fact
/// A fact: what the person's last order was worth, in cents.
#[derive(Clone, Copy, Debug)]
struct LastOrder(u64);
// ANCHOR_END: fact

// ANCHOR: rule
const ORDER_TOO_SMALL: Code = Code::known("acme.order_too_small");

/// Writes only to people who bought for a certain amount. Its fields are its configuration.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct MinimumOrder {
    at_least: u64,
}

impl Rule for MinimumOrder {
    fn id(&self) -> &'static str {
        "acme.minimum_order"
    }

    fn needs(&self) -> &[FactId] {
        const { &[FactId::of::<LastOrder>()] }
    }

    fn judge(&self, _: &Context<'_>, batch: &Batch<'_>, ballot: &mut Ballot<'_>) -> Result<(), RuleError> {
        for (row, order) in batch.column::<LastOrder>()?.iter().enumerate() {
            ballot.note(row, || Note::new("last order", order.0).against(self.at_least));
            if order.0 < self.at_least {
                ballot.deny(row, ORDER_TOO_SMALL);
            }
        }
        Ok(())
    }
}
// ANCHOR_END: rule

// ANCHOR: source
/// Stands for the host's database.
#[derive(Debug)]
struct Orders;

#[async_trait]
impl FactSource for Orders {
    fn provides(&self) -> &[FactId] {
        const { &[FactId::of::<LastOrder>()] }
    }

    async fn load(&self, subjects: &Subjects, facts: &mut Facts) -> Result<(), StoreError> {
        let people = subjects.column::<Recipient>().unwrap_or_default();
        // One query for the whole batch, one value for each row, in the same order.
        facts.fill(people.iter().map(|to| LastOrder(to.number.digits() % 10_000)))?;
        Ok(())
    }
}
// ANCHOR_END: source

const OWN_RULE: &str = r#"
# ANCHOR: own_rule_config
[[rule]]
kind = "minimum_order"
at_least = 500
on_missing = "defer"        # when nobody loads the fact; "deny" when left out
# ANCHOR_END: own_rule_config
"#;

// ANCHOR: register
fn with_own_rule(store: &Memory, gateway: CloudApi, rules: &str) -> anyhow::Result<Dispatch> {
    let kinds = rule::kinds().with::<MinimumOrder>("minimum_order");
    let dispatch =
        Dispatch::builder(store, gateway).rules(RuleSet::from_toml(rules, &kinds)?).facts(Orders).build()?;
    Ok(dispatch)
}
// ANCHOR_END: register

#[tokio::test]
async fn a_host_registers_its_rule() {
    let config = CloudApiConfig::default().with_base_url("http://127.0.0.1:1").unwrap();
    let gateway = CloudApi::new(config, Arc::new(FixedSecrets::new())).unwrap();
    with_own_rule(&Memory::new(), gateway, OWN_RULE).unwrap();
}

// ANCHOR: rule_test
#[tokio::test]
async fn small_orders_are_denied() -> anyhow::Result<()> {
    let tenants = Tenants::new(TomlTenants::parse("[[tenant]]\nid = \"acme\"")?);
    let scope = tenants.enter(&TenantId::parse("acme")?).await?;
    let now: DateTime<Utc> = "2026-01-05T09:00:00Z".parse()?;
    let rules = RuleSet::builder().with(MinimumOrder { at_least: 500 }).build()?;

    let mut facts = Facts::new(2);
    facts.insert(vec![LastOrder(1_999), LastOrder(20)])?;
    let mut verdicts = Verdicts::new();
    rules.judge(&Context { scope: &scope, now, mode: Mode::Explain }, &facts.all(), &mut verdicts);

    assert_eq!(verdicts.get(0), Some(&Verdict::Allow));
    assert_eq!(verdicts.get(1), Some(&Verdict::Deny(ORDER_TOO_SMALL)));
    assert!(verdicts.explain(1).to_string().contains("last order is 20 (rule: 500)"));
    Ok(())
}
// ANCHOR_END: rule_test

// --- consent and opt-out ------------------------------------------------------------------------

// ANCHOR: opt_in
async fn signed_up(
    people: &dyn People,
    scope: &TenantScope,
    number: PhoneNumber,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let yes = ConsentChange::opt_in(Address::new(scope, number), ConsentSource::Host, at)
        .with_evidence("ticked \"Offers of Acme by WhatsApp\" on the checkout page of 2026-01");
    people.consent(&[yes]).await
}
// ANCHOR_END: opt_in

// ANCHOR: words
fn words() -> OptOutWords {
    OptOutWords::default()
        .with_stop("keine angebote mehr")
        .with_stop_payload("PROMO_OFF") // the payload of a button of yours
        .without("cancel") // here, people cancel orders
}
// ANCHOR_END: words

// ANCHOR: inbound
async fn wrote(
    people: &dyn People,
    scope: &TenantScope,
    wa_id: &str,
    text: &str,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(who) = Address::wa_id(scope, wa_id) else { return Ok(()) };
    let change = match words().read(text) {
        Some(Word::Stop) => ConsentChange::opt_out(who, ConsentSource::Word, at),
        Some(Word::Start) => ConsentChange::opt_in(who, ConsentSource::Word, at),
        None => return Ok(()),
    };
    people.consent(&[change.with_evidence("wrote a word of the list")]).await
}
// ANCHOR_END: inbound

// ANCHOR: same
async fn moved(
    people: &dyn People,
    scope: &TenantScope,
    old: PhoneNumber,
    new: PhoneNumber,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let news = Learned::new(Address::new(scope, old), at, Lesson::SameAs(Name::Number(new)));
    people.learn(&[news]).await
}
// ANCHOR_END: same

const CAP: &str = r#"
# ANCHOR: cap
[[rule]]
kind = "frequency_cap"
messages = 2                # of marketing, over all campaigns
days = 7

[[rule]]
kind = "service_window"     # for free-form messages; templates pass
# ANCHOR_END: cap
"#;

#[tokio::test]
async fn a_stop_counts_under_every_name_and_until_a_start() {
    let store = Memory::new();
    let tenants = Tenants::new(TomlTenants::parse("[[tenant]]\nid = \"acme\"").unwrap());
    let scope = tenants.enter(&TenantId::parse("acme").unwrap()).await.unwrap();
    let [old, new] = ["+919800000001", "+919800000002"].map(|text| PhoneNumber::parse(text).unwrap());
    let at = |second| DateTime::from_timestamp(second, 0).unwrap();
    let said = async |number| {
        let person = store.resolve(&[Address::new(&scope, number)]).await.unwrap();
        store.standing(&person).await.unwrap().remove(0).opted_out
    };
    signed_up(&store, &scope, old, at(10)).await.unwrap();
    assert_eq!((said(old).await, said(new).await), (Some(false), None));
    wrote(&store, &scope, "919800000002", "Keine Angebote mehr!", at(20)).await.unwrap();
    moved(&store, &scope, old, new, at(30)).await.unwrap();
    assert_eq!((said(old).await, said(new).await), (Some(true), Some(true)));
    wrote(&store, &scope, "919800000002", "cancel", at(40)).await.unwrap();
    wrote(&store, &scope, "919800000001", "start", at(50)).await.unwrap();
    assert_eq!(said(new).await, Some(false));
    assert_eq!(RuleSet::from_toml(CAP, &rule::kinds()).unwrap().ids().count(), 2);
}

// --- receive webhooks ---------------------------------------------------------------------------

// ANCHOR: webhooks
/// The endpoint of a dispatcher. With axum, `endpoint.router()` is all that is left to do.
fn endpoint(
    dispatch: &Dispatch,
    app_secrets: Vec<SecretString>,
    verify_token: SecretString,
) -> anyhow::Result<Webhooks> {
    Ok(Webhooks::new(dispatch, WebhookConfig { app_secrets, verify_token })?)
}

/// Any other HTTP server: POST, with the value of `X-Hub-Signature-256` and the raw body.
async fn posted(endpoint: &Webhooks, signature: Option<&str>, body: &[u8]) -> u16 {
    match endpoint.receive(signature, body).await {
        Ok(()) => 200,
        Err(error) => error.http_status(), // Meta repeats the webhook until it gets 200
    }
}

/// And GET, once, when the endpoint is registered: what to answer with.
fn asked(endpoint: &Webhooks, mode: &str, verify_token: &str, challenge: &str) -> Result<String, u16> {
    let [mode, verify_token, challenge] = [mode, verify_token, challenge].map(str::to_owned);
    let question = Handshake { mode, verify_token, challenge };
    endpoint.handshake(&question).map_err(|error| error.http_status())
}
// ANCHOR_END: webhooks

/// A webhook that says that somebody wrote to the number of the guides.
fn inbound(id: &str, from: &str, text: &str) -> Vec<u8> {
    let at = SystemClock.now().timestamp();
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"102290129340398","changes":[{{
            "field":"messages","value":{{"messaging_product":"whatsapp",
            "metadata":{{"display_phone_number":"911140000000","phone_number_id":"106540352242922"}},
            "messages":[{{"id":"{id}","from":"{from}","timestamp":"{at}","type":"text",
            "text":{{"body":"{text}"}}}}]}}}}]}}]}}"#
    )
    .into_bytes()
}

/// Waits for a condition.
async fn until(mut holds: impl AsyncFnMut() -> bool) {
    let patience = async {
        while !holds().await {
            SystemClock.sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), patience).await.expect("the condition never held");
}

/// Acme's dispatcher, its number, and its endpoint.
fn acme(
    store: &Memory,
    gateway: impl whatsapp_dispatch::gateway::MessageGateway,
) -> (Dispatch, Sender, Webhooks) {
    let senders = Senders::from_toml(SENDERS).unwrap();
    let sender = Sender::clone(senders.iter().next().unwrap());
    let dispatch = Dispatch::builder(store, gateway)
        .tenants(Tenants::new(TomlTenants::parse("[[tenant]]\nid = \"acme\"").unwrap()))
        .senders(senders)
        .config(DispatchConfig::default().with_report_after(Duration::ZERO))
        .build()
        .unwrap();
    let endpoint = endpoint(&dispatch, vec!["old".into(), "new".into()], "verify".into()).unwrap();
    (dispatch, sender, endpoint)
}

#[tokio::test]
async fn a_webhook_is_taken_durably_and_a_stop_in_it_is_an_opt_out() {
    let store = Memory::new();
    let (dispatch, _, endpoint) = acme(&store, Nowhere);
    assert_eq!(asked(&endpoint, "subscribe", "verify", "77"), Ok("77".to_owned()));
    assert_eq!(asked(&endpoint, "subscribe", "guessed", "77"), Err(403));

    let body = inbound("wamid.1", "919876543210", "STOP");
    let signed = signature(&"new".into(), &body);
    assert_eq!(posted(&endpoint, None, &body).await, 401);
    assert_eq!(posted(&endpoint, Some(&signature(&"other".into(), &body)), &body).await, 401);
    assert_eq!(dispatch.inbox_depth().await.unwrap(), 0);
    assert_eq!(posted(&endpoint, Some(&signed), &body).await, 200);
    assert_eq!(posted(&endpoint, Some(&signed), &body).await, 200); // Meta may repeat it
    assert_eq!(dispatch.inbox_depth().await.unwrap(), 1);

    let running = dispatch.start(); // here, or in another process on the same store
    until(async || dispatch.inbox_depth().await.unwrap() == 0).await;
    let tenants = Tenants::new(TomlTenants::parse("[[tenant]]\nid = \"acme\"").unwrap());
    let scope = tenants.enter(&TenantId::parse("acme").unwrap()).await.unwrap();
    let person = store.resolve(&[Address::wa_id(&scope, "919876543210").unwrap()]).await.unwrap();
    assert_eq!(store.standing(&person).await.unwrap()[0].opted_out, Some(true));
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());

    let stray = String::from_utf8(body).unwrap().replace("106540352242922", "106540352249999").into_bytes();
    assert_eq!(posted(&endpoint, Some(&signature(&"old".into(), &stray)), &stray).await, 200);
    let strays = dispatch.quarantined(None, 10).await.unwrap();
    assert_eq!(strays.len(), 1);
    assert_eq!(strays[0].stray.code.as_str(), "webhook.unknown_number");
}

// --- transactional messages ---------------------------------------------------------------------

// ANCHOR: direct
/// A template: at any time, once per order.
async fn receipt(
    dispatch: &Dispatch,
    sender: &Sender,
    to: PhoneNumber,
    order: &str,
) -> anyhow::Result<Direct> {
    let receipt = TemplateMessage::new("receipt", "en_US").body([Parameter::text(order)]);
    let content = DirectContent::message(&Message::template(receipt), Category::Utility)?;
    Ok(dispatch.send(sender, to, content, &format!("receipt/{order}")).await?)
}

/// Free text: within 24 hours after the person wrote, once per question.
async fn answer(
    dispatch: &Dispatch,
    sender: &Sender,
    to: PhoneNumber,
    question: &str,
    text: &str,
) -> anyhow::Result<Direct> {
    let content = DirectContent::message(&Message::text(text), Category::Utility)?;
    Ok(dispatch.send(sender, to, content, &format!("answer/{question}")).await?)
}
// ANCHOR_END: direct

/// Refuses what it sees first, so many times, and then takes everything.
#[derive(Debug)]
struct Moody {
    refusals: u32,
    posts: Arc<AtomicU32>,
}

#[async_trait]
impl whatsapp_dispatch::gateway::MessageGateway for Moody {
    async fn send(&self, _: &Sender, _: &Outgoing) -> Result<Receipt, GatewayError> {
        let post = self.posts.fetch_add(1, Ordering::SeqCst);
        if post < self.refusals {
            return Err(GatewayError::Refused(ApiError::new(131_052, 400))); // final for the message
        }
        Ok(Receipt::new(Wamid::new(format!("wamid.{post}"))))
    }

    async fn template(
        &self,
        _: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        Ok(Some(TemplateDefinition::new(template.clone(), "Hi {{1}}!").unwrap()))
    }
}

#[tokio::test]
async fn an_order_has_one_receipt_and_an_answer_needs_a_question() {
    let posts = Arc::new(AtomicU32::new(0));
    let (dispatch, sender, endpoint) = acme(&Memory::new(), Moody { refusals: 0, posts: Arc::clone(&posts) });
    let asha = PhoneNumber::parse("+919876543210").unwrap();
    let running = dispatch.start();

    let refused = answer(&dispatch, &sender, asha, "wamid.1", "On its way.").await.unwrap_err();
    let refused: SendError = refused.downcast().unwrap();
    assert!(matches!(&refused, SendError::Denied { code } if code.as_str() == "window.closed"), "{refused}");
    let body = inbound("wamid.1", "919876543210", "Where is my parcel?");
    assert_eq!(posted(&endpoint, Some(&signature(&"new".into(), &body)), &body).await, 200);
    until(async || dispatch.inbox_depth().await.unwrap() == 0).await;
    let answered = answer(&dispatch, &sender, asha, "wamid.1", "On its way.").await.unwrap();
    until(async || answered.state().await.unwrap() == State::Accepted).await;

    let first = receipt(&dispatch, &sender, asha, "4711").await.unwrap();
    let again = receipt(&dispatch, &sender, asha, "4711").await.unwrap();
    assert!(again.was_known() && first.key() == again.key());
    until(async || first.state().await.unwrap() == State::Accepted).await;
    assert_eq!(posts.load(Ordering::SeqCst), 2);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}

// --- when something fails -----------------------------------------------------------------------

// ANCHOR: resend
/// The reason is gone: those who got nothing get the message after all.
async fn try_again(sent: &Sent) -> anyhow::Result<Round> {
    let round = sent.resend(Resend::Failed).await?; // the same messages, with new attempts
    println!("round {}: {} messages", round.number, round.messages);
    Ok(round)
}
// ANCHOR_END: resend

#[tokio::test]
async fn what_failed_is_tried_again_in_a_round() {
    let posts = Arc::new(AtomicU32::new(0));
    let (dispatch, sender, _) = acme(&Memory::new(), Moody { refusals: 1, posts: Arc::clone(&posts) });
    let running = dispatch.start();
    let campaign = Campaign::new("diwali-2026", sender)
        .template(Template::marketing("diwali_offer", "en_US"))
        .body(["{first_name}"])
        .assume_consent();
    let columns = Columns::new(["phone", "first_name"]).unwrap();
    let people = [["+919876543210", "Asha"], ["+919876543211", "Ravi"]].map(|row| row.map(str::to_owned));
    let plan = dispatch.plan(campaign, Listed::new(columns, people)).await.unwrap();
    let sent = dispatch.release(&plan).await.unwrap();
    let report = sent.finished().await.unwrap();
    assert_eq!((report.failed(), report.accepted_without_delivery()), (1, 1), "{report}");

    let mut log = Vec::new();
    export(&sent, &mut log).await.unwrap();
    let states = String::from_utf8(log).unwrap();
    assert!(states.lines().count() == 2 && states.contains(r#""state":"failed""#), "{states}");

    let round = try_again(&sent).await.unwrap();
    assert_eq!((round.number, round.messages), (1, 1));
    let report = sent.finished().await.unwrap();
    assert_eq!((report.failed(), report.accepted_without_delivery()), (0, 2), "{report}");
    assert_eq!(posts.load(Ordering::SeqCst), 3);
    assert!(running.drain(Duration::from_secs(10)).await.unwrap());
}
