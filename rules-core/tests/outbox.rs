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

#[cfg(feature = "redis")]
#[path = "support/redis.rs"]
mod redis_server;

#[cfg(feature = "redis")]
#[path = "support/hostile.rs"]
mod hostile;

#[cfg(feature = "redis")]
#[path = "outbox/hostile_redis.rs"]
mod hostile_redis;

#[cfg(feature = "redis")]
mod redis {
    use rules_core::judge::code::Code;
    use rules_core::judge::id::EntryId;
    use rules_core::judge::key::ChainKey;
    use rules_core::judge::tenant::TenantId;
    use rules_core::store::redis::{Command, Commit, Guarantee, Redis, RedisConfig, put_out};
    use rules_core::work::events::Entry;
    use rules_core::work::outbox::Outbox;

    use super::redis_server::{key_prefix, shared_url};
    use super::*;

    async fn store(clock: &Arc<ManualClock>) -> Redis {
        let config = RedisConfig::parse(&shared_url()).unwrap().named(&key_prefix());
        let config = config.accepting(Guarantee::Nothing).with_clock(Arc::<ManualClock>::clone(clock));
        Redis::connect(config).await.unwrap()
    }

    async fn new() -> Subject {
        let clock = clock();
        let store = store(&clock).await;
        let putting = store.clone();
        Subject {
            outbox: Arc::new(store),
            put_out: Box::new(move |entries| {
                let store = putting.clone();
                Box::pin(async move {
                    let mut commit = Commit::new();
                    put_out(&mut commit, &store, &entries);
                    assert!(store.commit(&commit).await.unwrap());
                })
            }),
            advance: Box::new(move |duration| clock.advance(duration)),
            keep: Box::new(()),
        }
    }

    rules_core::outbox_conformance!(new);

    fn entry(number: u32) -> Entry {
        let tenant = if number.is_multiple_of(2) { "a" } else { "tenant-with_a-longer-name" };
        Entry {
            id: EntryId::of(&[&number.to_be_bytes()]),
            chain: ChainKey::of(&TenantId::parse(tenant).unwrap()),
            at: chrono::DateTime::from_timestamp_micros(1_767_614_400_000_000 + i64::from(number)).unwrap(),
            kind: Code::known("test.happened"),
            body: format!("{{\"number\":{number},\"name\":\"Dvořák\"}}"),
        }
    }

    async fn put(store: &Redis, numbers: std::ops::Range<u32>) {
        let mut commit = Commit::new();
        put_out(&mut commit, store, &numbers.map(entry).collect::<Vec<_>>());
        assert!(store.commit(&commit).await.unwrap());
    }

    #[tokio::test]
    async fn entries_come_out_as_they_went_in_and_positions_rise_for_ever() {
        let store = store(&clock()).await;
        assert_eq!(store.pending(10).await.unwrap(), []);
        put(&store, 0..2_500).await;
        let pending = store.pending(2_200).await.unwrap();
        assert_eq!(
            pending,
            (0..2_200).map(|number| (u64::from(number) + 1, entry(number))).collect::<Vec<_>>()
        );
        assert_eq!(store.pending(0).await.unwrap(), []);
        for _ in 0..2 {
            // A repeat, as after a lost answer, forgets nothing more.
            store.relayed(2_300).await.unwrap();
            assert_eq!(store.pending(1).await.unwrap(), [(2_301, entry(2_300))]);
        }
        store.relayed(2_500).await.unwrap();
        assert_eq!(store.pending(10).await.unwrap(), []);
        put(&store, 7..8).await;
        assert_eq!(store.pending(10).await.unwrap(), [(2_501, entry(7))]);
        store.relayed(1).await.unwrap();
        assert_eq!(store.pending(10).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn entries_are_put_out_with_their_change_or_not_at_all() {
        let store = store(&clock()).await;
        let key = store.key(&[&"change"]);
        for _ in 0..2 {
            let mut commit = Commit::new();
            commit.expect(&key, None);
            commit.write(Command::new("SET", &key).arg("made"));
            put_out(&mut commit, &store, &[entry(1)]);
            store.commit(&commit).await.unwrap();
        }
        assert_eq!(store.pending(10).await.unwrap(), [(1, entry(1))]);
    }
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
