use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Transaction, params};
use rules_core::store::sqlite::{Sqlite, SqliteError, put_out};
use rules_core::work::StoreError;

use super::plan::{count, plan};
use super::{SCHEMA, campaigns, facts, messages};
use crate::delivery::change::{BEGUN, Changes, RECORDED, word};
use crate::delivery::{DeliveryLog, Manifest, ORPHANS_KEPT, Page, Planned, Query};
use crate::fact::{Begin, Begun, Fact, Facts, Gate, Recorded, Subject, What, holder};
use crate::gateway::Wamid;
use crate::message::{CampaignKey, MessageKey};
use crate::progress::{Bucket, Label, Progress};
use rules_core::judge::tenant::TenantId;

#[async_trait]
impl DeliveryLog for Sqlite {
    async fn plan(&self, manifest: &Manifest) -> Result<Planned, StoreError> {
        let manifest = manifest.clone();
        let now = self.clock().now();
        self.write(&SCHEMA, move |tx| plan(tx, &manifest, now))
            .await
            .map_err(|error| error.while_doing("planning a batch"))
    }

    async fn mark(&self, campaign: &CampaignKey, batches: u32) -> Result<(), StoreError> {
        let key = campaign.clone();
        self.write(&SCHEMA, move |tx| {
            tx.prepare_cached(
                "UPDATE campaign SET queued = max(queued, ?3) WHERE number = ?1 AND tenant = ?2",
            )?
            .execute(params![key.number(), key.tenant().as_str(), batches])?;
            Ok(())
        })
        .await
        .map_err(|error| error.while_doing("marking batches as queued"))
    }

    async fn begin(&self, wishes: &[Begin]) -> Result<Vec<Begun>, StoreError> {
        let wishes = wishes.to_vec();
        let now = self.clock().now();
        self.write(&SCHEMA, move |tx| begin(tx, &wishes, now))
            .await
            .map_err(|error| error.while_doing("beginning messages"))
    }

    async fn record(&self, facts: &[Fact]) -> Result<Vec<Recorded>, StoreError> {
        let facts = facts.to_vec();
        let now = self.clock().now();
        self.write(&SCHEMA, move |tx| record(tx, &facts, now))
            .await
            .map_err(|error| error.while_doing("recording facts"))
    }

    async fn messages(&self, query: &Query) -> Result<Page, StoreError> {
        let query = query.clone();
        self.read(&SCHEMA, move |tx| messages::page(tx, &query))
            .await
            .map_err(|error| error.while_doing("reading messages"))
    }

    async fn progress(&self, campaigns: &[CampaignKey]) -> Result<Vec<Progress>, StoreError> {
        let keys = campaigns.to_vec();
        self.read(&SCHEMA, move |tx| keys.iter().map(|key| progress(tx, key)).collect())
            .await
            .map_err(|error| error.while_doing("reading progress"))
    }
}

fn begin(tx: &Transaction<'_>, wishes: &[Begin], now: DateTime<Utc>) -> Result<Vec<Begun>, SqliteError> {
    let mut gates: Vec<(CampaignKey, Option<Gate>)> = Vec::new();
    let mut changes = Changes::default();
    let mut answers = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let key = wish.message.campaign();
        let gate = if let Some((_, gate)) = gates.iter().find(|(known, _)| known == key) {
            *gate
        } else {
            let gate = campaigns::gate(tx, key)?;
            gates.push((key.clone(), gate));
            gate
        };
        let Some(gate) = gate else {
            answers.push(Begun::Unplanned);
            continue;
        };
        let Some(before) = known(tx, &wish.message)? else {
            answers.push(Begun::Unplanned);
            continue;
        };
        let mut after = before.clone();
        let answer = after.begin(&gate, holder(wish.lease), now);
        if let Begun::Attempt(attempt) = answer
            && before != after
        {
            facts::save(tx, wish.message.row(), &after)?;
            changes.moved(&wish.message, &before, &after);
            changes.evidence(&wish.message, attempt, "begun", None);
        }
        answers.push(answer);
    }
    count(tx, &changes)?;
    put_out(tx, &changes.entries(&BEGUN, now))?;
    Ok(answers)
}

/// What is known of a planned message; `None` if it was not planned.
fn known(tx: &Transaction<'_>, message: &MessageKey) -> Result<Option<Facts>, SqliteError> {
    if let Some(facts) = facts::load(tx, message.row())? {
        return Ok(Some(facts));
    }
    let planned: Option<i64> = tx
        .prepare_cached("SELECT 1 FROM message WHERE row = ?1 AND verdict = 0")?
        .query_row([message.row()], |row| row.get(0))
        .optional()?;
    Ok(planned.map(|_| Facts::default()))
}

fn record(tx: &Transaction<'_>, facts: &[Fact], now: DateTime<Utc>) -> Result<Vec<Recorded>, SqliteError> {
    let mut changes = Changes::default();
    let mut waiting = any_orphan(tx)?;
    let mut answers = Vec::with_capacity(facts.len());
    for fact in facts {
        let (message, attempt, wamid) = match &fact.of {
            Subject::Attempt(message, attempt) => (message.clone(), *attempt, None),
            Subject::Callback(message, attempt, wamid) => (message.clone(), *attempt, Some(wamid)),
            Subject::Wamid(tenant, wamid) => {
                keep(tx, tenant, wamid, fact, now)?;
                waiting = true;
                answers.push(Recorded::Unmatched);
                continue;
            }
        };
        answers.push(learn(tx, &mut changes, waiting, Told { message, attempt, wamid, fact })?);
    }
    count(tx, &changes)?;
    put_out(tx, &changes.entries(&RECORDED, now))?;
    Ok(answers)
}

