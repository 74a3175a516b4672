//! A Redis that forgets its last second: who lives tells it again, and nobody begins anything before
//! that.

use std::time::Duration;

use rules_core::judge::code::Code;
use rules_core::judge::id::LeaseToken;
use rules_core::store::memory::Memory;
use rules_core::store::redis::{Guarantee, Redis, RedisConfig};
use rules_core::work::clock::{ClockExt, SystemClock};
use whatsapp_dispatch::delivery::{DeliveryLog, Query};
use whatsapp_dispatch::dispatch::Dispatch;
use whatsapp_dispatch::fact::{Begin, Begun, Fact, State, Subject, Then, What};
use whatsapp_dispatch::gateway::Wamid;
use whatsapp_dispatch::message::MessageKey;

use crate::house::{Scripted, campaign, people};
use crate::redis_server::{Persistence, RedisServer};

const WHY: Code = Code::known("test.why");

fn lease(n: u8) -> LeaseToken {
    LeaseToken::from_bytes([n; 16])
}

async fn connected(server: &RedisServer) -> Redis {
    let config = RedisConfig::parse(&server.url()).unwrap().accepting(Guarantee::EverySecond);
    Redis::connect(config).await.unwrap()
}

/// Asks until the server is back.
async fn begun(store: &Redis, message: &MessageKey, by: u8) -> Begun {
    loop {
        if let Ok(begun) = DeliveryLog::begin(store, &[Begin::new(message.clone(), lease(by))]).await {
            return begun[0];
        }
    }
}

/// Where the file ends once nothing waits to be written to it.
async fn all_written(server: &RedisServer) -> u64 {
    loop {
        let info = server.command(&["INFO", "persistence"]);
        if info.text().unwrap().contains("aof_buffer_length:0\r\n") {
            return server.written();
        }
        SystemClock.sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lives_tells_it_again_before_anybody_begins_anything() {
    let mut server = RedisServer::start(Persistence::EverySecond);
    let (ours, theirs) = (connected(&server).await, connected(&server).await);
    let dispatch = Dispatch::builder(&ours, Scripted::accepting()).events(Memory::new()).build().unwrap();
    let plan = dispatch.plan(campaign("forgotten"), people(4)).await.unwrap();
    dispatch.release(&plan).await.unwrap();
    let message = |record| plan.key().message(record);
    let tell = async |record, attempt, what| {
        let of = Subject::Attempt(message(record), attempt);
        ours.record(&[Fact { of, at: ours.now(), what }]).await.unwrap();
    };
    let accepted = |n: u32| What::Accepted { wamid: Wamid::new(format!("wamid.{n}")) };
    let again = |at| What::Refused { code: WHY, then: Then::Again { at, counted: true } };

    let mark = all_written(&server).await;
    for record in 0..3 {
        assert_eq!(begun(&ours, &message(record), 1).await, Begun::Attempt(1));
    }
    tell(1, 1, accepted(1)).await;
    tell(2, 1, again(ours.now())).await;
    assert_eq!(begun(&ours, &message(2), 1).await, Begun::Attempt(2));
    tell(2, 2, accepted(2)).await;
    server.kill();
    assert!(!server.written_after(mark).is_empty());
    server.lose_after(mark);
    server.start_again();

    // They ask at once, and we have nothing else to say.
    assert_eq!(begun(&theirs, &message(0), 2).await, Begun::InFlight(1), "it is on the wire");
    assert_eq!(begun(&theirs, &message(1), 2).await, Begun::Closed);
    assert_eq!(begun(&theirs, &message(2), 2).await, Begun::Closed);
    assert_eq!(begun(&theirs, &message(3), 2).await, Begun::Attempt(1), "nobody had begun it");
    let query = Query::Keys((0..4).map(message).collect());
    let known = theirs.messages(&query).await.unwrap().messages;
    let states: Vec<_> =
        known.iter().map(|message| (message.facts.state(), message.facts.attempts)).collect();
    let expected = [(State::Sending, 1), (State::Accepted, 1), (State::Accepted, 2), (State::Sending, 1)];
    assert_eq!(states, expected);
}
