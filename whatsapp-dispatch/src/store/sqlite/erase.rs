//! Emptying a record of everything that tells who it was for.

use rules_core::store::sqlite::SqliteError;
use rules_core::store::sqlite::rusqlite::{Transaction, params};

use crate::fact::Facts;
use crate::gateway::Wamid;
use crate::message::MessageKey;

/// Empties the record and forgets the facts that were kept under its ids. False when there was
/// nothing to empty.
pub(super) fn empty(
    tx: &Transaction<'_>,
    message: &MessageKey,
    facts: Option<&Facts>,
) -> Result<bool, SqliteError> {
    let emptied = tx
        .prepare_cached(
            "UPDATE message SET number = NULL, zone = NULL, parameters = x'' WHERE row = ?1 AND number IS NOT NULL",
        )?
        .execute([message.row()])?;
    let tenant = message.campaign().tenant().as_str();
    let mut known: Vec<Wamid> = Vec::new();
    if let Some(facts) = facts {
        known.extend(facts.wamid.clone());
        known.extend(facts.former.iter().map(|former| former.wamid.clone()));
    }
    let mut forget = tx.prepare_cached("DELETE FROM orphan WHERE tenant = ?1 AND wamid = ?2")?;
    for wamid in known {
        forget.execute(params![tenant, wamid.expose()])?;
    }
    Ok(0 < emptied)
}