struct Told<'a> {
    message: MessageKey,
    attempt: u16,
    wamid: Option<&'a Wamid>,
    fact: &'a Fact,
}

fn learn(
    tx: &Transaction<'_>,
    changes: &mut Changes,
    orphans: bool,
    told: Told<'_>,
) -> Result<Recorded, SqliteError> {
    let Told { message, attempt, wamid, fact } = told;
    let Some(before) = known(tx, &message)? else { return Ok(Recorded::Unmatched) };
    let mut after = before.clone();
    let bound = wamid.is_some_and(|wamid| after.bind(wamid, fact.at));
    let learned = after.learn(attempt, &fact.what, fact.at);
    if !bound && !learned {
        return Ok(Recorded::Known);
    }
    let (word, code) = word(&fact.what);
    changes.evidence(&message, attempt, word, code);
    if orphans
        && before.wamid.is_none()
        && let Some(wamid) = after.wamid.clone()
    {
        adopt(tx, message.campaign().tenant(), &wamid, &mut after)?;
    }
    facts::save(tx, message.row(), &after)?;
    changes.moved(&message, &before, &after);
    Ok(Recorded::Applied)
}

fn any_orphan(tx: &Transaction<'_>) -> Result<bool, SqliteError> {
    Ok(tx.prepare_cached("SELECT EXISTS (SELECT 1 FROM orphan)")?.query_row([], |row| row.get(0))?)
}

/// Keeps a fact without a message, and forgets a few that are too old.
fn keep(
    tx: &Transaction<'_>,
    tenant: &TenantId,
    wamid: &Wamid,
    fact: &Fact,
    now: DateTime<Utc>,
) -> Result<(), SqliteError> {
    let (word, code) = word(&fact.what);
    tx.prepare_cached(
        "INSERT INTO orphan (tenant, wamid, kind, code, at_us) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![
        tenant.as_str(),
        wamid.expose(),
        word,
        code.map(Code::as_str),
        fact.at.timestamp_micros(),
    ])?;
    tx.prepare_cached(
        "DELETE FROM orphan WHERE (tenant, wamid, kind) IN
         (SELECT tenant, wamid, kind FROM orphan WHERE at_us < ?1 ORDER BY at_us LIMIT 4)",
    )?
    .execute([(now - ORPHANS_KEPT).timestamp_micros()])?;
    Ok(())
}

/// Applies the facts that came before their message was known under its id.
fn adopt(
    tx: &Transaction<'_>,
    tenant: &TenantId,
    wamid: &Wamid,
    facts: &mut Facts,
) -> Result<(), SqliteError> {
    let mut select =
        tx.prepare_cached("SELECT kind, code, at_us FROM orphan WHERE tenant = ?1 AND wamid = ?2")?;
    let mut rows = select.query(params![tenant.as_str(), wamid.expose()])?;
    while let Some(row) = rows.next()? {
        let kind: String = row.get(0)?;
        let code: Option<String> = row.get(1)?;
        let at = DateTime::from_timestamp_micros(row.get(2)?).unwrap_or_default();
        if let Some(what) = status(&kind, code)? {
            facts.learn(0, &what, at);
        }
    }
    tx.prepare_cached("DELETE FROM orphan WHERE tenant = ?1 AND wamid = ?2")?
        .execute(params![tenant.as_str(), wamid.expose()])?;
    Ok(())
}

/// A fact of a webhook from its word; `None` for a word that no webhook tells.
fn status(word: &str, code: Option<String>) -> Result<Option<What>, SqliteError> {
    Ok(match word {
        "sent" => Some(What::Sent),
        "delivered" => Some(What::Delivered),
        "read" => Some(What::Read),
        "failed" => {
            Some(What::Failed { code: Code::parse(code.unwrap_or_default()).map_err(SqliteError::damaged)? })
        }
        _ => None,
    })
}

fn progress(tx: &Transaction<'_>, key: &CampaignKey) -> Result<Progress, SqliteError> {
    let mut progress = Progress::default();
    let found = tx
        .prepare_cached(
            "SELECT begun, accepted, batches, queued, cursor FROM campaign WHERE number = ?1 AND tenant = ?2",
        )?
        .query_row(params![key.number(), key.tenant().as_str()], |row| {
            progress.begun = row.get(0)?;
            progress.accepted = row.get(1)?;
            progress.batches = row.get(2)?;
            progress.queued = row.get(3)?;
            progress.cursor = row.get(4)?;
            Ok(())
        })
        .optional()?;
    if found.is_none() {
        return Ok(progress);
    }
    let mut select = tx.prepare_cached("SELECT bucket, code, n FROM campaign_count WHERE campaign = ?1")?;
    let mut rows = select.query([key.number()])?;
    while let Some(row) = rows.next()? {
        let (bucket, code): (u8, String) = (row.get(0)?, row.get(1)?);
        let code =
            if code.is_empty() { None } else { Some(Code::parse(code).map_err(SqliteError::damaged)?) };
        if let Some(bucket) = Bucket::numbered(bucket) {
            progress.count(Label { bucket, code }, row.get(2)?);
        }
    }
    Ok(progress)
}
