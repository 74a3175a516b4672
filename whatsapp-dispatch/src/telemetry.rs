//! Counters, with feature `metrics`, through the `metrics` facade; without it, nothing.
//!
//! | counter | label | counts |
//! |---|---|---|
//! | `dispatch_leased_total` | | references taken from the queue |
//! | `dispatch_begun_total` | | messages begun, repeats included |
//! | `dispatch_facts_total` | `fact`: `accepted`, `held`, `refused`, `unknown`, `deferred`, `denied`, `expired` | what senders wrote down |
//! | `dispatch_people_total` | `news`: `opted_out`, `suppressed`, `not_reachable`, `marketing_refused` | what errors told of people |
//! | `dispatch_statuses_total` | `result`: `applied`, `known`, `unmatched`, `ignored` | statuses of webhooks |
//! | `dispatch_unknown_codes_total` | | errors that the table of reactions does not know |
//! | `dispatch_webhook_changes_total` | `result`: `received`, `quarantined`, `applied`, `unreadable`, `refused` | changes that webhooks told of |
//!
//! No label names a tenant or a person.

/// Counts `n` of a kind; `label` is a name and its value.
#[cfg(feature = "metrics")]
pub(crate) fn count(counter: &'static str, label: Option<(&'static str, &'static str)>, n: usize) {
    let n = u64::try_from(n).unwrap_or(u64::MAX);
    match label {
        Some((name, value)) => metrics::counter!(counter, name => value).increment(n),
        None => metrics::counter!(counter).increment(n),
    }
}

/// Counts nothing.
#[cfg(not(feature = "metrics"))]
pub(crate) const fn count(_: &'static str, _: Option<(&'static str, &'static str)>, _: usize) {}
