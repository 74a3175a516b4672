//! Where things lie and how they are packed.
//!
//! A campaign's records lie in sheets of 512, a hash each, and in a sheet in pages of 32. A page
//! has three fields: its rows as they were planned, their parameters, and what is known of their
//! delivery. The last one begins with a mark of eight bytes that every change renews, so that a
//! change can rest on the mark instead of the whole page.

use bytes::Bytes;
use chrono_tz::Tz;
use rules_core::judge::code::Code;
use rules_core::judge::tenant::TenantId;
use rules_core::store::redis::{Command, Redis, RedisError, Reply};

use crate::campaign::CampaignKind;
use crate::campaigns::Status;
use crate::delivery::ledger::Desk;
use crate::delivery::packed::{Reader, Torn, number, text};
use crate::delivery::page::{FactsPage, RECORDS};
use crate::delivery::{PlanRow, PlanVerdict, Recipient};
use crate::fact::Gate;
use crate::message::{CampaignKey, MessageId, PersonId, Salt};
use crate::phone::PhoneNumber;
use crate::store::redis::campaigns::{GATE, gate, home};

/// Pages in one sheet.
pub(super) const PAGES: u32 = 16;
/// Parts of a campaign's index of message ids: small hashes are stored compactly.
pub(super) const SHELVES: u16 = 4_096;
/// Bytes of the mark before the facts of a page.
pub(super) const MARK: usize = 8;

/// A page of a campaign, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PageKey {
    pub(super) campaign: u32,
    pub(super) page: u32,
}

impl PageKey {
    /// The page of a record.
    pub(super) const fn of(campaign: u32, record: u32) -> Self {
        Self { campaign, page: record / RECORDS }
    }

    /// The key of its sheet.
    pub(super) fn sheet(self, store: &Redis) -> String {
        sheet(store, self.campaign, self.page / PAGES)
    }

    /// The names of its fields: rows, parameters, facts.
    pub(super) fn rows(self) -> String {
        format!("r{}", self.page % PAGES)
    }

    pub(super) fn parameters(self) -> String {
        format!("v{}", self.page % PAGES)
    }

    pub(super) fn facts(self) -> String {
        format!("f{}", self.page % PAGES)
    }

    /// The name of the field that repeats the mark of the facts: a commit that rests on it need not
    /// look at the page.
    pub(super) fn mark(self) -> String {
        format!("k{}", self.page % PAGES)
    }

    /// The page's record in a slot.
    pub(super) fn record(self, slot: u8) -> u32 {
        self.page * RECORDS + u32::from(slot)
    }
}

/// The key of a sheet, by its number.
pub(super) fn sheet(store: &Redis, campaign: u32, sheet: u32) -> String {
    store.key(&[&"m", &campaign, &sheet])
}

/// Where a record lies in its page.
pub(super) fn slot(record: u32) -> u8 {
    u8::try_from(record % RECORDS).unwrap_or_default()
}

/// The key under which the record of a message id is found.
pub(super) fn shelf(store: &Redis, campaign: u32, id: &MessageId) -> String {
    let [high, low, ..] = *id.as_bytes();
    shelf_numbered(store, campaign, u16::from_be_bytes([high, low]) % SHELVES)
}

/// The key of a shelf, by its number.
pub(super) fn shelf_numbered(store: &Redis, campaign: u32, shelf: u16) -> String {
    store.key(&[&"i", &campaign, &shelf])
}

/// The fields of a campaign's hash that [`Header::read`] takes beside those of its gate, in order.
const BESIDE: [&str; 5] = ["revision", "salt", "kind", "batches", "next"];

/// What a transaction needs of a campaign.
#[derive(Clone, Debug)]
pub(super) struct Header {
    tenant: TenantId,
    pub(super) revision: Bytes,
    pub(super) gate: Gate,
    pub(super) salt: Salt,
    pub(super) next: u32,
    pub(super) status: Status,
    is_stream: bool,
    batches: u32,
}

impl Header {
    /// Asks for a campaign's header.
    pub(super) fn ask(store: &Redis, campaign: u32) -> Command {
        let fields = GATE.iter().chain(&BESIDE);
        fields.fold(Command::new("HMGET", &home(store, campaign)), Command::arg)
    }

