//! Suites that any implementation of a port can run: one case per sentence of the port's
//! contract, and one macro per suite that writes all of its tests, so that none can be left out.
//!
//! Not a stable interface: a patch release may add cases.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "an assertion is the purpose of a suite")]

pub mod host_stock;
pub mod sync_store;

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

#[cfg(test)]
mod tests {
    #[test]
    fn the_macro_lists_every_case_of_the_sync_store() {
        let list = include_str!("conformance/sync_store.rs").split_once("macro_rules!").unwrap().1;
        let cases: Vec<&str> = [
            include_str!("conformance/sync_store/orders.rs"),
            include_str!("conformance/sync_store/movements.rs"),
            include_str!("conformance/sync_store/counts.rs"),
            include_str!("conformance/sync_store/items.rs"),
            include_str!("conformance/sync_store/listings.rs"),
            include_str!("conformance/sync_store/steps.rs"),
            include_str!("conformance/sync_store/letters.rs"),
        ]
        .into_iter()
        .flat_map(str::lines)
        .filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next())
        .collect();
        let listed: Vec<&str> = list.lines().map(str::trim).filter(|line| cases.contains(line)).collect();
        assert_eq!(listed, cases);
        assert!(!cases.is_empty());
    }

    #[test]
    fn the_macro_lists_every_case_of_the_host_stock() {
        let (suite, list) = include_str!("conformance/host_stock.rs").split_once("macro_rules!").unwrap();
        let cases: Vec<&str> =
            suite.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next()).collect();
        let listed: Vec<&str> = list.lines().map(str::trim).filter(|line| cases.contains(line)).collect();
        assert_eq!(listed, cases);
        assert!(!cases.is_empty());
    }
}
