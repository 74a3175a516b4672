use rules_core::judge::id::LeaseToken;
use rules_core::judge::key::{Lane, Outlet};
use rules_core::work::clock::{ClockExt, ScaledClock};
use rules_core::work::queue::{Allowance, LeaseRequest, MemoryQueue, Queue, QueueLimits};

use super::*;
use crate::sink::{QuantitySink, Submitted};

#[tokio::test]
async fn answers_carry_a_name_a_rate_and_amazons_clock() {
    let clock = Arc::new(ManualClock::at(nine()));
    let world = calm().listing(&owner(), ListingPlan::merchant(sku("MUG"), 50)).build().unwrap();
    let builder =
        Simulator::builder(world).clock(Arc::<ManualClock>::clone(&clock)).skew(TimeDelta::seconds(90));
    let door = Door::at(builder, clock).await;
    let told = door.get("/orders/2026-01-01/orders?lastUpdatedAfter=2026-01-05T08:00:00Z").await;
    assert_eq!(told.rate.as_deref(), Some("0.0056"));
    assert_eq!(told.date.as_deref(), Some("Mon, 05 Jan 2026 09:01:30 GMT"));
    assert_eq!(told.request.map(|name| name.len()), Some(36));
    assert_eq!(told.body["lastUpdatedBefore"], "2026-01-05T08:59:30Z");
}

#[tokio::test]
async fn a_used_up_budget_is_429_with_its_rate_or_without() {
    for (chance, header, rate) in [
        (1.0, RateHeader::Published, Some("5")),
        (1.0, RateHeader::InForce, Some("2.5")),
        (0.0, RateHeader::Published, None),
        (1.0, RateHeader::Missing, None),
    ] {
        let mut behaviour = Behaviour::prompt();
        (behaviour.rate_header_on_429, behaviour.rate_header) = (chance, header);
        let listing = ListingPlan::merchant(sku("MUG"), 50);
        let door = Door::of(calm().behaviour(behaviour).listing(&owner(), listing)).await;
        let hidden = Incident::HiddenRate(Operation::GetListingsItem, 0.5);
        door.amazon.world(|world| world.happen(hidden));
        let path = format!("{ITEMS}/MUG?marketplaceIds={US}");
        for _ in 0..5 {
            assert_eq!(door.get(&path).await.status, 200);
        }
        let told = door.get(&path).await;
        assert_eq!((code(&told), told.rate.as_deref()), ((429, "QuotaExceeded"), rate));
        assert!(told.request.is_some());
        let report = door.amazon.report();
        let counts = &report.operations[0];
        assert_eq!((counts.calls, counts.throttled, counts.useful), (6, 1, 5));
    }
}

