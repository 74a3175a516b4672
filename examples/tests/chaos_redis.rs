//! Four workers share a campaign over a real Redis, and everything around them breaks: workers are
//! killed, connections are cut and stalled, answers are lost, the server itself is killed. Then
//! everybody's outcome is looked at, on our side and on WhatsApp's.
//!
//! 2,000 records and 15 s of chaos by default, after which the fleet is left in peace. For the long run:
//! `CHAOS_RECORDS=50000 CHAOS_SECONDS=150 cargo test --release -p examples --test chaos_redis`.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

#[path = "../../rules-core/tests/support/redis.rs"]
mod redis;
#[path = "support/torment.rs"]
mod torment;

use redis::{Chaos, FaultProxy, Persistence, RedisServer};
use torment::{Simulator, count, next, shipped_config, sums_hold, variable, zone_at_noon};

/// Workers at any one time.
const WORKERS: usize = 4;
/// A run that does not come to an end is ended after this time.
const BOUND: Duration = Duration::from_secs(600);

/// Programs on one store, in a folder of their own.
struct Fleet {
    folder: tempfile::TempDir,
    recipients: PathBuf,
    config: PathBuf,
    accept: &'static str,
}

impl Fleet {
    fn new(records: u64, config: &str, accept: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (recipients, path) = (folder.path().join("people.csv"), folder.path().join("campaign.toml"));
        let made = Command::new(env!("CARGO_BIN_EXE_make-recipients"))
            .args(["--records", &records.to_string(), "--seed", "5", "--output"])
            .arg(&recipients)
            .status()
            .unwrap();
        assert!(made.success());
        std::fs::write(&path, config).unwrap();
        Self { folder, recipients, config: path, accept }
    }

    fn program(&self, path: &str, store: &str, simulator: &Simulator) -> Command {
        let mut command = Command::new(path);
        command
            .args(["--store", store, "--simulator", simulator.url(), "--accept", self.accept, "--config"])
            .arg(&self.config)
            .arg("--evidence")
            .arg(self.folder.path().join("evidence"))
            .envs(&simulator.variables)
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    fn worker(&self, store: &str, simulator: &Simulator) -> Child {
        self.program(env!("CARGO_BIN_EXE_dispatch-worker"), store, simulator)
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    fn receiver(&self, store: &str, simulator: &Simulator) -> Child {
        let mut command = self.program(env!("CARGO_BIN_EXE_dispatch-webhooks"), store, simulator);
        command.args(["--listen", "127.0.0.1:0"]).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Plans and watches, again whenever the store was away for too long, as a person would.
    fn send(&self, store: &str, simulator: &Simulator) -> Value {
        let started = Instant::now();
        loop {
            let mut command = self.program(env!("CARGO_BIN_EXE_send-campaign"), store, simulator);
            command.arg("--recipients").arg(&self.recipients).args(["--report", "json"]);
            let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
            if output.status.success() {
                return serde_json::from_slice(&output.stdout).unwrap();
            }
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(started.elapsed() < BOUND, "send-campaign does not come to an end: {said}");
            std::thread::sleep(Duration::from_millis(300));
        }
    }
}

/// Ends its processes, however the test ends.
struct Herd(Vec<Child>);

impl Herd {
    /// Kills one by SIGKILL; false when it had ended by itself.
    fn kill(&mut self, which: usize) -> bool {
        let child = &mut self.0[which];
        let lived = child.try_wait().unwrap().is_none();
        let _ = child.kill();
        child.wait().unwrap();
        lived
    }
}

impl Drop for Herd {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What the run did to the fleet.
#[derive(Debug, Default)]
struct Done {
    workers_killed: u64,
    workers_ended: u64,
    servers_killed: u64,
}

fn torment(
    fleet: &Fleet,
    server: &mut RedisServer,
    proxy: &FaultProxy,
    simulator: &Simulator,
    seed: u64,
) -> (Value, Done) {
    let (mut random, mut done) = (seed, Done::default());
    let mut workers = Herd((0..WORKERS).map(|_| fleet.worker(&proxy.url(), simulator)).collect());
    let _receivers = Herd(vec![fleet.receiver(&proxy.url(), simulator)]);
    let over = AtomicBool::new(false);
    let direct = server.url();
    let report = std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            let report = fleet.send(&direct, simulator);
            over.store(true, Ordering::Relaxed);
            report
        });
        let (started, chaos) = (Instant::now(), Duration::from_secs(variable("CHAOS_SECONDS", 15)));
        for beat in 1.. {
            std::thread::sleep(Duration::from_millis(1_000));
            if over.load(Ordering::Relaxed) || chaos < started.elapsed() {
                break;
            }
            let which = usize::try_from(next(&mut random) % 4).unwrap();
            if workers.kill(which) {
                done.workers_killed += 1;
            } else {
                done.workers_ended += 1;
            }
            workers.0[which] = fleet.worker(&proxy.url(), simulator);
            match beat % 7 {
                1 => proxy.chaos(Chaos::seeded(next(&mut random))),
                3 => proxy.lose_answers(3),
                4 => {
                    server.kill();
                    done.servers_killed += 1;
                    std::thread::sleep(Duration::from_millis(next(&mut random) % 500));
                    server.start_again();
                }
                5 => proxy.reset_all(),
                6 => proxy.heal(),
                _ => {}
            }
        }
        proxy.heal();
        sending.join().unwrap()
    });
    (report, done)
}

#[test]
fn four_workers_on_redis_reach_everybody_at_most_once_whatever_breaks() {
    let records = variable("CHAOS_RECORDS", 2_000);
    let started = Instant::now();
    let rate = if records < 10_000 { 150 } else { 400 };
    let simulator =
        Simulator::start_with(&["--seed", "17", "--rate", &rate.to_string(), "--answer-after-ms", "20"]);
    let limit = records * 8 / 10;
    let config = shipped_config()
        .replace("daily_limit = 100_000", &format!("daily_limit = {}", limit * 100))
        .replace("messages_per_second = 1000", &format!("messages_per_second = {rate}"))
        .replace("Asia/Kolkata", &zone_at_noon());
    let fleet = Fleet::new(records, &config, "always");
    let mut server = RedisServer::start(Persistence::Always);
    let proxy = FaultProxy::start(server.address());
    let (report, done) = torment(&fleet, &mut server, &proxy, &simulator, 23);
    let (theirs, faults) = (simulator.report(), proxy.counts());
    let seconds = started.elapsed().as_secs_f64();
    let story = format!("{seconds:.1} s, {done:?}\n{faults:?}\nours   {report}\ntheirs {theirs}");
    println!("{story}");

    sums_hold(&report);
    assert_eq!(count(&report, "rows"), records, "nobody is left out silently: {story}");
    assert!(count(&theirs, "max_accepted_per_number") <= 1, "nobody gets it twice: {story}");
    assert_eq!(count(&theirs, "again_without_refusal"), 0, "nobody is sent to again in doubt: {story}");
    let (accepted, unknown) = (count(&report, "accepted"), count(&report, "unknown"));
    assert!(accepted <= count(&theirs, "accepted"), "{story}");
    assert!(
        count(&theirs, "accepted") <= accepted + unknown,
        "nobody is accepted without us knowing: {story}"
    );
    assert_eq!(count(&report, "waiting"), 0, "nobody is forgotten: {story}");
    assert_eq!(done.workers_ended, 0, "no worker gives up: {story}");
    assert!(0 < done.workers_killed && 0 < done.servers_killed, "{story}");
    assert!(0 < faults.lost && 0 < faults.cut && 0 < faults.delayed + faults.stalled, "{story}");
}
