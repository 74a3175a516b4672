//! The six built-in rules over a batch of 500 messages, of which 2 % are denied: at most 50 ns a
//! message.
//!
//! `cargo bench -p benches --bench rules`

use std::hint::black_box;
use std::time::Duration;

use benches::inputs;
use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rules_core::judge::fact::Facts;
use rules_core::judge::rule::{Context, Mode};
use rules_core::judge::rule_set::RuleSet;
use rules_core::judge::tenant::TenantId;
use rules_core::judge::verdict::Verdicts;
use whatsapp_dispatch::dispatch::ONLY_TENANT;
use whatsapp_dispatch::region::Region;
use whatsapp_dispatch::rule::{Consent, Country, QuietHours, Zones};

const ROWS: usize = 500;

/// People of these countries, in turn; some have one zone and some several.
const COUNTRIES: [Region; 8] = [
    Region::known("IN"),
    Region::known("US"),
    Region::known("DE"),
    Region::known("BR"),
    Region::known("IN"),
    Region::known("ID"),
    Region::known("GB"),
    Region::known("MX"),
];

/// 4 of 500 did not agree, 3 opted out and 3 live in a blocked country: 2 %. Every tenth record
/// names a zone.
fn facts() -> anyhow::Result<Facts> {
    let country = |row: usize| if row % 167 == 5 { Region::known("CU") } else { COUNTRIES[row % 8] };
    let zones = |row: usize| Zones {
        own: (row % 10 == 3).then_some(Tz::Europe__Berlin),
        possible: country(row).zones(),
    };
    let consent = |row: usize| Consent { given: row % 125 != 7, opted_out: row % 167 == 1 };
    let mut facts = Facts::new(ROWS);
    facts.fill((0..ROWS).map(consent))?;
    facts.fill((0..ROWS).map(|row| Country(Some(country(row)))))?;
    facts.fill((0..ROWS).map(zones))?;
    Ok(facts)
}

/// Quiet in none of the countries at the hour of the bench: what is put off is not the usual case.
fn rules() -> anyhow::Result<RuleSet> {
    let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).ok_or_else(|| anyhow::anyhow!("no such hour"));
    Ok(inputs::rules(QuietHours::new(hour(23)?, hour(3)?)))
}

fn judging(c: &mut Criterion) -> anyhow::Result<()> {
    let now: DateTime<Utc> = "2026-01-05T13:30:00Z".parse()?;
    let id = TenantId::parse(ONLY_TENANT)?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let scope = runtime.block_on(inputs::tenants(1).enter(&id))?;

    let (rules, facts, mut verdicts) = (rules()?, facts()?, Verdicts::new());
    let context = |mode| Context { scope: &scope, now, mode };
    rules.judge(&context(Mode::Enforce), &facts.all(), &mut verdicts);
    let denied = ROWS - verdicts.allowed().count();
    anyhow::ensure!(denied == 10, "2 % of {ROWS} rows should be denied, not {denied} rows");

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
