use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::tenant::TenantId;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Row, Transaction, params};
use rules_core::store::sqlite::{Sqlite, SqliteError};
use rules_core::work::StoreError;

use super::SCHEMA;
use crate::campaign::CampaignName;
use crate::campaigns::{CampaignRecord, Campaigns, Change, Changed, Created, NewCampaign, Select, Status};
use crate::fact::{Gate, Resend};
use crate::message::{CampaignKey, Salt};

const COLUMNS: &str = "number, tenant, name, definition, source, salt, status, reason, revision, created_us, \
     released_us, round, reopening, ended_us";

#[async_trait]
impl Campaigns for Sqlite {
    async fn create(&self, campaign: &NewCampaign) -> Result<Created, StoreError> {
        let new = campaign.clone();
        let now = self.clock().now();
        self.write(&SCHEMA, move |tx| {
            if let Some(known) = by_name(tx, &new.tenant, &new.name)? {
                return Ok(Created::Known(known));
            }
            let definition = serde_json::to_string(new.definition.as_ref()).map_err(SqliteError::damaged)?;
            tx.prepare_cached(
                "INSERT INTO campaign (tenant, name, definition, source, salt, status, revision, created_us,
                     expires_after_us, max_attempts, starts_us)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                new.tenant.as_str(),
                new.name.as_str(),
                definition,
                new.source,
                new.salt.as_bytes(),
                Status::Planning.as_str(),
                now.timestamp_micros(),
                new.definition
                    .expires_after
                    .map(|duration| duration.as_micros().try_into().unwrap_or(i64::MAX)),
                new.definition.max_attempts,
                new.definition.starts_at.map(|at| at.timestamp_micros()),
            ])?;
            by_name(tx, &new.tenant, &new.name)?.map(Created::New).ok_or_else(missing)
        })
        .await
        .map_err(|error| error.while_doing("adding a campaign"))
    }

    async fn change(&self, key: &CampaignKey, revision: u32, change: &Change) -> Result<Changed, StoreError> {
        let (key, change) = (key.clone(), change.clone());
        let now = self.clock().now();
        self.write(&SCHEMA, move |tx| {
            let Some(mut record) = by_key(tx, &key)? else { return Ok(Changed::Missing) };
            if record.revision != revision {
                return Ok(Changed::Moved(record));
            }
            if !record.change(&change, now) {
                return Ok(Changed::NotAllowed(record));
            }
            tx.prepare_cached(
                "UPDATE campaign SET status = ?2, reason = ?3, revision = ?4, released_us = ?5, round = ?6,
                     reopening = ?7, ended_us = ?8, salt = ?9
                 WHERE number = ?1",
            )?
            .execute(params![
                key.number(),
                record.status.as_str(),
                record.reason.as_ref().map(Code::as_str),
                record.revision,
                record.released_at.map(|at| at.timestamp_micros()),
                record.round,
                record.reopening.map(Resend::as_str),
                record.ended_at.map(|at| at.timestamp_micros()),
                record.salt.as_bytes(),
            ])?;
            Ok(Changed::Made(record))
        })
        .await
        .map_err(|error| error.while_doing("changing a campaign"))
    }

    async fn load(&self, keys: &[CampaignKey]) -> Result<Vec<Option<CampaignRecord>>, StoreError> {
        let keys = keys.to_vec();
        self.read(&SCHEMA, move |tx| keys.iter().map(|key| by_key(tx, key)).collect())
            .await
            .map_err(|error| error.while_doing("loading campaigns"))
    }

    async fn list(&self, select: &Select, after: u32, max: usize) -> Result<Vec<CampaignRecord>, StoreError> {
        let select = select.clone();
        self.read(&SCHEMA, move |tx| listed(tx, &select, after, max))
            .await
            .map_err(|error| error.while_doing("listing campaigns"))
    }
}

fn listed(
    tx: &Transaction<'_>,
    select: &Select,
    after: u32,
    max: usize,
) -> Result<Vec<CampaignRecord>, SqliteError> {
    let condition = match select {
        Select::Named(..) => "tenant = ?2 AND name = ?3",
        Select::Of(_) => "tenant = ?2 AND ?3 = ''",
        // As the index says it.
        Select::Active => "status IN ('released', 'paused', 'cancelled') AND ?2 = '' AND ?3 = ''",
        Select::Released => "status = 'released' AND ?2 = '' AND ?3 = ''",
        Select::Ended => "status IN ('finished', 'cancelled', 'sealed', 'exported') AND ?2 = '' AND ?3 = ''",
    };
    let (tenant, name) = match select {
        Select::Named(tenant, name) => (tenant.as_str(), name.as_str()),
        Select::Of(tenant) => (tenant.as_str(), ""),
        Select::Active | Select::Released | Select::Ended => ("", ""),
    };
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let sql =
        format!("SELECT {COLUMNS} FROM campaign WHERE ?1 < number AND {condition} ORDER BY number LIMIT ?4");
    let mut select = tx.prepare_cached(&sql)?;
    let mut rows = select.query(params![after, tenant, name, max])?;
    let mut campaigns = Vec::new();
    while let Some(row) = rows.next()? {
        campaigns.push(read(row)?);
    }
    Ok(campaigns)
}

