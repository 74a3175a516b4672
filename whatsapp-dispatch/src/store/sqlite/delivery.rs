use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::tenant::TenantScope;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Transaction, params};
use rules_core::store::sqlite::{Sqlite, SqliteError, put_out};
use rules_core::work::StoreError;

use super::pages::Pages;
use super::plan::{count, plan};
use super::{SCHEMA, campaigns, erase, messages, orphans, people};
use crate::delivery::change::{BEGUN, Changes, RECORDED, word};
use crate::delivery::{DUPLICATE, DeliveryLog, Manifest, Page, Planned, Query};
use crate::fact::{Begin, Begun, Fact, Gate, Recorded, Subject, What, holder};
use crate::message::{CampaignKey, FIRST_STEP};
use crate::phone::PhoneNumber;
use crate::progress::{Bucket, Label, Progress};

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

    async fn adopt(&self) -> Result<usize, StoreError> {
        orphans::search(self).await.map_err(|error| error.while_doing("searching for messages by id"))
    }

    async fn forget_strays(&self, scope: &TenantScope, numbers: &[PhoneNumber]) -> Result<(), StoreError> {
        let tenant = scope.id().clone();
        let digits: Vec<String> = numbers.iter().map(|number| number.digits().to_string()).collect();
        self.write(&SCHEMA, move |tx| orphans::forget(tx, &tenant, &digits))
            .await
            .map_err(|error| error.while_doing("forgetting what was told without a message"))
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
    let mut gates: Vec<(&CampaignKey, Option<Gate>)> = Vec::new();
    let mut pages = Pages::of(tx);
    let mut changes = Changes::default();
    let mut answers = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let key = wish.message.campaign();
        let gate = if let Some((_, gate)) = gates.iter().find(|(known, _)| *known == key) {
            *gate
        } else {
            let gate = campaigns::gate(tx, key)?;
            gates.push((key, gate));
            gate
        };
        let Some(gate) = gate else {
            answers.push(Begun::Unplanned);
            continue;
        };
        let Some(before) = pages.known(wish.message.row())? else {
            answers.push(Begun::Unplanned);
            continue;
        };
        let mut after = before.clone();
        let answer = after.begin(&gate, holder(wish.lease), now);
        if matches!(answer, Begun::Attempt(_))
            && before != after
            && let Some(hears) = &wish.hears
            && people::opted_out(tx, key.tenant(), hears)?
        {
            answers.push(Begun::OptedOut);
            continue;
        }
        if matches!(answer, Begun::Attempt(_))
            && !wish.also.is_empty()
            && !claim(tx, wish, &mut pages, &mut changes, now)?
        {
            answers.push(Begun::Duplicate);
            continue;
        }
        if let Begun::Attempt(attempt) = answer
            && before != after
        {
            changes.moved(&wish.message, &before, &after);
            changes.evidence(&wish.message, attempt, "begun", None);
            pages.change(wish.message.row(), after)?;
        }
        answers.push(answer);
    }
    pages.save()?;
    count(tx, &changes)?;
    put_out(tx, &changes.entries(&BEGUN, now))?;
    Ok(answers)
}

/// Makes the wish's message the only one to its person; false when another one was begun.
fn claim(
    tx: &Transaction<'_>,
    wish: &Begin,
    pages: &mut Pages<'_>,
    changes: &mut Changes,
    now: DateTime<Utc>,
) -> Result<bool, SqliteError> {
    let (campaign, row) = (wish.message.campaign(), wish.message.row());
    let Some(salt) = campaigns::salt(tx, campaign)? else { return Ok(true) };
    let mut others = Vec::new();
    for person in &wish.also {
        let id = salt.message(FIRST_STEP, *person);
        tx.prepare_cached("INSERT OR IGNORE INTO message_id (campaign, id, row) VALUES (?1, ?2, ?3)")?
            .execute(params![campaign.number(), id.as_bytes(), row])?;
        let mut select = tx.prepare_cached("SELECT row FROM message_id WHERE campaign = ?1 AND id = ?2")?;
        let other: i64 = select.query_row(params![campaign.number(), id.as_bytes()], |row| row.get(0))?;
        if other != row
            && let Some(facts) = pages.known(other)?
        {
            others.push((other, facts));
        }
    }
    if others.iter().any(|(_, facts)| 0 < facts.attempts) {
        return Ok(false);
    }
    for (row, before) in others {
        let mut after = before.clone();
        if after.learn(0, &DUPLICATE, now) {
            let message = campaign.message(messages::record_of(row));
            let (word, code) = word(&DUPLICATE);
            changes.moved(&message, &before, &after);
            changes.evidence(&message, 0, word, code);
            pages.change(row, after)?;
        }
    }
    Ok(true)
}

fn record(tx: &Transaction<'_>, facts: &[Fact], now: DateTime<Utc>) -> Result<Vec<Recorded>, SqliteError> {
    let mut changes = Changes::default();
    let mut orphans = orphans::any(tx)?;
    let mut pages = Pages::of(tx);
    let mut answers = Vec::with_capacity(facts.len());
    let mut campaigns: Vec<(&CampaignKey, bool)> = Vec::new();
    for fact in facts {
        let (message, attempt) = match &fact.of {
            Subject::Attempt(message, attempt) | Subject::Callback(message, attempt, _) => {
                (message, *attempt)
            }
            Subject::Wamid(tenant, wamid) => {
                orphans::keep(tx, tenant, wamid, fact, now)?;
                orphans = true;
                answers.push(Recorded::Unmatched);
                continue;
            }
        };
        let key = message.campaign();
        let exists = if let Some((_, exists)) = campaigns.iter().find(|(known, _)| *known == key) {
            *exists
        } else {
            let exists = campaigns::exists(tx, key)?;
            campaigns.push((key, exists));
            exists
        };
        let before = if exists { pages.known(message.row())? } else { None };
        let erased = exists && fact.what == What::Erased && { erase::empty(tx, message, before.as_ref())? };
        let Some(before) = before else {
            answers.push(if erased { Recorded::Applied } else { Recorded::Unmatched });
            continue;
        };
        let mut after = before.clone();
        let bound = matches!(&fact.of, Subject::Callback(_, _, wamid) if after.bind(attempt, wamid, fact.at));
        let learned = after.learn(attempt, &fact.what, fact.at);
        if bound || learned {
            let (word, code) = word(&fact.what);
            changes.evidence(message, attempt, word, code);
        }
        if orphans && let Some(wamid) = fact.names() {
            orphans::meet(tx, &mut changes, message, wamid, &mut after, now)?;
        }
        if before != after {
            changes.moved(message, &before, &after);
            pages.change(message.row(), after)?;
        }
        answers.push(if bound || learned { Recorded::Applied } else { Recorded::Known });
    }
    pages.save()?;
    count(tx, &changes)?;
    put_out(tx, &changes.entries(&RECORDED, now))?;
    Ok(answers)
}

fn progress(tx: &Transaction<'_>, key: &CampaignKey) -> Result<Progress, SqliteError> {
    let mut progress = Progress::default();
    let found = tx
        .prepare_cached(
            "SELECT begun, accepted, batches, queued, cursor, held, risked, doubled FROM campaign
             WHERE number = ?1 AND tenant = ?2",
        )?
        .query_row(params![key.number(), key.tenant().as_str()], |row| {
            progress.begun = row.get(0)?;
            progress.accepted = row.get(1)?;
            progress.batches = row.get(2)?;
            progress.queued = row.get(3)?;
            progress.cursor = row.get(4)?;
            progress.held = row.get(5)?;
            progress.risked = row.get(6)?;
            progress.doubled = row.get(7)?;
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
