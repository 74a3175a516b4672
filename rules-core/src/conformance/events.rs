//! What every [`EventLog`] promises.

#![expect(
    missing_docs,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "an assertion is the purpose of a suite, and a case is named by what it asserts"
)]

use std::any::Any;
use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;

use chrono::DateTime;

use crate::judge::code::Code;
use crate::judge::id::EntryId;
use crate::judge::key::ChainKey;
use crate::judge::tenant::TenantScope;
use crate::work::events::{ChainSecret, Entry, EventLog, Head, KNOWN, Sealed, verify};

/// An event log under test that holds nothing yet.
pub struct Subject {
    /// The port.
    pub events: Arc<dyn EventLog>,
    /// A tenant.
    pub a: Arc<TenantScope>,
    /// Another tenant.
    pub b: Arc<TenantScope>,
    /// The secret of the log's chains.
    pub secret: ChainSecret,
    /// Lives as long as the subject, such as the folder of a file.
    pub keep: Box<dyn Any + Send + Sync>,
}

impl Debug for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Subject").field(&self.events).finish()
    }
}

/// Writes a test for every case of the suite; `$new` is an `async fn() -> Subject`.
#[macro_export]
macro_rules! events_conformance {
    ($new:path) => {
        $crate::events_conformance! { $new:
            entries_are_numbered_in_the_order_given
            a_chain_goes_on_where_it_ended
            a_known_entry_keeps_its_number
            the_last_entries_of_a_chain_are_known
            an_entry_twice_in_one_call_is_appended_once
            tenants_have_chains_of_their_own
            what_was_appended_is_read_back_unchanged
            reading_begins_and_ends_where_it_is_told
            heads_come_in_the_order_asked
            appending_nothing_changes_nothing
            appends_at_once_leave_no_gap
            every_chain_is_whole
        }
    };
    ($new:path: $($case:ident)+) => {
        $(
            #[tokio::test]
            async fn $case() {
                $crate::conformance::events::$case($new().await).await;
            }
        )+
    };
}

const KIND: Code = Code::known("test.happened");

