//! Outlets that learn, against a far side that is a token bucket, in virtual time: 8 workers, 150 ms
//! to the far side and back, 10,000 calls, and a rate that the far side does not tell.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use rules_core::judge::key::Outlet;
use rules_core::work::pacer::{Ask, MemoryPacer, Observation, Rate};

use super::*;

const CALLS: u32 = 10_000;
const WORKERS: usize = 8;
const RATE: f64 = 5.0;
const BURST: u32 = 5;

/// A far side that counts what it would have allowed.
struct FarSide {
    rate: f64,
    tokens: f64,
    at: f64,
    allowed: f64,
    taken: u32,
    refused: u32,
    /// When its rate changes, in calls that were taken, and to what.
    change: Option<(u32, f64)>,
}

impl FarSide {
    fn new(rate: f64, burst: u32, change: Option<(u32, f64)>) -> Self {
        let burst = f64::from(burst);
        Self { rate, tokens: burst, at: 0.0, allowed: burst, taken: 0, refused: 0, change }
    }

    fn take(&mut self, at: f64, burst: u32) -> bool {
        let flowed = self.rate * (at - self.at);
        self.tokens = (self.tokens + flowed).min(f64::from(burst));
        self.at = at;
        if self.tokens < 1.0 {
            self.refused += 1;
            return false;
        }
        self.allowed += flowed;
        self.tokens -= 1.0;
        self.taken += 1;
        if let Some((calls, rate)) = self.change
            && calls <= self.taken
        {
            (self.rate, self.change) = (rate, None);
        }
        true
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Ask(usize),
    Arrive(usize),
    Hear(usize, bool),
}

/// What a run used of what was allowed, and what part of its calls was refused.
#[derive(Debug)]
struct Run {
    share: f64,
    waste: f64,
}

/// Random numbers that repeat.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX)
    }
}

async fn run(seed: u64, mut far: FarSide, tell: bool) -> Run {
    let clock = clock();
    let start = clock.now();
    let pacer = MemoryPacer::new(Arc::<ManualClock>::clone(&clock));
    let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(TenantId::parse("a").unwrap())]));
    let scope = tenants.enter(&TenantId::parse("a").unwrap()).await.unwrap();
    let outlet = Outlet::new(&scope, "patch").unwrap();
    let ask =
        Ask { outlet: outlet.clone(), rate: Rate::expected(RATE * 0.995, BURST - 1), want: 1, unused: 0 };
    let mut draw = Draw(seed);
    let mut events = BinaryHeap::new();
    let micros = |duration: Duration| u64::try_from(duration.as_nanos().div_ceil(1_000)).unwrap();
    for worker in 0..WORKERS {
        events.push(Reverse((0_u64, Step::Ask(worker))));
    }
    let mut last_taken = 0.0;
    while let Some(Reverse((at, step))) = events.pop() {
        let passed = (clock.now() - start).to_std().unwrap();
        clock.advance(Duration::from_micros(at).saturating_sub(passed));
        let way = micros(Duration::from_secs_f64(0.075 * (0.7 + 0.6 * draw.next())));
        match step {
            Step::Ask(_) if CALLS <= far.taken => {}
            Step::Ask(worker) => {
                let permit = pacer.take(std::slice::from_ref(&ask)).await.unwrap().pop().unwrap();
                let next = permit.next_at.map_or(at, |next| micros((next - start).to_std().unwrap()));
                let step = if permit.granted == 0 {
                    (next, Step::Ask(worker))
                } else {
                    (at + way, Step::Arrive(worker))
                };
                events.push(Reverse(step));
            }
            Step::Arrive(worker) => {
                let seconds = Duration::from_micros(at).as_secs_f64();
                let taken = far.take(seconds, BURST);
                if taken {
                    last_taken = seconds;
                }
                events.push(Reverse((at + way, Step::Hear(worker, taken))));
            }
            Step::Hear(worker, taken) => {
                if !taken {
                    let throttled = Observation::Throttled { outlet: outlet.clone(), retry_after: None };
                    pacer.observe(&[throttled]).await.unwrap();
                } else if tell {
                    // Repeated, it is no news.
                    let per_second = RATE * 0.995;
                    pacer
                        .observe(&[Observation::Limit { outlet: outlet.clone(), per_second }])
                        .await
                        .unwrap();
                }
                events.push(Reverse((at, Step::Ask(worker))));
            }
        }
    }
    assert!(0.0 < last_taken);
    let calls = f64::from(far.taken + far.refused);
    Run { share: f64::from(far.taken) / far.allowed, waste: f64::from(far.refused) / calls }
}

/// Several seeds, so that no luck is needed.
async fn runs(rate: f64, change: Option<(u32, f64)>, tell: bool, share: f64, waste: f64) {
    for seed in 0..3 {
        let run = run(seed, FarSide::new(rate, BURST, change), tell).await;
        assert!(share <= run.share && run.waste <= waste, "seed {seed}: {rate} {change:?}: {run:?}");
    }
}

#[tokio::test]
async fn a_rate_that_is_as_expected_is_used_nearly_whole() {
    for tell in [false, true] {
        runs(RATE, None, tell, 0.99, 0.001).await;
    }
}

#[tokio::test]
async fn a_rate_that_halves_or_doubles_unseen_is_found_out() {
    // The pace is raised for the first time after some 1,000 calls, so a change after 1,030 is seen as
    // late as can be.
    for calls in [1_030, 5_000, 5_940] {
        runs(RATE, Some((calls, RATE / 2.0)), false, 0.90, 0.02).await;
        runs(RATE, Some((calls, RATE * 2.0)), false, 0.90, 0.02).await;
    }
    // The far side goes on telling the rate that it had.
    runs(RATE, Some((5_000, RATE / 2.0)), true, 0.90, 0.02).await;
    runs(RATE, Some((5_000, RATE * 2.0)), true, 0.90, 0.02).await;
}

#[tokio::test]
async fn a_rate_that_was_never_what_it_should_be_is_found_out() {
    runs(RATE / 2.0, None, false, 0.95, 0.005).await;
    runs(RATE / 8.0, None, true, 0.95, 0.005).await;
    runs(RATE * 3.0, None, false, 0.80, 0.005).await;
}
