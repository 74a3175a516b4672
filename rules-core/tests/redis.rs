//! The Redis handle against real servers.

#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]

#[path = "support/redis.rs"]
mod support;

use std::time::Duration;

use bytes::Bytes;
use rules_core::store::redis::{Command, Commit, Guarantee, Redis, RedisConfig, RedisError, Reply};
use rules_core::work::clock::{ClockExt, SystemClock};

use support::{Persistence, RedisCluster, RedisServer};

fn config(url: &str) -> RedisConfig {
    RedisConfig::parse(url).unwrap().accepting(Guarantee::Nothing)
}

async fn connected(url: &str) -> Redis {
    Redis::connect(config(url)).await.unwrap()
}

async fn get(store: &Redis, key: &str) -> Option<Bytes> {
    store.read(&[Command::new("GET", key)]).await.unwrap().pop().and_then(Reply::bytes)
}

fn set(key: &str, text: &str) -> Command {
    Command::new("SET", key).arg(text)
}

#[tokio::test]
async fn a_commit_is_made_whole_or_not_at_all() {
    let server = RedisServer::start(Persistence::None);
    for url in [server.url(), format!("{}?protocol=resp3", server.url())] {
        let store = connected(&url).await;
        let (one, two) = (store.key(&[&url.len(), &"one"]), store.key(&[&url.len(), &"two"]));
        let mut first = Commit::new();
        first.expect(&one, None);
        first.write(set(&one, "1"));
        first.write(Command::new("HSET", &two).arg("f").arg("abc"));
        assert!(store.commit(&first).await.unwrap());
        assert!(!store.commit(&first).await.unwrap(), "there is something now");
        let mut second = Commit::new();
        second.expect(&one, Some("1".into()));
        second.expect_field(&two, "g", None);
        second.expect_field_begins(&two, "f", "ab".into());
        second.write(set(&one, "2"));
        assert!(store.commit(&second).await.unwrap());
        assert!(!store.commit(&second).await.unwrap(), "the text is another");
        let mut third = Commit::new();
        third.expect_field(&two, "f", Some("abd".into()));
        third.write(set(&one, "3"));
        assert!(!store.commit(&third).await.unwrap());
        assert_eq!(get(&store, &one).await.unwrap(), "2");
    }
}

#[tokio::test]
async fn scripts_are_found_again_after_the_server_forgot_them() {
    let mut server = RedisServer::start(Persistence::Always);
    let store = Redis::connect(RedisConfig::parse(&server.url()).unwrap()).await.unwrap();
    let key = store.key(&[&"a"]);
    for round in 0..3 {
        while store.restarts().await.unwrap() < round {
            SystemClock.sleep(Duration::from_millis(50)).await;
        }
        let mut commit = Commit::new();
        commit.write(set(&key, &round.to_string()));
        assert!(store.commit(&commit).await.unwrap());
        server.kill();
        store.read(&[Command::new("GET", &key)]).await.unwrap_err();
        server.start_again();
        assert_eq!(get(&store, &key).await.unwrap(), round.to_string(), "what was answered is kept");
    }
}

#[tokio::test]
async fn a_cluster_keeps_a_store_together() {
    let cluster = RedisCluster::start();
    let nodes: Vec<String> = cluster.urls().iter().map(|url| url.replace("redis://", "")).collect();
    let store = connected(&format!("redis+cluster://{}", nodes.join(","))).await;
    let mut commit = Commit::new();
    for name in 0..50 {
        commit.write(set(&store.key(&[&name]), "x"));
    }
    assert!(store.commit(&commit).await.unwrap());
    let keys: Vec<Command> = (0..50).map(|name| Command::new("GET", &store.key(&[&name]))).collect();
    assert!(store.read(&keys).await.unwrap().into_iter().all(|reply| reply.bytes().unwrap() == "x"));
}

#[tokio::test]
async fn a_server_that_may_forget_is_refused_unless_that_is_accepted_by_name() {
    let server = RedisServer::start(Persistence::EverySecond);
    let refused = Redis::connect(RedisConfig::parse(&server.url()).unwrap()).await.unwrap_err();
    let text = refused.to_string();
    assert!(text.contains("persistence everysec") && text.contains("appendfsync always"), "{text}");
    let accepting = RedisConfig::parse(&server.url()).unwrap().accepting(Guarantee::EverySecond);
    assert_eq!(Redis::connect(accepting).await.unwrap().promises(), Guarantee::EverySecond);
    server.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let text = Redis::connect(config(&server.url())).await.unwrap_err().to_string();
    assert!(text.contains("set maxmemory-policy noeviction"), "{text}");
}

#[tokio::test]
async fn a_server_that_tells_nothing_needs_a_promise_of_the_host() {
    let server = RedisServer::start(Persistence::None);
    server.command(&["ACL", "SETUSER", "default", "-config"]);
    let text = Redis::connect(config(&server.url())).await.unwrap_err().to_string();
    assert!(text.contains("RedisConfig::promising"), "{text}");
    let promised = RedisConfig::parse(&server.url()).unwrap().promising(Guarantee::Always);
    assert_eq!(Redis::connect(promised).await.unwrap().promises(), Guarantee::Always);
}

#[tokio::test]
async fn what_cannot_be_reached_is_named_without_its_password() {
    let missing = RedisConfig::parse("redis://user:secret@127.0.0.1:1/0").unwrap();
    let error = Redis::connect(missing.clone()).await.unwrap_err();
    let text = format!("{error} {error:?} {missing:?}");
    assert!(text.contains("127.0.0.1:1") && !text.contains("secret"), "{text}");
    for bad in ["127.0.0.1:6379", "http://127.0.0.1", "redis://"] {
        assert!(matches!(RedisConfig::parse(bad), Err(RedisError::Address { .. })), "{bad}");
    }
}
