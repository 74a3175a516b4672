use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::tenant::TenantId;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Transaction, params};
use rules_core::store::sqlite::{SqliteError, put_out};

use super::messages::record_of;
use super::pages::Pages;
use super::plan::{by_id, columns, count};
use super::{campaigns, orphans, people};
use crate::delivery::ledger::{Desk, Ledger, Left};
use crate::delivery::{PlanRow, PlanVerdict};
use crate::fact::{Fact, Facts, Gate, What};
use crate::gateway::Wamid;
use crate::message::{CampaignKey, MessageId, MessageKey, PersonId, Salt, row as row_of};
use crate::people::Standing;

/// The ledger within one transaction of the file.
pub(super) struct Books<'a> {
    tx: &'a Transaction<'a>,
    pages: Pages<'a>,
    now: DateTime<Utc>,
    gates: Vec<(CampaignKey, Option<Gate>)>,
    has_strays: Option<bool>,
}

impl<'a> Books<'a> {
    pub(super) const fn open(tx: &'a Transaction<'a>, now: DateTime<Utc>) -> Self {
        Self { tx, pages: Pages::of(tx), now, gates: Vec::new(), has_strays: None }
    }

    /// Writes what was changed and what is left beside it.
    pub(super) fn close(self, left: &Left) -> Result<(), SqliteError> {
        self.pages.save()?;
        count(self.tx, &left.changes)?;
        put_out(self.tx, &left.entries)
    }
}

impl Ledger for Books<'_> {
    type Error = SqliteError;

    fn gate(&mut self, campaign: &CampaignKey) -> Result<Option<Gate>, SqliteError> {
        if let Some((_, gate)) = self.gates.iter().find(|(known, _)| known == campaign) {
            return Ok(*gate);
        }
        let gate = campaigns::gate(self.tx, campaign)?;
        self.gates.push((campaign.clone(), gate));
        Ok(gate)
    }

    fn salt(&mut self, campaign: &CampaignKey) -> Result<Option<Salt>, SqliteError> {
        campaigns::salt(self.tx, campaign)
    }

    fn desk(&mut self, campaign: &CampaignKey) -> Result<Option<Desk>, SqliteError> {
        let Some(record) = campaigns::by_key(self.tx, campaign)? else { return Ok(None) };
        let (start, stop) = (row_of(campaign.number(), 0), row_of(campaign.number() + 1, 0));
        let mut batches = self.tx.prepare_cached("SELECT batches FROM campaign WHERE number = ?1")?;
        let mut last = self.tx.prepare_cached("SELECT max(row) FROM message WHERE ?1 <= row AND row < ?2")?;
        let last: Option<i64> = last.query_row(params![start, stop], |row| row.get(0))?;
        Ok(Some(Desk {
            status: record.status,
            takes_single_messages: record.takes_single_messages(),
            batches: batches.query_row([campaign.number()], |row| row.get(0))?,
            next: last.map_or(0, |row| record_of(row) + 1),
        }))
    }

    fn turn_over(&mut self, campaign: &CampaignKey, cursor: &str) -> Result<(), SqliteError> {
        self.tx
            .prepare_cached("UPDATE campaign SET batches = batches + 1, cursor = ?2 WHERE number = ?1")?
            .execute(params![campaign.number(), cursor])?;
        Ok(())
    }

    fn stood(&mut self, campaign: &CampaignKey, id: &MessageId) -> Result<Option<u32>, SqliteError> {
        Ok(by_id(self.tx, campaign, id)?.map(record_of))
    }

    fn stand(&mut self, campaign: &CampaignKey, id: &MessageId, record: u32) -> Result<u32, SqliteError> {
        let row = row_of(campaign.number(), record);
        let added = self
            .tx
            .prepare_cached("INSERT OR IGNORE INTO message_id (campaign, id, row) VALUES (?1, ?2, ?3)")?
            .execute(params![campaign.number(), id.as_bytes(), row])?;
        if 0 < added { Ok(record) } else { Ok(self.stood(campaign, id)?.unwrap_or(record)) }
    }

    fn freeze(
        &mut self,
        message: &MessageKey,
        row: &PlanRow,
        verdict: &PlanVerdict,
    ) -> Result<(), SqliteError> {
        let (kind, code) = columns(verdict);
        self.tx
            .prepare_cached(
                "INSERT INTO message (row, line, verdict, code, person, id, number, consent, zone, parameters)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                message.row(),
                row.line,
                kind,
                code.map(Code::as_str),
                row.to.as_ref().map(|to| to.person.as_bytes()),
                row.to.as_ref().map(|to| to.id.as_bytes()),
                row.to.as_ref().map(|to| to.number.digits()),
                row.to.as_ref().map(|to| to.consent),
                row.to.as_ref().and_then(|to| to.zone).map(chrono_tz::Tz::name),
                row.parameters.as_ref(),
            ])?;
        if *verdict == PlanVerdict::Planned {
            self.pages.plan(message.row())?;
        }
        Ok(())
    }

    fn known(&mut self, message: &MessageKey) -> Result<Option<Facts>, SqliteError> {
        self.pages.known(message.row())
    }

    fn change(&mut self, message: &MessageKey, facts: Facts) -> Result<(), SqliteError> {
        self.pages.change(message.row(), facts)
    }

    fn empty(&mut self, message: &MessageKey) -> Result<bool, SqliteError> {
        let emptied = self
            .tx
            .prepare_cached(
                "UPDATE message SET number = NULL, zone = NULL, parameters = x''
                 WHERE row = ?1 AND number IS NOT NULL",
            )?
            .execute([message.row()])?;
        Ok(0 < emptied)
    }

    fn standing(&mut self, tenant: &TenantId, person: PersonId) -> Result<Standing, SqliteError> {
        people::standing(self.tx, tenant, person)
    }

    fn count_sent(
        &mut self,
        tenant: &TenantId,
        person: PersonId,
        at: DateTime<Utc>,
    ) -> Result<(), SqliteError> {
        people::count_sent(self.tx, tenant, person, at)
    }

    fn has_strays(&mut self) -> Result<bool, SqliteError> {
        if let Some(known) = self.has_strays {
            return Ok(known);
        }
        let any = self
            .tx
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM orphan)")?
            .query_row([], |row| row.get(0))
            .optional()?
            .unwrap_or(false);
        self.has_strays = Some(any);
        Ok(any)
    }

    fn keep_stray(&mut self, tenant: &TenantId, wamid: &Wamid, fact: &Fact) -> Result<(), SqliteError> {
        self.has_strays = Some(true);
        orphans::keep(self.tx, tenant, wamid, fact, self.now)
    }

    fn take_strays(
        &mut self,
        tenant: &TenantId,
        wamid: &Wamid,
    ) -> Result<Vec<(What, DateTime<Utc>)>, SqliteError> {
        orphans::take(self.tx, tenant, wamid, self.now)
    }
}
