//! Whose a change is: found by the number that it is about, or by the account.

use std::sync::Arc;

use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, Fault};
use rules_core::judge::tenant::{TenantId, TenantScope};
use rules_core::work::StoreError;

use super::split::RawChange;
use super::{UNKNOWN_ACCOUNT, UNKNOWN_NUMBER};
use crate::desk::{Desk, TENANT_OFF};

/// The tenants to whom a change is told, or why nobody is.
///
/// A number belongs to one tenant. An account may hold numbers of several, and what changes in it
/// concerns them all.
pub(super) async fn whose(
    desk: &Desk,
    change: &RawChange,
) -> Result<Result<Vec<Arc<TenantScope>>, Code>, StoreError> {
    let (tenants, unknown): (Vec<TenantId>, Code) = match &change.number_id {
        Some(number) => {
            let sender = desk.sender(number).await?;
            (sender.into_iter().map(|sender| sender.tenant.clone()).collect(), UNKNOWN_NUMBER)
        }
        None => (desk.tenants_of(&change.waba).await?, UNKNOWN_ACCOUNT),
    };
    if tenants.is_empty() {
        return Ok(Err(unknown));
    }
    let mut scopes = Vec::with_capacity(tenants.len());
    for tenant in &tenants {
        match desk.tenants.enter(tenant).await {
            Ok(scope) => scopes.push(scope),
            Err(error) if error.fault() == Fault::Rejected => {}
            Err(error) => {
                let doing = "entering the tenant of a webhook".into();
                return Err(StoreError::Unavailable { doing, source: Box::new(error) });
            }
        }
    }
    Ok(if scopes.is_empty() { Err(TENANT_OFF) } else { Ok(scopes) })
}
