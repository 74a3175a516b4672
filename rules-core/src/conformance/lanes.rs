//! What every [`Lanes`](crate::work::lanes::Lanes) promises, on the [`Subject`] of the queue's
//! suite.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "an assertion is the purpose of a suite")]

use std::time::Duration;

use super::queue::{FIRST, LAST, TTL, payloads};
use crate::judge::key::Lane;
use crate::work::lanes::{Dropped, Hold, HoldOn, Weight};
use crate::work::queue::{Outcome, Settled};

pub use super::queue::Subject;

impl Subject {
    async fn hold(&self, on: HoldOn, until: Option<Duration>) {
        let until = until.map(|ahead| self.instant(ahead));
        self.lanes.hold(&[Hold { on, until, code: FIRST }]).await.unwrap();
    }

    /// Two lanes of one outlet, one of another outlet, one of another tenant: a record in each.
    async fn four_lanes(&self) -> [Lane; 4] {
        let lanes =
            [self.lane(0, "n", "t"), self.lane(0, "n", "u"), self.lane(0, "m", "t"), self.lane(1, "n", "t")];
        for (number, lane) in (0..).zip(&lanes) {
            self.add(lane, [number]).await;
        }
        lanes
    }

    async fn take_sorted(&self) -> Vec<u32> {
        let mut seen = payloads(&self.lease(100).await);
        seen.sort_unstable();
        seen
    }
}

/// A hold on a lane keeps that lane and no other, until it is released.
pub async fn a_hold_on_a_lane_keeps_it(s: Subject) {
    let [lane, ..] = s.four_lanes().await;
    s.hold(HoldOn::Lane(lane.clone()), None).await;
    assert_eq!(s.take_sorted().await, [1, 2, 3]);
    s.lanes.release(&[HoldOn::Lane(lane)]).await.unwrap();
    assert_eq!(s.take_sorted().await, [0]);
}

/// A hold on an outlet keeps all its lanes.
pub async fn a_hold_on_an_outlet_keeps_its_lanes(s: Subject) {
    let [lane, ..] = s.four_lanes().await;
    s.hold(HoldOn::Outlet(lane.outlet().clone()), None).await;
    assert_eq!(s.take_sorted().await, [2, 3]);
    s.lanes.release(&[HoldOn::Outlet(lane.outlet().clone())]).await.unwrap();
    assert_eq!(s.take_sorted().await, [0, 1]);
}

/// A hold on a tenant keeps everything of the tenant.
pub async fn a_hold_on_a_tenant_keeps_all_of_it(s: Subject) {
    let [lane, ..] = s.four_lanes().await;
    s.hold(HoldOn::Tenant(lane.tenant().clone()), None).await;
    assert_eq!(s.take_sorted().await, [3]);
    s.lanes.release(&[HoldOn::Tenant(lane.tenant().clone())]).await.unwrap();
    assert_eq!(s.take_sorted().await, [0, 1, 2]);
}

/// Each of several holds on the way keeps a lane by itself.
pub async fn one_of_several_holds_is_enough(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, [0]).await;
    let holds = [
        HoldOn::Lane(lane.clone()),
        HoldOn::Outlet(lane.outlet().clone()),
        HoldOn::Tenant(lane.tenant().clone()),
    ];
    for on in &holds {
        s.hold(on.clone(), None).await;
    }
    for on in holds {
        assert!(s.take_sorted().await.is_empty());
        s.lanes.release(&[on]).await.unwrap();
    }
    assert_eq!(s.take_sorted().await, [0]);
}

/// A hold may be there before the work is.
pub async fn a_hold_waits_for_work(s: Subject) {
    let (lane, outlet) = (s.lane(0, "n", "t"), s.outlet(1, "n"));
    s.hold(HoldOn::Lane(lane.clone()), None).await;
    s.hold(HoldOn::Outlet(outlet.clone()), None).await;
    s.add(&lane, [0]).await;
    s.add(&s.lane(1, "n", "t"), [1]).await;
    s.add(&s.lane(1, "m", "t"), [2]).await;
    assert_eq!(s.take_sorted().await, [2]);
    s.hold(HoldOn::Tenant(lane.tenant().clone()), None).await;
    s.add(&s.lane(0, "other", "t"), [3]).await;
    s.lanes.release(&[HoldOn::Outlet(outlet)]).await.unwrap();
    assert_eq!(s.take_sorted().await, [1]);
}

