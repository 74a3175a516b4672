//! Who is served when, and how soon a dead worker's records come back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bytes::Bytes;
use rules_core::judge::id::LeaseToken;
use rules_core::store::redis::Redis;
use rules_core::work::ids::{Ids, RandomIds};
use rules_core::work::lanes::{Lanes, Weight};
use rules_core::work::queue::{Allowance, LeaseRequest, Queue};

use crate::load::{BATCH, add, lanes, lease, settle};

/// One tenant with 100,000 records and 49 with 100: how many records were served until the 49
/// were done, over the 5,000 that it is ideally.
pub(crate) async fn ratio(queue: Arc<Redis>) -> anyhow::Result<f64> {
    let (lanes, payload) = (lanes(50).await?, Bytes::from_static(b"payload"));
    for _ in 0..200 {
        add(&queue, &lanes[0], &payload, BATCH).await?;
    }
    for lane in &lanes[1..] {
        add(&queue, lane, &payload, 100).await?;
    }
    let (mut served, mut small) = (0, 0);
    while small < 49 * 100 {
        let lease = lease(&queue, BATCH).await?;
        ensure!(!lease.records.is_empty(), "the queue ran empty");
        served += lease.records.len();
        small += lease.records.iter().filter(|record| record.lane != lanes[0]).count();
        settle(&queue, &lease).await?;
    }
    Ok(f64::from(u32::try_from(served)?) / 5_000.0)
}

/// Tenants of weights 1 to 5: the largest difference between what one got and its share.
pub(crate) async fn weight_error(queue: Arc<Redis>) -> anyhow::Result<f64> {
    let (lanes, payload) = (lanes(5).await?, Bytes::from_static(b"payload"));
    let weights: Vec<_> =
        (1..).zip(&lanes).map(|(weight, lane)| Weight::Tenant(lane.tenant().clone(), weight)).collect();
    queue.weigh(&weights).await?;
    for lane in &lanes {
        for _ in 0..20 {
            add(&queue, lane, &payload, BATCH).await?;
        }
    }
    let mut served = HashMap::new();
    let total = 30 * BATCH;
    for _ in 0..total / BATCH {
        let lease = lease(&queue, BATCH).await?;
        for record in &lease.records {
            *served.entry(record.lane.clone()).or_insert(0_u32) += 1;
        }
        settle(&queue, &lease).await?;
    }
    let error = |(weight, lane): (f64, _)| {
        let share = total as f64 * weight / 15.0;
        (f64::from(served.get(lane).copied().unwrap_or(0)) - share).abs() / share
    };
    Ok([1.0, 2.0, 3.0, 4.0, 5.0].into_iter().zip(&lanes).map(error).fold(0.0, f64::max))
}

/// How long after the deadline of a dead worker's lease all its records are with somebody else, in a
/// queue where everybody else works on.
pub(crate) async fn recovery(queue: &Redis) -> anyhow::Result<Duration> {
    let ttl = Duration::from_millis(500);
    let token = LeaseToken::from(RandomIds.next());
    let request = LeaseRequest { token, max: BATCH, ttl, allowance: Allowance::Unlimited };
    let lost = queue.lease(&request).await?.records.len();
    let deadline = Instant::now() + ttl;
    let mut recovered = 0;
    while recovered < lost {
        let lease = lease(queue, BATCH).await?;
        if lease.records.is_empty() {
            continue;
        }
        recovered += lease.records.iter().filter(|record| 0 < record.recoveries).count();
        settle(queue, &lease).await?;
        ensure!(deadline.elapsed() < Duration::from_secs(30), "{recovered} of {lost} records came back");
    }
    Ok(deadline.elapsed())
}
