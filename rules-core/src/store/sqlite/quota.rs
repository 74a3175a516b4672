use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::schema::CORE;
use super::{Sqlite, SqliteError, crowd};
use crate::judge::window::Span;
use crate::work::StoreError;
use crate::work::quota::tally::{self, FORGOTTEN_AT_ONCE, Reading, Tally};
use crate::work::quota::{Admission, Admitted, Charge, Crowd, Granted, Meter, Quota, Refund, Refusal, Usage};

#[async_trait]
impl Quota for Sqlite {
    async fn charge(&self, charges: &[Charge]) -> Result<Vec<Granted>, StoreError> {
        let charges = charges.to_vec();
        let now = self.clock().now();
        self.write(&CORE, move |tx| {
            let granted = charges.iter().map(|one| charge(tx, one, now)).collect();
            forget_charges(tx, now, charges.len())?;
            granted
        })
        .await
        .map_err(|error| error.while_doing("charging quota"))
    }

    async fn refund(&self, refunds: &[Refund]) -> Result<(), StoreError> {
        let refunds = refunds.to_vec();
        let now = self.clock().now();
        self.write(&CORE, move |tx| {
            refunds.iter().try_for_each(|one| refund(tx, one))?;
            forget_refunds(tx, now, refunds.len())
        })
        .await
        .map_err(|error| error.while_doing("refunding quota"))
    }

    async fn usage(&self, meters: &[Meter]) -> Result<Vec<Usage>, StoreError> {
        let meters = meters.to_vec();
        let now = self.clock().now();
        self.read(&CORE, move |tx| meters.iter().map(|meter| Ok(reading(tx, meter, now)?.usage())).collect())
            .await
            .map_err(|error| error.while_doing("reading quota"))
    }

    async fn admit(&self, admissions: &[Admission]) -> Result<Vec<Admitted>, StoreError> {
        let admissions = admissions.to_vec();
        let now = self.clock().now();
        self.write(&CORE, move |tx| admissions.iter().map(|one| crowd::admit(tx, one, now)).collect())
            .await
            .map_err(|error| error.while_doing("admitting to crowds"))
    }

    async fn crowds(&self, crowds: &[Crowd]) -> Result<Vec<Usage>, StoreError> {
        let crowds = crowds.to_vec();
        let now = self.clock().now();
        self.read(&CORE, move |tx| crowds.iter().map(|one| crowd::usage(tx, one, now)).collect())
            .await
            .map_err(|error| error.while_doing("counting crowds"))
    }
}

fn charge(tx: &Transaction<'_>, charge: &Charge, now: DateTime<Utc>) -> Result<Granted, SqliteError> {
    if let Some(granted) = known(tx, charge)? {
        return Ok(granted);
    }
    let readings: Vec<Reading> =
        charge.meters.iter().map(|meter| reading(tx, meter, now)).collect::<Result<_, _>>()?;
    let granted = tally::grant(charge, &readings);
    if granted.units == 0 {
        return Ok(granted);
    }
    for (meter, Reading { tally, .. }) in charge.meters.iter().zip(&readings) {
        let id = write_tally(tx, meter, Tally { used: tally.used + granted.units, ..*tally })?;
        tx.prepare_cached(
            "INSERT OR IGNORE INTO quota_charged (charge, meter, start_us) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![charge.id.as_bytes(), id, tally.opened.start.timestamp_micros()])?;
    }
    let refusal = granted.refused_by.as_ref();
    tx.prepare_cached(
        "INSERT INTO quota_charge (id, units, refused, refused_limit, resets_us, forget_us)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        charge.id.as_bytes(),
        granted.units,
        refusal.and_then(|refusal| charge.meters.iter().position(|meter| meter.key == refusal.key)),
        refusal.map(|refusal| i64::try_from(refusal.limit).unwrap_or(i64::MAX)),
        refusal.and_then(|refusal| refusal.resets_at).map(|at| at.timestamp_micros()),
        tally::forget_at(&readings).map(|at| at.timestamp_micros()),
    ])?;
    Ok(granted)
}

/// What was granted when the charge was made before.
fn known(tx: &Transaction<'_>, charge: &Charge) -> Result<Option<Granted>, SqliteError> {
    let granted = tx
        .prepare_cached("SELECT units, refused, refused_limit, resets_us FROM quota_charge WHERE id = ?1")?
        .query_row([charge.id.as_bytes()], |row| {
            let refused: Option<usize> = row.get(1)?;
            let refused_by = match refused.and_then(|position| charge.meters.get(position)) {
                Some(meter) => {
                    Some(Refusal { key: meter.key.clone(), limit: row.get(2)?, resets_at: instant(row, 3)? })
                }
                None => None,
            };
            Ok(Granted { units: row.get(0)?, refused_by })
        })
        .optional()?;
    Ok(granted)
}

