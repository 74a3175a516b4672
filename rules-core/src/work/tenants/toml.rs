//! Tenants from a TOML text.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Display;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use toml::{Table, Value};

use super::{FixedTenants, TenantSource};
use crate::judge::fault::{Classify, Fault};
use crate::judge::subscription::{Status, Subscription};
use crate::judge::tenant::{TenantId, TenantRecord};
use crate::work::StoreError;

/// Tenants that stand in a TOML text. The host reads the file; a changed file is parsed anew.
///
/// ```
/// use rules_core::work::tenants::toml::TomlTenants;
/// let tenants = TomlTenants::parse(r#"
///     [[tenant]]
///     id = "acme"
///     zone = "Asia/Kolkata"        # UTC when left out
///     enabled = true               # true when left out
///     daily_limit = 100_000        # no limit when left out
///     weight = 2                   # 1 when left out
///
///     [tenant.subscription]
///     plan = "pro"
///     status = "active"            # pending, trialing, active, past_due, paused, canceled, expired
///     period_end = "2027-01-01T00:00:00Z"
///     entitlements = ["campaigns"]
///     grace_days = 3               # 0 when left out
/// "#)?;
/// assert_eq!(tenants.records().count(), 1);
/// # Ok::<(), rules_core::work::tenants::toml::TomlTenantsError>(())
/// ```
///
/// A status that ends has its instant beside it: `until` (trialing), `period_end` (active),
/// `since` (`past_due`), `effective_at` (canceled). Lists of rules in the same text (`[[rule]]`,
/// `[[tenant.rule]]`) are left to [`crate::judge::rule_book::RuleBook::from_toml`].
#[derive(Clone, Debug)]
pub struct TomlTenants {
    tenants: FixedTenants,
}

impl TomlTenants {
    /// Reads the tenants.
    ///
    /// # Errors
    /// [`TomlTenantsError`] names the line, or the tenant and the key, and what to correct.
    pub fn parse(text: &str) -> Result<Self, TomlTenantsError> {
        let mut text: Table = text.parse().map_err(syntax)?;
        let tenants = match text.remove("tenant") {
            None => Vec::new(),
            Some(Value::Array(tenants)) => tenants,
            Some(_) => return Err(section("tenant", "write each tenant under [[tenant]]")),
        };
        if let Some(key) = text.keys().find(|key| *key != "rule") {
            return Err(section(key, "unknown key; only [[tenant]] and [[rule]] may stand here"));
        }
        let mut records = HashMap::new();
        for (index, tenant) in tenants.into_iter().enumerate() {
            let record = record(tenant, index + 1)?;
            let id = record.id.clone();
            if records.insert(id.clone(), record).is_some() {
                return Err(wrong(id, "id", "another tenant has this name already; rename one of them"));
            }
        }
        Ok(Self { tenants: FixedTenants { records } })
    }

    /// Every tenant of the text, in no particular order.
    pub fn records(&self) -> impl Iterator<Item = &TenantRecord> {
        self.tenants.records.values()
    }
}

