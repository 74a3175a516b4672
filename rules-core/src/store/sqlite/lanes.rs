use std::collections::HashMap;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::queue::lease::{is_settled, slices};
use super::queue::{drop_lane, micros_up};
use super::schema::CORE;
use super::{Sqlite, SqliteError};
use crate::judge::code::Code;
use crate::judge::key::{Lane, stored};
use crate::judge::tenant::TenantId;
use crate::work::StoreError;
use crate::work::lanes::{DeadLetter, Dropped, Hold, HoldOn, LaneDepth, Lanes, Weight};

#[async_trait]
impl Lanes for Sqlite {
    async fn hold(&self, holds: &[Hold]) -> Result<(), StoreError> {
        let holds = holds.to_vec();
        self.write(&CORE, move |tx| holds.iter().try_for_each(|hold| put_hold(tx, hold)))
            .await
            .map_err(|error| error.while_doing("holding lanes"))
    }

    async fn release(&self, on: &[HoldOn]) -> Result<(), StoreError> {
        let on = on.to_vec();
        self.write(&CORE, move |tx| on.iter().try_for_each(|on| release(tx, Held::of(on))))
            .await
            .map_err(|error| error.while_doing("releasing lanes"))
    }

    async fn weigh(&self, weights: &[Weight]) -> Result<(), StoreError> {
        let weights = weights.to_vec();
        self.write(&CORE, move |tx| weights.iter().try_for_each(|weight| weigh(tx, weight)))
            .await
            .map_err(|error| error.while_doing("weighing lanes"))
    }

    async fn drop_lane(&self, lane: &Lane, max: usize) -> Result<Dropped, StoreError> {
        let lane = lane.clone();
        self.write(&CORE, move |tx| drop_lane(tx, &lane, max))
            .await
            .map_err(|error| error.while_doing("dropping a lane"))
    }

    async fn depths(&self, after: Option<Lane>, max: usize) -> Result<Vec<LaneDepth>, StoreError> {
        let now_us = self.clock().now().timestamp_micros();
        self.read(&CORE, move |tx| depths(tx, after.as_ref(), max, now_us))
            .await
            .map_err(|error| error.while_doing("reading the depths of lanes"))
    }

    async fn dead(&self, after: Option<u64>, max: usize) -> Result<Vec<DeadLetter>, StoreError> {
        self.read(&CORE, move |tx| {
            let mut select = tx.prepare_cached(
                "SELECT number, tenant, outlet, topic, payload, at_us, first, last, retries, recoveries
                 FROM queue_dead WHERE ?1 < number ORDER BY number LIMIT ?2",
            )?;
            let mut rows = select.query(params![after.unwrap_or(0), max])?;
            let mut letters = Vec::new();
            while let Some(row) = rows.next()? {
                letters.push(DeadLetter {
                    number: row.get(0)?,
                    lane: lane(row, 1)?,
                    payload: Bytes::from(row.get::<_, Vec<u8>>(4)?),
                    at: DateTime::from_timestamp_micros(row.get(5)?).unwrap_or_default(),
                    first: code(row, 6)?,
                    last: code(row, 7)?,
                    retries: row.get(8)?,
                    recoveries: row.get(9)?,
                });
            }
            Ok(letters)
        })
        .await
        .map_err(|error| error.while_doing("reading dead letters"))
    }
}

/// What a hold is on, as it is stored: an empty outlet or topic stands for all of them.
#[derive(Clone, Copy, Debug)]
struct Held<'a> {
    tenant: &'a str,
    outlet: &'a str,
    topic: &'a str,
}

impl<'a> Held<'a> {
    fn of(on: &'a HoldOn) -> Self {
        match on {
            HoldOn::Lane(lane) => {
                Self { tenant: lane.tenant().as_str(), outlet: lane.outlet().name(), topic: lane.topic() }
            }
            HoldOn::Outlet(outlet) => {
                Self { tenant: outlet.tenant().as_str(), outlet: outlet.name(), topic: "" }
            }
            HoldOn::Tenant(tenant) => Self { tenant: tenant.as_str(), outlet: "", topic: "" },
        }
    }