/// A hold with an end frees by itself then, and the lease before says when.
pub async fn a_hold_ends_by_itself(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, [0]).await;
    s.hold(HoldOn::Lane(lane.clone()), Some(Duration::from_secs(60))).await;
    s.hold(HoldOn::Tenant(lane.tenant().clone()), Some(Duration::from_secs(50))).await;
    assert_eq!(s.lease(10).await.next_due, Some(s.instant(Duration::from_secs(50))));
    (s.advance)(Duration::from_secs(59));
    let held = s.lease(10).await;
    assert!(held.records.is_empty());
    assert_eq!(held.next_due, Some(s.instant(Duration::from_secs(1))));
    (s.advance)(Duration::from_secs(1));
    assert_eq!(s.lanes.depths(None, 1).await.unwrap().first().unwrap().holds, []);
    assert_eq!(payloads(&s.lease(10).await), [0]);
}

/// Of two holds on one thing the one that lasts longer stays, with its code: nobody lets go of what
/// somebody else holds for longer.
pub async fn the_longer_of_two_holds_stays(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, [0]).await;
    s.hold(HoldOn::Lane(lane.clone()), Some(Duration::from_secs(10))).await;
    let second =
        Hold { on: HoldOn::Lane(lane.clone()), until: Some(s.instant(Duration::from_secs(20))), code: LAST };
    s.lanes.hold(std::slice::from_ref(&second)).await.unwrap();
    (s.advance)(Duration::from_secs(10));
    assert!(s.take_sorted().await.is_empty());
    assert_eq!(s.lanes.depths(None, 1).await.unwrap().first().unwrap().holds, std::slice::from_ref(&second));
    s.hold(second.on.clone(), Some(Duration::from_secs(5))).await;
    assert_eq!(s.lanes.depths(None, 1).await.unwrap().first().unwrap().holds, std::slice::from_ref(&second));
    (s.advance)(Duration::from_secs(10));
    assert_eq!(s.take_sorted().await, [0]);

    s.add(&lane, [1]).await;
    let endless = Hold { until: None, ..second.clone() };
    s.lanes.hold(std::slice::from_ref(&endless)).await.unwrap();
    s.hold(second.on.clone(), Some(Duration::from_secs(60))).await;
    assert_eq!(s.lanes.depths(None, 1).await.unwrap().first().unwrap().holds, [endless]);
    s.lanes.release(&[second.on]).await.unwrap();
    assert_eq!(s.take_sorted().await, [1]);
}

/// A hold keeps records that become due while it lasts.
pub async fn a_hold_keeps_delayed_records(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add_delayed(&lane, Duration::from_secs(5), [0, 1]).await;
    s.hold(HoldOn::Lane(lane.clone()), None).await;
    (s.advance)(Duration::from_secs(5));
    let held = s.lease(10).await;
    assert!(held.records.is_empty() && held.ready.is_empty());
    s.lanes.release(&[HoldOn::Lane(lane)]).await.unwrap();
    assert_eq!(s.take_sorted().await, [0, 1]);
}

/// What is held is not ready, whatever the hold is on.
pub async fn held_outlets_are_not_ready(s: Subject) {
    let [lane, .., other] = s.four_lanes().await;
    s.hold(HoldOn::Tenant(lane.tenant().clone()), None).await;
    assert_eq!(s.lease_within(10, &[]).await.ready, [other.outlet().clone()]);
    s.hold(HoldOn::Outlet(other.outlet().clone()), None).await;
    assert_eq!(s.lease_within(10, &[]).await.ready, []);
}

/// Records that are leased stay with their worker, and what comes of them is kept.
pub async fn a_hold_leaves_leased_records_alone(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, [0, 1]).await;
    let lease = s.lease(10).await;
    s.hold(HoldOn::Lane(lane.clone()), None).await;
    assert_eq!(s.settle_one(&lease, 0, Outcome::Done).await, Settled::Applied(1));
    assert_eq!(s.settle_one(&lease, 1, Outcome::HandBack).await, Settled::Applied(1));
    assert!(s.take_sorted().await.is_empty());
    s.lanes.release(&[HoldOn::Lane(lane)]).await.unwrap();
    assert_eq!(s.take_sorted().await, [1]);
}

