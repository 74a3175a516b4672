use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rules_core::judge::code::Code;
use rules_core::judge::rule::Mode;
use rules_core::judge::rule_book::RuleBook;
use rules_core::judge::tenant::{TenantId, TenantRecord, TenantScope};
use rules_core::judge::verdict::Verdict;
use rules_core::store::memory::Memory;
use rules_core::work::fact_source::Subjects;
use rules_core::work::referee::{Judgement, Referee};
use rules_core::work::tenants::{FixedTenants, Tenants};

use super::*;
use crate::delivery::Recipient;
use crate::message::MessageId;
use crate::people::{
    Address, ConsentChange, ConsentSource, Learned, Lesson, NOT_ON_WHATSAPP, People, PersonKey,
};
use crate::phone::PhoneNumber;
use crate::sender::NumberId;
use crate::template::Category;

/// One person, judged by rules over a memory store.
struct Case {
    store: Memory,
    scope: Arc<TenantScope>,
    number: PhoneNumber,
    person: PersonKey,
    campaign: CampaignFacts,
}

const MARKETING: Option<Category> = Some(Category::Marketing);
const UTILITY: Option<Category> = Some(Category::Utility);

fn noon() -> DateTime<Utc> {
    "2026-01-05T12:00:00Z".parse().unwrap()
}

fn hours(hours: i64) -> DateTime<Utc> {
    noon() + TimeDelta::hours(hours)
}

fn ours(id: u32) -> NumberId {
    NumberId::parse(&id.to_string()).unwrap()
}

impl Case {
    async fn of(number: &str) -> Self {
        let id = TenantId::parse("acme").unwrap();
        let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())]));
        let (store, scope) = (Memory::new(), tenants.enter(&id).await.unwrap());
        let number = PhoneNumber::parse(number).unwrap();
        let person = store.resolve(&[Address::new(&scope, number)]).await.unwrap().pop().unwrap();
        let campaign = CampaignFacts { assumed_consent: true, category: MARKETING, sender: ours(1) };
        Self { store, scope, number, person, campaign }
    }

    fn category(mut self, category: Option<Category>) -> Self {
        self.campaign.category = category;
        self
    }

    async fn learn(&self, at: DateTime<Utc>, what: Lesson) {
        self.store.learn(&[Learned::new(self.person.clone(), at, what)]).await.unwrap();
    }

    async fn hear(&self, change: ConsentChange) {
        self.store.consent(&[change]).await.unwrap();
    }

    async fn judged(&self, rules: RuleSet, now: DateTime<Utc>) -> Verdict {
        let to = Recipient {
            person: self.person.id(),
            id: MessageId::from_bytes([0; 16]),
            number: self.number,
            consent: false,
            zone: None,
        };
        let subjects = Subjects::new(vec![Arc::clone(&self.scope)])
            .with(vec![to])
            .unwrap()
            .with(vec![self.campaign.clone()])
            .unwrap();
        let facts = PersonFacts::new(Arc::new(self.store.clone()));
        let referee = Referee::new(Arc::new(RuleBook::from(rules)), vec![Arc::new(facts)]);
        let mut judgement = Judgement::default();
        referee.judge(&subjects, now, Mode::Enforce, &mut judgement).await;
        assert!(judgement.silent.is_empty());
        judgement.verdicts.get(0).unwrap().clone()
    }

    async fn judged_by_default(&self, now: DateTime<Utc>) -> Verdict {
        self.judged(defaults().unwrap(), now).await
    }

    async fn judged_by(&self, rule: serde_json::Value, now: DateTime<Utc>) -> Verdict {
        let rules = RuleSet::from_json(&serde_json::json!({ "rule": [rule] }), &kinds()).unwrap();
        self.judged(rules, now).await
    }
}

fn denied(code: &'static str) -> Verdict {
    Verdict::Deny(Code::known(code))
}

const INDIAN: &str = "+919876543210";

#[tokio::test]
async fn who_wants_no_marketing_gets_other_messages() {
    let case = Case::of(INDIAN).await;
    let who = case.person.clone();
    case.hear(ConsentChange::opt_out(who.clone(), ConsentSource::Preference, hours(0)).of_marketing()).await;
    assert_eq!(case.judged_by_default(hours(1)).await, denied("consent.opted_out"));
    let case = case.category(UTILITY);
    assert_eq!(case.judged_by_default(hours(1)).await, Verdict::Allow);
    case.hear(ConsentChange::opt_out(who, ConsentSource::Word, hours(1))).await;
    assert_eq!(case.judged_by_default(hours(2)).await, denied("consent.opted_out"));
}

#[tokio::test]
async fn a_yes_to_marketing_is_consent_to_marketing_alone() {
    let mut case = Case::of(INDIAN).await;
    case.campaign.assumed_consent = false;
    assert_eq!(case.judged_by_default(hours(0)).await, denied("consent.missing"));
    let yes = ConsentChange::opt_in(case.person.clone(), ConsentSource::Host, hours(0)).of_marketing();
    case.hear(yes).await;
    assert_eq!(case.judged_by_default(hours(1)).await, Verdict::Allow);
    let case = case.category(UTILITY);
    assert_eq!(case.judged_by_default(hours(1)).await, denied("consent.missing"));
}

