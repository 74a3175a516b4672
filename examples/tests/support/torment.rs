//! What tests that kill programs share: the simulator in a process of its own, and sums.

#![allow(dead_code, reason = "no test needs all of it")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;

/// The simulator in a process of its own; it ends when its standard input closes.
pub(crate) struct Simulator {
    child: Child,
    stdin: Option<ChildStdin>,
    pub(crate) variables: BTreeMap<String, String>,
}

impl Simulator {
    pub(crate) fn start() -> Self {
        Self::start_with(&["--seed", "11", "--rate", "1000", "--answer-after-ms", "5"])
    }

    pub(crate) fn start_with(options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_simulate-cloud-api"))
            .arg("--until-stdin-closes")
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let pairs = lines.take(6).map(|line| {
            line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap()
        });
        let variables = pairs.collect();
        let stdin = child.stdin.take();
        Self { child, stdin, variables }
    }

    pub(crate) fn url(&self) -> &str {
        &self.variables["WHATSAPP_BASE_URL"]
    }

    pub(crate) fn ask(&self, what: &str) -> String {
        let url = format!("{}/simulator/{what}", self.url());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            client.get(url).send().await.unwrap().text().await.unwrap()
        })
    }

    pub(crate) fn report(&self) -> Value {
        serde_json::from_str(&self.ask("report")).unwrap()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.wait();
    }
}

pub(crate) fn next(random: &mut u64) -> u64 {
    // SplitMix64: any sequence will do, and this one repeats.
    *random = random.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *random;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A zone in which it is about noon now, so that no day ends during the test.
pub(crate) fn zone_at_noon() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let hour = i64::try_from(now.as_secs() / 3_600 % 24).unwrap();
    // The signs of these zones are the other way round: Etc/GMT-5 is five hours east.
    match 12 - hour {
        0 => "Etc/GMT".to_owned(),
        east if 0 < east => format!("Etc/GMT-{east}"),
        west => format!("Etc/GMT+{}", -west),
    }
}

pub(crate) fn variable(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

pub(crate) fn shipped_config() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/campaign.toml")).unwrap()
}

pub(crate) fn count(report: &Value, name: &str) -> u64 {
    report[name].as_u64().unwrap_or_else(|| panic!("{name} in {report}"))
}

pub(crate) fn sums_hold(report: &Value) {
    let sum = |names: &[&str]| names.iter().map(|name| count(report, name)).sum::<u64>();
    assert_eq!(count(report, "rows"), sum(&["malformed", "invalid", "duplicate", "suppressed", "planned"]));
    let states = [
        "waiting",
        "deferred",
        "cancelled",
        "expired",
        "dead",
        "failed",
        "unknown",
        "accepted_without_delivery",
        "delivered",
    ];
    assert_eq!(count(report, "planned"), sum(&states), "{report}");
}
