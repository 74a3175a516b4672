//! Six rules over a batch of 500 messages, of which 2 % are denied: at most 50 ns a message.

use std::hint::black_box;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rules_core::judge::ballot::Ballot;
use rules_core::judge::code::Code;
use rules_core::judge::explanation::Note;
use rules_core::judge::fact::{Batch, FactId, Facts};
use rules_core::judge::rule::entitlement::EntitlementRule;
use rules_core::judge::rule::subscription::SubscriptionRule;
use rules_core::judge::rule::{Context, Mode, Rule, RuleError};
use rules_core::judge::rule_set::RuleSet;
use rules_core::judge::subscription::{Status, Subscription};
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::judge::verdict::Verdicts;
use rules_core::work::tenants::{FixedTenants, Tenants};

const ROWS: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Consent {
    Unknown,
    Given,
}

#[derive(Clone, Copy)]
struct Country([u8; 2]);

#[derive(Clone, Copy)]
struct OffsetMinutes(i16);

#[derive(Clone, Copy)]
struct Suppressed(bool);

/// A rule that looks at one fact of one row at a time, as most rules do.
macro_rules! row_rule {
    ($rule:ident, $id:literal, $fact:ident, |$this:ident, $context:ident, $value:ident, $row:ident, $ballot:ident| $judge:expr) => {
        impl Rule for $rule {
            fn id(&self) -> &str {
                $id
            }

            fn needs(&self) -> &[FactId] {
                const { &[FactId::of::<$fact>()] }
            }

            fn judge(
                &self,
                $context: &Context<'_>,
                batch: &Batch<'_>,
                $ballot: &mut Ballot<'_>,
            ) -> Result<(), RuleError> {
                let $this = self;
                for ($row, $value) in batch.column::<$fact>()?.iter().enumerate() {
                    $judge
                }
                Ok(())
            }
        }
    };
}

#[derive(Debug)]
struct ConsentRule {
    at_least: Consent,
}
row_rule!(ConsentRule, "consent", Consent, |rule, _context, consent, row, ballot| {
    ballot.note(row, || Note::new("consent", format!("{consent:?}")));
    if *consent < rule.at_least {
        ballot.deny(row, Code::known("consent.missing"));
    }
});

#[derive(Debug)]
struct CountryBlock {
    blocked: Vec<[u8; 2]>,
}
row_rule!(CountryBlock, "country_block", Country, |rule, _context, country, row, ballot| {
    ballot.note(row, || Note::new("country", String::from_utf8_lossy(&country.0)));
    if rule.blocked.contains(&country.0) {
        ballot.deny(row, Code::known("country.blocked"));
    }
});

#[derive(Debug)]
struct QuietHours {
    from_minute: u32,
    to_minute: u32,
}
row_rule!(QuietHours, "quiet_hours", OffsetMinutes, |rule, context, offset, row, ballot| {
    let now = context.now.num_seconds_from_midnight() / 60;
    let local = (now + 1_440).wrapping_add_signed(i32::from(offset.0)) % 1_440;
    ballot.note(row, || Note::new("local minute", local));
    if local >= rule.from_minute || local < rule.to_minute {
        let wait = (rule.to_minute + 1_440 - local) % 1_440;
        ballot.defer(
            row,
            context.now + TimeDelta::minutes(i64::from(wait)),
            Code::known("window.quiet_hours"),
        );
    }
});

#[derive(Debug)]
struct Suppression;
row_rule!(Suppression, "suppression", Suppressed, |_rule, _context, suppressed, row, ballot| {
    ballot.note(row, || Note::new("suppressed", suppressed.0));
    if suppressed.0 {
        ballot.deny(row, Code::known("consent.opted_out"));
    }
});

fn rules() -> anyhow::Result<RuleSet> {
    let blocked =
        ["KP", "SY", "CU", "IR", "RU", "BY"].iter().filter_map(|code| code.as_bytes().try_into().ok());
    Ok(RuleSet::builder()
        .with(SubscriptionRule {})
        .with(EntitlementRule::new("campaigns"))
        .with(ConsentRule { at_least: Consent::Given })
        .with(CountryBlock { blocked: blocked.collect() })
        .with(QuietHours { from_minute: 21 * 60, to_minute: 8 * 60 })
        .with(Suppression)
        .build()?)
}

fn facts() -> anyhow::Result<Facts> {
    let mut facts = Facts::new(ROWS);
    facts.fill((0..ROWS).map(|row| if row % 200 == 7 { Consent::Unknown } else { Consent::Given }))?;
    facts.fill((0..ROWS).map(|row| Country(if row % 3 == 0 { *b"US" } else { *b"IN" })))?;
    facts.fill((0..ROWS).map(|row| OffsetMinutes(if row % 3 == 0 { -240 } else { 330 })))?;
    facts.fill((0..ROWS).map(|row| Suppressed(row % 67 == 1)))?;
    Ok(facts)
}

fn judging(c: &mut Criterion) -> anyhow::Result<()> {
    let now: DateTime<Utc> = "2026-01-05T13:00:00Z".parse()?;
    let id = TenantId::parse("acme")?;
    let active = Status::Active { period_end: "2027-01-01T00:00:00Z".parse()? };
    let record = TenantRecord::new(id.clone())
        .with_subscription(Subscription::new("pro", active).with_entitlements(["campaigns"]));
    let tenants = Tenants::new(FixedTenants::new([record]));
    let scope = tokio::runtime::Builder::new_current_thread().build()?.block_on(tenants.enter(&id))?;

    let (rules, facts, mut verdicts) = (rules()?, facts()?, Verdicts::new());
    let context = |mode| Context { scope: &scope, now, mode };
    rules.judge(&context(Mode::Enforce), &facts.all(), &mut verdicts);
    let denied = ROWS - verdicts.allowed().count();
    anyhow::ensure!((8..=12).contains(&denied), "2 % of {ROWS} rows should be denied, not {denied} rows");

    let mut group = c.benchmark_group("rules");
    group.throughput(Throughput::Elements(ROWS as u64)).measurement_time(Duration::from_secs(5));
    for (name, mode) in [("enforce, 6 rules x 500", Mode::Enforce), ("explain, 6 rules x 500", Mode::Explain)]
    {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                verdicts.clear();
                rules.judge(black_box(&context(mode)), &black_box(&facts).all(), &mut verdicts);
                black_box(verdicts.decisions().len())
            });
        });
    }
    group.finish();
    Ok(())
}

fn benchmark(c: &mut Criterion) {
    judging(c).expect("the benchmark's rules and facts are right");
}

criterion_group!(benches, benchmark);
criterion_main!(benches);