#[tokio::test]
async fn who_is_blocked_gets_nothing_until_unblocked() {
    let case = Case::of(INDIAN).await.category(UTILITY);
    case.learn(hours(0), Lesson::Suppressed(true)).await;
    assert_eq!(case.judged_by_default(hours(1)).await, denied("consent.suppressed"));
    case.learn(hours(2), Lesson::Suppressed(false)).await;
    assert_eq!(case.judged_by_default(hours(3)).await, Verdict::Allow);
}

#[tokio::test]
async fn who_cannot_be_reached_is_left_alone_for_thirty_days() {
    let case = Case::of(INDIAN).await.category(UTILITY);
    case.learn(hours(0), Lesson::NotReached { weight_milli: NOT_ON_WHATSAPP }).await;
    assert_eq!(case.judged_by_default(hours(30 * 24 - 1)).await, denied("recipient.not_reachable"));
    assert_eq!(case.judged_by_default(hours(30 * 24)).await, Verdict::Allow, "the probe");
}

#[tokio::test]
async fn refused_marketing_waits_and_other_messages_go() {
    let case = Case::of(INDIAN).await;
    case.learn(hours(0), Lesson::MarketingRefusedUntil(hours(24))).await;
    let deferred = Verdict::Defer { until: hours(24), code: Code::known("people.marketing_deferred") };
    assert_eq!(case.judged_by_default(hours(1)).await, deferred);
    assert_eq!(case.judged_by_default(hours(24)).await, Verdict::Allow);
    assert_eq!(case.category(UTILITY).judged_by_default(hours(1)).await, Verdict::Allow);
}

#[tokio::test]
async fn no_marketing_goes_to_the_united_states() {
    let us = Case::of("+12125550123").await;
    assert_eq!(us.judged_by_default(hours(0)).await, denied("country.us_marketing"));
    assert_eq!(us.category(UTILITY).judged_by_default(hours(0)).await, Verdict::Allow);
    let canada = Case::of("+14165550123").await;
    assert_eq!(canada.judged_by_default(hours(0)).await, Verdict::Allow);
}

#[tokio::test]
async fn a_free_form_message_needs_an_open_window_at_its_number() {
    let rule = serde_json::json!({ "kind": "service_window" });
    let case = Case::of(INDIAN).await.category(None);
    assert_eq!(case.judged_by(rule.clone(), hours(0)).await, denied("window.closed"));
    case.learn(hours(0), Lesson::Inbound { to: ours(2) }).await;
    assert_eq!(case.judged_by(rule.clone(), hours(1)).await, denied("window.closed"), "another number");
    case.learn(hours(0), Lesson::Inbound { to: ours(1) }).await;
    assert_eq!(case.judged_by(rule.clone(), hours(23)).await, Verdict::Allow);
    assert_eq!(case.judged_by(rule.clone(), hours(24)).await, denied("window.closed"));
    assert_eq!(case.category(MARKETING).judged_by(rule, hours(24)).await, Verdict::Allow, "a template");
}

#[test]
fn a_cap_that_is_no_cap_is_refused() {
    for (messages, days, key) in [(0, 7, "messages"), (17, 7, "messages"), (2, 0, "days"), (2, 367, "days")] {
        let rule = serde_json::json!({ "kind": "frequency_cap", "messages": messages, "days": days });
        let rules = RuleSet::from_json(&serde_json::json!({ "rule": [rule] }), &kinds());
        let error = rules.unwrap_err();
        let told = rules_core::judge::fault::chain(&error).to_string();
        assert!(told.contains(&format!("`{key}`")) && told.contains("is not within 1 to "), "{told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Somebody who is written to at the first instant that the cap allows is never written to
    /// more often than it says, and never waits longer than needed.
    #[test]
    fn a_cap_is_reached_and_never_passed(
        cap in 1_u32..=16,
        days in 1_u32..10,
        wishes in prop::collection::vec(1_i64..100, 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let rule = serde_json::json!({ "kind": "frequency_cap", "messages": cap, "days": days });
        runtime.block_on(async {
            let case = Case::of(INDIAN).await;
            let (mut now, mut sent) = (noon(), Vec::new());
            for wish in wishes {
                now += TimeDelta::hours(wish);
                if let Verdict::Defer { until, code } = case.judged_by(rule.clone(), now).await {
                    prop_assert_eq!(code.as_str(), "people.frequency_cap");
                    prop_assert!(now < until);
                    let before = until - TimeDelta::microseconds(1);
                    let early = Verdict::Defer { until, code };
                    prop_assert_eq!(case.judged_by(rule.clone(), before).await, early);
                    now = until;
                }
                prop_assert_eq!(case.judged_by(rule.clone(), now).await, Verdict::Allow);
                let lesson = Lesson::Messaged { category: Category::Marketing };
                case.learn(now, lesson).await;
                case.learn(now + TimeDelta::seconds(1), Lesson::Messaged { category: Category::Utility }).await;
                sent.push(now);
                let recent = sent.iter().filter(|at| now - **at < TimeDelta::days(days.into())).count();
                prop_assert!(recent <= cap as usize);
            }
            Ok(())
        })?;
    }
}
