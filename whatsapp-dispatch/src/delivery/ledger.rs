//! What planning, beginning and recording mean, for every store that can read and change single
//! things in one transaction. A store says how it reads and changes them ([`Ledger`]); what may
//! follow from what stands here, once.

use chrono::{DateTime, Utc};
use rules_core::judge::tenant::TenantId;
use rules_core::work::events::Entry;

use super::change::{BEGUN, Changes, RECORDED, plan_entry, word};
use super::{Appended, DUPLICATE, Manifest, Place, PlanRow, PlanVerdict, Planned, first_record};
use crate::campaigns::Status;
use crate::fact::{Begin, Begun, Fact, Facts, Gate, Hears, Opening, Recorded, Subject, What, holder};
use crate::gateway::Wamid;
use crate::message::{CampaignKey, FIRST_STEP, MessageId, MessageKey, PersonId, Salt};
use crate::people::Standing;

/// What one transaction reads and changes.
pub(crate) trait Ledger {
    /// Why it cannot.
    type Error;

    /// What the campaign says to its messages; `None` when there is no such campaign.
    fn gate(&mut self, campaign: &CampaignKey) -> Result<Option<Gate>, Self::Error>;

    /// The secret from which the campaign's message ids are made.
    fn salt(&mut self, campaign: &CampaignKey) -> Result<Option<Salt>, Self::Error>;

    /// How far the campaign is planned; `None` when there is no such campaign.
    fn desk(&mut self, campaign: &CampaignKey) -> Result<Option<Desk>, Self::Error>;

    /// Notes that the campaign's next batch is frozen, and where the one after it begins.
    fn turn_over(&mut self, campaign: &CampaignKey, cursor: &str) -> Result<(), Self::Error>;

    /// The record that stands for a message id.
    fn stood(&mut self, campaign: &CampaignKey, id: &MessageId) -> Result<Option<u32>, Self::Error>;

    /// The record that stands for a message id; the given one from now on if none did.
    fn stand(&mut self, campaign: &CampaignKey, id: &MessageId, record: u32) -> Result<u32, Self::Error>;

    /// Writes down a record of the source.
    fn freeze(
        &mut self,
        message: &MessageKey,
        row: &PlanRow,
        verdict: &PlanVerdict,
    ) -> Result<(), Self::Error>;

    /// What is known of a message; `None` when none is planned.
    fn known(&mut self, message: &MessageKey) -> Result<Option<Facts>, Self::Error>;

    /// Changes what is known of a message.
    fn change(&mut self, message: &MessageKey, facts: Facts) -> Result<(), Self::Error>;

    /// Empties a record of everything that tells who it was for; false when there was nothing.
    fn empty(&mut self, message: &MessageKey) -> Result<bool, Self::Error>;

    /// True when the person refuses such messages at this very moment.
    fn refuses(&mut self, tenant: &TenantId, hears: &Hears) -> Result<bool, Self::Error> {
        Ok(self.standing(tenant, hears.person)?.refuses(hears.marketing))
    }

    /// Where the person stands at this very moment.
    fn standing(&mut self, tenant: &TenantId, person: PersonId) -> Result<Standing, Self::Error>;

    /// Counts a marketing message for the person.
    fn count_sent(
        &mut self,
        tenant: &TenantId,
        person: PersonId,
        at: DateTime<Utc>,
    ) -> Result<(), Self::Error>;

    /// True when facts without a message may be kept.
    fn has_strays(&mut self) -> Result<bool, Self::Error>;

    /// Keeps a fact whose message is not known. Of two facts of one kind the earlier counts, as it
    /// would in the message itself.
    fn keep_stray(&mut self, tenant: &TenantId, wamid: &Wamid, fact: &Fact) -> Result<(), Self::Error>;

    /// Hands over what was kept under an id and is not too old, and keeps none of it.
    fn take_strays(
        &mut self,
        tenant: &TenantId,
        wamid: &Wamid,
    ) -> Result<Vec<(What, DateTime<Utc>)>, Self::Error>;
}

/// How far a campaign is planned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Desk {
    /// Where it stands.
    pub(crate) status: Status,
    /// True when messages may be added one by one.
    pub(crate) takes_single_messages: bool,
    /// Batches that are frozen.
    pub(crate) batches: u32,
    /// The number of the next record.
    pub(crate) next: u32,
}

/// What a transaction leaves beside the messages.
#[derive(Debug, Default)]
pub(crate) struct Left {
    /// How the counters move.
    pub(crate) changes: Changes,
    /// Evidence.
    pub(crate) entries: Vec<Entry>,
}

impl Left {
    /// Takes in what another part of the same transaction leaves.
    #[cfg(feature = "redis")]
    pub(crate) fn join(&mut self, other: Self) {
        self.changes.join(other.changes);
        self.entries.extend(other.entries);
    }
}

