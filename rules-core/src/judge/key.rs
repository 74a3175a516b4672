//! The addresses that ports take. Each is made from a [`TenantScope`] and keeps its tenant.

use std::sync::Arc;

use crate::judge::fault::{Classify, Fault};
use crate::judge::tenant::{TenantId, TenantScope};

mod archive;

pub use archive::{ArchiveKey, ArchiveKeyError, Folder};

/// What is paced: a sending number, an API budget.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Outlet {
    tenant: TenantId,
    name: Arc<str>,
}

/// Tenant, outlet and topic: the smallest thing in a queue that can be held or dropped.
///
/// A topic is what a piece of work belongs to, such as one campaign.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    outlet: Outlet,
    topic: Arc<str>,
}

/// What is counted for a tenant, such as `messages.day`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterKey {
    tenant: TenantId,
    name: Arc<str>,
}

/// The event log of one tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainKey {
    tenant: TenantId,
}

impl Outlet {
    /// The outlet `name` of the tenant.
    ///
    /// # Errors
    /// [`KeyError`] when the name is empty, longer than 128 bytes or holds a control character.
    pub fn new(scope: &TenantScope, name: &str) -> Result<Self, KeyError> {
        Ok(Self { tenant: scope.id().clone(), name: checked("outlet", name)? })
    }

    /// The outlet called `name` that all tenants of a group share, such as an application's budget.
    ///
    /// # Errors
    /// [`KeyError`] when group or name cannot be part of a key.
    pub fn shared(_: &TenantScope, group: &str, name: &str) -> Result<Self, KeyError> {
        let group = checked("group", group)?;
        Ok(Self { tenant: TenantId::shared(&group), name: checked("outlet", name)? })
    }

    /// Whose outlet it is.
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The outlet's name, unique within its tenant.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Lane {
    /// The lane of `topic` through `outlet`.
    ///
    /// # Errors
    /// [`KeyError`] when the topic is empty, longer than 128 bytes or holds a control character.
    pub fn new(outlet: &Outlet, topic: &str) -> Result<Self, KeyError> {
        Ok(Self { outlet: outlet.clone(), topic: checked("topic", topic)? })
    }

    /// Whose lane it is.
    pub const fn tenant(&self) -> &TenantId {
        &self.outlet.tenant
    }

    /// What the lane leaves through.
    pub const fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    /// What the lane's work belongs to.
    pub fn topic(&self) -> &str {
        &self.topic
    }
}

impl MeterKey {
    /// The meter called `name` that all tenants of a group share, such as a business portfolio.
    /// It shows totals, never who contributed.
    ///
    /// # Errors
    /// [`KeyError`] when group or name cannot be part of a key.
    pub fn shared(_: &TenantScope, group: &str, name: &str) -> Result<Self, KeyError> {
        let group = checked("group", group)?;
        Ok(Self { tenant: TenantId::shared(&group), name: checked("meter", name)? })
    }

    /// The tenant's meter `name`.
    ///
    /// # Errors
    /// [`KeyError`] when the name is empty, longer than 128 bytes or holds a control character.
    pub fn new(scope: &TenantScope, name: &str) -> Result<Self, KeyError> {
        Ok(Self { tenant: scope.id().clone(), name: checked("meter", name)? })
    }

    /// Whose meter it is.
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The meter's name, unique within its tenant.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl ChainKey {
    /// The tenant's event log.
    pub fn new(scope: &TenantScope) -> Self {
        Self { tenant: scope.id().clone() }
    }

    /// The log of a tenant by name. Writing evidence acts for nobody, so a name is enough.
    pub fn of(tenant: &TenantId) -> Self {
        Self { tenant: tenant.clone() }
    }

    /// Whose log it is.
    pub const fn tenant(&self) -> &TenantId {
        &self.tenant
    }
}

/// Keys as they come back out of a store. Only this crate's stores can make them; a sibling
/// stores the key's parts and asks for the tenant's scope again.
#[cfg_attr(
    not(any(feature = "sqlite", feature = "redis")),
    expect(dead_code, reason = "used by store adapters that features switch on")
)]
pub(crate) mod stored {
    use super::{Lane, Outlet, TenantId};

    pub(crate) fn outlet(tenant: TenantId, name: &str) -> Outlet {
        Outlet { tenant, name: name.into() }
    }

    pub(crate) fn lane(tenant: TenantId, outlet: &str, topic: &str) -> Lane {
        Lane { outlet: self::outlet(tenant, outlet), topic: topic.into() }
    }

    #[cfg(feature = "sqlite")]
    pub(crate) fn chain(tenant: TenantId) -> super::ChainKey {
        super::ChainKey { tenant }
    }
}

fn checked(part: &'static str, name: &str) -> Result<Arc<str>, KeyError> {
    let fits = (1..=128).contains(&name.len()) && !name.chars().any(char::is_control);
    if fits { Ok(name.into()) } else { Err(KeyError { part, name: name.to_owned() }) }
}

/// A name that cannot be part of a key.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{name:?} cannot name a {part}: use 1 to 128 bytes without control characters")]
pub struct KeyError {
    /// Which part of the key was refused: `outlet`, `topic` or `meter`.
    pub part: &'static str,
    /// What was given.
    pub name: String,
}

impl Classify for KeyError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}
