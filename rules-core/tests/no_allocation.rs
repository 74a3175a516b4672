//! Judging a batch whose rows are all allowed takes nothing from the heap.
#![expect(unsafe_code, reason = "a global allocator that counts can only be written with it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use chrono::{DateTime, Utc};
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

thread_local! {
    static TAKEN: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call is handed on to the system's allocator; counting takes nothing from the heap.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.set(TAKEN.get() + 1);
        // SAFETY: the caller's promises are the ones that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

struct OptedOut(bool);

#[derive(Debug)]
struct OptOut;

impl Rule for OptOut {
    fn id(&self) -> &'static str {
        "opt_out"
    }

    fn needs(&self) -> &[FactId] {
        const { &[FactId::of::<OptedOut>()] }
    }

    fn judge(&self, _: &Context<'_>, batch: &Batch<'_>, ballot: &mut Ballot<'_>) -> Result<(), RuleError> {
        for (row, opted_out) in batch.column::<OptedOut>()?.iter().enumerate() {
            ballot.note(row, || Note::new("opted out", opted_out.0));
            if opted_out.0 {
                ballot.deny(row, Code::known("test.opted_out"));
            }
        }
        Ok(())
    }
}

fn taken(work: impl FnOnce()) -> usize {
    let before = TAKEN.get();
    work();
    TAKEN.get() - before
}

#[tokio::test]
async fn allowed_rows_take_nothing_from_the_heap() {
    let now: DateTime<Utc> = "2026-01-05T09:00:00Z".parse().unwrap();
    let status = Status::Trialing { until: "2026-02-01T00:00:00Z".parse().unwrap() };
    let id = TenantId::parse("acme").unwrap();
    let subscription = Subscription::new("pro", status).with_entitlements(["campaigns"]);
    let record = TenantRecord::new(id.clone()).with_subscription(subscription);
    let scope = Tenants::new(FixedTenants::new([record])).enter(&id).await.unwrap();
    let rules = RuleSet::builder()
        .with(SubscriptionRule {})
        .with(EntitlementRule::new("campaigns"))
        .with(OptOut)
        .build()
        .unwrap();

    // The first batch makes room; every later one uses it again.
    let mut facts = Facts::new(500);
    let mut verdicts = Verdicts::new();
    facts.fill((0..500).map(|_| OptedOut(false))).unwrap();
    let context = |mode| Context { scope: &scope, now, mode };
    rules.judge(&context(Mode::Enforce), &facts.all(), &mut verdicts);

    for mode in [Mode::Enforce, Mode::Preview] {
        let count = taken(|| {
            verdicts.clear();
            facts.reset(500);
            facts.fill((0..500).map(|_| OptedOut(false))).unwrap();
            rules.judge(&context(mode), &facts.all(), &mut verdicts);
        });
        assert_eq!(verdicts.allowed().count(), 500);
        assert_eq!(count, 0, "{mode:?}");
    }

    assert_ne!(taken(|| rules.judge(&context(Mode::Explain), &facts.all(), &mut verdicts)), 0, "it counts");
}
