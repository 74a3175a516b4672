//! Tenants: who the work belongs to.
//!
//! A [`TenantId`] is only a name. To act for a tenant one needs its [`TenantScope`], which only
//! `Tenants` hands out, and every key that a port accepts is made by a scope.

use std::fmt::{self, Debug, Display, Formatter};
use std::sync::Arc;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::judge::fault::{Classify, Fault};
use crate::judge::subscription::Subscription;

/// The name of a tenant: 1 to 64 of the characters `a-z A-Z 0-9 _ -`.
///
/// The characters are few on purpose: none of them can be mistaken for key syntax in any store.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// Reads a tenant's name.
    ///
    /// # Errors
    /// [`TenantIdError`] when the text is empty, longer than 64 bytes or holds other characters.
    pub fn parse(text: &str) -> Result<Self, TenantIdError> {
        let fits = (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if fits { Ok(Self(text.into())) } else { Err(TenantIdError { text: text.to_owned() }) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Stands for what several tenants share. No tenant can be called so.
    pub(crate) fn shared(group: &str) -> Self {
        Self(format!("*{group}").into())
    }
}

impl Display for TenantId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Debug for TenantId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "TenantId({})", self.0)
    }
}

impl TryFrom<String> for TenantId {
    type Error = TenantIdError;
    fn try_from(text: String) -> Result<Self, TenantIdError> {
        Self::parse(&text)
    }
}

impl From<TenantId> for String {
    fn from(id: TenantId) -> Self {
        id.0.as_ref().to_owned()
    }
}

/// A text that cannot be a tenant's name.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is not a tenant's name: use 1 to 64 of the characters a-z A-Z 0-9 _ -")]
pub struct TenantIdError {
    /// What was given.
    pub text: String,
}

impl Classify for TenantIdError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

/// What a host knows about a tenant. Plain data, loaded by a `TenantSource`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TenantRecord {
    /// The tenant's name.
    pub id: TenantId,
    /// The zone in which the tenant's day begins and ends.
    pub zone: Tz,
    /// False stops all work of the tenant at the door.
    pub enabled: bool,
    /// Messages a day in the tenant's zone; `None` is no limit.
    pub daily_limit: Option<u64>,
    /// Share of the work relative to other tenants, at least 1.
    pub weight: u32,
    /// What the tenant has paid for, where a host sells plans.
    pub subscription: Option<Subscription>,
}

impl TenantRecord {
    /// An enabled tenant in UTC with no limit and weight 1.
    pub fn new(id: TenantId) -> Self {
        Self { id, zone: Tz::UTC, enabled: true, daily_limit: None, weight: 1, subscription: None }
    }

    /// The same tenant with its day in `zone`.
    #[must_use]
    pub fn with_zone(self, zone: Tz) -> Self {
        Self { zone, ..self }
    }

    /// The same tenant with at most `limit` messages a day.
    #[must_use]
    pub fn with_daily_limit(self, limit: u64) -> Self {
        Self { daily_limit: Some(limit), ..self }
    }

    /// The same tenant with another share of the work; 0 counts as 1.
    #[must_use]
    pub fn with_weight(self, weight: u32) -> Self {
        Self { weight: weight.max(1), ..self }
    }

    /// The same tenant with what it has paid for.
    #[must_use]
    pub fn with_subscription(self, subscription: Subscription) -> Self {
        Self { subscription: Some(subscription), ..self }
    }

    /// The same tenant, switched off.
    #[must_use]
    pub fn disabled(self) -> Self {
        Self { enabled: false, ..self }
    }
}

/// The right to act for one tenant. Made by `Tenants` only; every key is made from it.
///
/// ```compile_fail
/// use rules_core::judge::tenant::TenantScope;
/// let forged = TenantScope { record: todo!() }; // private: a scope is entered, never made up
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantScope {
    record: TenantRecord,
}

impl TenantScope {
    pub(crate) const fn enter(record: TenantRecord) -> Self {
        Self { record }
    }

    /// The tenant's name.
    pub const fn id(&self) -> &TenantId {
        &self.record.id
    }

    /// The zone of the tenant's day.
    pub const fn zone(&self) -> Tz {
        self.record.zone
    }

    /// All that the host said about the tenant.
    pub const fn record(&self) -> &TenantRecord {
        &self.record
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_no_key_syntax() {
        for good in ["a", "shop-1", "Acme_EU", &"x".repeat(64)] {
            assert_eq!(TenantId::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", "a:b", "{a}", "a b", "a.b", "ü", &"x".repeat(65)] {
            assert!(TenantId::parse(bad).is_err(), "{bad:?}");
        }
    }
}
