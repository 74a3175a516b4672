//! What the queue's scripts write as text: names of lanes, leases.

use bytes::{Buf, Bytes};
use chrono::{DateTime, Utc};

use crate::judge::key::{Lane, Outlet, stored};
use crate::judge::tenant::TenantId;
use crate::store::redis::RedisError;
use crate::work::lanes::HoldOn;

/// Stands between tenant, outlet and topic. No name can hold it, and it is less than all that names
/// can hold, so names are in the order of the lanes.
const BETWEEN: char = '\u{1F}';

/// Scores are exact up to here, the year 2255.
const LATEST_US: i64 = 1 << 53;

pub(in crate::store::redis) fn lane_name(lane: &Lane) -> String {
    format!("{}{BETWEEN}{}", outlet_name(lane.outlet()), lane.topic())
}

pub(in crate::store::redis) fn outlet_name(outlet: &Outlet) -> String {
    format!("{}{BETWEEN}{}", outlet.tenant(), outlet.name())
}

pub(in crate::store::redis) fn hold_name(on: &HoldOn) -> String {
    match on {
        HoldOn::Lane(lane) => lane_name(lane),
        HoldOn::Outlet(outlet) => outlet_name(outlet),
        HoldOn::Tenant(tenant) => tenant.as_str().to_owned(),
    }
}

pub(in crate::store::redis) fn read_lane(name: &[u8]) -> Result<Lane, RedisError> {
    let text = std::str::from_utf8(name).map_err(RedisError::damaged)?;
    let (outlet, topic) = text.rsplit_once(BETWEEN).ok_or_else(|| RedisError::odd("the name of a lane"))?;
    let (tenant, outlet) = outlet.split_once(BETWEEN).ok_or_else(|| RedisError::odd("the name of a lane"))?;
    Ok(stored::lane(TenantId::parse(tenant).map_err(RedisError::damaged)?, outlet, topic))
}

pub(super) fn read_outlet(name: &str) -> Result<Outlet, RedisError> {
    let (tenant, outlet) =
        name.split_once(BETWEEN).ok_or_else(|| RedisError::odd("the name of an outlet"))?;
    Ok(stored::outlet(TenantId::parse(tenant).map_err(RedisError::damaged)?, outlet))
}

/// The instant as a score: microseconds, rounded up so that nothing comes out early.
pub(in crate::store::redis) fn score(instant: DateTime<Utc>) -> i64 {
    let rest = i64::from(!instant.timestamp_subsec_nanos().is_multiple_of(1_000));
    instant.timestamp_micros().saturating_add(rest).min(LATEST_US)
}

/// The text of a lease, as `leases.lua` describes it.
#[derive(Debug)]
pub(in crate::store::redis) struct LeaseText {
    settled: Bytes,
    /// The lanes and how many records of each chunk, in the order of the receipts.
    pub(in crate::store::redis) lanes: Vec<Lane>,
    pub(super) chunks: Vec<(usize, u32)>,
}

impl LeaseText {
    pub(in crate::store::redis) fn read(mut text: Bytes) -> Result<Self, RedisError> {
        let cut_short = || RedisError::odd("a lease");
        let records = text.try_get_u32_le().map_err(|_| cut_short())?;
        let _open = text.try_get_u32_le().map_err(|_| cut_short())?;
        let _stubs = text.try_get_u32_le().map_err(|_| cut_short())?;
        let settled = front(&mut text, records.div_ceil(32) as usize * 4)?;
        let count = text.try_get_u16_le().map_err(|_| cut_short())?;
        let mut lanes = Vec::with_capacity(count.into());
        for _ in 0..count {
            let length = text.try_get_u16_le().map_err(|_| cut_short())?;
            lanes.push(read_lane(&front(&mut text, length.into())?)?);
        }
        let mut chunks = Vec::with_capacity(text.len() / 4);
        while !text.is_empty() {
            let lane = text.try_get_u16_le().map_err(|_| cut_short())?;
            chunks.push((lane.into(), text.try_get_u16_le().map_err(|_| cut_short())?.into()));
        }
        Ok(Self { settled, lanes, chunks })
    }

    pub(super) fn is_settled(&self, receipt: u32) -> bool {
        let byte = self.settled.get(receipt as usize / 8);
        byte.is_some_and(|byte| byte >> (receipt % 8) & 1 == 1)
    }

    /// How many records of each lane are open.
    pub(in crate::store::redis) fn open(&self) -> impl Iterator<Item = (&Lane, u64)> {
        let mut receipts = 0..;
        self.chunks.iter().filter_map(move |(lane, records)| {
            let open = (0..*records).zip(receipts.by_ref()).filter(|(_, receipt)| !self.is_settled(*receipt));
            let open = open.count() as u64;
            Some((self.lanes.get(*lane)?, open))
        })
    }
}

fn front(bytes: &mut Bytes, length: usize) -> Result<Bytes, RedisError> {
    if bytes.len() < length { Err(RedisError::odd("a lease")) } else { Ok(bytes.split_to(length)) }
}