/// Releasing what is not held is passed over.
pub async fn releasing_what_is_not_held_is_passed_over(s: Subject) {
    let [lane, ..] = s.four_lanes().await;
    s.lanes.release(&[HoldOn::Lane(lane.clone()), HoldOn::Outlet(lane.outlet().clone())]).await.unwrap();
    assert_eq!(s.take_sorted().await, [0, 1, 2, 3]);
}

/// Tenants share by weight.
pub async fn tenants_share_by_weight(s: Subject) {
    let (a, b) = (s.lane(0, "n", "t"), s.lane(1, "n", "t"));
    s.lanes.weigh(&[Weight::Tenant(a.tenant().clone(), 3)]).await.unwrap();
    s.add(&a, 0..100).await;
    s.add(&b, 100..200).await;
    let lease = s.lease(80).await;
    assert_eq!(lease.records.iter().filter(|record| record.lane == a).count(), 60);
    s.lanes.weigh(&[Weight::Tenant(a.tenant().clone(), 1)]).await.unwrap();
    let lease = s.lease(80).await;
    assert_eq!(lease.records.iter().filter(|record| record.lane == a).count(), 40);
}

/// Lanes of one tenant share by weight, which may be set before and while they hold records.
pub async fn lanes_share_by_weight(s: Subject) {
    let (a, b) = (s.lane(0, "n", "t"), s.lane(0, "m", "u"));
    s.lanes.weigh(&[Weight::Lane(a.clone(), 3)]).await.unwrap();
    s.add(&a, 0..100).await;
    s.add(&b, 100..200).await;
    let lease = s.lease(80).await;
    assert_eq!(lease.records.iter().filter(|record| record.lane == a).count(), 60);
    s.lanes.weigh(&[Weight::Lane(a.clone(), 0)]).await.unwrap();
    let lease = s.lease(80).await;
    assert_eq!(lease.records.iter().filter(|record| record.lane == a).count(), 40);
}

/// Dropping a lane removes a bounded number of records and says whether more are there.
pub async fn dropping_a_lane_is_bounded(s: Subject) {
    let (lane, other) = (s.lane(0, "n", "t"), s.lane(1, "n", "t"));
    s.add(&lane, 0..70).await;
    s.add_delayed(&lane, TTL, 70..100).await;
    s.add(&other, 100..110).await;
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(s.lanes.drop_lane(&lane, 30).await.unwrap());
    }
    let dropped = |removed, more| Dropped { removed, more };
    assert_eq!(seen, [dropped(30, true), dropped(30, true), dropped(30, true), dropped(10, false)]);
    assert_eq!(s.lanes.drop_lane(&lane, 30).await.unwrap(), dropped(0, false));
    (s.advance)(TTL);
    assert_eq!(s.take_sorted().await, (100..110).collect::<Vec<_>>());
}

/// Dropping a lane makes room below the high-water mark and leaves what a worker has.
pub async fn dropping_a_lane_makes_room(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, 0..100).await;
    let lease = s.lease(40).await;
    s.add(&lane, 100..200).await;
    s.add(&lane, 200..290).await;
    let dropped = s.lanes.drop_lane(&lane, 1_000).await.unwrap();
    assert_eq!(dropped, Dropped { removed: 250, more: false });
    s.add(&lane, 300..400).await;
    assert_eq!(s.settle(&lease, Outcome::Done).await, Settled::Applied(40));
    assert_eq!(s.take_sorted().await, (300..400).collect::<Vec<_>>());
}