/// Freezes a batch, or adds records to a stream.
pub(crate) fn plan<L: Ledger>(
    ledger: &mut L,
    manifest: &Manifest,
    now: DateTime<Utc>,
) -> Result<(Planned, Left), L::Error> {
    let campaign = &manifest.campaign;
    let Some(desk) = ledger.desk(campaign)? else { return Ok((Planned::Next(0), Left::default())) };
    let Place::Batch(batch) = manifest.place else { return append(ledger, desk, manifest, now) };
    if desk.batches != batch || desk.status != Status::Planning {
        return Ok((Planned::Next(desk.batches), Left::default()));
    }
    ledger.turn_over(campaign, &manifest.cursor)?;
    let (mut duplicates, mut verdicts) = (Vec::new(), Vec::with_capacity(manifest.rows.len()));
    let mut changes = Changes::default();
    for ((record, index), row) in (first_record(batch)..).zip(0..).zip(&manifest.rows) {
        let verdict = match (&row.verdict, &row.to) {
            (PlanVerdict::Planned, Some(to)) if ledger.stand(campaign, &to.id, record)? != record => {
                duplicates.push(index);
                PlanVerdict::Duplicate
            }
            (verdict, _) => verdict.clone(),
        };
        ledger.freeze(&campaign.message(record), row, &verdict)?;
        changes.planned(campaign, &verdict);
        verdicts.push(verdict);
    }
    let entries = vec![plan_entry(manifest, &verdicts, now)];
    Ok((Planned::Frozen { duplicates }, Left { changes, entries }))
}

/// Adds the records that are not there yet, after the last one.
fn append<L: Ledger>(
    ledger: &mut L,
    desk: Desk,
    manifest: &Manifest,
    now: DateTime<Utc>,
) -> Result<(Planned, Left), L::Error> {
    if !desk.takes_single_messages {
        return Ok((Planned::Next(desk.batches), Left::default()));
    }
    let campaign = &manifest.campaign;
    let mut next = desk.next;
    let mut fresh = Manifest { rows: Vec::new(), ..manifest.clone() };
    let mut appended = Vec::with_capacity(manifest.rows.len());
    let mut left = Left::default();
    for row in &manifest.rows {
        let known = match &row.to {
            Some(to) => ledger.stood(campaign, &to.id)?,
            None => None,
        };
        appended.push(Appended { record: known.unwrap_or(next), known: known.is_some() });
        if known.is_none() {
            if let Some(to) = &row.to {
                ledger.stand(campaign, &to.id, next)?;
            }
            ledger.freeze(&campaign.message(next), row, &row.verdict)?;
            left.changes.planned(campaign, &row.verdict);
            fresh.rows.push(row.clone());
            next += 1;
        }
    }
    if !fresh.rows.is_empty() {
        let verdicts = vec![PlanVerdict::Planned; fresh.rows.len()];
        left.entries.push(plan_entry(&fresh, &verdicts, now));
    }
    Ok((Planned::Appended(appended), left))
}

/// Begins messages.
pub(crate) fn begin<L: Ledger>(
    ledger: &mut L,
    wishes: &[Begin],
    now: DateTime<Utc>,
) -> Result<(Vec<Begun>, Left), L::Error> {
    let mut changes = Changes::default();
    let mut answers = Vec::with_capacity(wishes.len());
    for wish in wishes {
        answers.push(begin_one(ledger, wish, &mut changes, now)?);
    }
    let entries = changes.entries(&BEGUN, now);
    Ok((answers, Left { changes, entries }))
}

fn begin_one<L: Ledger>(
    ledger: &mut L,
    wish: &Begin,
    changes: &mut Changes,
    now: DateTime<Utc>,
) -> Result<Begun, L::Error> {
    let message = &wish.message;
    let Some(gate) = ledger.gate(message.campaign())? else { return Ok(Begun::Unplanned) };
    let Some(before) = ledger.known(message)? else { return Ok(Begun::Unplanned) };
    let mut after = before.clone();
    let answer = after.begin(&gate, holder(wish.lease), now);
    let Begun::Attempt(attempt) = answer else { return Ok(answer) };
    let (is_new, tenant) = (before != after, message.campaign().tenant());
    if is_new
        && let Some(hears) = &wish.hears
        && ledger.refuses(tenant, hears)?
    {
        return Ok(Begun::OptedOut);
    }
    if is_new
        && let Some(counts) = &wish.counts
        && !counts.holds(&ledger.standing(tenant, counts.person)?)
    {
        return Ok(Begun::Overtaken);
    }
    if !wish.also.is_empty() && !claim(ledger, wish, changes, now)? {
        return Ok(Begun::Duplicate);
    }
    if is_new {
        if let Some(counts) = &wish.counts {
            ledger.count_sent(tenant, counts.person, counts.at)?;
        }
        changes.moved(message, &before, &after);
        changes.evidence(message, attempt, "begun", None);
        ledger.change(message, after)?;
    }
    Ok(answer)
}

