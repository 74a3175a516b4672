use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::store::sqlite::SqliteError;
use rules_core::store::sqlite::rusqlite::{Transaction, params};

use crate::sync_store::{Letter, NewLetter};

/// Puts a letter; one about the same subject with the same code is replaced and counted.
pub(super) fn put(tx: &Transaction<'_>, shelf: i64, letter: &NewLetter) -> Result<(), SqliteError> {
    let NewLetter { subject, code, text, at } = letter;
    let replaced = tx
        .prepare_cached(
            "UPDATE sync_letter SET times = times + ((text, at_us) <> (?4, ?5)), text = ?4, at_us = ?5
             WHERE shelf = ?1 AND subject = ?2 AND code = ?3",
        )?
        .execute(params![shelf, subject, code.as_str(), text, at.timestamp_micros()])?;
    if 0 < replaced {
        return Ok(());
    }
    let number: u64 = tx
        .prepare_cached(
            "UPDATE sync_shelf SET last_letter = last_letter + 1 WHERE number = ?1 RETURNING last_letter",
        )?
        .query_row([shelf], |row| row.get(0))?;
    tx.prepare_cached(
        "INSERT INTO sync_letter (shelf, number, subject, code, text, at_us, first_us, times)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1)",
    )?
    .execute(params![shelf, number, subject, code.as_str(), text, at.timestamp_micros()])?;
    Ok(())
}

/// Takes a letter away.
pub(super) fn answer(tx: &Transaction<'_>, shelf: i64, letter: u64) -> Result<(), SqliteError> {
    let Ok(letter) = i64::try_from(letter) else { return Ok(()) };
    tx.prepare_cached("DELETE FROM sync_letter WHERE shelf = ?1 AND number = ?2")?
        .execute([shelf, letter])?;
    Ok(())
}

/// Letters behind a number.
pub(super) fn select(
    tx: &Transaction<'_>,
    shelf: i64,
    after: u64,
    max: usize,
) -> Result<Vec<Letter>, SqliteError> {
    let mut select = tx.prepare_cached(
        "SELECT number, subject, code, text, at_us, first_us, times FROM sync_letter
         WHERE shelf = ?1 AND ?2 < number ORDER BY number LIMIT ?3",
    )?;
    let after = i64::try_from(after).unwrap_or(i64::MAX);
    let mut rows = select.query(params![shelf, after, i64::try_from(max).unwrap_or(i64::MAX)])?;
    let mut letters = Vec::new();
    while let Some(row) = rows.next()? {
        let instant = |column| -> Result<DateTime<Utc>, SqliteError> {
            Ok(DateTime::from_timestamp_micros(row.get(column)?).unwrap_or_default())
        };
        letters.push(Letter {
            number: row.get(0)?,
            letter: NewLetter {
                subject: row.get(1)?,
                code: Code::parse(row.get::<_, String>(2)?).map_err(SqliteError::damaged)?,
                text: row.get(3)?,
                at: instant(4)?,
            },
            times: row.get(6)?,
            first_at: instant(5)?,
        });
    }
    Ok(letters)
}