/// Depths tell the waiting, the delayed and the leased apart, and name the holds.
pub async fn depths_tell_what_waits(s: Subject) {
    let lane = s.lane(0, "n", "t");
    s.add(&lane, 0..10).await;
    s.add_delayed(&lane, TTL, 10..13).await;
    let lease = s.lease(4).await;
    s.settle_one(&lease, 0, Outcome::Done).await;
    s.settle_one(&lease, 1, Outcome::HandBack).await;
    let holds = [
        Hold { on: HoldOn::Lane(lane.clone()), until: None, code: FIRST },
        Hold { on: HoldOn::Outlet(lane.outlet().clone()), until: Some(s.instant(TTL)), code: LAST },
        Hold { on: HoldOn::Tenant(lane.tenant().clone()), until: None, code: LAST },
    ];
    s.lanes.hold(&holds).await.unwrap();
    let depths = s.lanes.depths(None, 10).await.unwrap();
    let depth = depths.first().unwrap();
    assert_eq!((depth.waiting, depth.delayed, depth.leased), (7, 3, 2));
    assert_eq!((&depth.lane, &depth.holds[..]), (&lane, &holds[..]));
}

/// Depths come in pages, in a stable order; a lane that only workers have records of is listed.
pub async fn depths_come_in_pages(s: Subject) {
    let mut lanes = Vec::new();
    for (tenant, outlet, topic) in [(1, "n", "t"), (0, "n", "u"), (0, "m", "z"), (0, "n", "t"), (1, "a", "b")]
    {
        let lane = s.lane(tenant, outlet, topic);
        s.add(&lane, [0]).await;
        lanes.push(lane);
    }
    let lease = s.lease(100).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = s.lanes.depths(after, 2).await.unwrap();
        assert!(page.iter().all(|depth| depth.leased == 1 && depth.waiting == 0));
        seen.extend(page.iter().map(|depth| depth.lane.clone()));
        if page.len() < 2 {
            break;
        }
        after = page.last().map(|depth| depth.lane.clone());
    }
    lanes.sort();
    assert_eq!(seen, lanes);
    s.settle(&lease, Outcome::Done).await;
    assert_eq!(s.lanes.depths(None, 10).await.unwrap(), []);
}

/// Dead letters come in pages, in the order of their death.
pub async fn dead_letters_come_in_pages(s: Subject) {
    s.add(&s.lane(0, "n", "t"), 0..5).await;
    let lease = s.lease(10).await;
    s.settle(&lease, Outcome::Dead { code: LAST }).await;
    let first = s.lanes.dead(None, 3).await.unwrap();
    let rest = s.lanes.dead(first.last().map(|letter| letter.number), 3).await.unwrap();
    let payloads: Vec<_> = first.iter().chain(&rest).map(|letter| letter.payload.clone()).collect();
    assert_eq!(payloads, ["0", "1", "2", "3", "4"]);
    let numbers: Vec<_> = first.iter().chain(&rest).map(|letter| letter.number).collect();
    assert!(numbers.is_sorted_by(|one, two| one < two), "{numbers:?}");
}

/// Writes one test per case of the suite. `$new` names an `async fn() -> Subject`.
#[macro_export]
macro_rules! lanes_conformance {
    ($new:path) => {
        $crate::lanes_conformance! { $new:
            a_hold_on_a_lane_keeps_it
            a_hold_on_an_outlet_keeps_its_lanes
            a_hold_on_a_tenant_keeps_all_of_it
            one_of_several_holds_is_enough
            a_hold_waits_for_work
            a_hold_ends_by_itself
            the_longer_of_two_holds_stays
            a_hold_keeps_delayed_records
            held_outlets_are_not_ready
            a_hold_leaves_leased_records_alone
            releasing_what_is_not_held_is_passed_over
            tenants_share_by_weight
            lanes_share_by_weight
            dropping_a_lane_is_bounded
            dropping_a_lane_makes_room
            depths_tell_what_waits
            depths_come_in_pages
            dead_letters_come_in_pages
        }
    };
    ($new:path: $($case:ident)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::conformance::lanes::$case($new().await).await;
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_macro_lists_every_case() {
        let source = include_str!("lanes.rs");
        let (suite, list) = source.split_once("macro_rules!").unwrap();
        let cases: Vec<&str> =
            suite.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next()).collect();
        let (list, _) = list.split_once('}').unwrap();
        let listed: Vec<&str> = list.lines().map(str::trim).filter(|line| cases.contains(line)).collect();
        assert_eq!(listed, cases);
    }
}
