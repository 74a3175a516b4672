//! Where tenants come from, and the door through which one acts for them.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::judge::fault::{Classify, Fault};
use crate::judge::tenant::{TenantId, TenantRecord, TenantScope};
use crate::work::StoreError;
use crate::work::clock::{Clock, SystemClock, after};

#[cfg(feature = "toml")]
pub mod toml;

/// The host's knowledge of its tenants.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait TenantSource: Debug + Send + Sync + 'static {
    /// The record of each tenant, in the order asked; `None` for a tenant that does not exist.
    ///
    /// # Errors
    /// [`StoreError`] when the host's own store does not answer; nobody is then let in.
    async fn load(&self, ids: &[TenantId]) -> Result<Vec<Option<TenantRecord>>, StoreError>;
}
const _: fn(&dyn TenantSource) = |_| {};

/// A fixed list of tenants.
#[derive(Clone, Debug, Default)]
pub struct FixedTenants {
    records: HashMap<TenantId, TenantRecord>,
}

impl FixedTenants {
    /// Exactly these tenants; of two records with one name the later counts.
    pub fn new(records: impl IntoIterator<Item = TenantRecord>) -> Self {
        Self { records: records.into_iter().map(|record| (record.id.clone(), record)).collect() }
    }
}

#[async_trait]
impl TenantSource for FixedTenants {
    async fn load(&self, ids: &[TenantId]) -> Result<Vec<Option<TenantRecord>>, StoreError> {
        Ok(ids.iter().map(|id| self.records.get(id).cloned()).collect())
    }
}

/// How long an entered tenant is believed before the source is asked again.
///
/// A tenant that is switched off stops everywhere within this time.
pub const BELIEVED_FOR: Duration = Duration::from_secs(5);

/// The door to tenants: it turns names into [`TenantScope`]s and remembers them for
/// [`BELIEVED_FOR`].
#[derive(Clone, Debug)]
pub struct Tenants {
    source: Arc<dyn TenantSource>,
    clock: Arc<dyn Clock>,
    entered: Arc<Mutex<HashMap<TenantId, Entered>>>,
}

#[derive(Debug)]
struct Entered {
    outcome: Result<Arc<TenantScope>, TenantError>,
    until: DateTime<Utc>,
}

impl Tenants {
    /// Tenants from the host's source.
    pub fn new(source: impl TenantSource) -> Self {
        Self { source: Arc::new(source), clock: Arc::new(SystemClock), entered: Arc::default() }
    }

    /// The same tenants, with another clock for what is remembered.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Enters each tenant, in the order given, with at most one call to the source.
    ///
    /// # Errors
    /// Per tenant a [`TenantError`] when it does not exist or is switched off; as a whole a
    /// [`StoreError`] when the source does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn enter_all(
        &self,
        ids: &[TenantId],
    ) -> Result<Vec<Result<Arc<TenantScope>, TenantError>>, StoreError> {
        let now = self.clock.now();
        let mut missing: Vec<TenantId> = {
            let entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh = |id: &&TenantId| entered.get(*id).is_some_and(|entry| now < entry.until);
            ids.iter().filter(|id| !fresh(id)).cloned().collect()
        };
        missing.sort();
        missing.dedup();
        let loaded = if missing.is_empty() { Vec::new() } else { self.source.load(&missing).await? };

        let until = after(now, BELIEVED_FOR);
        let mut entered = self.entered.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, record) in missing.into_iter().zip(loaded) {
            let outcome = match record {
                Some(record) if record.enabled => Ok(Arc::new(TenantScope::enter(record))),
                Some(_) => Err(TenantError::Disabled { tenant: id.clone() }),
                None => Err(TenantError::Unknown { tenant: id.clone() }),
            };
            entered.insert(id, Entered { outcome, until });
        }
        let unknown = |id: &TenantId| Err(TenantError::Unknown { tenant: id.clone() });
        Ok(ids
            .iter()
            .map(|id| entered.get(id).map_or_else(|| unknown(id), |entry| entry.outcome.clone()))
            .collect())
    }

    /// Enters one tenant.
    ///
    /// # Errors
    /// [`TenantError`] when the tenant does not exist, is switched off, or the source is silent.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn enter(&self, id: &TenantId) -> Result<Arc<TenantScope>, TenantError> {
        let silent = |source| TenantError::Source { tenant: id.clone(), source: Arc::new(source) };
        let mut outcomes = self.enter_all(std::slice::from_ref(id)).await.map_err(silent)?;
        outcomes.pop().unwrap_or_else(|| Err(TenantError::Unknown { tenant: id.clone() }))
    }
}

/// Why a tenant was not let in.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TenantError {
    /// The source knows no such tenant.
    #[error("there is no tenant {tenant}")]
    Unknown {
        /// Who was asked for.
        tenant: TenantId,
    },
    /// The tenant is switched off.
    #[error("tenant {tenant} is switched off")]
    Disabled {
        /// Who was asked for.
        tenant: TenantId,
    },
    /// The source did not answer.
    #[error("looking up tenant {tenant}")]
    Source {
        /// Who was asked for.
        tenant: TenantId,
        /// What the source said.
        #[source]
        source: Arc<StoreError>,
    },
}

impl Classify for TenantError {
    fn fault(&self) -> Fault {
        match self {
            Self::Unknown { .. } | Self::Disabled { .. } => Fault::Rejected,
            Self::Source { source, .. } => source.fault(),
        }
    }
}