pub(super) fn by_key(tx: &Transaction<'_>, key: &CampaignKey) -> Result<Option<CampaignRecord>, SqliteError> {
    let sql = format!("SELECT {COLUMNS} FROM campaign WHERE number = ?1 AND tenant = ?2");
    let found = tx
        .prepare_cached(&sql)?
        .query_row(params![key.number(), key.tenant().as_str()], |row| Ok(read(row)))
        .optional()?;
    found.transpose()
}

/// True when the tenant has this campaign: rows of messages do not name their tenant.
pub(super) fn exists(tx: &Transaction<'_>, key: &CampaignKey) -> Result<bool, SqliteError> {
    let mut exists =
        tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM campaign WHERE number = ?1 AND tenant = ?2)")?;
    Ok(exists.query_row(params![key.number(), key.tenant().as_str()], |row| row.get(0))?)
}

/// What a campaign says to its messages, without reading all of it.
pub(super) fn gate(tx: &Transaction<'_>, key: &CampaignKey) -> Result<Option<Gate>, SqliteError> {
    let mut select = tx.prepare_cached(
        "SELECT status, max(released_us, coalesce(starts_us, released_us)) + expires_after_us, max_attempts,
             starts_us
         FROM campaign WHERE number = ?1 AND tenant = ?2",
    )?;
    let found = select.query_row(params![key.number(), key.tenant().as_str()], |row| {
        let status = Status::parse(row.get_ref(0)?.as_str().unwrap_or_default());
        let not_after: Option<i64> = row.get(1)?;
        let not_before: Option<i64> = row.get(3)?;
        Ok((status, not_before, not_after, row.get(2)?))
    });
    let Some((status, not_before, not_after, max_attempts)) = found.optional()? else { return Ok(None) };
    let open = status.ok_or_else(missing)?.opening();
    let (not_before, not_after) = (not_before.map(instant), not_after.map(instant));
    Ok(Some(Gate { open, not_before, not_after, max_attempts }))
}

/// The secret from which the campaign's message ids are made.
pub(super) fn salt(tx: &Transaction<'_>, key: &CampaignKey) -> Result<Option<Salt>, SqliteError> {
    let mut select = tx.prepare_cached("SELECT salt FROM campaign WHERE number = ?1 AND tenant = ?2")?;
    let found = select.query_row(params![key.number(), key.tenant().as_str()], |row| row.get(0));
    Ok(found.optional()?.map(Salt::from_bytes))
}

fn by_name(
    tx: &Transaction<'_>,
    tenant: &TenantId,
    name: &CampaignName,
) -> Result<Option<CampaignRecord>, SqliteError> {
    Ok(listed(tx, &Select::Named(tenant.clone(), name.clone()), 0, 1)?.pop())
}

fn read(row: &Row<'_>) -> Result<CampaignRecord, SqliteError> {
    let text = |column: usize| -> Result<String, SqliteError> { Ok(row.get(column)?) };
    let tenant = TenantId::parse(&text(1)?).map_err(SqliteError::damaged)?;
    let reason: Option<String> = row.get(7)?;
    let released: Option<i64> = row.get(10)?;
    let reopening: Option<String> = row.get(12)?;
    let ended: Option<i64> = row.get(13)?;
    Ok(CampaignRecord {
        key: CampaignKey::stored(&tenant, row.get(0)?),
        name: CampaignName::parse(&text(2)?).map_err(SqliteError::damaged)?,
        definition: Arc::new(serde_json::from_str(&text(3)?).map_err(SqliteError::damaged)?),
        source: row.get(4)?,
        salt: Salt::from_bytes(row.get(5)?),
        status: Status::parse(&text(6)?).ok_or_else(missing)?,
        reason: reason.map(Code::parse).transpose().map_err(SqliteError::damaged)?,
        revision: row.get(8)?,
        created_at: instant(row.get(9)?),
        released_at: released.map(instant),
        ended_at: ended.map(instant),
        round: row.get(11)?,
        reopening: reopening.as_deref().and_then(Resend::parse),
    })
}

fn instant(us: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(us).unwrap_or_default()
}

fn missing() -> SqliteError {
    SqliteError::damaged(std::io::Error::other("a campaign that was just written cannot be read"))
}
