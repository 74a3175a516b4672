//! Campaigns in virtual time against the simulator with everything going wrong, one scenario per
//! seed, and what must hold whatever happens.
//!
//! `SEED=17 cargo test -p whatsapp-dispatch --test simulation` runs one seed, `SEEDS=5000` more of
//! them. The same seed gives the same run to the byte.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test stops at its first surprise and says at which seed"
)]

mod dice;
mod virtual_time;
mod witness;
mod scenario;
mod world;
mod check;

use std::ops::Range;

/// Seeds of each of the two tests below, which run beside each other.
const SEEDS: u64 = 250;

fn variable(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "a test reads how long it shall run")]
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// One half of the seeds that are asked for.
fn seeds(half: u64) -> Range<u64> {
    if let Some(seed) = variable("SEED") {
        return if half == 0 { seed..seed + 1 } else { 0..0 };
    }
    let each = variable("SEEDS").map_or(SEEDS, |seeds| seeds.div_ceil(2));
    half * each..(half + 1) * each
}

fn run_all(seeds: Range<u64>) {
    for seed in seeds {
        let outcome = std::panic::catch_unwind(|| {
            let first = world::run(seed);
            check::promises(&first);
            // Now and then twice: the same seed gives the same run.
            if seed % 25 == 0 {
                let second = world::run(seed);
                assert!(first.events() == second.events(), "the event logs of two runs differ");
            }
        });
        if let Err(panic) = outcome {
            println!("seed {seed} failed; run it alone with SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[test]
fn what_is_promised_holds_whatever_happens() {
    run_all(seeds(0));
}

#[test]
fn what_is_promised_holds_whatever_else_happens() {
    run_all(seeds(1));
}
