//! Rules from a host's point of view: sets, books, configuration, explanations.
#![expect(clippy::unwrap_used, reason = "a test's helpers may fail the test")]

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use rules_core::judge::ballot::Ballot;
use rules_core::judge::code::Code;
use rules_core::judge::explanation::Note;
use rules_core::judge::fact::{Batch, FactId, Facts};
use rules_core::judge::fault::chain;
use rules_core::judge::registry::{CodeTexts, FACTS_UNAVAILABLE, RULE_ERROR};
use rules_core::judge::rule::entitlement::EntitlementRule;
use rules_core::judge::rule::subscription::SubscriptionRule;
use rules_core::judge::rule::{Context, Mode, Rule, RuleError};
use rules_core::judge::rule_book::RuleBook;
use rules_core::judge::rule_set::{OnMissing, RuleEntry, RuleKinds, RuleSet, RuleSetBuilder};
use rules_core::judge::subscription::{Status, Subscription};
use rules_core::judge::tenant::{TenantId, TenantRecord, TenantScope};
use rules_core::judge::verdict::{Verdict, Verdicts};
use rules_core::work::tenants::{FixedTenants, Tenants};
use serde::Deserialize;
use serde_json::json;

const TOO_YOUNG: Code = Code::known("test.too_young");
const LATER: Code = Code::known("test.later");

struct Age(u64);

/// Denies below one age and defers below another, by as many seconds as years are lacking.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MinimumAge {
    deny_below: u64,
    #[serde(default)]
    defer_below: u64,
}

impl Rule for MinimumAge {
    fn id(&self) -> &'static str {
        "minimum_age"
    }

    fn needs(&self) -> &[FactId] {
        const { &[FactId::of::<Age>()] }
    }

    fn judge(
        &self,
        context: &Context<'_>,
        batch: &Batch<'_>,
        ballot: &mut Ballot<'_>,
    ) -> Result<(), RuleError> {
        for (row, Age(age)) in batch.column()?.iter().enumerate() {
            ballot.note(row, || Note::new("age", age).against(format_args!("at least {}", self.deny_below)));
            if *age == 99 {
                ballot.fail(row, "nobody is 99");
            } else if *age < self.deny_below {
                ballot.deny(row, TOO_YOUNG);
            } else if *age < self.defer_below {
                let lacking = TimeDelta::seconds(i64::try_from(self.defer_below - age).unwrap());
                ballot.defer(row, context.now + lacking, LATER);
            }
        }
        Ok(())
    }
}

/// Reads a fact that it does not declare.
#[derive(Debug)]
struct Forgetful;

impl Rule for Forgetful {
    fn id(&self) -> &'static str {
        "forgetful"
    }

    fn needs(&self) -> &[FactId] {
        &[]
    }

    fn judge(&self, _: &Context<'_>, batch: &Batch<'_>, _: &mut Ballot<'_>) -> Result<(), RuleError> {
        batch.column::<Age>().map(drop)
    }
}

fn now() -> DateTime<Utc> {
    "2026-01-05T09:00:00Z".parse().unwrap()
}