    /// Reads the answer; `None` when there is no such campaign.
    pub(super) fn read(mut fields: Vec<Reply>) -> Result<Option<Self>, RedisError> {
        let odd = || RedisError::odd("the fields of a campaign");
        if fields.len() != GATE.len() + BESIDE.len() {
            return Err(odd());
        }
        let beside: [Reply; BESIDE.len()] = fields.split_off(GATE.len()).try_into().map_err(|_| odd())?;
        let Some(tenant) = fields.first().and_then(Reply::text) else { return Ok(None) };
        let tenant = TenantId::parse(tenant).map_err(RedisError::damaged)?;
        let status = fields.get(1).and_then(Reply::text).and_then(Status::parse).ok_or_else(odd)?;
        let gate = gate(&tenant, fields)?.ok_or_else(odd)?;
        let [revision, salt, kind, batches, next] = beside;
        let salt: [u8; 32] = salt.bytes().and_then(|salt| salt.as_ref().try_into().ok()).ok_or_else(odd)?;
        let small = |reply: &Reply| u32::try_from(reply.int().unwrap_or(0)).unwrap_or(0);
        Ok(Some(Self {
            tenant,
            revision: revision.bytes().ok_or_else(odd)?,
            gate,
            salt: Salt::from_bytes(salt),
            next: small(&next),
            status,
            is_stream: kind.text() == Some(CampaignKind::Stream.as_str()),
            batches: small(&batches),
        }))
    }

    /// The header, if it is the tenant's campaign.
    pub(super) fn of(&self, key: &CampaignKey) -> Option<&Self> {
        (self.tenant == *key.tenant()).then_some(self)
    }

    pub(super) fn desk(&self) -> Desk {
        let open = matches!(self.status, Status::Released | Status::Paused);
        Desk {
            status: self.status,
            takes_single_messages: self.is_stream && open,
            batches: self.batches,
            next: self.next,
        }
    }
}

/// Facts as a field holds them, with their mark; an empty page where there is none.
pub(super) fn facts_page(field: Option<&Bytes>) -> Result<FactsPage, RedisError> {
    let Some(field) = field else { return Ok(FactsPage::default()) };
    let facts = field.get(MARK..).ok_or_else(|| RedisError::damaged(Torn))?;
    FactsPage::read(facts.to_vec()).map_err(RedisError::damaged)
}

const PERSON: u8 = 1;
const CONSENT: u8 = 2;
const ZONE: u8 = 4;

/// Appends a record as it was planned.
pub(super) fn pack_row(slot: u8, row: &PlanRow, verdict: &PlanVerdict, to: &mut Vec<u8>) {
    let (kind, code) = match verdict {
        PlanVerdict::Planned => (0, None),
        PlanVerdict::Malformed(code) => (1, Some(code)),
        PlanVerdict::Invalid(code) => (2, Some(code)),
        PlanVerdict::Suppressed(code) => (3, Some(code)),
        PlanVerdict::Duplicate => (4, None),
    };
    to.extend([slot, kind]);
    number(row.line, to);
    if let Some(code) = code {
        text(code.as_str(), to);
    }
    let Some(recipient) = &row.to else { return to.push(0) };
    let zone = recipient.zone.map(Tz::name);
    to.push(PERSON | if recipient.consent { CONSENT } else { 0 } | if zone.is_some() { ZONE } else { 0 });
    to.extend_from_slice(recipient.person.as_bytes());
    to.extend_from_slice(recipient.id.as_bytes());
    number(recipient.number.digits(), to);
    if let Some(zone) = zone {
        text(zone, to);
    }
}

/// Appends the parameters of a record.
pub(super) fn pack_parameters(slot: u8, parameters: &[u8], to: &mut Vec<u8>) {
    to.push(slot);
    number(parameters.len() as u64, to);
    to.extend_from_slice(parameters);
}

/// The records of a page as they were planned, by slot.
pub(super) fn unpack_rows(rows: &[u8], parameters: &[u8]) -> Result<Vec<(u8, PlanRow)>, RedisError> {
    read_rows(rows, parameters).map_err(RedisError::damaged)
}

fn read_rows(rows: &[u8], parameters: &[u8]) -> Result<Vec<(u8, PlanRow)>, Torn> {
    let mut values: Vec<(u8, Bytes)> = Vec::new();
    let mut read = Reader(parameters);
    while !read.0.is_empty() {
        values.push((read.byte()?, Bytes::copy_from_slice(read.bytes()?)));
    }
    let mut found = Vec::new();
    let mut read = Reader(rows);
    while !read.0.is_empty() {
        let (slot, mut row) = read_row(&mut read)?;
        if let Some((_, value)) = values.iter().find(|(of, _)| *of == slot) {
            row.parameters = value.clone();
        }
        found.push((slot, row));
    }
    Ok(found)
}

