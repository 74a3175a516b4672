//! The outbox on a real Redis server.

#![cfg(feature = "redis")]
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

#[path = "support/redis.rs"]
mod support;

mod redis {
    use std::sync::Arc;
    use std::time::Duration;

    use rules_core::judge::code::Code;
    use rules_core::judge::id::EntryId;
    use rules_core::judge::key::ChainKey;
    use rules_core::judge::tenant::TenantId;
    use rules_core::store::memory::Memory;
    use rules_core::store::redis::{Command, Commit, Guarantee, Redis, RedisConfig, put_out};
    use rules_core::work::clock::{Clock, ManualClock};
    use rules_core::work::events::{Entry, EventLog};
    use rules_core::work::outbox::{Outbox, Relay};

    use super::support::{key_prefix, shared_url};

    async fn store(clock: Option<Arc<dyn Clock>>) -> Redis {
        let config =
            RedisConfig::parse(&shared_url()).unwrap().named(&key_prefix()).accepting(Guarantee::Nothing);
        Redis::connect(match clock {
            Some(clock) => config.with_clock(clock),
            None => config,
        })
        .await
        .unwrap()
    }

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
        let store = store(None).await;
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
        let store = store(None).await;
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

    #[tokio::test]
    async fn a_relay_moves_everything_into_a_log() {
        let (store, log) = (Arc::new(store(None).await), Memory::new());
        put(&store, 0..1_500).await;
        let relay = Relay::new(Arc::<Redis>::clone(&store), Arc::new(log.clone()));
        assert_eq!([relay.pass().await.unwrap(), relay.pass().await.unwrap()], [1_000, 500]);
        assert_eq!(relay.pass().await.unwrap(), 0);
        let heads = log.head(&[entry(0).chain, entry(1).chain]).await.unwrap();
        assert_eq!(heads.iter().map(|head| head.seq).collect::<Vec<_>>(), [750, 750]);
    }

    #[tokio::test]
    async fn one_relay_has_the_outbox_until_its_time_is_over_or_given_up() {
        let clock = Arc::new(ManualClock::at("2026-01-05T12:00:00Z".parse().unwrap()));
        let store = store(Some(Arc::<ManualClock>::clone(&clock))).await;
        let (ttl, none) = (Duration::from_secs(30), Duration::ZERO);
        assert!(store.claim_relay("one", ttl).await.unwrap());
        assert!(!store.claim_relay("two", ttl).await.unwrap());
        clock.advance(Duration::from_secs(29));
        assert!(store.claim_relay("one", ttl).await.unwrap(), "it goes on");
        clock.advance(Duration::from_secs(29));
        assert!(!store.claim_relay("two", none).await.unwrap(), "nobody else can give it up");
        clock.advance(Duration::from_secs(1));
        assert!(store.claim_relay("two", ttl).await.unwrap());
        assert!(!store.claim_relay("one", ttl).await.unwrap());
        assert!(store.claim_relay("two", none).await.unwrap());
        assert!(store.claim_relay("one", ttl).await.unwrap());
    }
}
