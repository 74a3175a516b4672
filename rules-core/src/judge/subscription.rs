//! Subscriptions: what a tenant has paid for, and whether that holds now.
//!
//! A stored "active" is never believed without looking at the time, so a subscription whose news
//! got lost runs out by itself.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::judge::code::Code;
use crate::judge::registry::{
    SUBSCRIPTION_CANCELED, SUBSCRIPTION_EXPIRED, SUBSCRIPTION_PAST_DUE_GRACE_OVER, SUBSCRIPTION_PAUSED,
    SUBSCRIPTION_PENDING, SUBSCRIPTION_PLAN_LACKS,
};

/// How long an active subscription is believed past the end of its period, because the news of
/// its renewal takes a while to arrive.
pub const RENEWAL_SLACK: Duration = Duration::from_hours(1);

/// What a tenant has paid for.
///
/// ```
/// use rules_core::judge::subscription::{Status, Subscription};
/// let period_end = "2027-01-01T00:00:00Z".parse().unwrap();
/// let pro = Subscription::new("pro", Status::Active { period_end }).with_entitlements(["campaigns"]);
/// let now = "2026-12-24T18:00:00Z".parse().unwrap();
/// assert!(pro.entitled_to("campaigns", now).is_ok());
/// assert_eq!(pro.entitled_to("sso", now).unwrap_err().as_str(), "subscription.plan_lacks");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Subscription {
    /// The plan's name.
    pub plan: String,
    /// Where the subscription stands.
    pub status: Status,
    /// The features that the plan includes.
    pub entitlements: BTreeSet<String>,
    /// How long an unpaid subscription goes on; none unless a host says otherwise.
    pub grace: Duration,
}

/// Where a subscription stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// Ordered, not yet begun.
    Pending,
    /// On trial.
    Trialing {
        /// The first instant after the trial.
        until: DateTime<Utc>,
    },
    /// Paid.
    Active {
        /// The first instant that is not paid for.
        period_end: DateTime<Utc>,
    },
    /// A payment failed; the days of grace run.
    PastDue {
        /// When it fell due.
        since: DateTime<Utc>,
    },
    /// Stopped for a while.
    Paused,
    /// Cancelled.
    Canceled {
        /// The first instant without it.
        effective_at: DateTime<Utc>,
    },
    /// Over.
    Expired,
}

impl Subscription {
    /// A subscription to `plan` without features and without days of grace.
    pub fn new(plan: impl Into<String>, status: Status) -> Self {
        Self { plan: plan.into(), status, entitlements: BTreeSet::new(), grace: Duration::ZERO }
    }

    /// The same subscription with these features.
    #[must_use]
    pub fn with_entitlements<T: Into<String>>(self, features: impl IntoIterator<Item = T>) -> Self {
        Self { entitlements: features.into_iter().map(Into::into).collect(), ..self }
    }

    /// The same subscription, going on for `grace` when a payment fails.
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// Whether the subscription holds at `now`. Instants are ends: at the instant itself it no
    /// longer holds.
    ///
    /// # Errors
    /// The reason why not, one of the `subscription.*` codes.
    pub fn entitled(&self, now: DateTime<Utc>) -> Result<(), Code> {
        let (end, then) = match self.status {
            Status::Pending => return Err(SUBSCRIPTION_PENDING),
            Status::Paused => return Err(SUBSCRIPTION_PAUSED),
            Status::Expired => return Err(SUBSCRIPTION_EXPIRED),
            Status::Trialing { until } => (until, SUBSCRIPTION_EXPIRED),
            Status::Active { period_end } => (later(period_end, RENEWAL_SLACK), SUBSCRIPTION_EXPIRED),
            Status::PastDue { since } => (later(since, self.grace), SUBSCRIPTION_PAST_DUE_GRACE_OVER),
            Status::Canceled { effective_at } => (effective_at, SUBSCRIPTION_CANCELED),
        };
        if now < end { Ok(()) } else { Err(then) }
    }

    /// Whether the subscription holds at `now` and includes `feature`.
    ///
    /// # Errors
    /// The reason why not, one of the `subscription.*` codes.
    pub fn entitled_to(&self, feature: &str, now: DateTime<Utc>) -> Result<(), Code> {
        self.entitled(now)?;
        if self.entitlements.contains(feature) { Ok(()) } else { Err(SUBSCRIPTION_PLAN_LACKS) }
    }
}