fn reading(tx: &Transaction<'_>, meter: &Meter, now: DateTime<Utc>) -> Result<Reading, SqliteError> {
    let last = tx
        .prepare_cached(
            "SELECT start_us, end_us, used FROM quota_meter WHERE tenant = ?1 AND name = ?2 AND kind = ?3",
        )?
        .query_row(params![meter.key.tenant().as_str(), meter.key.name(), tally::kind(meter.window)], |row| {
            let opened = Span { start: instant(row, 0)?.unwrap_or_default(), end: instant(row, 1)? };
            Ok(Tally { opened, used: row.get(2)? })
        })
        .optional()?;
    Ok(Reading::of(meter, last, now))
}

fn write_tally(tx: &Transaction<'_>, meter: &Meter, tally: Tally) -> Result<i64, SqliteError> {
    let id = tx
        .prepare_cached(
            "INSERT INTO quota_meter (tenant, name, kind, start_us, end_us, used)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (tenant, name, kind)
             DO UPDATE SET start_us = excluded.start_us, end_us = excluded.end_us, used = excluded.used
             RETURNING id",
        )?
        .query_row(
            params![
                meter.key.tenant().as_str(),
                meter.key.name(),
                tally::kind(meter.window),
                tally.opened.start.timestamp_micros(),
                tally.opened.end.map(|at| at.timestamp_micros()),
                tally.used,
            ],
            |row| row.get(0),
        )?;
    Ok(id)
}

fn refund(tx: &Transaction<'_>, refund: &Refund) -> Result<(), SqliteError> {
    let charged: Option<(u64, Option<i64>)> = tx
        .prepare_cached("SELECT units - refunded, forget_us FROM quota_charge WHERE id = ?1")?
        .query_row([refund.charge.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((left, forget_us)) = charged else { return crowd::refund(tx, refund.charge) };
    let new = tx
        .prepare_cached("INSERT OR IGNORE INTO quota_refund (charge, id, forget_us) VALUES (?1, ?2, ?3)")?
        .execute(params![refund.charge.as_bytes(), refund.id.as_bytes(), forget_us])?;
    if new == 0 {
        return Ok(());
    }
    let units = refund.units.min(left);
    tx.prepare_cached("UPDATE quota_charge SET refunded = refunded + ?2 WHERE id = ?1")?
        .execute(params![refund.charge.as_bytes(), units])?;
    tx.prepare_cached(
        "UPDATE quota_meter SET used = used - ?2 FROM quota_charged AS charged
         WHERE charged.charge = ?1 AND charged.meter = quota_meter.id
           AND charged.start_us = quota_meter.start_us",
    )?
    .execute(params![refund.charge.as_bytes(), units])?;
    Ok(())
}

fn forget_charges(tx: &Transaction<'_>, now: DateTime<Utc>, made: usize) -> Result<(), SqliteError> {
    let mut select =
        tx.prepare_cached("SELECT id FROM quota_charge WHERE forget_us < ?1 ORDER BY forget_us LIMIT ?2")?;
    let old = select.query_map(params![now.timestamp_micros(), made * FORGOTTEN_AT_ONCE], |row| {
        row.get::<_, [u8; 16]>(0)
    })?;
    for id in old.collect::<Result<Vec<_>, _>>()? {
        tx.prepare_cached("DELETE FROM quota_charged WHERE charge = ?1")?.execute([id])?;
        tx.prepare_cached("DELETE FROM quota_charge WHERE id = ?1")?.execute([id])?;
    }
    Ok(())
}

fn forget_refunds(tx: &Transaction<'_>, now: DateTime<Utc>, made: usize) -> Result<(), SqliteError> {
    tx.prepare_cached(
        "DELETE FROM quota_refund WHERE (charge, id) IN
         (SELECT charge, id FROM quota_refund WHERE forget_us < ?1 ORDER BY forget_us LIMIT ?2)",
    )?
    .execute(params![now.timestamp_micros(), made * FORGOTTEN_AT_ONCE])?;
    Ok(())
}

fn instant(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<DateTime<Utc>>> {
    let micros: Option<i64> = row.get(column)?;
    Ok(micros.and_then(DateTime::from_timestamp_micros))
}
