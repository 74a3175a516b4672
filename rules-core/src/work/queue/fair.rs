//! Who is served next: two races by virtual time, tenants first, then the lanes of the tenant.
//!
//! Everybody has a virtual time, the records served so far over the weight; the least is next
//! and takes a quantum. Each race has a floor, the virtual time at which the last one was
//! served. Whoever could not take part for a while (no work, a hold, no allowance) starts again
//! at the floor, so that nobody saves up credit while away.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Records that a lane is served at one go. Round numbers are leased, and a part of them: a lease of 500 is
/// 25 turns and cuts no chunk.
const QUANTUM: u32 = 20;
/// Virtual time of one record at weight 1. Fits 2^43 records into what SQLite calls an integer.
const UNIT: u64 = 1 << 20;

/// Somebody's place in a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) virtual_time: u64,
    pub(crate) weight: u32,
}

impl Share {
    fn charge(&mut self, start: u64, served: u32) {
        let cost = u64::from(served) * UNIT / u64::from(self.weight.max(1));
        self.virtual_time = start.saturating_add(cost.max(1));
    }
}

/// A tenant with work that may be served.
#[derive(Debug)]
pub(crate) struct TenantClaim<L> {
    pub(crate) share: Share,
    /// The floor of the race between its lanes.
    pub(crate) floor: u64,
    /// Its lanes, from the moment when it is its turn for the first time.
    pub(crate) lanes: Vec<LaneClaim<L>>,
}

impl<L> TenantClaim<L> {
    pub(crate) const fn new(share: Share, floor: u64) -> Self {
        Self { share, floor, lanes: Vec::new() }
    }

    /// The lanes that were served.
    pub(crate) fn served(&self) -> impl Iterator<Item = &LaneClaim<L>> {
        self.lanes.iter().filter(|lane| 0 < lane.taken)
    }
}

/// A lane with records that may be served.
#[derive(Debug)]
pub(crate) struct LaneClaim<L> {
    pub(crate) lane: L,
    pub(crate) share: Share,
    /// Which of the allowances its records use up.
    pub(crate) outlet: usize,
    /// How many records wait.
    pub(crate) waiting: u64,
    /// How many of them are served.
    pub(crate) taken: u32,
}

/// Deals out up to `max` records, and leaves in the claims what each got and where each now
/// stands. The lanes of a tenant are asked for when it is its turn for the first time.
pub(crate) fn deal<L, E>(
    max: u32,
    floor: &mut u64,
    tenants: &mut [TenantClaim<L>],
    allowances: &mut [u32],
    mut lanes_of: impl FnMut(usize) -> Result<Vec<LaneClaim<L>>, E>,
) -> Result<(), E> {
    let mut left = max;
    let mut race = Race::at(*floor, tenants.iter().map(|tenant| tenant.share));
    let mut inner: Vec<Option<Race>> = tenants.iter().map(|_| None).collect();
    while 0 < left
        && let Some(Turn { who, start }) = race.next()
    {
        let (Some(tenant), Some(lanes)) = (tenants.get_mut(who), inner.get_mut(who)) else { break };
        if lanes.is_none() {
            tenant.lanes = lanes_of(who)?;
        }
        let lanes =
            lanes.get_or_insert_with(|| Race::at(tenant.floor, tenant.lanes.iter().map(|lane| lane.share)));
        let served = serve_one(tenant, lanes, allowances, left);
        if 0 < served {
            left -= served;
            race.floor = start;
            tenant.share.charge(start, served);
            race.enter(who, tenant.share);
        }
    }
    *floor = race.floor;
    Ok(())
}

/// Serves the tenant's next lane and says how many records that were; 0 when none can be served.
fn serve_one<L>(tenant: &mut TenantClaim<L>, race: &mut Race, allowances: &mut [u32], left: u32) -> u32 {
    while let Some(Turn { who, start }) = race.next() {
        let Some(lane) = tenant.lanes.get_mut(who) else { break };
        let Some(allowance) = allowances.get_mut(lane.outlet) else { continue };
        let waiting = u32::try_from(lane.waiting).unwrap_or(u32::MAX) - lane.taken;
        let served = QUANTUM.min(left).min(waiting).min(*allowance);
        if served == 0 {
            continue;
        }
        *allowance -= served;
        lane.taken += served;
        race.floor = start;
        tenant.floor = start;
        lane.share.charge(start, served);
        race.enter(who, lane.share);
        return served;
    }
    0
}

#[derive(Debug)]
struct Race {
    floor: u64,
    /// By where each starts, then by where each stood before, then by index.
    heap: BinaryHeap<Reverse<(u64, u64, usize)>>,
}

struct Turn {
    who: usize,
    start: u64,
}

impl Race {
    fn at(floor: u64, shares: impl Iterator<Item = Share>) -> Self {
        let start =
            |(who, share): (usize, Share)| Reverse((share.virtual_time.max(floor), share.virtual_time, who));
        Self { floor, heap: shares.enumerate().map(start).collect() }
    }

    fn enter(&mut self, who: usize, share: Share) {
        let start = share.virtual_time.max(self.floor);
        self.heap.push(Reverse((start, share.virtual_time, who)));
    }

