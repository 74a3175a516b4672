//! What the fault proxy promises, between a plain connection and a real server: each fault does to the
//! bytes what it says, is counted, and leaves the next conversation alone.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    reason = "a delay is measured in real time; a test stops at its first surprise"
)]

#[path = "support/redis.rs"]
mod redis;

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use redis::Direction::{ToClient, ToServer};
use redis::{Chaos, Connection, Counts, Ending, FaultProxy, Persistence, RedisServer, Reply};

fn start() -> (RedisServer, FaultProxy, Connection) {
    let server = RedisServer::start(Persistence::None);
    let proxy = FaultProxy::start(server.address());
    let client = connect(&proxy);
    (server, proxy, client)
}

fn connect(proxy: &FaultProxy) -> Connection {
    Connection::open(proxy.address()).expect("the proxy listens")
}

fn count(server: &RedisServer) -> Option<i64> {
    server.command(&["GET", "count"]).text().map(|count| count.parse().expect("a number"))
}

const INCREMENT: [&str; 2] = ["INCR", "count"];
/// `*2\r\n$4\r\nINCR\r\n$5\r\ncount\r\n`
const INCREMENT_BYTES: u64 = 25;

#[test]
fn without_faults_everything_passes_and_is_counted() {
    let (server, proxy, mut client) = start();
    let value = "x".repeat(1_000_000);
    assert_eq!(client.ask(&["SET", "key", &value]).expect("an answer").text(), Some("OK"));
    assert_eq!(client.ask(&["GET", "key"]).expect("an answer").text(), Some(value.as_str()));
    assert_eq!(client.ask(&INCREMENT).expect("an answer"), Reply::Integer(1));
    assert_eq!(count(&server), Some(1));
    let counts = proxy.counts();
    assert!(counts.to_server > 1_000_000 && counts.to_client > 1_000_000);
    assert_eq!(
        Counts { to_server: 0, to_client: 0, ..counts },
        Counts { connections: 1, ..Counts::default() }
    );
}

#[test]
fn a_delay_holds_each_piece_that_goes_its_way() {
    let (_server, proxy, mut client) = start();
    proxy.delay(ToServer, Duration::from_millis(30));
    proxy.delay(ToClient, Duration::from_millis(30));
    let asked = Instant::now();
    client.ask(&INCREMENT).expect("an answer");
    assert!(asked.elapsed() >= Duration::from_millis(60));
    assert_eq!(proxy.counts().delayed, 2);
    proxy.heal();
    client.ask(&INCREMENT).expect("an answer");
    assert_eq!(proxy.counts().delayed, 2);
}

#[test]
fn a_cut_within_a_question_leaves_it_undone_and_one_after_it_does_not() {
    for (ending, kind) in [(Ending::Fin, ErrorKind::UnexpectedEof), (Ending::Rst, ErrorKind::ConnectionReset)]
    {
        let (server, proxy, mut client) = start();
        client.ask(&INCREMENT).expect("an answer");
        for (bytes, done) in [(INCREMENT_BYTES - 1, 1), (INCREMENT_BYTES, 2), (0, 2)] {
            let before = proxy.counts();
            proxy.cut_after(ToServer, bytes, ending);
            assert_eq!(client.ask(&INCREMENT).expect_err("a cut").kind(), kind);
            assert_eq!(count(&server), Some(done), "{ending:?} after {bytes} bytes");
            assert_eq!(proxy.counts().to_server, before.to_server + bytes);
            assert_eq!(proxy.counts().cut, before.cut + 1);
            client = connect(&proxy);
        }
        assert_eq!(client.ask(&INCREMENT).expect("one cut hits one connection"), Reply::Integer(3));
    }
}

#[test]
fn a_cut_within_an_answer_comes_after_the_deed() {
    for (ending, kind) in [(Ending::Fin, ErrorKind::UnexpectedEof), (Ending::Rst, ErrorKind::ConnectionReset)]
    {
        let (server, proxy, mut client) = start();
        proxy.cut_after(ToClient, 2, ending); // of ":1\r\n"
        assert_eq!(client.ask(&INCREMENT).expect_err("a cut").kind(), kind);
        assert_eq!(count(&server), Some(1));
        assert_eq!((proxy.counts().cut, proxy.counts().to_client), (1, 2));
    }
}

#[test]
fn a_cut_counts_the_bytes_of_many_conversations() {
    let (server, proxy, mut client) = start();
    proxy.cut_after(ToServer, INCREMENT_BYTES * 3 + 1, Ending::Fin);
    for number in 1..=3 {
        assert_eq!(client.ask(&INCREMENT).expect("an answer"), Reply::Integer(number));
    }
    client.ask(&INCREMENT).expect_err("a cut");
    assert_eq!(count(&server), Some(3));
}

#[test]
fn a_stall_keeps_the_connection_open_and_passes_everything_on_later() {
    for (direction, meanwhile) in [(ToServer, None), (ToClient, Some(1))] {
        let (server, proxy, _) = start();
        let patience = Duration::from_millis(50);
        let mut client = Connection::open_with_patience(proxy.address(), patience).expect("it listens");
        proxy.stall(direction);
        let error = client.ask(&INCREMENT).expect_err("no answer");
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        assert_eq!(count(&server), meanwhile, "{direction:?}");
        assert_eq!(proxy.counts().stalled, 1);
        proxy.flow(direction);
        assert_eq!(client.receive().expect("the late answer"), Reply::Integer(1));
    }
}