    /// Marks the rows that are there; rows that come later look for their holds themselves.
    fn mark(self, tx: &Transaction<'_>, held: bool) -> Result<(), SqliteError> {
        let Self { tenant, outlet, topic } = self;
        if !topic.is_empty() {
            tx.prepare_cached(
                "UPDATE queue_lane SET held = ?4
                 WHERE tenant_name = ?1 AND outlet_name = ?2 AND topic = ?3 AND held <> ?4",
            )?
            .execute(params![tenant, outlet, topic, held])?;
        } else if !outlet.is_empty() {
            tx.prepare_cached(
                "UPDATE queue_outlet SET held = (held & 2) | ?3
                 WHERE tenant = (SELECT id FROM queue_tenant WHERE name = ?1) AND name = ?2",
            )?
            .execute(params![tenant, outlet, held])?;
        } else {
            tx.prepare_cached(
                "UPDATE queue_outlet SET held = (held & 1) | (?2 << 1)
                 WHERE tenant = (SELECT id FROM queue_tenant WHERE name = ?1)",
            )?
            .execute(params![tenant, held])?;
        }
        Ok(())
    }
}

fn put_hold(tx: &Transaction<'_>, hold: &Hold) -> Result<(), SqliteError> {
    let on = Held::of(&hold.on);
    tx.prepare_cached(
        "INSERT INTO queue_hold (tenant, outlet, topic, until_us, code) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant, outlet, topic) DO UPDATE SET until_us = excluded.until_us, code = excluded.code
         WHERE until_us IS NOT NULL AND (excluded.until_us IS NULL OR until_us < excluded.until_us)",
    )?
    .execute(params![on.tenant, on.outlet, on.topic, hold.until.map(micros_up), hold.code.as_str()])?;
    on.mark(tx, true)
}

fn release(tx: &Transaction<'_>, on: Held<'_>) -> Result<(), SqliteError> {
    tx.prepare_cached("DELETE FROM queue_hold WHERE tenant = ?1 AND outlet = ?2 AND topic = ?3")?
        .execute(params![on.tenant, on.outlet, on.topic])?;
    on.mark(tx, false)
}

