//! The queue on Redis: a script per call, whose cost does not depend on what waits.
//!
//! Records lie packed in chunks; a lease moves whole chunks from the lanes into its own list, and
//! settling flips bits. So a record costs neither a key nor a command of its own, on the way in or
//! out (see `queue/*.lua`).

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};

use self::chunk::{Unpacked, number_apart};
use self::text::{LeaseText, lane_name, outlet_name, read_outlet, score};
use super::{Command, Redis, RedisError, Reply, Script};
use crate::judge::id::LeaseToken;
use crate::work::StoreError;
use crate::work::queue::{
    Allowance, Enqueued, Extended, Lease, LeaseRequest, Leased, Outcome, Parcel, Queue, QueueLimits,
    READY_OUTLETS, REAPED_PER_LEASE, Settled, Settlement,
};

mod chunk;
pub(super) mod text;

const _: () = assert!(READY_OUTLETS == 1_000 && REAPED_PER_LEASE == 2, "`lease.lua` has the same limits");

static ENQUEUE: Script =
    Script::new("enqueue", concat!(include_str!("queue/lanes.lua"), include_str!("queue/enqueue.lua")));
static LEASE: Script = Script::new(
    "lease",
    concat!(
        include_str!("queue/lanes.lua"),
        include_str!("queue/records.lua"),
        include_str!("queue/leases.lua"),
        include_str!("queue/race.lua"),
        include_str!("queue/lease.lua")
    ),
);
static SETTLE: Script = Script::new(
    "settle",
    concat!(
        include_str!("queue/lanes.lua"),
        include_str!("queue/records.lua"),
        include_str!("queue/leases.lua"),
        include_str!("queue/settle.lua")
    ),
);
static EXTEND: Script = Script::new("extend", include_str!("queue/extend.lua"));

/// What one script call adds at most, unless a single parcel is larger.
const PARCELS_PER_CALL: usize = 128;
const BYTES_PER_CALL: usize = 1024 * 1024;
/// Tokens that one script call extends.
const TOKENS_PER_CALL: usize = 1_000;
/// Chunks that one command reads.
const CHUNKS_PER_COMMAND: usize = 1_000;
/// Receipts fit two bytes.
const LEASE_RECORDS: usize = 65_535;
/// The longest that a lease lives, about 140 years, so that its deadline is an exact score.
const LONGEST_US: u64 = 1 << 52;

#[async_trait]
impl Queue for Redis {
    async fn enqueue(&self, parcels: &[Parcel]) -> Result<Vec<Enqueued>, StoreError> {
        let limits = self.queue_limits();
        limits.check(parcels)?;
        let mut answers = Vec::with_capacity(parcels.len());
        let mut rest = parcels;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(fitting(rest));
            let added = self.add(now, limits.high_water).await;
            answers.extend(added.map_err(|error| error.while_doing("adding to the queue"))?);
            rest = later;
        }
        Ok(answers)
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Lease, StoreError> {
        let limits = self.queue_limits();
        let mut arguments = vec![
            request.token.to_string().into(),
            number(request.max.min(limits.max_records).min(LEASE_RECORDS)),
            number(micros(request.ttl)),
            number(limits.max_recoveries),
        ];
        match &request.allowance {
            Allowance::Unlimited => arguments.push(Bytes::from_static(b"all")),
            Allowance::PerOutlet(listed) => {
                arguments.push(Bytes::from_static(b"listed"));
                let mut by_tenant = BTreeMap::new();
                let mut known = HashSet::new();
                for (outlet, records) in listed {
                    if known.insert(outlet) && 0 < *records {
                        by_tenant.entry(outlet.tenant()).or_insert_with(Vec::new).push((outlet, records));
                    }
                }
                for (tenant, outlets) in by_tenant {
                    arguments.extend([tenant.as_str().to_owned().into(), number(outlets.len())]);
                    for (outlet, records) in outlets {
                        arguments.extend([outlet_name(outlet).into(), number(records)]);
                    }
                }
            }
        }
        self.leased(request.token, &arguments)
            .await
            .map_err(|error| error.while_doing("leasing from the queue"))
    }

