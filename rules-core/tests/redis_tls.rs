//! The Redis handle over TLS, against a real server with a certificate of an authority of our own.
//!
//! `cargo test -p rules-core --features redis-tls --test redis_tls`

#![cfg(feature = "redis-tls")]
#![expect(clippy::unwrap_used, reason = "a test stops at its first surprise")]

#[path = "support/authority.rs"]
mod authority;
#[path = "support/redis.rs"]
mod redis;

use std::time::Duration;

use bytes::Bytes;
use rules_core::judge::fault::{Classify, Fault, chain};
use rules_core::judge::id::{BatchId, LeaseToken};
use rules_core::judge::key::{Lane, Outlet};
use rules_core::judge::tenant::{TenantId, TenantRecord};
use rules_core::store::redis::{Guarantee, Redis, RedisConfig, RedisError};
use rules_core::work::queue::{
    Allowance, Enqueued, LeaseRequest, Outcome, Parcel, Queue, Settled, Settlement,
};
use rules_core::work::tenants::{FixedTenants, Tenants};

use authority::Authority;
use redis::{FaultProxy, RedisServer};

const LOCAL: &str = "DNS:localhost,IP:127.0.0.1";

/// A server that also speaks TLS, and the port at which it does.
fn start(authority: &Authority, names: &str) -> RedisServer {
    RedisServer::options().tls(&authority.issue(names).lines()).start()
}

fn config(url: &str) -> RedisConfig {
    RedisConfig::parse(url).unwrap().accepting(Guarantee::Nothing)
}

/// Puts a record into a queue, takes it out and settles it.
async fn works(store: &Redis, name: &str) {
    let tenant = TenantId::parse("a").unwrap();
    let tenants = Tenants::new(FixedTenants::new([TenantRecord::new(tenant.clone())]));
    let outlet = Outlet::new(&tenants.enter(&tenant).await.unwrap(), "n").unwrap();
    let (batch, token) = (BatchId::of(&[name.as_bytes()]), LeaseToken::of(&[name.as_bytes()]));
    let lane = Lane::new(&outlet, name).unwrap();
    let records = vec![Bytes::from_owner(name.to_owned())];
    let parcel = Parcel { batch, lane, due: None, records: records.clone() };
    assert_eq!(store.enqueue(&[parcel]).await.unwrap(), [Enqueued::Added]);
    let ttl = Duration::from_secs(60);
    let request = LeaseRequest { token, max: 10, ttl, allowance: Allowance::Unlimited };
    let lease = store.lease(&request).await.unwrap();
    assert_eq!(lease.records.iter().map(|record| record.payload.clone()).collect::<Vec<_>>(), records);
    let done = Settlement { receipt: 0, outcome: Outcome::Done };
    assert_eq!(store.settle(token, &[done]).await.unwrap(), Settled::Applied(1));
}

fn assert_untrusted(refused: &RedisError) {
    assert!(matches!(refused, RedisError::Untrusted { .. }), "{}", chain(refused));
    let text = refused.to_string();
    assert!(text.contains("not trusted") && text.contains("RedisConfig::trusting"), "{text}");
    assert!(chain(refused).to_string().contains("certificate"), "{}", chain(refused));
    assert_eq!(refused.fault(), Fault::Rejected, "waiting does not help");
}

#[tokio::test]
async fn ports_work_over_tls_by_name_and_by_address() {
    let authority = Authority::new();
    let server = start(&authority, LOCAL);
    for (number, host) in ["localhost", "127.0.0.1"].into_iter().enumerate() {
        for protocol in ["", "?protocol=resp3"] {
            let url = format!("rediss://{host}:{}/{protocol}", server.tls_port());
            let store = Redis::connect(config(&url).trusting(&authority.pem()).unwrap()).await.unwrap();
            assert_eq!(store.server(), format!("{host}:{}/", server.tls_port()));
            works(&store, &format!("{number}{}", protocol.len())).await;
        }
    }
}

#[tokio::test]
async fn an_unknown_authority_is_refused_and_the_error_says_what_to_do() {
    let (ours, others) = (Authority::new(), Authority::new());
    let server = start(&ours, LOCAL);
    let url = format!("rediss://localhost:{}", server.tls_port());
    // The machine trusts neither.
    assert_untrusted(&Redis::connect(config(&url)).await.unwrap_err());
    let wrong = config(&url).trusting(&others.pem()).unwrap();
    assert_untrusted(&Redis::connect(wrong.clone()).await.unwrap_err());
    let both = wrong.trusting(&ours.pem()).unwrap();
    works(&Redis::connect(both).await.unwrap(), "both").await;
    let together = config(&url).trusting(&format!("{}{}", others.pem(), ours.pem())).unwrap();
    works(&Redis::connect(together).await.unwrap(), "together").await;
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused() {
    let authority = Authority::new();
    let server = start(&authority, "DNS:redis.example");
    let url = format!("rediss://localhost:{}", server.tls_port());
    let refused = Redis::connect(config(&url).trusting(&authority.pem()).unwrap()).await.unwrap_err();
    assert_untrusted(&refused);
    assert!(chain(&refused).to_string().contains("redis.example"), "{}", chain(&refused));
}

#[tokio::test]
async fn what_is_no_certificate_is_refused_before_anybody_connects() {
    let authority = Authority::new();
    let begun = authority.pem().lines().take(3).collect::<Vec<_>>().join("\n");
    for wrong in ["", "no certificate", &begun] {
        let refused = config("rediss://localhost").trusting(wrong).unwrap_err();
        let text = refused.to_string();
        assert!(text.contains("-----BEGIN CERTIFICATE-----"), "{text}");
        assert_eq!(refused.fault(), Fault::Rejected);
    }
    let refused = config("redis://localhost").trusting(&authority.pem()).unwrap_err();
    assert!(refused.to_string().contains("it is not rediss://"), "{refused}");
}

#[tokio::test]
async fn a_connection_that_is_cut_within_tls_comes_back() {
    let authority = Authority::new();
    let mut server = start(&authority, LOCAL);
    let proxy = FaultProxy::start(([127, 0, 0, 1], server.tls_port()).into());
    let url = format!("rediss://{}", proxy.address());
    let store = Redis::connect(config(&url).trusting(&authority.pem()).unwrap()).await.unwrap();
    works(&store, "before").await;
    for name in ["reset", "lost"] {
        if name == "reset" {
            proxy.reset_all()
        } else {
            proxy.lose_answers(1)
        }
        let failed = store.settle(LeaseToken::of(&[b"none"]), &[]).await.unwrap_err();
        assert_eq!(failed.fault(), Fault::InDoubt, "{}", chain(&failed));
        works(&store, name).await;
    }
    assert!(0 < proxy.counts().cut && 0 < proxy.counts().lost, "{:?}", proxy.counts());
    server.kill();
    store.settle(LeaseToken::of(&[b"none"]), &[]).await.unwrap_err();
    server.start_again();
    works(&store, "after").await;
}