/// Releases holds whose end has come, up to a thousand of them.
pub(super) fn release_expired(tx: &Transaction<'_>, now_us: i64) -> Result<(), SqliteError> {
    let ended: Vec<(String, String, String)> = tx
        .prepare_cached(
            "SELECT tenant, outlet, topic FROM queue_hold WHERE until_us <= ?1 ORDER BY until_us LIMIT 1000",
        )?
        .query_map([now_us], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    ended.iter().try_for_each(|(tenant, outlet, topic)| release(tx, Held { tenant, outlet, topic }))
}

fn weigh(tx: &Transaction<'_>, weight: &Weight) -> Result<(), SqliteError> {
    let (on, weight) = match weight {
        Weight::Tenant(tenant, weight) => {
            let weight = (*weight).max(1);
            tx.prepare_cached("UPDATE queue_tenant SET weight = ?2 WHERE name = ?1")?
                .execute(params![tenant.as_str(), weight])?;
            (Held { tenant: tenant.as_str(), outlet: "", topic: "" }, weight)
        }
        Weight::Lane(lane, weight) => {
            let weight = (*weight).max(1);
            let on =
                Held { tenant: lane.tenant().as_str(), outlet: lane.outlet().name(), topic: lane.topic() };
            tx.prepare_cached(
                "UPDATE queue_lane SET weight = ?4 WHERE tenant_name = ?1 AND outlet_name = ?2 AND topic = ?3",
            )?
            .execute(params![on.tenant, on.outlet, on.topic, weight])?;
            (on, weight)
        }
    };
    if weight == 1 {
        tx.prepare_cached("DELETE FROM queue_weight WHERE tenant = ?1 AND outlet = ?2 AND topic = ?3")?
            .execute(params![on.tenant, on.outlet, on.topic])?;
    } else {
        tx.prepare_cached(
            "INSERT INTO queue_weight (tenant, outlet, topic, weight) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (tenant, outlet, topic) DO UPDATE SET weight = excluded.weight",
        )?
        .execute(params![on.tenant, on.outlet, on.topic, weight])?;
    }
    Ok(())
}

fn depths(
    tx: &Transaction<'_>,
    after: Option<&Lane>,
    max: usize,
    now_us: i64,
) -> Result<Vec<LaneDepth>, SqliteError> {
    let leased = leased(tx)?;
    let mut select = tx.prepare_cached(
        "SELECT tenant_name, outlet_name, topic, id, waiting, delayed FROM queue_lane
         WHERE (?1, ?2, ?3) < (tenant_name, outlet_name, topic) ORDER BY tenant_name, outlet_name, topic",
    )?;
    let (tenant, outlet, topic) =
        after.map_or(("", "", ""), |lane| (lane.tenant().as_str(), lane.outlet().name(), lane.topic()));
    let mut rows = select.query([tenant, outlet, topic])?;
    let mut depths = Vec::new();
    while depths.len() < max
        && let Some(row) = rows.next()?
    {
        let leased = leased.get(&row.get(3)?).copied().unwrap_or(0);
        let (waiting, delayed): (u64, u64) = (row.get(4)?, row.get(5)?);
        // A lease that is settled but for other lanes still keeps the row of this one.
        if 0 < waiting + delayed + leased {
            let lane = lane(row, 0)?;
            let holds = holds_on(tx, &lane, now_us)?;
            depths.push(LaneDepth { lane, waiting, delayed, leased, holds });
        }
    }
    Ok(depths)
}

/// How many records of each lane workers have.
fn leased(tx: &Transaction<'_>) -> Result<HashMap<i64, u64>, SqliteError> {
    let mut select = tx.prepare_cached("SELECT slices, settled FROM queue_lease")?;
    let mut rows = select.query([])?;
    let mut leased = HashMap::new();
    while let Some(row) = rows.next()? {
        let settled = row.get_ref(1)?.as_blob().map_err(SqliteError::damaged)?;
        let mut receipts = 0_usize..;
        for (lane, records) in slices(row.get_ref(0)?.as_blob().map_err(SqliteError::damaged)?)? {
            let open =
                (0..records).zip(receipts.by_ref()).filter(|(_, receipt)| !is_settled(settled, *receipt));
            *leased.entry(lane).or_insert(0) += open.count() as u64;
        }
    }
    Ok(leased)
}

fn holds_on(tx: &Transaction<'_>, lane: &Lane, now_us: i64) -> Result<Vec<Hold>, SqliteError> {
    let on = [
        HoldOn::Lane(lane.clone()),
        HoldOn::Outlet(lane.outlet().clone()),
        HoldOn::Tenant(lane.tenant().clone()),
    ];
    let mut select = tx.prepare_cached(
        "SELECT until_us, code FROM queue_hold WHERE tenant = ?1 AND outlet = ?2 AND topic = ?3
         AND (until_us IS NULL OR ?4 < until_us)",
    )?;
    let mut holds = Vec::new();
    for on in on {
        let held = Held::of(&on);
        let found = select
            .query_row(params![held.tenant, held.outlet, held.topic, now_us], |row| {
                Ok((row.get::<_, Option<i64>>(0)?, code(row, 1)))
            })
            .optional()?;
        if let Some((until_us, code)) = found {
            let until = until_us.and_then(DateTime::from_timestamp_micros);
            holds.push(Hold { on, until, code: code? });
        }
    }
    Ok(holds)
}

fn lane(row: &Row<'_>, column: usize) -> Result<Lane, SqliteError> {
    let text = |column| row.get_ref(column)?.as_str().map_err(SqliteError::damaged);
    let tenant = TenantId::parse(text(column)?).map_err(SqliteError::damaged)?;
    Ok(stored::lane(tenant, text(column + 1)?, text(column + 2)?))
}

fn code(row: &Row<'_>, column: usize) -> Result<Code, SqliteError> {
    Code::parse(row.get::<_, String>(column)?).map_err(SqliteError::damaged)
}
