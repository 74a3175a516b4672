//! Facts as columns of `delivery`.

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::store::sqlite::SqliteError;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::fact::{Answer, Facts, State};
use crate::gateway::Wamid;

pub(super) const COLUMNS: &str = "attempts, counted, answer, holder, begun_us, accepted_us, sent_us, \
     delivered_us, read_us, failed_us, expired_us, not_before_us, delivery.wamid, delivery.code";

const SELECT: &str = "SELECT attempts, counted, answer, holder, begun_us, accepted_us, sent_us, \
     delivered_us, read_us, failed_us, expired_us, not_before_us, delivery.wamid, delivery.code \
     FROM delivery WHERE row = ?1";

const REPLACE: &str = "INSERT OR REPLACE INTO delivery (row, state, attempts, counted, answer, holder, \
     begun_us, accepted_us, sent_us, delivered_us, read_us, failed_us, expired_us, not_before_us, wamid, code) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

const ANSWERS: [Answer; 8] = [
    Answer::None,
    Answer::Awaited,
    Answer::Accepted,
    Answer::Again,
    Answer::Deferred,
    Answer::Final,
    Answer::Dead,
    Answer::InDoubt,
];

pub(super) fn load(tx: &Transaction<'_>, row: i64) -> Result<Option<Facts>, SqliteError> {
    let found = tx.prepare_cached(SELECT)?.query_row([row], |columns| Ok(read(columns, 0))).optional()?;
    found.transpose()
}

pub(super) fn save(tx: &Transaction<'_>, row: i64, facts: &Facts) -> Result<(), SqliteError> {
    let us = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp_micros());
    tx.prepare_cached(REPLACE)?.execute(params![
        row,
        state_number(facts.state()),
        facts.attempts,
        facts.counted,
        ANSWERS.iter().position(|answer| *answer == facts.answer).unwrap_or_default(),
        facts.holder,
        us(facts.begun_at),
        us(facts.accepted_at),
        us(facts.sent_at),
        us(facts.delivered_at),
        us(facts.read_at),
        us(facts.failed_at),
        us(facts.expired_at),
        us(facts.not_before),
        facts.wamid.as_ref().map(Wamid::expose),
        facts.code.as_ref().map(Code::as_str),
    ])?;
    Ok(())
}

/// Reads [`COLUMNS`] from the column `first` on.
pub(super) fn read(columns: &Row<'_>, first: usize) -> Result<Facts, SqliteError> {
    let at = |offset: usize| -> Result<Option<DateTime<Utc>>, SqliteError> {
        let us: Option<i64> = columns.get(first + offset)?;
        Ok(us.and_then(DateTime::from_timestamp_micros))
    };
    let answer: usize = columns.get(first + 2)?;
    let wamid: Option<String> = columns.get(first + 12)?;
    let code: Option<String> = columns.get(first + 13)?;
    Ok(Facts {
        attempts: columns.get(first)?,
        counted: columns.get(first + 1)?,
        answer: ANSWERS.get(answer).copied().unwrap_or_default(),
        holder: columns.get(first + 3)?,
        begun_at: at(4)?,
        accepted_at: at(5)?,
        sent_at: at(6)?,
        delivered_at: at(7)?,
        read_at: at(8)?,
        failed_at: at(9)?,
        expired_at: at(10)?,
        not_before: at(11)?,
        wamid: wamid.map(Wamid::new),
        code: code.map(Code::parse).transpose().map_err(SqliteError::damaged)?,
    })
}

/// A state's number in the column `state`, which scans look at.
pub(super) const fn state_number(state: State) -> u8 {
    match state {
        State::Waiting => 0,
        State::Deferred => 1,
        State::Sending => 2,
        State::Unknown => 3,
        State::Accepted => 4,
        State::Delivered => 5,
        State::Read => 6,
        State::Failed => 7,
        State::Dead => 8,
        State::Expired => 9,
    }
}
