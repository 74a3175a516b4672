use async_trait::async_trait;
use rules_core::judge::code::Code;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Transaction, params};
use rules_core::store::sqlite::{Sqlite, SqliteError};
use rules_core::work::StoreError;

use super::ledger::Books;
use super::{SCHEMA, forget, messages, orphans};
use crate::delivery::{DeliveryLog, Forget, Manifest, Page, Planned, Query, ledger};
use crate::fact::{Begin, Begun, Fact, Recorded};
use crate::message::CampaignKey;
use crate::progress::{Bucket, Label, Progress};

#[async_trait]
impl DeliveryLog for Sqlite {
    async fn plan(&self, manifest: &Manifest) -> Result<Planned, StoreError> {
        let manifest = manifest.clone();
        let now = self.clock().now();
        self.write(&SCHEMA, move |tx| {
            let mut books = Books::open(tx, now);
            let (planned, left) = ledger::plan(&mut books, &manifest, now)?;
            books.close(&left).map(|()| planned)
        })
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
        self.write(&SCHEMA, move |tx| {
            let mut books = Books::open(tx, now);
            let (begun, left) = ledger::begin(&mut books, &wishes, now)?;
            books.close(&left).map(|()| begun)
        })
        .await
        .map_err(|error| error.while_doing("beginning messages"))
    }

    async fn record(&self, facts: &[Fact]) -> Result<Vec<Recorded>, StoreError> {
        let facts = facts.to_vec();
        let now = self.clock().now();
        self.write(&SCHEMA, move |tx| {
            let mut books = Books::open(tx, now);
            let (recorded, left) = ledger::record(&mut books, &facts, now)?;
            books.close(&left).map(|()| recorded)
        })
        .await
        .map_err(|error| error.while_doing("recording facts"))
    }

    async fn adopt(&self) -> Result<usize, StoreError> {
        orphans::search(self).await.map_err(|error| error.while_doing("searching for messages by id"))
    }

    async fn forget(&self, what: &Forget) -> Result<bool, StoreError> {
        let what = what.clone();
        self.write(&SCHEMA, move |tx| forget::forget(tx, &what))
            .await
            .map_err(|error| error.while_doing("forgetting what nobody needs any more"))
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