fn later(instant: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let delta = TimeDelta::from_std(by).ok();
    delta.and_then(|delta| instant.checked_add_signed(delta)).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

impl Display for Status {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (word, instant) = match self {
            Self::Pending => ("pending", None),
            Self::Trialing { until } => ("on trial until", Some(until)),
            Self::Active { period_end } => ("active until", Some(period_end)),
            Self::PastDue { since } => ("past due since", Some(since)),
            Self::Paused => ("paused", None),
            Self::Canceled { effective_at } => ("cancelled from", Some(effective_at)),
            Self::Expired => ("expired", None),
        };
        f.write_str(word)?;
        instant.map_or(Ok(()), |at| write!(f, " {}", at.to_rfc3339_opts(SecondsFormat::Secs, true)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn code(subscription: &Subscription, now: i64) -> Option<String> {
        subscription.entitled(at(now)).err().map(|code| code.to_string())
    }

    #[test]
    fn each_status_ends_at_its_instant() {
        let table = [
            (Status::Trialing { until: at(100) }, 100, "subscription.expired"),
            (Status::Active { period_end: at(100) }, 3_700, "subscription.expired"),
            (Status::PastDue { since: at(100) }, 110, "subscription.past_due_grace_over"),
            (Status::Canceled { effective_at: at(100) }, 100, "subscription.canceled"),
        ];
        for (status, end, reason) in table {
            let subscription = Subscription::new("pro", status).with_grace(Duration::from_secs(10));
            assert_eq!(code(&subscription, end - 1), None, "{status}");
            assert_eq!(code(&subscription, end).as_deref(), Some(reason), "{status}");
        }
    }

    #[test]
    fn what_has_not_begun_or_is_over_entitles_to_nothing() {
        let table = [
            (Status::Pending, "subscription.pending"),
            (Status::Paused, "subscription.paused"),
            (Status::Expired, "subscription.expired"),
        ];
        for (status, reason) in table {
            assert_eq!(code(&Subscription::new("pro", status), 0).as_deref(), Some(reason));
        }
    }

    #[test]
    fn without_grace_a_failed_payment_ends_it_at_once() {
        let subscription = Subscription::new("pro", Status::PastDue { since: at(5) });
        assert_eq!(code(&subscription, 5).as_deref(), Some("subscription.past_due_grace_over"));
    }

    fn status() -> impl Strategy<Value = Status> {
        let instant = (0_i64..10_000).prop_map(at);
        prop_oneof![
            Just(Status::Pending),
            Just(Status::Paused),
            Just(Status::Expired),
            instant.clone().prop_map(|until| Status::Trialing { until }),
            instant.clone().prop_map(|period_end| Status::Active { period_end }),
            instant.clone().prop_map(|since| Status::PastDue { since }),
            instant.prop_map(|effective_at| Status::Canceled { effective_at }),
        ]
    }

    proptest! {
        #[test]
        fn no_subscription_revives_by_waiting(
            status in status(), grace in 0_u64..5_000, now in 0_i64..20_000, wait in 0_i64..20_000,
        ) {
            let subscription = Subscription::new("pro", status).with_grace(Duration::from_secs(grace));
            if subscription.entitled(at(now)).is_err() {
                prop_assert_eq!(subscription.entitled(at(now + wait)), subscription.entitled(at(now)));
            }
        }

        #[test]
        fn every_subscription_runs_out(status in status(), grace in 0_u64..u64::MAX / 2) {
            let subscription = Subscription::new("pro", status).with_grace(Duration::from_secs(grace));
            prop_assert!(subscription.entitled(DateTime::<Utc>::MAX_UTC).is_err());
        }

        #[test]
        fn more_grace_never_takes_anything_away(
            status in status(), grace in 0_u64..5_000, more in 0_u64..5_000, now in 0_i64..20_000,
        ) {
            let short = Subscription::new("pro", status).with_grace(Duration::from_secs(grace));
            let long = short.clone().with_grace(Duration::from_secs(grace + more));
            prop_assert!(short.entitled(at(now)).is_err() || long.entitled(at(now)).is_ok());
        }

        #[test]
        fn a_feature_needs_both_the_plan_and_the_time(status in status(), now in 0_i64..20_000) {
            let pro = Subscription::new("pro", status).with_entitlements(["campaigns"]);
            prop_assert_eq!(pro.entitled_to("campaigns", at(now)), pro.entitled(at(now)));
            prop_assert!(pro.entitled_to("sso", at(now)).is_err());
        }
    }
}
