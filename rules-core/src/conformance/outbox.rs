//! What every [`Outbox`] promises.

#![expect(
    missing_docs,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "an assertion is the purpose of a suite, and a case is named by what it asserts"
)]

use std::any::Any;
use std::fmt::{self, Debug, Formatter};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;

use crate::judge::code::Code;
use crate::judge::id::{EntryId, LeaseToken};
use crate::judge::key::ChainKey;
use crate::judge::tenant::TenantId;
use crate::work::events::Entry;
use crate::work::outbox::Outbox;

/// Puts entries into a store's outbox, with a change of the store or without one.
pub type PutOut = Box<dyn Fn(Vec<Entry>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// An outbox under test that holds nothing yet.
pub struct Subject {
    /// The port.
    pub outbox: Arc<dyn Outbox>,
    /// Puts entries into it.
    pub put_out: PutOut,
    /// Moves the store's clock forward.
    pub advance: Box<dyn Fn(Duration) + Send + Sync>,
    /// Lives as long as the subject, such as the folder of a file.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl Debug for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subject").field(&self.outbox).finish()
    }
}

/// Writes a test for every case of the suite; `$new` is an `async fn() -> Subject`.
#[macro_export]
macro_rules! outbox_conformance {
    ($new:path) => {
        $crate::outbox_conformance! { $new:
            what_was_put_out_is_pending_in_its_order_and_unchanged
            no_more_is_told_than_was_asked_for
            what_was_relayed_is_forgotten
            positions_rise_even_when_nothing_is_left
            whoever_claims_first_has_it
            a_claim_runs_out
            a_claim_that_is_renewed_lasts
            a_claim_that_is_given_back_is_free
            only_the_holder_gives_back
        }
    };
    ($new:path: $($case:ident)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::conformance::outbox::$case($new().await).await;
            }
        )+
    };
}

const TTL: Duration = Duration::from_secs(60);

fn entry(tenant: &str, name: &str) -> Entry {
    Entry {
        id: EntryId::of(&[name.as_bytes()]),
        chain: ChainKey::of(&TenantId::parse(tenant).unwrap()),
        at: DateTime::from_timestamp_micros(1_767_614_400_123_456).unwrap(),
        kind: Code::known("test.happened"),
        body: format!(r#"{{"what":"{name} ✓"}}"#),
    }
}

fn holder(name: &str) -> LeaseToken {
    LeaseToken::of(&[name.as_bytes()])
}

impl Subject {
    async fn put_out(&self, entries: &[Entry]) {
        (self.put_out)(entries.to_vec()).await;
    }

    async fn pending(&self, max: usize) -> Vec<(u64, Entry)> {
        self.outbox.pending(max).await.unwrap()
    }

    async fn claim(&self, name: &str, ttl: Duration) -> bool {
        self.outbox.claim(holder(name), ttl).await.unwrap()
    }
}

pub async fn what_was_put_out_is_pending_in_its_order_and_unchanged(subject: Subject) {
    let entries = [entry("a", "x"), entry("b", "y"), entry("a", "z"), entry("a", "x")];
    subject.put_out(entries.first_chunk::<2>().unwrap()).await;
    subject.put_out(entries.last_chunk::<2>().unwrap()).await;
    let (positions, pending): (Vec<u64>, Vec<Entry>) = subject.pending(10).await.into_iter().unzip();
    assert_eq!(pending, entries);
    assert!(positions.is_sorted_by(|one, next| one < next), "{positions:?}");
    assert_eq!(subject.pending(10).await.len(), 4, "looking takes nothing away");
}

pub async fn no_more_is_told_than_was_asked_for(subject: Subject) {
    assert_eq!(subject.pending(10).await, []);
    subject.put_out(&["x", "y", "z"].map(|name| entry("a", name))).await;
    let pending = subject.pending(2).await.into_iter().map(|(_, entry)| entry);
    assert_eq!(pending.collect::<Vec<_>>(), ["x", "y"].map(|name| entry("a", name)));
    assert_eq!(subject.pending(0).await, []);
}

pub async fn what_was_relayed_is_forgotten(subject: Subject) {
    subject.put_out(&["x", "y", "z"].map(|name| entry("a", name))).await;
    let pending = subject.pending(10).await;
    let (second, _) = pending.get(1).unwrap();
    for _ in 0..2 {
        subject.outbox.relayed(*second).await.unwrap();
        assert_eq!(subject.pending(10).await, pending.last_chunk::<1>().unwrap());
    }
}

pub async fn positions_rise_even_when_nothing_is_left(subject: Subject) {
    subject.put_out(&[entry("a", "x")]).await;
    let (first, _) = subject.pending(1).await.remove(0);
    subject.outbox.relayed(first).await.unwrap();
    subject.put_out(&[entry("a", "y")]).await;
    let (second, _) = subject.pending(1).await.remove(0);
    assert!(first < second);
    // A relay that was held up tells again how far it was.
    subject.outbox.relayed(first).await.unwrap();
    assert_eq!(subject.pending(10).await.len(), 1);
}

pub async fn whoever_claims_first_has_it(subject: Subject) {
    assert!(subject.claim("first", TTL).await);
    assert!(!subject.claim("second", TTL).await);
    assert!(subject.claim("first", TTL).await);
}

pub async fn a_claim_runs_out(subject: Subject) {
    assert!(subject.claim("first", TTL).await);
    (subject.advance)(TTL / 2);
    assert!(!subject.claim("second", TTL).await);
    (subject.advance)(TTL);
    assert!(subject.claim("second", TTL).await);
    assert!(!subject.claim("first", TTL).await);
}

pub async fn a_claim_that_is_renewed_lasts(subject: Subject) {
    for _ in 0..4 {
        assert!(subject.claim("first", TTL).await);
        (subject.advance)(TTL / 2);
        assert!(!subject.claim("second", TTL).await);
    }
}

pub async fn a_claim_that_is_given_back_is_free(subject: Subject) {
    assert!(subject.claim("first", TTL).await);
    assert!(subject.claim("first", Duration::ZERO).await);
    assert!(subject.claim("second", TTL).await);
}

pub async fn only_the_holder_gives_back(subject: Subject) {
    assert!(subject.claim("first", TTL).await);
    assert!(!subject.claim("second", Duration::ZERO).await);
    assert!(!subject.claim("third", TTL).await);
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_macro_lists_every_case() {
        let source = include_str!("outbox.rs");
        let list = source.split("$new:\n").nth(1).unwrap().split('}').next().unwrap();
        let cases = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        let cases: Vec<&str> = cases.map(|rest| rest.split('(').next().unwrap()).collect();
        assert_eq!(list.split_whitespace().collect::<Vec<_>>(), cases);
    }
}