#[test]
fn a_stall_for_a_time_ends_by_itself() {
    let (_server, proxy, mut client) = start();
    let asked = Instant::now();
    proxy.stall_for(ToClient, Duration::from_millis(50));
    client.ask(&INCREMENT).expect("an answer");
    assert!(asked.elapsed() >= Duration::from_millis(50));
    client.ask(&INCREMENT).expect("an answer");
    assert_eq!(proxy.counts().stalled, 1);
}

#[test]
fn a_stall_can_begin_with_a_named_question() {
    for (direction, meanwhile) in [(ToServer, None), (ToClient, Some(1))] {
        let (server, proxy, _) = start();
        let patience = Duration::from_millis(50);
        let mut client = Connection::open_with_patience(proxy.address(), patience).expect("it listens");
        proxy.stall_at("incr", direction);
        assert_eq!(client.ask(&["PING"]).expect("an answer").text(), Some("PONG"));
        assert_eq!(proxy.counts().stalled, 0);
        client.ask(&INCREMENT).expect_err("no answer");
        assert_eq!((count(&server), proxy.counts().stalled), (meanwhile, 1), "{direction:?}");
        proxy.heal();
        assert_eq!(client.receive().expect("the late answer"), Reply::Integer(1));
        client.ask(&INCREMENT).expect("it held one question");
    }
}

#[test]
fn a_lost_answer_belongs_to_a_deed_that_was_done() {
    let (server, proxy, mut client) = start();
    proxy.lose_answers(2);
    for done in [1, 2] {
        assert_eq!(client.ask(&INCREMENT).expect_err("no answer").kind(), ErrorKind::UnexpectedEof);
        assert_eq!(count(&server), Some(done));
        client = connect(&proxy);
    }
    assert_eq!(client.ask(&INCREMENT).expect("an answer"), Reply::Integer(3));
    assert_eq!((proxy.counts().lost, proxy.counts().to_client), (2, 4));
}

#[test]
fn answers_are_lost_to_the_named_question_alone() {
    let (server, proxy, mut client) = start();
    proxy.lose_answers_to("incr", 1);
    assert_eq!(client.ask(&["PING"]).expect("an answer").text(), Some("PONG"));
    client.ask(&INCREMENT).expect_err("no answer");
    assert_eq!((count(&server), proxy.counts().lost), (Some(1), 1));

    let mut client = connect(&proxy);
    proxy.lose_answers_to("needle", 1);
    let value = format!("{}needle", "x".repeat(200_000)); // at the end of many pieces
    client.ask(&["SET", "key", &value]).expect_err("no answer");
    assert_eq!(proxy.counts().lost, 2);
    assert_eq!(server.command(&["STRLEN", "key"]), Reply::Integer(200_006));
}

#[test]
fn single_bytes_make_the_same_conversation() {
    let (_server, proxy, mut client) = start();
    proxy.chop(ToServer);
    proxy.chop(ToClient);
    let value = "x".repeat(3_000);
    assert_eq!(client.ask(&["SET", "key", &value]).expect("an answer").text(), Some("OK"));
    assert_eq!(client.ask(&["GET", "key"]).expect("an answer").text(), Some(value.as_str()));
    assert!(proxy.counts().chopped >= 4, "{:?}", proxy.counts());
}

#[test]
fn connections_are_refused_as_often_as_asked() {
    let (_server, proxy, mut open) = start();
    open.ask(&INCREMENT).expect("an answer");
    proxy.refuse(2);
    for _ in 0..2 {
        connect(&proxy).ask(&INCREMENT).expect_err("a refusal");
    }
    assert_eq!(connect(&proxy).ask(&INCREMENT).expect("an answer"), Reply::Integer(2));
    assert_eq!(open.ask(&INCREMENT).expect("who is in stays in"), Reply::Integer(3));
    assert_eq!((proxy.counts().refused, proxy.counts().connections), (2, 2));
}

#[test]
fn all_open_connections_are_reset_at_once() {
    let (_server, proxy, first) = start();
    let mut clients = [first, connect(&proxy)];
    for client in &mut clients {
        client.ask(&INCREMENT).expect("an answer");
    }
    proxy.reset_all();
    for client in &mut clients {
        client.receive().expect_err("a reset");
    }
    assert_eq!(proxy.counts().cut, 2);
    connect(&proxy).ask(&INCREMENT).expect("an answer");
}

#[test]
fn a_server_that_dies_is_gone_for_the_client_too_until_it_is_back() {
    let (mut server, proxy, mut client) = start();
    client.ask(&INCREMENT).expect("an answer");
    server.kill();
    client.ask(&INCREMENT).expect_err("the server is gone");
    connect(&proxy).ask(&INCREMENT).expect_err("nobody is there");
    assert_eq!(proxy.counts().unreachable, 1);
    server.start_again();
    assert_eq!(connect(&proxy).ask(&INCREMENT).expect("an answer"), Reply::Integer(1));
}

#[test]
fn chaos_repeats_itself_from_its_seed_and_hides_no_deed() {
    let run = |seed| {
        let (server, proxy, mut client) = start();
        proxy.chaos(Chaos { longest_delay: Duration::from_millis(2), ..Chaos::seeded(seed) });
        let mut told = 0;
        for _ in 0..400 {
            match client.ask(&INCREMENT) {
                Ok(_) => told += 1,
                Err(_) => client = connect(&proxy),
            }
        }
        proxy.heal();
        let done = count(&server).expect("some were done");
        let counts = proxy.counts();
        let untold = i64::try_from(counts.cut + counts.lost).expect("few");
        assert!((told..=told + untold).contains(&done), "{done} done, {told} told, {counts:?}");
        let kinds = [counts.refused, counts.delayed, counts.chopped, counts.cut, counts.lost];
        assert!(kinds.iter().all(|fired| *fired > 0), "{counts:?}");
        (done, told, counts)
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