#[async_trait]
impl TenantSource for TomlTenants {
    async fn load(&self, ids: &[TenantId]) -> Result<Vec<Option<TenantRecord>>, StoreError> {
        self.tenants.load(ids).await
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantTable {
    id: String,
    zone: Option<String>,
    #[serde(default = "yes")]
    enabled: bool,
    daily_limit: Option<u64>,
    weight: Option<u32>,
    subscription: Option<SubscriptionTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscriptionTable {
    plan: String,
    status: String,
    until: Option<DateTime<Utc>>,
    period_end: Option<DateTime<Utc>>,
    since: Option<DateTime<Utc>>,
    effective_at: Option<DateTime<Utc>>,
    #[serde(default)]
    entitlements: Vec<String>,
    #[serde(default)]
    grace_days: u32,
}

const fn yes() -> bool {
    true
}

fn record(tenant: Value, number: usize) -> Result<TenantRecord, TomlTenantsError> {
    let name = tenant.get("id").and_then(Value::as_str);
    let name = name.map_or_else(|| format!("number {number}"), ToOwned::to_owned);
    let Value::Table(mut table) = tenant else {
        return Err(section("tenant", "write each tenant under [[tenant]]"));
    };
    table.remove("rule");
    let table: TenantTable = dates_as_text(Value::Table(table))
        .try_into()
        .map_err(|source| TomlTenantsError::Tenant { tenant: name.clone(), source: Box::new(source) })?;

    let id = TenantId::parse(&table.id).map_err(|error| wrong(&name, "id", error))?;
    let mut record = TenantRecord::new(id).with_weight(table.weight.unwrap_or(1));
    if table.weight == Some(0) {
        return Err(wrong(name, "weight", "must be at least 1"));
    }
    if let Some(zone) = table.zone {
        let remedy =
            |_| wrong(&name, "zone", format!("{zone:?} is no time zone; write one such as Asia/Kolkata"));
        record = record.with_zone(zone.parse().map_err(remedy)?);
    }
    record.enabled = table.enabled;
    record.daily_limit = table.daily_limit;
    record.subscription = table.subscription.map(|it| subscription(it, &name)).transpose()?;
    Ok(record)
}

/// TOML's own dates as text, which is what chrono reads.
fn dates_as_text(value: Value) -> Value {
    match value {
        Value::Datetime(instant) => Value::String(instant.to_string()),
        Value::Table(table) => {
            Value::Table(table.into_iter().map(|(key, value)| (key, dates_as_text(value))).collect())
        }
        other => other,
    }
}

fn subscription(table: SubscriptionTable, tenant: &str) -> Result<Subscription, TomlTenantsError> {
    let instants = [
        ("until", table.until),
        ("period_end", table.period_end),
        ("since", table.since),
        ("effective_at", table.effective_at),
    ];
    let key = match table.status.as_str() {
        "trialing" => Some("until"),
        "active" => Some("period_end"),
        "past_due" => Some("since"),
        "canceled" => Some("effective_at"),
        "pending" | "paused" | "expired" => None,
        _ => {
            let known = "use pending, trialing, active, past_due, paused, canceled or expired";
            return Err(wrong(tenant, "subscription.status", known));
        }
    };
    let about = |problem: &str| format!("{problem} with status {:?}", table.status);
    let mut instant = None;
    for (name, given) in instants {
        let place = format!("subscription.{name}");
        match (key == Some(name), given) {
            (true, None) => return Err(wrong(tenant, place, about("must be given"))),
            (false, Some(_)) => return Err(wrong(tenant, place, about("must not be given"))),
            (true, given) => instant = given,
            (false, None) => {}
        }
    }
    let status = match (table.status.as_str(), instant) {
        ("trialing", Some(until)) => Status::Trialing { until },
        ("active", Some(period_end)) => Status::Active { period_end },
        ("past_due", Some(since)) => Status::PastDue { since },
        ("canceled", Some(effective_at)) => Status::Canceled { effective_at },
        ("pending", _) => Status::Pending,
        ("paused", _) => Status::Paused,
        _ => Status::Expired,
    };
    let grace = Duration::from_secs(u64::from(table.grace_days) * 24 * 60 * 60);
    Ok(Subscription::new(table.plan, status).with_entitlements(table.entitlements).with_grace(grace))
}

/// Why tenants could not be read. None of the text is used then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TomlTenantsError {
    /// The text is not TOML.
    #[error("reading tenants: the text is not TOML; correct the line that the cause names")]
    Syntax {
        /// Which line, and what was expected.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A key that may not stand at the top of the text.
    #[error("reading tenants: {key}: {reason}")]
    Section {
        /// Which key.
        key: String,
        /// What is wrong and what to do about it.
        reason: String,
    },
    /// A key of a tenant is missing, unknown or of another type.
    #[error("tenant {tenant}: correct the key that the cause names")]
    Tenant {
        /// The tenant's name, or its number in the text.
        tenant: String,
        /// Which key, and what was expected.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A key of a tenant has a value that cannot be.
    #[error("tenant {tenant}, key {key}: {reason}")]
    Key {
        /// The tenant's name, or its number in the text.
        tenant: String,
        /// Which key.
        key: String,
        /// What is wrong and what to do about it.
        reason: String,
    },
}

impl Classify for TomlTenantsError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

fn syntax(source: impl Error + Send + Sync + 'static) -> TomlTenantsError {
    TomlTenantsError::Syntax { source: Box::new(source) }
}

fn section(key: &str, reason: &str) -> TomlTenantsError {
    TomlTenantsError::Section { key: key.to_owned(), reason: reason.to_owned() }
}

fn wrong(tenant: impl Display, key: impl Display, reason: impl Display) -> TomlTenantsError {
    TomlTenantsError::Key { tenant: tenant.to_string(), key: key.to_string(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::fault::chain;

    fn error(text: &str) -> String {
        chain(&TomlTenants::parse(text).unwrap_err()).to_string()
    }

    #[tokio::test]
    async fn a_full_tenant_is_read() {
        let text = r#"
            [[rule]]
            kind = "subscription"
            [[tenant]]
            id = "acme"
            zone = "Asia/Kolkata"
            daily_limit = 100000
            weight = 2
            [tenant.subscription]
            status = "past_due"
            plan = "pro"
            since = 2026-12-01T00:00:00Z
            entitlements = ["campaigns"]
            grace_days = 3
            [[tenant.rule]]
            kind = "entitlement"
            [[tenant]]
            id = "off"
            enabled = false
        "#;
        let tenants = TomlTenants::parse(text).unwrap();
        let ids = ["acme", "off", "nobody"].map(|id| TenantId::parse(id).unwrap());
        let loaded = tenants.load(&ids).await.unwrap();
        let status = Status::PastDue { since: "2026-12-01T00:00:00Z".parse().unwrap() };
        let subscription = Subscription::new("pro", status)
            .with_entitlements(["campaigns"])
            .with_grace(Duration::from_secs(3 * 86_400));
        let acme = TenantRecord::new(ids[0].clone())
            .with_zone(chrono_tz::Asia::Kolkata)
            .with_daily_limit(100_000)
            .with_weight(2)
            .with_subscription(subscription);
        assert_eq!(loaded, [Some(acme), Some(TenantRecord::new(ids[1].clone()).disabled()), None]);
    }

    #[test]
    fn every_status_is_read() {
        for (status, instant) in [
            ("pending", ""),
            ("trialing", "until = \"2027-01-01T00:00:00Z\""),
            ("active", "period_end = \"2027-01-01T00:00:00Z\""),
            ("past_due", "since = \"2027-01-01T00:00:00Z\""),
            ("paused", ""),
            ("canceled", "effective_at = \"2027-01-01T00:00:00Z\""),
            ("expired", ""),
        ] {
            let text = format!(
                "[[tenant]]\nid = \"a\"\n[tenant.subscription]\nplan = \"p\"\nstatus = \"{status}\"\n{instant}"
            );
            let tenants = TomlTenants::parse(&text).unwrap();
            let stands = tenants.records().next().unwrap().subscription.as_ref().unwrap().status;
            assert_eq!(serde_json::to_value(stands).unwrap()["status"], status);
        }
    }

    #[test]
    fn a_mistake_is_named_with_tenant_and_key() {
        let cases = [
            (
                "[[tenant]]\nid = \"a\"\nzonee = \"x\"",
                "tenant a: correct the key that the cause names: unknown field `zonee`",
            ),
            (
                "[[tenant]]\nzone = \"UTC\"",
                "tenant number 1: correct the key that the cause names: missing field `id`",
            ),
            ("[[tenant]]\nid = \"a b\"", "tenant a b, key id: \"a b\" is not a tenant's name"),
            ("[[tenant]]\nid = \"a\"\nzone = \"Mars\"", "tenant a, key zone: \"Mars\" is no time zone"),
            ("[[tenant]]\nid = \"a\"\nweight = 0", "tenant a, key weight: must be at least 1"),
            (
                "[[tenant]]\nid = \"a\"\n[[tenant]]\nid = \"a\"",
                "tenant a, key id: another tenant has this name",
            ),
            ("[tenants]", "reading tenants: tenants: unknown key"),
            ("[tenant]\nid = \"a\"", "reading tenants: tenant: write each tenant under [[tenant]]"),
            ("id = ", "reading tenants: the text is not TOML"),
        ];
        for (text, begins) in cases {
            assert!(error(text).starts_with(begins), "{}", error(text));
        }
        let subscribed = |rest: &str| {
            error(&format!("[[tenant]]\nid = \"a\"\n[tenant.subscription]\nplan = \"p\"\n{rest}"))
        };
        assert!(subscribed("status = \"on\"").starts_with("tenant a, key subscription.status: use pending"));
        assert_eq!(
            subscribed("status = \"active\""),
            "tenant a, key subscription.period_end: must be given with status \"active\""
        );
        assert_eq!(
            subscribed("status = \"paused\"\nsince = \"2027-01-01T00:00:00Z\""),
            "tenant a, key subscription.since: must not be given with status \"paused\""
        );
        assert!(subscribed("status = \"paused\"\ngrace = 3").contains("unknown field `grace`"));
    }
}