fn scope(subscription: Option<Subscription>) -> Arc<TenantScope> {
    let id = TenantId::parse("acme").unwrap();
    let record = TenantRecord::new(id.clone());
    let record = match subscription {
        Some(subscription) => record.with_subscription(subscription),
        None => record,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(Tenants::new(FixedTenants::new([record])).enter(&id)).unwrap()
}

fn ages(ages: &[u64]) -> Facts {
    let mut facts = Facts::new(ages.len());
    facts.fill(ages.iter().copied().map(Age)).unwrap();
    facts
}

fn judge(rules: &RuleSet, mode: Mode, batch: &Batch<'_>) -> Verdicts {
    let mut verdicts = Verdicts::new();
    rules.judge(&Context { scope: &scope(None), now: now(), mode }, batch, &mut verdicts);
    verdicts
}

fn one(rule: impl Into<RuleEntry>) -> RuleSet {
    RuleSet::builder().with(rule).build().unwrap()
}

#[test]
fn each_row_gets_its_verdict_and_every_decision_its_revision() {
    let rules = one(MinimumAge { deny_below: 18, defer_below: 21 });
    let verdicts = judge(&rules, Mode::Enforce, &ages(&[30, 17, 20]).all());
    assert_eq!(verdicts.get(0), Some(&Verdict::Allow));
    assert_eq!(verdicts.get(1), Some(&Verdict::Deny(TOO_YOUNG)));
    let later = Verdict::Defer { until: now() + TimeDelta::seconds(1), code: LATER };
    assert_eq!(verdicts.get(2), Some(&later));
    assert!(verdicts.decisions().iter().all(|decision| decision.revision == rules.revision()));
}

#[test]
fn the_rows_of_one_tenant_are_judged_and_no_others() {
    let facts = ages(&[1, 1, 1]);
    let rules = one(MinimumAge { deny_below: 18, defer_below: 0 });
    let verdicts = judge(&rules, Mode::Enforce, &facts.batch(1..2));
    assert_eq!((verdicts.get(0), verdicts.get(2)), (None, None));
    assert_eq!(verdicts.get(1), Some(&Verdict::Deny(TOO_YOUNG)));
    assert_eq!(verdicts.decision(1).unwrap().row, 1);
}

#[test]
fn a_row_that_a_rule_cannot_judge_is_denied() {
    let verdicts =
        judge(&one(MinimumAge { deny_below: 0, defer_below: 0 }), Mode::Explain, &ages(&[99]).all());
    assert_eq!(verdicts.get(0), Some(&Verdict::Deny(RULE_ERROR)));
    assert!(verdicts.explain(0).to_string().contains("error is nobody is 99"));
}

#[test]
fn a_missing_fact_denies_unless_the_configuration_says_otherwise() {
    let facts = Facts::new(1);
    let rule = || RuleEntry::new(MinimumAge { deny_below: 1, defer_below: 0 });
    let later = Verdict::Defer { until: now() + TimeDelta::seconds(30), code: FACTS_UNAVAILABLE };
    for (rules, expected) in [
        (one(rule()), Verdict::Deny(RULE_ERROR)),
        (one(Forgetful), Verdict::Deny(RULE_ERROR)),
        (one(rule().on_missing(OnMissing::Defer)), later),
        (one(rule().on_missing(OnMissing::Allow)), Verdict::Allow),
    ] {
        assert_eq!(judge(&rules, Mode::Enforce, &facts.all()).get(0), Some(&expected));
    }
}

#[test]
fn a_fact_whose_source_is_silent_defers_whatever_the_configuration_says() {
    let mut facts = Facts::new(1);
    facts.mark_unavailable(FactId::of::<Age>());
    let rule = || RuleEntry::new(MinimumAge { deny_below: 1, defer_below: 0 });
    let later = Verdict::Defer { until: now() + TimeDelta::seconds(30), code: FACTS_UNAVAILABLE };
    for rules in [one(rule()), one(rule().on_missing(OnMissing::Allow)), one(Forgetful)] {
        assert_eq!(judge(&rules, Mode::Enforce, &facts.all()).get(0), Some(&later));
    }
}

#[test]
fn needs_are_the_union() {
    let rules = RuleSet::builder()
        .with(MinimumAge { deny_below: 1, defer_below: 0 })
        .with(RuleEntry::new(MinimumAge { deny_below: 2, defer_below: 0 }).named("other"))
        .with(SubscriptionRule {})
        .build()
        .unwrap();
    assert_eq!(rules.needs(), [FactId::of::<Age>()]);
}

#[test]
fn an_explanation_tells_fact_threshold_and_reason() {
    let rules = RuleSet::builder()
        .with(MinimumAge { deny_below: 18, defer_below: 0 })
        .with(SubscriptionRule {})
        .build()
        .unwrap();
    let facts = ages(&[17, 40]);
    let verdicts = judge(&rules, Mode::Explain, &facts.all());
    let texts = CodeTexts::core().with([(TOO_YOUNG, "Too young.")]);
    let text = verdicts.explain(0).render(&texts);
    let expected = format!(
        "deny test.too_young by rule minimum_age (rules {})\n  Too young.\n  \
         minimum_age: deny test.too_young, age is 17 (rule: at least 18)\n  \
         subscription: deny subscription.missing, subscription is none\n",
        rules.revision()
    );
    assert_eq!(text, expected);
    assert!(verdicts.explain(1).to_string().contains("minimum_age: allow, age is 40 (rule: at least 18)"));
    assert_eq!(judge(&rules, Mode::Enforce, &facts.all()).explain(0).findings().count(), 0);
    assert_eq!(verdicts.explain(7).to_string(), "not judged\n");
}

#[test]
fn subscription_and_entitlement_hold_for_the_whole_batch() {
    let active = Status::Active { period_end: now() + TimeDelta::days(1) };
    let pro = Subscription::new("pro", active).with_entitlements(["campaigns"]);
    let denied = |rule: RuleEntry, subscription: Option<Subscription>| {
        let mut verdicts = Verdicts::new();
        let context = Context { scope: &scope(subscription), now: now(), mode: Mode::Enforce };
        one(rule).judge(&context, &Facts::new(3).all(), &mut verdicts);
        let code = |row| verdicts.get(row).unwrap().code().map(Code::to_string);
        assert_eq!((code(0), code(1)), (code(2), code(2)));
        code(0)
    };
    let subscription = || RuleEntry::new(SubscriptionRule {});
    let campaigns = || RuleEntry::new(EntitlementRule::new("campaigns"));
    let paused = Subscription::new("pro", Status::Paused).with_entitlements(["campaigns"]);
    assert_eq!(denied(subscription(), Some(pro.clone())), None);
    assert_eq!(denied(campaigns(), Some(pro.clone())), None);
    assert_eq!(denied(subscription(), None).as_deref(), Some("subscription.missing"));
    assert_eq!(denied(campaigns(), None).as_deref(), Some("subscription.missing"));
    assert_eq!(denied(subscription(), Some(paused.clone())).as_deref(), Some("subscription.paused"));
    assert_eq!(denied(campaigns(), Some(paused)).as_deref(), Some("subscription.paused"));
    let sso = RuleEntry::new(EntitlementRule::new("sso"));
    assert_eq!(denied(sso, Some(pro)).as_deref(), Some("subscription.plan_lacks"));
}

fn kinds() -> RuleKinds {
    RuleKinds::core().with::<MinimumAge>("minimum_age")
}

#[test]
fn the_revision_names_the_configuration_and_not_the_way_it_is_written() {
    let revision =
        |text: &str| RuleSet::from_json(&serde_json::from_str(text).unwrap(), &kinds()).unwrap().revision();
    let one = revision(
        r#"{"rule":[{"kind":"subscription"},{"kind":"minimum_age","deny_below":1,"defer_below":2}]}"#,
    );
    let same = revision(
        r#"{"rule":[{"defer_below":2,"deny_below":1,"kind":"minimum_age"},{"kind":"subscription"}]}"#,
    );
    let other = revision(
        r#"{"rule":[{"kind":"subscription"},{"kind":"minimum_age","deny_below":1,"defer_below":3}]}"#,
    );
    assert_eq!(one, same);
    assert_ne!(one, other);
    assert_ne!(
        revision(r#"{"rule":[{"kind":"subscription"}]}"#),
        revision(r#"{"rule":[{"kind":"subscription","on_missing":"defer"}]}"#)
    );
}

#[test]
fn a_mistake_in_a_configuration_is_named_with_its_place() {
    for (rules, message) in [
        (json!({ "rules": [] }), "rules: unknown key; use one of rule"),
        (json!({ "rule": {} }), "rule: write a list of rules, in TOML with [[double brackets]]"),
        (json!([]), "rules: write an object with rule"),
        (json!({ "rule": [{}] }), "rule 1: `kind` is missing or not a text; name the kind of rule"),
        (
            json!({ "rule": [{ "kind": "subscription" }, { "kind": "subscribtion" }] }),
            "rule 2 (subscribtion): there is no kind \"subscribtion\"; \
             use one of entitlement, minimum_age, subscription",
        ),
        (
            json!({ "rule": [{ "kind": "minimum_age", "deny_belw": 1 }] }),
            "rule 1 (minimum_age): key `deny_belw` does not fit its kind; correct what the cause names: \
             unknown field `deny_belw`, expected `deny_below` or `defer_below`",
        ),
        (
            json!({ "rule": [{ "kind": "minimum_age", "defer_below": 1, "deny_below": "x" }] }),
            "rule 1 (minimum_age): key `deny_below` does not fit its kind; correct what the cause names: \
             invalid type: string \"x\", expected u64",
        ),
        (
            json!({ "rule": [{ "kind": "minimum_age" }] }),
            "rule 1 (minimum_age): its options do not fit its kind; correct what the cause names: \
             missing field `deny_below`",
        ),
        (
            json!({ "rule": [{ "kind": "subscription" }, { "kind": "subscription" }] }),
            "rule 2 (subscription): another rule is named subscription already; give this one its own `id`",
        ),
        (
            json!({ "rule": [{ "kind": "subscription", "id": "No Good" }] }),
            "rule 1 (subscription): \"No Good\" is not a rule's name: use 1 to 64 of the characters a-z 0-9 _ . -",
        ),
        (
            json!({ "rule": [{ "kind": "subscription", "on_missing": "shrug" }] }),
            "rule 1 (subscription): `on_missing` must be \"deny\", \"defer\" or \"allow\"",
        ),
    ] {
        let error = RuleSet::from_json(&rules, &kinds()).unwrap_err();
        assert_eq!(chain(&error).to_string(), message);
    }
}

#[test]
fn a_mistake_in_a_tenants_rules_names_the_tenant() {
    let book = |text: &str| chain(&RuleBook::from_toml(text, &kinds()).unwrap_err()).to_string();
    assert!(
        book("[[tenant.acme.rule]]\nkind = \"x\"").starts_with("rule 1 (x) of tenant acme: there is no kind")
    );
    let twice = "[[rule]]\nkind = \"subscription\"\n[[tenant.acme.rule]]\nkind = \"subscription\"";
    assert!(
        book(twice).starts_with("rule 1 (subscription) of tenant acme: another rule is named subscription")
    );
    assert!(book("[tenant.acme]\nzone = \"UTC\"").starts_with("zone: unknown key; use one of rule"));
    assert!(book("[[tenant.\"a b\".rule]]").starts_with("tenant: \"a b\" is not a tenant's name"));
    assert!(book("[[rule]").starts_with("reading rules: the text is not TOML"));
}

#[test]
fn tenants_may_only_add_rules_and_both_ways_of_writing_them_agree() {
    let named =
        "[[rule]]\nkind = \"subscription\"\n[[tenant.acme.rule]]\nkind = \"minimum_age\"\ndeny_below = 18";
    let listed = "[[rule]]\nkind = \"subscription\"\n[[tenant]]\nid = \"acme\"\nzone = \"UTC\"\n\
                  [[tenant.rule]]\nkind = \"minimum_age\"\ndeny_below = 18";
    let acme = TenantId::parse("acme").unwrap();
    let rules = |text| RuleBook::from_toml(text, &kinds()).unwrap().rules_of(&acme);
    assert_eq!(rules(named).revision(), rules(listed).revision());
    assert_eq!(
        rules(named).ids().map(ToString::to_string).collect::<Vec<_>>(),
        ["minimum_age", "subscription"]
    );
}

#[test]
fn a_batch_keeps_the_rules_that_it_began_with() {
    let acme = TenantId::parse("acme").unwrap();
    let book = RuleBook::from(one(MinimumAge { deny_below: 18, defer_below: 0 }));
    let begun = book.rules_of(&acme);
    book.replace(RuleBook::default());
    assert_eq!((begun.ids().count(), book.rules_of(&acme).ids().count()), (1, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_rules_and_the_mode_never_show(
        (limits, shuffled) in prop::collection::vec((0_u64..6, 0_u64..6), 1..6)
            .prop_map(|limits| limits.into_iter().enumerate().collect::<Vec<_>>())
            .prop_flat_map(|limits| (Just(limits.clone()), Just(limits).prop_shuffle())),
        rows in prop::collection::vec(0_u64..6, 0..20),
    ) {
        let facts = ages(&rows);
        let entry = |(number, (deny_below, defer_below)): (usize, (u64, u64))| {
            RuleEntry::new(MinimumAge { deny_below, defer_below }).named(format!("rule-{number}"))
        };
        let set = |entries: Vec<_>| {
            entries.into_iter().map(entry).fold(RuleSet::builder(), RuleSetBuilder::with).build().unwrap()
        };
        let sorted = |verdicts: &Verdicts| {
            let mut decisions: Vec<_> = verdicts.decisions().to_vec();
            decisions.sort_by_key(|decision| decision.row);
            decisions.into_iter().map(|it| (it.row, it.verdict, it.rule)).collect::<Vec<_>>()
        };
        let whole = set(limits.clone());
        prop_assert_eq!(whole.revision(), set(shuffled.clone()).revision());
        let expected = sorted(&judge(&whole, Mode::Enforce, &facts.all()));
        prop_assert_eq!(&expected, &sorted(&judge(&whole, Mode::Explain, &facts.all())));

        // One set per rule, asked in any order over the same verdicts, decides the same.
        let mut verdicts = Verdicts::new();
        let scope = scope(None);
        let context = Context { scope: &scope, now: now(), mode: Mode::Preview };
        for rule in shuffled {
            set(vec![rule]).judge(&context, &facts.all(), &mut verdicts);
        }
        prop_assert_eq!(expected, sorted(&verdicts));
    }
}
