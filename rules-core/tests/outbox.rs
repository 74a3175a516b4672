//! The outbox on every store of this crate, and the relay that empties it.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::sync::Arc;

use rules_core::conformance::outbox::Subject;
use rules_core::work::clock::ManualClock;

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-01-05T09:00:00Z".parse().unwrap()))
}

mod memory {
    use rules_core::store::memory::Memory;
    use rules_core::work::ids::SeededIds;

    use super::*;

    async fn new() -> Subject {
        let clock = clock();
        let store = Memory::with(Arc::<ManualClock>::clone(&clock), Arc::new(SeededIds::new(1)));
        let putting = store.clone();
        Subject {
            outbox: Arc::new(store),
            put_out: Box::new(move |entries| {
                putting.put_out(entries);
                Box::pin(std::future::ready(()))
            }),
            advance: Box::new(move |duration| clock.advance(duration)),
            keep: Box::new(()),
        }
    }

    rules_core::outbox_conformance!(new);
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use rules_core::store::sqlite::{Schema, Sqlite, SqliteConfig, put_out};

    use super::*;

    static NOTHING: Schema = Schema { name: "test", steps: &[] };

    async fn new() -> Subject {
        let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
        let config = SqliteConfig::default().with_clock(Arc::<ManualClock>::clone(&clock));
        let store = Sqlite::open_with(folder.path().join("store.db"), config).await.unwrap();
        let putting = store.clone();
        Subject {
            outbox: Arc::new(store),
            put_out: Box::new(move |entries| {
                let store = putting.clone();
                Box::pin(async move {
                    store.write(&NOTHING, move |tx| put_out(tx, &entries)).await.unwrap();
                })
            }),
            advance: Box::new(move |duration| clock.advance(duration)),
            keep: Box::new(folder),
        }
    }

    rules_core::outbox_conformance!(new);
}

mod relay {
    use std::time::Duration;

    use chrono::DateTime;
    use rules_core::judge::code::Code;
    use rules_core::judge::id::{EntryId, LeaseToken};
    use rules_core::judge::key::ChainKey;
    use rules_core::judge::tenant::TenantId;
    use rules_core::store::memory::Memory;
    use rules_core::work::archive::MemoryArchive;
    use rules_core::work::events::{ChainSecret, Entry, EventLog, Segments, verify};
    use rules_core::work::ids::SeededIds;
    use rules_core::work::outbox::{Outbox, Relay};

    use super::*;

    fn chain() -> ChainKey {
        ChainKey::of(&TenantId::parse("a").unwrap())
    }

    fn entries(numbers: std::ops::Range<u32>) -> Vec<Entry> {
        let entry = |number: u32| Entry {
            id: EntryId::of(&[&number.to_be_bytes()]),
            chain: chain(),
            at: DateTime::UNIX_EPOCH,
            kind: Code::known("test.happened"),
            body: format!(r#"{{"number":{number}}}"#),
        };
        numbers.map(entry).collect()
    }

    /// Two processes on one store and one archive.
    struct House {
        clock: Arc<ManualClock>,
        store: Memory,
        archive: Arc<MemoryArchive>,
    }

    impl House {
        fn new() -> Self {
            let clock = clock();
            let store = Memory::with(Arc::<ManualClock>::clone(&clock), Arc::new(SeededIds::new(1)));
            store.put_out(entries(0..1_500));
            Self { clock, store, archive: Arc::default() }
        }

        fn log(&self) -> Segments {
            Segments::new(Arc::<MemoryArchive>::clone(&self.archive), ChainSecret::of("secret"))
        }

        fn relay(&self, name: &str) -> Relay {
            let holder = LeaseToken::of(&[name.as_bytes()]);
            Relay::new(Arc::new(self.store.clone()), Arc::new(self.log()), holder)
        }
    }

    #[tokio::test]
    async fn one_relays_at_a_time() {
        let house = House::new();
        let (one, other) = (house.relay("one"), house.relay("other"));
        assert_eq!(one.pass().await.unwrap(), Relay::PASS);
        assert_eq!(other.pass().await.unwrap(), 0);
        // The one dies; the other goes on when its claim has run out.
        house.clock.advance(Relay::CLAIM + Duration::from_secs(1));
        assert_eq!(other.pass().await.unwrap(), 500);
        assert_eq!(one.pass().await.unwrap(), 0);
        house.store.put_out(entries(1_500..1_510));
        other.give_back().await.unwrap();
        assert_eq!(one.pass().await.unwrap(), 10);
    }

    #[tokio::test]
    async fn a_relay_that_was_held_up_doubles_nothing() {
        let house = House::new();
        // It took a pass and then stood still, for longer than its claim.
        let held_up = house.log();
        assert!(house.store.claim(LeaseToken::of(&[b"one"]), Relay::CLAIM).await.unwrap());
        let taken = house.store.pending(Relay::PASS).await.unwrap();
        house.clock.advance(Relay::CLAIM * 2);
        let other = house.relay("other");
        while 0 < other.pass().await.unwrap() {}
        house.store.put_out(entries(1_500..1_510));
        let (last, _) = *taken.last().unwrap();
        let pass: Vec<Entry> = taken.into_iter().map(|(_, entry)| entry).collect();
        assert_eq!(held_up.append(&pass).await.unwrap(), (1..=1_000).collect::<Vec<_>>());
        house.store.relayed(last).await.unwrap();
        assert_eq!(other.pass().await.unwrap(), 10);
        let verified = verify(&held_up, &chain(), &ChainSecret::of("secret")).await.unwrap();
        assert_eq!(verified.seq, 1_510);
    }
}