#[tokio::test]
async fn a_lost_answer_cuts_the_connection_after_the_work_and_a_lost_request_before_it() {
    for (carried_out, shown) in [(true, 20), (false, 50)] {
        let mut faults = Faults::none();
        (faults.lost_answer, faults.lost_request) = if carried_out { (1.0, 0.0) } else { (0.0, 1.0) };
        let listing = ListingPlan::merchant(sku("MUG"), 50);
        let door = Door::of(calm().faults(faults).listing(&owner(), listing)).await;
        let change = json!({"op": "merge", "path": "/attributes/fulfillment_availability",
            "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 20}]});
        let body = json!({"productType": "PRODUCT", "patches": [change]});
        let path = format!("{ITEMS}/MUG?marketplaceIds={US}");
        assert!(door.send(Method::PATCH, &path, Some(body)).await.is_err());
        door.pass(1);
        assert_eq!(door.amazon.world(|world| world.shown(&owner(), &sku("MUG"))), Some(shown));
    }
}

#[tokio::test]
async fn a_server_may_fail_and_say_so() {
    let mut faults = Faults::none();
    faults.server_error = 1.0;
    let door = Door::of(calm().faults(faults)).await;
    let mut codes = Vec::new();
    for nth in 0..20 {
        codes.push(door.get(&format!("/orders/2026-01-01/orders/{nth}")).await);
    }
    let codes: Vec<_> = codes.iter().map(code).collect();
    assert!(
        codes.contains(&(500, "InternalFailure")) && codes.contains(&(503, "ServiceUnavailable")),
        "{codes:?}"
    );
}

#[tokio::test]
async fn a_slow_answer_takes_one_to_five_seconds_of_the_clock() {
    let mut faults = Faults::none();
    faults.slow_answer = 1.0;
    let clock = Arc::new(ScaledClock::starting_at(nine(), 200));
    let world = calm().faults(faults).build().unwrap();
    let amazon = Simulator::builder(world).clock(Arc::<ScaledClock>::clone(&clock)).start_in_process();
    let account = SellerAccount::new(&*scope().await, SellerId::parse(SELLER).unwrap(), Region::NorthAmerica);
    let from = clock.now();
    crate::marketplace::Marketplace::listings(&amazon.marketplace(), &account, &[sku("MUG")]).await.unwrap();
    assert!(TimeDelta::seconds(1) <= clock.now() - from);
}

#[tokio::test]
async fn both_doors_say_the_same() {
    let mut faults = Faults::harsh();
    (faults.slow_answer, faults.token_error) = (0.0, 0.0);
    let world = || {
        let plan =
            UsagePlan::published().with(Operation::PatchListingsItem, Rate { per_second: 9.0, burst: 60 });
        let mut world = calm().faults(faults.clone()).usage_plan(plan);
        for nth in 0..80 {
            world = world.listing(&owner(), ListingPlan::merchant(sku(&format!("MUG-{nth}")), 5));
        }
        world
    };
    let (rig, door) = (Rig::of(world()).await, Door::of(world()).await);
    let mut kinds = std::collections::BTreeSet::new();
    for nth in 0..80 {
        let writes = [rig.write(&format!("MUG-{nth}"), 3)];
        let ported = match rig.amazon.patches().submit(&rig.account, &writes).await.unwrap().remove(0) {
            Submitted::Accepted(Some(name)) => format!("accepted {}", name.0),
            Submitted::NotNow { .. } => "not now".to_owned(),
            Submitted::Failed { .. } => "failed".to_owned(),
            Submitted::InDoubt => "in doubt".to_owned(),
            other => panic!("{other:?}"),
        };
        let change = json!({"op": "merge", "path": "/attributes/fulfillment_availability",
            "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 3}]});
        let body = json!({"productType": "PRODUCT", "patches": [change]});
        let path = format!("{ITEMS}/MUG-{nth}?marketplaceIds={US}");
        let sent = match door.send(Method::PATCH, &path, Some(body)).await {
            Ok(Told { status: 200, body, .. }) => {
                format!("accepted {}", body["submissionId"].as_str().unwrap())
            }
            Ok(Told { status: 429, .. }) => "not now".to_owned(),
            Ok(_) => "failed".to_owned(),
            Err(_) => "in doubt".to_owned(),
        };
        assert_eq!(ported, sent);
        kinds.insert(sent.split(' ').next().unwrap().to_owned());
    }
    assert_eq!(kinds.len(), 4, "{kinds:?}");
}

fn kind(notice: &[u8]) -> String {
    let notice: Value = serde_json::from_slice(notice).unwrap();
    notice["NotificationType"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn notices_come_by_themselves_to_a_function_and_into_a_queue() {
    let door = Door::with_mugs().await;
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    door.amazon.deliver_notices_to(move |notice| drop(tell.send(notice)));
    let place = || Incident::Place(owner(), ScriptedOrder::of(sku("MUG"), 1));
    door.amazon.world(|world| world.happen(place()));
    // Of two at one instant either may come first.
    let mut kinds = vec![kind(&told.recv().await.unwrap()), kind(&told.recv().await.unwrap())];
    kinds.sort();
    assert_eq!(kinds, ["LISTINGS_ITEM_MFN_QUANTITY_CHANGE", "ORDER_CHANGE"]);

    let queue = Arc::new(MemoryQueue::new(Arc::<ManualClock>::clone(&door.clock), QueueLimits::default()));
    let lane = Lane::new(&Outlet::new(&*scope().await, "amazon").unwrap(), "notices").unwrap();
    door.amazon.deliver_notices_into(NoticeSink::Queue(Arc::<MemoryQueue>::clone(&queue), lane));
    door.amazon.world(|world| world.happen(place()));
    let request = LeaseRequest {
        token: LeaseToken::of(&[b"1"]),
        max: 10,
        ttl: Duration::from_secs(60),
        allowance: Allowance::Unlimited,
    };
    let mut leased = queue.lease(&request).await.unwrap().records;
    while leased.is_empty() {
        tokio::task::yield_now().await;
        leased = queue.lease(&request).await.unwrap().records;
    }
    assert!(kinds.contains(&kind(&leased[0].payload)));
}

#[tokio::test]
async fn a_report_is_had_over_http_too() {
    let door = Door::with_mugs().await;
    door.clock.sleep(Duration::ZERO).await;
    door.get("/sellers/v1/marketplaceParticipations").await;
    let report = door.get("/simulator/report").await;
    assert_eq!(report.body["operations"][0]["operation"], "getMarketplaceParticipations");
    assert_eq!(report.body["oversold_units"], 0);
}
