//! Suites that any implementation of a port can run: one case per sentence of the port's
//! contract, and one macro per suite that writes all of its tests, so that none can be left out.
//!
//! Not a stable interface: a patch release may add cases.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "an assertion is the purpose of a suite")]

pub mod host_stock;

/// Writes one test per named case of a suite.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($suite:ident, $new:path: $($case:ident)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::conformance::$suite::$case($new().await).await;
            }
        )+
    };
}
