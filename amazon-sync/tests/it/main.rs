//! The synchroniser end to end, and the suites of its ports.

#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]

mod host_stock;
