//! Whose a change is: found by the number that it is about, or by the account.

use std::sync::Arc;

use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, Fault};
use rules_core::judge::tenant::{TenantId, TenantScope};
use rules_core::work::StoreError;

use super::{UNKNOWN_ACCOUNT, UNKNOWN_NUMBER};
use crate::desk::{Desk, TENANT_OFF};
use crate::webhook::RawChange;

/// How Meta's words for changes of an account begin. A word that is not here may be about a person.
const ABOUT_ACCOUNTS: [&str; 7] = [
    "account_",
    "business_",
    "message_template_",
    "payment_configuration_",
    "phone_number_",
    "security",
    "template_",
];

/// The tenants to whom a change is told, or why nobody is.
///
/// A number belongs to one tenant. An account may hold numbers of several: all are told what
/// changes in the account itself, and nobody what may be about a person.
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
    let about_account = ABOUT_ACCOUNTS.iter().any(|start| change.field.starts_with(start));
    if tenants.is_empty() || (1 < tenants.len() && !about_account) {
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