    fn next(&mut self) -> Option<Turn> {
        self.heap.pop().map(|Reverse((start, _, who))| Turn { who, start })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    /// A tenant's share, its floor, and its lanes with the records that wait in each.
    type Seat = (Share, u64, Vec<(Share, u64)>);

    /// Tenants that are dealt to call by call.
    struct Table {
        floor: u64,
        tenants: Vec<Seat>,
        served: Vec<u64>,
    }

    impl Table {
        fn new(tenants: &[(u32, u64)]) -> Self {
            let share = |weight| Share { virtual_time: 0, weight };
            let tenants: Vec<_> = tenants
                .iter()
                .map(|&(weight, waiting)| (share(weight), 0, vec![(share(1), waiting)]))
                .collect();
            Self { floor: 0, served: vec![0; tenants.len()], tenants }
        }

        /// One lease for those that are `present`. Returns how many records were dealt.
        fn lease(&mut self, max: u32, present: impl Fn(usize) -> bool) -> u64 {
            let here: Vec<usize> = (0..self.tenants.len())
                .filter(|&who| present(who) && self.tenants[who].2.iter().any(|lane| 0 < lane.1))
                .collect();
            let mut claims: Vec<_> =
                here.iter().map(|&who| TenantClaim::new(self.tenants[who].0, self.tenants[who].1)).collect();
            let lanes = |claim: usize| {
                let lanes = self.tenants[here[claim]].2.iter().enumerate();
                let claim = |(lane, &(share, waiting)): (usize, &(Share, u64))| LaneClaim {
                    lane,
                    share,
                    outlet: 0,
                    waiting,
                    taken: 0,
                };
                Ok::<_, Infallible>(lanes.map(claim).collect())
            };
            deal(max, &mut self.floor, &mut claims, &mut [u32::MAX], lanes).unwrap();
            let mut dealt = 0;
            for (claim, &who) in claims.iter().zip(&here) {
                (self.tenants[who].0, self.tenants[who].1) = (claim.share, claim.floor);
                for lane in claim.served() {
                    self.tenants[who].2[lane.lane] = (lane.share, lane.waiting - u64::from(lane.taken));
                    self.served[who] += u64::from(lane.taken);
                    dealt += u64::from(lane.taken);
                }
            }
            dealt
        }
    }

    #[test]
    fn forty_nine_small_tenants_are_not_kept_waiting_by_a_big_one() {
        for max in [7, 100, 500] {
            let mut tenants = vec![(1, 100); 50];
            tenants[0].1 = 100_000;
            let mut table = Table::new(&tenants);
            let mut dealt = 0;
            while table.tenants[1..].iter().any(|tenant| 0 < tenant.2[0].1) {
                dealt += table.lease(max, |_| true);
            }
            // 50 equal shares: the small ones are ideally done after 50 * 100 records.
            assert!(dealt * 100 <= 5_000 * 115, "{dealt} records at {max} a lease");
        }
    }

    #[test]
    fn lanes_of_one_tenant_do_not_take_from_another() {
        let mut table = Table::new(&[(1, 0), (1, 10_000)]);
        table.tenants[0].2 = vec![(Share { virtual_time: 0, weight: 1 }, 100); 200];
        for _ in 0..20 {
            table.lease(500, |_| true);
        }
        assert!(table.served[0].abs_diff(table.served[1]) <= u64::from(QUANTUM), "{:?}", table.served);
    }

    #[test]
    fn whoever_returns_has_saved_nothing_up() {
        let mut table = Table::new(&[(1, 100_000), (1, 100_000)]);
        for _ in 0..20 {
            table.lease(500, |who| who == 0);
        }
        let before = table.served[0];
        for _ in 0..20 {
            table.lease(500, |_| true);
        }
        assert!((table.served[0] - before).abs_diff(table.served[1]) <= 2 * u64::from(QUANTUM));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn shares_follow_weights(weights in prop::collection::vec(1_u32..20, 2..8), max in 1_u32..900) {
            let tenants: Vec<(u32, u64)> = weights.iter().map(|&weight| (weight, u64::MAX >> 1)).collect();
            let mut table = Table::new(&tenants);
            let sum: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
            let wanted = 2_000 * sum;
            let mut dealt = 0;
            while dealt < wanted {
                dealt += table.lease(max, |_| true);
            }
            for (&weight, &served) in weights.iter().zip(&table.served) {
                let ideal = dealt * u64::from(weight) / sum;
                prop_assert!(served.abs_diff(ideal) * 100 <= ideal * 5, "{served} instead of {ideal}");
            }
        }

        #[test]
        fn all_that_may_be_dealt_is_dealt(
            records in prop::collection::vec(0_u64..100, 1..8),
            max in 0_u32..400,
        ) {
            let tenants: Vec<(u32, u64)> = records.iter().map(|&records| (1, records)).collect();
            let mut table = Table::new(&tenants);
            let dealt = table.lease(max, |_| true);
            prop_assert_eq!(dealt, u64::from(max).min(records.iter().sum()));
        }
    }
}
