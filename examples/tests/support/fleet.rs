//! A fleet of real programs on one store, and the blows that it is dealt.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::redis::FaultProxy;
use super::torment::{Simulator, count, next};

/// Workers at any one time.
const WORKERS: usize = 4;
/// A run that does not come to an end is ended after this time.
const BOUND: Duration = Duration::from_secs(600);

/// Programs on one store, in a folder of their own.
pub(crate) struct Fleet {
    folder: tempfile::TempDir,
    recipients: PathBuf,
    config: PathBuf,
    accept: &'static str,
}

impl Fleet {
    pub(crate) fn new(records: u64, config: &str, accept: &'static str) -> Self {
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

    /// Four workers and a receiver of webhooks send the campaign through the proxy, while `blows` are
    /// dealt and after they have ended. `send-campaign` plans and watches over the direct way, and has the
    /// last word.
    pub(crate) fn send_through(
        &self,
        blows: impl FnOnce(&mut Front<'_>),
        direct: &str,
        proxy: &FaultProxy,
        simulator: &Simulator,
    ) -> (Value, Done) {
        let start = |_| self.worker(&proxy.url(), simulator);
        let workers = Herd((0..WORKERS).map(start).collect());
        let _receivers = Herd(vec![self.receiver(&proxy.url(), simulator)]);
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let sending = scope.spawn(|| {
                let report = self.send(direct, simulator);
                over.store(true, Ordering::Relaxed);
                report
            });
            let done = Done::default();
            let mut front = Front { fleet: self, proxy, simulator, workers, over: &over, done };
            while front.still(Duration::from_millis(100)) && count(&simulator.report(), "posts") == 0 {}
            blows(&mut front);
            proxy.heal();
            (sending.join().unwrap(), front.done)
        })
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

/// Where the blows fall.
pub(crate) struct Front<'a> {
    pub(crate) proxy: &'a FaultProxy,
    pub(crate) simulator: &'a Simulator,
    fleet: &'a Fleet,
    workers: Herd,
    over: &'a AtomicBool,
    pub(crate) done: Done,
}

impl Front<'_> {
    /// Waits; false when the campaign has ended.
    pub(crate) fn still(&self, wait: Duration) -> bool {
        std::thread::sleep(wait);
        !self.over.load(Ordering::Relaxed)
    }

    /// Kills one of the workers by SIGKILL and starts another one.
    pub(crate) fn kill_a_worker(&mut self, random: &mut u64) {
        let which = usize::try_from(next(random)).unwrap() % WORKERS;
        if self.workers.kill(which) {
            self.done.workers_killed += 1;
        } else {
            self.done.workers_ended += 1;
        }
        self.workers.0[which] = self.fleet.worker(&self.proxy.url(), self.simulator);
    }
}

/// What the run did to the fleet.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) workers_killed: u64,
    /// Workers that had ended by themselves.
    pub(crate) workers_ended: u64,
    pub(crate) servers_killed: u64,
    /// Begins that a server forgot when it was killed.
    pub(crate) begins_vanished: u64,
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
