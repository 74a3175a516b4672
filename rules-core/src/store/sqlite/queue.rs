//! The queue on SQLite. Its cost per record does not depend on what waits: every statement is
//! bounded and has its index, and records are packed into chunks (see `queue.sql`).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use rusqlite::{Transaction, params};

use self::lane::State;
use self::lease::{Taken, Wanted};
use self::packed::{Chunks, Unpack};
use super::schema::CORE;
use super::{Sqlite, SqliteError};
use crate::judge::id::{BatchId, LeaseToken};
use crate::judge::key::Lane;
use crate::work::StoreError;
use crate::work::clock::after;
use crate::work::queue::{
    BATCHES_KNOWN_FOR, Enqueued, Extended, Lease, LeaseRequest, Leased, Parcel, Queue, QueueLimits, Settled,
    Settlement,
};

mod contest;
mod drop;
mod lane;
pub(super) mod lease;
mod packed;
mod settle;

pub(super) use drop::drop_lane;
pub(super) use settle::{hand_back_all, micros_up};

#[async_trait]
impl Queue for Sqlite {
    async fn enqueue(&self, parcels: &[Parcel]) -> Result<Vec<Enqueued>, StoreError> {
        let limits = self.limits();
        limits.check(parcels)?;
        let now = self.clock().now();
        let parcels: Vec<Packed> = parcels.iter().map(|parcel| Packed::new(parcel, now)).collect();
        self.write(&CORE, move |tx| enqueue(tx, &parcels, limits.high_water, now))
            .await
            .map_err(|error| error.while_doing("adding to the queue"))
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Lease, StoreError> {
        let now = self.clock().now();
        let token = request.token;
        let wanted = Wanted {
            token,
            max: request.max,
            allowance: request.allowance.clone(),
            limits: self.limits(),
            now_us: now.timestamp_micros(),
            deadline_us: after(now, request.ttl).timestamp_micros(),
        };
        self.write(&CORE, move |tx| lease::lease(tx, &wanted))
            .await
            .and_then(|taken| unpack(token, taken))
            .map_err(|error| error.while_doing("leasing from the queue"))
    }

    async fn extend(&self, tokens: &[LeaseToken], ttl: Duration) -> Result<Vec<Extended>, StoreError> {
        let now = self.clock().now();
        let until = after(now, ttl).timestamp_micros();
        let tokens = tokens.to_vec();
        let extend = move |tx: &Transaction<'_>, token| {
            let moved = settle::extend(tx, token, now.timestamp_micros(), until)?;
            Ok(if moved { Extended::Until(instant(until)) } else { Extended::Gone })
        };
        self.write(&CORE, move |tx| tokens.iter().map(|&token| extend(tx, token)).collect())
            .await
            .map_err(|error: SqliteError| error.while_doing("extending leases"))
    }

    async fn settle(&self, token: LeaseToken, outcomes: &[Settlement]) -> Result<Settled, StoreError> {
        let now_us = self.clock().now().timestamp_micros();
        let outcomes: Arc<[Settlement]> = outcomes.into();
        self.write(&CORE, move |tx| settle::settle(tx, token, &outcomes, now_us))
            .await
            .map_err(|error| error.while_doing("settling a lease"))
    }

    fn limits(&self) -> QueueLimits {
        self.inner.config.queue_limits
    }
}

/// A parcel as it is stored, packed by the caller's thread.
#[derive(Debug)]
struct Packed {
    batch: BatchId,
    lane: Lane,
    due_us: Option<i64>,
    chunks: Chunks,
}

impl Packed {
    fn new(parcel: &Parcel, now: DateTime<Utc>) -> Self {
        Self {
            batch: parcel.batch,
            lane: parcel.lane.clone(),
            due_us: parcel.due.filter(|due| now < *due).map(micros_up),
            chunks: Chunks::fresh(&parcel.records),
        }
    }
}

fn enqueue(
    tx: &Transaction<'_>,
    parcels: &[Packed],
    high_water: u64,
    now: DateTime<Utc>,
) -> Result<Vec<Enqueued>, SqliteError> {
    let now_us = now.timestamp_micros();
    let mut state = State::load(tx)?;
    forget_batches(tx, parcels.len(), now_us)?;
    let mut answers = Vec::with_capacity(parcels.len());
    for parcel in parcels {
        let depth = state.depth.saturating_add(parcel.chunks.records());
        if high_water < depth {
            let known = tx
                .prepare_cached("SELECT 1 FROM queue_batch WHERE id = ?1 AND ?2 < until_us")?
                .exists(params![parcel.batch.as_bytes(), now_us])?;
            let full = Enqueued::Full { depth: state.depth, high_water };
            answers.push(if known { Enqueued::Known } else { full });
            continue;
        }
        let fresh = tx
            .prepare_cached(
                "INSERT INTO queue_batch (id, until_us) VALUES (?1, ?3)
                 ON CONFLICT (id) DO UPDATE SET until_us = excluded.until_us WHERE until_us <= ?2",
            )?
            .execute(params![
                parcel.batch.as_bytes(),
                now_us,
                after(now, BATCHES_KNOWN_FOR).timestamp_micros()
            ])?;
        if fresh == 0 {
            answers.push(Enqueued::Known);
            continue;
        }
        answers.push(Enqueued::Added);
        if parcel.chunks.0.is_empty() {
            continue;
        }
        match parcel.due_us {
            Some(due_us) => lane::append_delayed(tx, &parcel.lane, due_us, &parcel.chunks)?,
            None => lane::append(tx, &parcel.lane, &parcel.chunks)?,
        }
        state.depth = depth;
    }
    state.save(tx)?;
    Ok(answers)
}