fn entry(scope: &TenantScope, name: &str) -> Entry {
    Entry {
        id: EntryId::of(&[name.as_bytes()]),
        chain: ChainKey::new(scope),
        at: DateTime::from_timestamp_micros(1_767_614_400_123_456).unwrap(),
        kind: KIND,
        body: format!(r#"{{"what":"{name} ✓"}}"#),
    }
}

/// The entries as they were before they were sealed, with their numbers.
fn unsealed(sealed: &[Sealed], scope: &TenantScope) -> Vec<(u64, Entry)> {
    let entry = |sealed: &Sealed| Entry {
        id: sealed.id,
        chain: ChainKey::new(scope),
        at: sealed.at,
        kind: sealed.kind.clone(),
        body: sealed.body.clone(),
    };
    sealed.iter().map(|sealed| (sealed.seq, entry(sealed))).collect()
}

impl Subject {
    async fn append(&self, entries: &[Entry]) -> Vec<u64> {
        self.events.append(entries).await.unwrap()
    }

    async fn read(&self, scope: &TenantScope, from: u64, max: usize) -> Vec<Sealed> {
        self.events.read(&ChainKey::new(scope), from, max).await.unwrap()
    }
}

pub async fn entries_are_numbered_in_the_order_given(subject: Subject) {
    let entries = ["x", "y", "z"].map(|name| entry(&subject.a, name));
    assert_eq!(subject.append(&entries).await, [1, 2, 3]);
    let ids: Vec<EntryId> = subject.read(&subject.a, 1, 10).await.iter().map(|entry| entry.id).collect();
    assert_eq!(ids, entries.map(|entry| entry.id));
}

pub async fn a_chain_goes_on_where_it_ended(subject: Subject) {
    subject.append(&[entry(&subject.a, "x")]).await;
    assert_eq!(subject.append(&["y", "z"].map(|name| entry(&subject.a, name))).await, [2, 3]);
}

pub async fn a_known_entry_keeps_its_number(subject: Subject) {
    let [x, y, z] = ["x", "y", "z"].map(|name| entry(&subject.a, name));
    subject.append(&[x.clone(), y.clone()]).await;
    assert_eq!(subject.append(&[y, z, x]).await, [2, 3, 1]);
    assert_eq!(subject.read(&subject.a, 1, 10).await.len(), 3);
}

pub async fn the_last_entries_of_a_chain_are_known(subject: Subject) {
    let one = |number: u64| entry(&subject.a, &number.to_string());
    let mut first = 1;
    // Groups that end where no round number does.
    while first <= KNOWN + 300 {
        let numbers: Vec<u64> = (first..first + 617).collect();
        let entries: Vec<Entry> = numbers.iter().map(|number| one(*number)).collect();
        assert_eq!(subject.append(&entries).await, numbers);
        first += 617;
    }
    let last = first - 1;
    for number in [last, last - KNOWN / 2, last - KNOWN + 1] {
        assert_eq!(subject.append(&[one(number)]).await, [number]);
    }
    assert_eq!(subject.append(&[one(first)]).await, [first]);
}

pub async fn an_entry_twice_in_one_call_is_appended_once(subject: Subject) {
    let x = entry(&subject.a, "x");
    assert_eq!(subject.append(&[x.clone(), x]).await, [1, 1]);
    assert_eq!(subject.read(&subject.a, 1, 10).await.len(), 1);
}

pub async fn tenants_have_chains_of_their_own(subject: Subject) {
    let entries =
        [entry(&subject.a, "x"), entry(&subject.b, "y"), entry(&subject.a, "z"), entry(&subject.b, "w")];
    assert_eq!(subject.append(&entries).await, [1, 1, 2, 2]);
    let [x, y, z, w] = entries;
    assert_eq!(unsealed(&subject.read(&subject.a, 1, 10).await, &subject.a), [(1, x), (2, z)]);
    assert_eq!(unsealed(&subject.read(&subject.b, 1, 10).await, &subject.b), [(1, y), (2, w)]);
}

pub async fn what_was_appended_is_read_back_unchanged(subject: Subject) {
    let x = entry(&subject.a, "x");
    subject.append(std::slice::from_ref(&x)).await;
    assert_eq!(unsealed(&subject.read(&subject.a, 1, 1).await, &subject.a), [(1, x)]);
}

pub async fn reading_begins_and_ends_where_it_is_told(subject: Subject) {
    let entries: Vec<Entry> = (0..9).map(|number| entry(&subject.a, &number.to_string())).collect();
    subject.append(&entries).await;
    let numbers = async |from, max| -> Vec<u64> {
        subject.read(&subject.a, from, max).await.iter().map(|entry| entry.seq).collect()
    };
    assert_eq!(numbers(1, 3).await, [1, 2, 3]);
    assert_eq!(numbers(8, 3).await, [8, 9]);
    assert_eq!(numbers(10, 3).await, [0; 0]);
    assert_eq!(numbers(1, 0).await, [0; 0]);
}

pub async fn heads_come_in_the_order_asked(subject: Subject) {
    subject.append(&["x", "y"].map(|name| entry(&subject.b, name))).await;
    let chains = [&subject.a, &subject.b, &subject.a].map(|scope| ChainKey::new(scope));
    let last = subject.read(&subject.b, 2, 1).await.remove(0);
    let head = Head { seq: 2, mac: last.mac };
    assert_eq!(subject.events.head(&chains).await.unwrap(), [Head::default(), head, Head::default()]);
}

pub async fn appending_nothing_changes_nothing(subject: Subject) {
    assert_eq!(subject.append(&[]).await, [0; 0]);
    assert_eq!(subject.events.head(&[ChainKey::new(&subject.a)]).await.unwrap(), [Head::default()]);
}

pub async fn appends_at_once_leave_no_gap(subject: Subject) {
    let one = |number: u32| [entry(&subject.a, &number.to_string())];
    let groups = [1, 2, 3, 4].map(one);
    let [first, second, third, fourth] = &groups;
    let (first, second, third, fourth) = tokio::join!(
        subject.append(first),
        subject.append(second),
        subject.append(third),
        subject.append(fourth)
    );
    let mut numbers = [first, second, third, fourth].concat();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4]);
}

pub async fn every_chain_is_whole(subject: Subject) {
    for round in 0..5 {
        let of = |scope: &TenantScope, name: &str| entry(scope, &format!("{name}{round}"));
        subject.append(&[of(&subject.a, "x"), of(&subject.b, "y"), of(&subject.a, "z")]).await;
    }
    for (scope, entries) in [(&subject.a, 10), (&subject.b, 5)] {
        let chain = ChainKey::new(scope);
        let verified = verify(&*subject.events, &chain, &subject.secret).await.unwrap();
        assert_eq!(verified.seq, entries);
        assert_eq!(subject.events.head(&[chain]).await.unwrap(), [verified]);
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_macro_lists_every_case() {
        let source = include_str!("events.rs");
        let list = source.split("$new:\n").nth(1).unwrap().split('}').next().unwrap();
        let cases = source.lines().filter_map(|line| line.strip_prefix("pub async fn "));
        let cases: Vec<&str> = cases.map(|rest| rest.split('(').next().unwrap()).collect();
        assert_eq!(list.split_whitespace().collect::<Vec<_>>(), cases);
    }
}
