//! Counters, with feature `metrics`, through the `metrics` facade; without it, nothing.
//!
//! No label names a tenant, a seller, an order or a SKU.

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