    async fn extend(&self, tokens: &[LeaseToken], ttl: Duration) -> Result<Vec<Extended>, StoreError> {
        let mut answers = Vec::with_capacity(tokens.len());
        for tokens in tokens.chunks(TOKENS_PER_CALL) {
            let mut arguments = vec![number(micros(ttl))];
            arguments.extend(tokens.iter().map(|token| token.to_string().into()));
            let reply = self.run(&EXTEND, &[self.queue_key()], &arguments).await;
            let reply = reply.map_err(|error| error.while_doing("extending leases"))?;
            answers.extend(reply.list().into_iter().map(|answer| match answer.int() {
                Some(until @ 0..) => Extended::Until(instant(until)),
                _ => Extended::Gone,
            }));
        }
        Ok(answers)
    }

    async fn settle(&self, token: LeaseToken, outcomes: &[Settlement]) -> Result<Settled, StoreError> {
        let mut arguments = vec![token.to_string().into()];
        arguments.extend(marks(outcomes));
        let reply = self.run(&SETTLE, &[self.queue_key()], &arguments).await;
        let settled = reply.map_err(|error| error.while_doing("settling a lease"))?.int();
        Ok(settled.and_then(|settled| usize::try_from(settled).ok()).map_or(Settled::Gone, Settled::Applied))
    }

    fn limits(&self) -> QueueLimits {
        self.queue_limits()
    }
}

impl Redis {
    /// The key under which, and behind which, everything of the queue lies.
    pub(super) fn queue_key(&self) -> String {
        self.key(&[&"queue"])
    }

    async fn leased(&self, token: LeaseToken, arguments: &[Bytes]) -> Result<Lease, RedisError> {
        let odd = || RedisError::odd("lease");
        let reply = self.run(&LEASE, &[self.queue_key()], arguments).await?;
        let [deadline, next_due, text, ready, chunks]: [Reply; 5] =
            reply.list().try_into().map_err(|_| odd())?;
        let deadline = instant(deadline.int().ok_or_else(odd)?);
        let next_due = next_due.int().map(instant);
        let ready = ready.text().unwrap_or_default().lines().map(read_outlet).collect::<Result<_, _>>()?;
        let records = match text.bytes() {
            Some(text) => {
                let chunks = chunks.list().into_iter().filter_map(Reply::bytes).collect();
                read_records(&LeaseText::read(text)?, self.whole(chunks).await?)?
            }
            None => Vec::new(),
        };
        Ok(Lease { token, deadline, records, ready, next_due })
    }

    /// The chunks with those that are kept apart in the places of their stubs; a stub stays where
    /// there is no such chunk any more.
    async fn whole(&self, mut chunks: Vec<Bytes>) -> Result<Vec<Bytes>, RedisError> {
        let numbers: Vec<&[u8]> = chunks.iter().filter_map(|chunk| number_apart(chunk)).collect();
        if numbers.is_empty() {
            return Ok(chunks);
        }
        let key = format!("{}:apart", self.queue_key());
        let ask = |numbers: &[&[u8]]| numbers.iter().fold(Command::new("HMGET", &key), Command::arg);
        let asked: Vec<Command> = numbers.chunks(CHUNKS_PER_COMMAND).map(ask).collect();
        let mut found = self.read(&asked).await?.into_iter().flat_map(Reply::list).map(Reply::bytes);
        for chunk in chunks.iter_mut().filter(|chunk| number_apart(chunk).is_some()) {
            if let Some(whole) = found.next().flatten() {
                *chunk = whole;
            }
        }
        Ok(chunks)
    }

