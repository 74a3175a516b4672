//! What webhooks tell becomes known: statuses become facts of the delivery log, words and
//! preferences become consent, and news about templates, numbers and accounts hold or release what
//! they concern.

use std::sync::Arc;

use rules_core::judge::tenant::TenantScope;
use rules_core::work::StoreError;

use crate::desk::Desk;
use crate::webhook::Change;

mod accounts;
mod people;
mod statuses;

/// A change that a tenant is told.
#[derive(Debug)]
pub(crate) struct Told {
    /// Who is told.
    pub(crate) scope: Arc<TenantScope>,
    /// What changed.
    pub(crate) change: Change,
}

/// Makes known what webhooks tell.
#[derive(Clone, Debug)]
pub(crate) struct Tracker {
    desk: Arc<Desk>,
}

impl Tracker {
    pub(crate) const fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }

    /// Makes known what the changes tell, of however many tenants. Returns when it is durable; a
    /// repeat changes nothing.
    pub(crate) async fn track(&self, told: &[Told]) -> Result<(), StoreError> {
        // What people said comes first: nobody is written to after it was stored.
        self.people(told).await?;
        self.statuses(told).await?;
        self.accounts(told).await
    }
}
