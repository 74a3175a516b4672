//! Shelves and accounts by their numbers in the file, and what is read in steps.

use rules_core::store::sqlite::SqliteError;
use rules_core::store::sqlite::rusqlite::{OptionalExtension, Transaction, params};

use super::packed::unpack;
use crate::host_stock::HostMark;
use crate::order::{OrderId, OrderVersion};
use crate::seller::{SellerAccount, Shelf};
use crate::sync_store::Cursor;

/// The number of a shelf; `None` for one that nobody committed to.
pub(super) fn shelf(tx: &Transaction<'_>, on: &Shelf) -> Result<Option<i64>, SqliteError> {
    let mut select = tx.prepare_cached("SELECT number FROM sync_shelf WHERE tenant = ?1 AND name = ?2")?;
    Ok(select.query_row(params![on.tenant().as_str(), on.name()], |row| row.get(0)).optional()?)
}

/// The number of an account; `None` for one that nothing is known of.
pub(super) fn account(
    tx: &Transaction<'_>,
    shelf: i64,
    account: &SellerAccount,
) -> Result<Option<i64>, SqliteError> {
    let mut select = tx
        .prepare_cached("SELECT number FROM sync_account WHERE shelf = ?1 AND seller = ?2 AND region = ?3")?;
    let named = params![shelf, account.seller().as_str(), account.region().as_str()];
    Ok(select.query_row(named, |row| row.get(0)).optional()?)
}

/// The newest version of an order that was reported.
pub(super) fn order_version(
    tx: &Transaction<'_>,
    account: i64,
    order: &OrderId,
) -> Result<Option<OrderVersion>, SqliteError> {
    let mut select = tx.prepare_cached("SELECT state FROM sync_order WHERE account = ?1 AND name = ?2")?;
    let packed: Option<Vec<u8>> =
        select.query_row(params![account, order.as_str()], |row| row.get(0)).optional()?;
    let state = packed.map(|packed| unpack(&packed)).transpose().map_err(SqliteError::damaged)?;
    Ok(state.map(|state| state.version))
}

/// Where polling of an account stands.
pub(super) fn cursor(tx: &Transaction<'_>, shelf: i64, of: &SellerAccount) -> Result<Cursor, SqliteError> {
    let mut select = tx
        .prepare_cached("SELECT cursor FROM sync_account WHERE shelf = ?1 AND seller = ?2 AND region = ?3")?;
    let named = params![shelf, of.seller().as_str(), of.region().as_str()];
    let text: Option<Option<String>> = select.query_row(named, |row| row.get(0)).optional()?;
    let cursor = text.flatten().map(|text| serde_json::from_str(&text)).transpose();
    Ok(cursor.map_err(SqliteError::damaged)?.unwrap_or_default())
}

/// Changes where polling of an account stands.
pub(super) fn put_cursor(tx: &Transaction<'_>, number: i64, cursor: &Cursor) -> Result<(), SqliteError> {
    let text = serde_json::to_string(cursor).map_err(SqliteError::damaged)?;
    tx.prepare_cached("UPDATE sync_account SET cursor = ?2 WHERE number = ?1")?
        .execute(params![number, text])?;
    Ok(())
}

/// Where the host's changes are read on.
pub(super) fn host_mark(tx: &Transaction<'_>, shelf: i64) -> Result<Option<HostMark>, SqliteError> {
    let mut select = tx.prepare_cached("SELECT host_mark FROM sync_shelf WHERE number = ?1")?;
    let mark: Option<String> = select.query_row([shelf], |row| row.get(0))?;
    Ok(mark.map(HostMark))
}