    async fn add(&self, parcels: &[Parcel], high_water: u64) -> Result<Vec<Enqueued>, RedisError> {
        let mut arguments = vec![number(high_water)];
        for parcel in parcels {
            let chunks = chunk::pack(&parcel.records);
            arguments.extend([
                Bytes::copy_from_slice(parcel.batch.as_bytes()),
                lane_name(&parcel.lane).into(),
                number(parcel.due.map_or(0, score)),
                number(parcel.records.len()),
                number(chunks.len()),
            ]);
            arguments.extend(chunks);
        }
        let answers = self.run(&ENQUEUE, &[self.queue_key()], &arguments).await?.list();
        if answers.len() != parcels.len() {
            return Err(RedisError::odd("enqueue"));
        }
        let answers = answers.iter().map(|answer| match answer.int() {
            Some(-1) => Ok(Enqueued::Added),
            Some(-2) => Ok(Enqueued::Known),
            Some(depth) => Ok(Enqueued::Full { depth: depth.unsigned_abs(), high_water }),
            None => Err(RedisError::odd("enqueue")),
        });
        answers.collect()
    }
}

/// How many of the parcels one script call adds.
fn fitting(parcels: &[Parcel]) -> usize {
    let mut bytes = 0_usize;
    let fits = |parcel: &&Parcel| {
        bytes += parcel.records.iter().map(Bytes::len).sum::<usize>();
        bytes <= BYTES_PER_CALL
    };
    parcels.iter().take(PARCELS_PER_CALL).take_while(fits).count().max(1)
}

/// What settling tells the script: how many receipts, their bits, and those that are not done.
fn marks(outcomes: &[Settlement]) -> Vec<Bytes> {
    let mut bits: Vec<u8> = Vec::new();
    let mut left_over = BTreeMap::new();
    let mut count = 0;
    for Settlement { receipt, outcome } in outcomes {
        let index = *receipt as usize;
        if LEASE_RECORDS <= index {
            continue;
        }
        let words = index / 32 + 1;
        if bits.len() < 4 * words {
            bits.resize(4 * words, 0);
        }
        let Some(byte) = bits.get_mut(index / 8).filter(|byte| **byte >> (index % 8) & 1 == 0) else {
            continue;
        };
        *byte |= 1 << (index % 8);
        count += 1;
        if *outcome != Outcome::Done {
            left_over.insert(*receipt, outcome);
        }
    }
    let mut arguments = vec![number(count), bits.into()];
    for (receipt, outcome) in left_over {
        let (kind, at, code) = match outcome {
            Outcome::Done | Outcome::HandBack => ("back", 0, ""),
            Outcome::Retry { at, code } => ("retry", score(*at), code.as_str()),
            Outcome::Dead { code } => ("dead", 0, code.as_str()),
        };
        arguments.extend([number(receipt), kind.into(), number(at), Bytes::copy_from_slice(code.as_bytes())]);
    }
    arguments
}

/// The records of a lease that are open. Of a chunk that is gone there is none: the lease has ended
/// while it was read.
fn read_records(lease: &LeaseText, chunks: Vec<Bytes>) -> Result<Vec<Leased>, RedisError> {
    let (mut records, mut next) = (Vec::new(), 0);
    for (chunk, &(lane, count)) in chunks.into_iter().zip(&lease.chunks) {
        let lane = lease.lanes.get(lane).ok_or_else(|| RedisError::odd("lease"))?;
        let receipts = next..next + count;
        next += count;
        if number_apart(&chunk).is_some() {
            continue;
        }
        let mut chunk = Unpacked::of(chunk)?;
        let (retries, recoveries) = (chunk.retries, chunk.recoveries);
        for receipt in receipts {
            let payload = chunk.payload()?;
            if !lease.is_settled(receipt) {
                records.push(Leased { receipt, lane: lane.clone(), payload, retries, recoveries });
            }
        }
    }
    Ok(records)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(LONGEST_US).min(LONGEST_US)
}

pub(super) fn instant(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).unwrap_or_default()
}

fn number(number: impl std::fmt::Display) -> Bytes {
    number.to_string().into()
}