fn read_row(read: &mut Reader<'_>) -> Result<(u8, PlanRow), Torn> {
    let (slot, kind) = (read.byte()?, read.byte()?);
    let line = read.number()?;
    let mut code = || Code::parse(read.text()?).map_err(|_| Torn);
    let verdict = match kind {
        0 => PlanVerdict::Planned,
        1 => PlanVerdict::Malformed(code()?),
        2 => PlanVerdict::Invalid(code()?),
        3 => PlanVerdict::Suppressed(code()?),
        _ => PlanVerdict::Duplicate,
    };
    let flags = read.byte()?;
    let to = if flags & PERSON == 0 {
        None
    } else {
        Some(Recipient {
            person: PersonId::from_bytes(read.chunk()?),
            id: MessageId::from_bytes(read.chunk()?),
            number: PhoneNumber::from_digits(read.number()?).ok_or(Torn)?,
            consent: flags & CONSENT != 0,
            zone: if flags & ZONE == 0 { None } else { read.text()?.parse().ok() },
        })
    };
    Ok((slot, PlanRow { line, verdict, to, parameters: Bytes::new() }))
}

/// A page's parameters without those of records that need none.
pub(super) fn needed_parameters(
    parameters: &[u8],
    needs: impl Fn(u8) -> Result<bool, Torn>,
) -> Result<Vec<u8>, Torn> {
    let mut needed = Vec::with_capacity(parameters.len());
    let mut read = Reader(parameters);
    while !read.0.is_empty() {
        let (slot, value) = (read.byte()?, read.bytes()?);
        if needs(slot)? {
            pack_parameters(slot, value, &mut needed);
        }
    }
    Ok(needed)
}

/// A page's rows and parameters without one record's person; `None` when it names nobody.
pub(super) fn without_person(
    rows: &[u8],
    parameters: &[u8],
    gone: u8,
) -> Result<Option<(Bytes, Bytes)>, RedisError> {
    let (mut packed, mut values, mut named) = (Vec::new(), Vec::new(), false);
    for (slot, mut row) in unpack_rows(rows, parameters)? {
        if slot == gone {
            named = row.to.take().is_some();
            row.parameters = Bytes::new();
        }
        pack_row(slot, &row, &row.verdict, &mut packed);
        if !row.parameters.is_empty() {
            pack_parameters(slot, &row.parameters, &mut values);
        }
    }
    Ok(named.then(|| (packed.into(), values.into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: u64, verdict: PlanVerdict, named: bool) -> PlanRow {
        let to = Recipient {
            person: PersonId::from_bytes([7; 16]),
            id: MessageId::from_bytes([9; 16]),
            number: PhoneNumber::from_digits(4_915_112_345_678).unwrap(),
            consent: line.is_multiple_of(2),
            zone: line.is_multiple_of(3).then_some(Tz::Asia__Kolkata),
        };
        let parameters = Bytes::from(if named { vec![b'x'; 17] } else { Vec::new() });
        PlanRow { line, verdict, to: named.then_some(to), parameters }
    }

    #[test]
    fn rows_come_back_as_they_went_and_can_be_emptied() {
        let code = Code::known("recipient.invalid");
        let rows = [
            (0, row(1, PlanVerdict::Planned, true)),
            (5, row(200, PlanVerdict::Invalid(code.clone()), false)),
            (6, row(3, PlanVerdict::Suppressed(code), true)),
            (31, row(6, PlanVerdict::Duplicate, true)),
        ];
        let (mut packed, mut values) = (Vec::new(), Vec::new());
        for (slot, row) in &rows {
            pack_row(*slot, row, &row.verdict, &mut packed);
            pack_parameters(*slot, &row.parameters, &mut values);
        }
        assert_eq!(unpack_rows(&packed, &values).unwrap(), rows);
        let (emptied, values) = without_person(&packed, &values, 6).unwrap().unwrap();
        let left = unpack_rows(&emptied, &values).unwrap();
        assert!(left[2].1.to.is_none() && left[2].1.parameters.is_empty());
        assert_eq!((&left[0], &left[1], &left[3]), (&rows[0], &rows[1], &rows[3]));
        assert!(without_person(&emptied, &values, 6).unwrap().is_none(), "it names nobody any more");
        for cut in 0..packed.len() {
            drop(unpack_rows(&packed[..cut], &[]));
        }
    }

    #[test]
    fn parameters_are_dropped_one_by_one() {
        let mut values = Vec::new();
        for slot in [0, 5, 31] {
            pack_parameters(slot, &[slot; 9], &mut values);
        }
        let mut rest = Vec::new();
        pack_parameters(5, &[5; 9], &mut rest);
        assert_eq!(needed_parameters(&values, |slot| Ok(slot == 5)).unwrap(), rest);
        assert_eq!(needed_parameters(&values, |_| Ok(true)).unwrap(), values);
        assert!(needed_parameters(&values, |_| Ok(false)).unwrap().is_empty());
        assert!(needed_parameters(&values[..4], |_| Ok(true)).is_err());
    }
}
