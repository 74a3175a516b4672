//! What tests may expect of the servers they start: files, kills, restarts, sockets, limits, clusters.

#![expect(clippy::disallowed_methods, reason = "a test reads its environment and waits for a process")]

#[path = "support/redis.rs"]
mod redis;

use std::env;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use redis::{Persistence, RedisCluster, RedisServer, Reply, key_prefix, shared_url};

#[test]
fn a_killed_server_comes_back_on_its_port_with_what_it_kept() {
    for (persistence, kept) in
        [(Persistence::None, None), (Persistence::EverySecond, Some("1")), (Persistence::Always, Some("1"))]
    {
        let mut server = RedisServer::start(persistence);
        let url = server.url();
        assert_eq!(server.command(&["SET", "key", "1"]).text(), Some("OK"));
        server.kill();
        assert!(server.try_command(&["PING"]).is_err(), "{persistence:?}");
        server.start_again();
        assert_eq!(server.url(), url);
        assert_eq!(server.command(&["GET", "key"]).text(), kept, "{persistence:?}");
    }
}

#[test]
fn a_server_that_is_shut_down_forgets_its_scripts() {
    let mut server = RedisServer::start(Persistence::Always);
    let script = server.command(&["SCRIPT", "LOAD", "return 1"]);
    let digest = script.text().expect("a digest");
    assert_eq!(server.command(&["EVALSHA", digest, "0"]), Reply::Integer(1));
    server.shut_down();
    server.start_again();
    let unknown = server.command(&["EVALSHA", digest, "0"]);
    assert!(unknown.error().expect("an error").starts_with("NOSCRIPT"), "{unknown:?}");
}

#[test]
fn a_power_cut_loses_what_was_written_after_the_mark() {
    let mut server = RedisServer::start(Persistence::EverySecond);
    server.command(&["SET", "old", "1"]);
    let mark = server.written();
    server.command(&["SET", "new", "1"]);
    server.kill();
    server.lose_after(mark);
    server.start_again();
    assert_eq!(server.command(&["MGET", "old", "new"]).array(), [Reply::Text("1".into()), Reply::Nothing]);
}

#[test]
fn a_unix_socket_serves_beside_a_port_or_alone() {
    let both = RedisServer::options().unix_socket().start();
    assert!(both.unix_url().starts_with("redis+unix:///") && both.url().starts_with("redis://127.0.0.1:"));
    let alone = RedisServer::options().only_unix_socket().start();
    assert_eq!(alone.url(), alone.unix_url());
    assert_eq!(alone.command(&["PING"]).text(), Some("PONG"));
}

#[test]
fn a_full_server_refuses_writes_where_it_may_not_evict() {
    let server = RedisServer::options().memory("2mb", "noeviction").start();
    let value = "x".repeat(100_000);
    let mut replies = (0..100).map(|number| server.command(&["SET", &format!("key-{number}"), &value]));
    let refused = replies.find_map(|reply| reply.error().map(str::to_owned)).expect("it fills up");
    assert!(refused.starts_with("OOM"), "{refused}");
}

#[test]
fn a_suspended_server_answers_when_it_is_resumed() {
    let server = RedisServer::start(Persistence::None);
    server.suspend();
    let (sender, answers) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| sender.send(server.command(&["PING"])));
        assert!(answers.recv_timeout(Duration::from_millis(50)).is_err());
        server.resume();
        assert_eq!(answers.recv().expect("an answer").text(), Some("PONG"));
    });
}

#[test]
fn a_server_ends_with_its_test() {
    let server = RedisServer::start(Persistence::Always);
    let (address, folder) = (server.address(), server.folder().to_owned());
    assert!(folder.join("appendonlydir").is_dir());
    drop(server);
    assert!(std::net::TcpStream::connect(address).is_err());
    assert!(!folder.exists());
}

#[test]
fn a_server_ends_with_a_test_that_is_killed() {
    let name = "a_server_ends_with_a_test_that_is_killed";
    if env::var_os("REDIS_TEST_VICTIM").is_some() {
        let server = RedisServer::start(Persistence::None);
        println!("\nfolder={}", server.folder().display());
        io::stdin().read_line(&mut String::new()).expect("it ends with the test that started it");
        return;
    }
    let mut victim = Command::new(env::current_exe().expect("a path"))
        .args(["--exact", name, "--nocapture"])
        .env("REDIS_TEST_VICTIM", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(victim.stdout.take().expect("a pipe")).lines();
    let folder = lines.find_map(|line| Some(PathBuf::from(line.ok()?.strip_prefix("folder=")?)));
    let folder = folder.expect("the victim has a server");
    assert!(folder.is_dir());
    victim.kill().expect("SIGKILL");
    victim.wait().expect("it is gone");
    let killed = Instant::now();
    while folder.exists() {
        assert!(killed.elapsed() < Duration::from_secs(20), "the server outlived its test");
        std::thread::yield_now();
    }
}

#[test]
fn cases_that_share_a_server_have_keys_of_their_own() {
    let url = shared_url();
    assert_eq!(url, shared_url());
    let prefixes: std::collections::BTreeSet<String> = (0..1_000).map(|_| key_prefix()).collect();
    assert_eq!(prefixes.len(), 1_000);
    assert!(prefixes.iter().all(|prefix| prefix.chars().all(char::is_alphanumeric)));
}

#[test]
fn a_cluster_serves_each_key_from_one_node_and_survives_a_kill() {
    let mut cluster = RedisCluster::start();
    for key in ["a", "b", "c", "d"] {
        let home = cluster.node_of(key);
        for (number, node) in cluster.nodes().iter().enumerate() {
            let reply = node.command(&["SET", key, "1"]);
            match reply.error() {
                None => assert_eq!(number, home, "{key}"),
                Some(error) => assert!(number != home && error.starts_with("MOVED"), "{key}: {error}"),
            }
        }
    }
    cluster.node(1).kill();
    cluster.node(1).start_again();
    cluster.wait_until_ok();
    assert_eq!(cluster.urls().len(), 3);
}