/// Forgets batch ids whose time is over, more of them than are about to be added.
fn forget_batches(tx: &Transaction<'_>, parcels: usize, now_us: i64) -> Result<(), SqliteError> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM queue_batch WHERE id IN
             (SELECT id FROM queue_batch WHERE until_us <= ?1 ORDER BY until_us LIMIT 32)",
    )?;
    for _ in 0..=parcels / 16 {
        if delete.execute([now_us])? < 32 {
            break;
        }
    }
    Ok(())
}

fn unpack(token: LeaseToken, lease: Taken) -> Result<Lease, SqliteError> {
    let bytes = Bytes::from(lease.records);
    let mut unpack = Unpack::new(&bytes, 0);
    let mut records = Vec::new();
    let lanes = lease.slices.iter().flat_map(|(lane, count)| (0..*count).map(move |_| lane));
    for (receipt, lane) in (0_u32..).zip(lanes) {
        let record = unpack.record()?;
        if !lease::is_settled(&lease.settled, receipt as usize) {
            records.push(Leased {
                receipt,
                lane: lane.clone(),
                payload: bytes.slice(record.range),
                retries: record.history.retries,
                recoveries: record.history.recoveries,
            });
        }
    }
    let (deadline, next_due) = (instant(lease.deadline_us), lease.next_due_us.map(instant));
    Ok(Lease { token, deadline, records, ready: lease.ready, next_due })
}

fn instant(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::code::Code;
    use crate::judge::key::stored;
    use crate::judge::tenant::TenantId;
    use crate::store::sqlite::SqliteConfig;
    use crate::work::clock::{Clock, ManualClock};
    use crate::work::queue::{Allowance, Outcome};

    const TABLES: [&str; 8] = [
        "queue_tenant",
        "queue_outlet",
        "queue_lane",
        "queue_body",
        "queue_chunk",
        "queue_delay",
        "queue_lease",
        "queue_batch",
    ];

    #[tokio::test]
    async fn not_a_row_is_left_when_everything_is_settled() {
        let clock = Arc::new(ManualClock::at("2026-01-05T09:00:00Z".parse().unwrap()));
        let dir = tempfile::tempdir().unwrap();
        let config = SqliteConfig::default().with_clock(Arc::<ManualClock>::clone(&clock));
        let store = Sqlite::open_with(dir.path().join("queue.db"), config).await.unwrap();
        let mut parcels = Vec::new();
        for tenant in ["a", "b", "c"] {
            for topic in ["t", "u"] {
                let lane = stored::lane(TenantId::parse(tenant).unwrap(), "n", topic);
                let batch = BatchId::of(&[tenant.as_bytes(), topic.as_bytes()]);
                let due = (topic == "u").then(|| after(clock.now(), Duration::from_secs(5)));
                parcels.push(Parcel { batch, lane, due, records: vec![Bytes::from_static(b"x"); 300] });
            }
        }
        store.enqueue(&parcels).await.unwrap();
        for round in 0..40_u32 {
            let token = LeaseToken::of(&[&round.to_be_bytes()]);
            let ttl = Duration::from_secs(1);
            let request = LeaseRequest { token, max: 150, ttl, allowance: Allowance::Unlimited };
            let lease = store.lease(&request).await.unwrap();
            let outcome = |receipt: u32| match (round, receipt % 5) {
                (..10, 0) => Outcome::HandBack,
                (..10, 1) => Outcome::Retry { at: after(clock.now(), ttl), code: Code::known("a.b") },
                _ => Outcome::Done,
            };
            let settle =
                |record: &Leased| Settlement { receipt: record.receipt, outcome: outcome(record.receipt) };
            let outcomes: Vec<_> = lease.records.iter().map(settle).collect();
            // Every tenth lease is left to run out with a third of its records.
            let settled = if round % 10 == 9 { outcomes.len() * 2 / 3 } else { outcomes.len() };
            store.settle(token, &outcomes[..settled]).await.unwrap();
            clock.advance(Duration::from_secs(2));
        }
        clock.advance(BATCHES_KNOWN_FOR);
        store.enqueue(&[]).await.unwrap();
        let left = store.read(&CORE, |tx| {
            let count =
                |table: &&str| tx.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
            Ok(TABLES.iter().map(count).collect::<Result<Vec<u64>, _>>()?)
        });
        assert_eq!(left.await.unwrap(), [0; 8]);
        let depth = store.read(&CORE, |tx| Ok(State::load(tx)?.depth));
        assert_eq!(depth.await.unwrap(), 0);
    }
}