/// Makes the wish's message the only one to its person; false when another one was begun.
fn claim<L: Ledger>(
    ledger: &mut L,
    wish: &Begin,
    changes: &mut Changes,
    now: DateTime<Utc>,
) -> Result<bool, L::Error> {
    let (campaign, record) = (wish.message.campaign(), wish.message.record());
    let Some(salt) = ledger.salt(campaign)? else { return Ok(true) };
    let mut others = Vec::new();
    for person in &wish.also {
        let other = ledger.stand(campaign, &salt.message(FIRST_STEP, *person), record)?;
        if other != record {
            let other = campaign.message(other);
            others.extend(ledger.known(&other)?.map(|facts| (other, facts)));
        }
    }
    if others.iter().any(|(_, facts)| 0 < facts.attempts) {
        return Ok(false);
    }
    for (message, before) in others {
        let mut after = before.clone();
        if after.learn(0, &DUPLICATE, now) {
            let (word, code) = word(&DUPLICATE);
            changes.moved(&message, &before, &after);
            changes.evidence(&message, 0, word, code);
            ledger.change(&message, after)?;
        }
    }
    Ok(true)
}

/// Records facts.
pub(crate) fn record<L: Ledger>(
    ledger: &mut L,
    facts: &[Fact],
    now: DateTime<Utc>,
) -> Result<(Vec<Recorded>, Left), L::Error> {
    let mut changes = Changes::default();
    let mut answers = Vec::with_capacity(facts.len());
    for fact in facts {
        answers.push(record_one(ledger, fact, &mut changes)?);
    }
    let entries = changes.entries(&RECORDED, now);
    Ok((answers, Left { changes, entries }))
}

fn record_one<L: Ledger>(ledger: &mut L, fact: &Fact, changes: &mut Changes) -> Result<Recorded, L::Error> {
    let (message, attempt) = match &fact.of {
        Subject::Attempt(message, attempt) | Subject::Callback(message, attempt, _) => (message, *attempt),
        Subject::Wamid(tenant, wamid) => {
            ledger.keep_stray(tenant, wamid, fact)?;
            return Ok(Recorded::Unmatched);
        }
    };
    let open = ledger.gate(message.campaign())?.map(|gate| gate.open);
    if open.is_none_or(|open| open == Opening::Sealed && fact.what != What::Erased) {
        return Ok(Recorded::Unmatched);
    }
    let before = ledger.known(message)?;
    let erased = fact.what == What::Erased && erase(ledger, message, before.as_ref())?;
    let Some(before) = before else {
        return Ok(if erased { Recorded::Applied } else { Recorded::Unmatched });
    };
    let mut after = before.clone();
    let bound = matches!(&fact.of, Subject::Callback(_, _, wamid) if after.bind(attempt, wamid, fact.at));
    let learned = after.learn(attempt, &fact.what, fact.at);
    if bound || learned {
        let (word, code) = word(&fact.what);
        changes.evidence(message, attempt, word, code);
    }
    if let Some(wamid) = fact.names()
        && ledger.has_strays()?
    {
        meet(ledger, message, wamid, &mut after, changes)?;
    }
    if before != after {
        changes.moved(message, &before, &after);
        ledger.change(message, after)?;
    }
    Ok(if bound || learned { Recorded::Applied } else { Recorded::Known })
}

/// Empties a record, and forgets the facts that were kept under its message's ids.
fn erase<L: Ledger>(ledger: &mut L, message: &MessageKey, facts: Option<&Facts>) -> Result<bool, L::Error> {
    let tenant = message.campaign().tenant();
    if let Some(facts) = facts {
        for wamid in facts.wamid.iter().chain(facts.former.iter().map(|former| &former.wamid)) {
            ledger.take_strays(tenant, wamid)?;
        }
    }
    ledger.empty(message)
}

/// Applies the facts that were kept under an id to the message that is now known under it.
fn meet<L: Ledger>(
    ledger: &mut L,
    message: &MessageKey,
    wamid: &Wamid,
    facts: &mut Facts,
    changes: &mut Changes,
) -> Result<(), L::Error> {
    for (what, at) in ledger.take_strays(message.campaign().tenant(), wamid)? {
        if facts.learn(facts.attempt_of(wamid), &what, at) {
            let (word, code) = word(&what);
            changes.evidence(message, 0, word, code);
        }
    }
    Ok(())
}

/// Applies what was kept to the messages that a search found.
pub(crate) fn adopt<L: Ledger>(
    ledger: &mut L,
    found: &[(MessageKey, Wamid)],
    now: DateTime<Utc>,
) -> Result<Left, L::Error> {
    let mut changes = Changes::default();
    for (message, wamid) in found {
        if ledger.gate(message.campaign())?.is_none_or(|gate| gate.open == Opening::Sealed) {
            continue;
        }
        let Some(before) = ledger.known(message)? else { continue };
        let mut after = before.clone();
        meet(ledger, message, wamid, &mut after, &mut changes)?;
        if before != after {
            changes.moved(message, &before, &after);
            ledger.change(message, after)?;
        }
    }
    let entries = changes.entries(&RECORDED, now);
    Ok(Left { changes, entries })
}
