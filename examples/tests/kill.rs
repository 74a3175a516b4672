//! Kills `send-campaign` with SIGKILL at random instants, again and again, while the simulator
//! lives on in a process of its own, and then looks at what everybody got.
//!
//! 20 kills by default; `KILLS=200 cargo test --release -p examples --test kill` for the long run.
//! Then 10 seeds, each with faults, limits and kills of its own; `KILL_SEEDS=100` for the long run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rules_core::judge::key::ChainKey;
use rules_core::judge::tenant::TenantId;
use rules_core::store::sqlite::Sqlite;
use rules_core::work::events::EventLog;
use serde_json::Value;
use whatsapp_dispatch::campaigns::{Campaigns, Select};
use whatsapp_dispatch::delivery::{DeliveryLog, Kind, Message, PlanVerdict, Query};
use whatsapp_dispatch::progress::Label;

#[path = "support/torment.rs"]
mod torment;

use torment::{Simulator, count, next, shipped_config, sums_hold, variable, zone_at_noon};

/// Messages that one death can leave in doubt: one group that was begun and what was on the wire.
const DOUBT_PER_KILL: u64 = 32 + 128;

/// A campaign in a folder of its own.
struct House {
    folder: tempfile::TempDir,
    recipients: PathBuf,
    config: PathBuf,
}

impl House {
    fn new(records: u64, config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (recipients, path) = (folder.path().join("people.csv"), folder.path().join("campaign.toml"));
        let made = Command::new(env!("CARGO_BIN_EXE_make-recipients"))
            .args(["--records", &records.to_string(), "--seed", "5", "--output"])
            .arg(&recipients)
            .status()
            .unwrap();
        assert!(made.success());
        std::fs::write(&path, config).unwrap();
        Self { folder, recipients, config: path }
    }

    fn start(&self, simulator: &Simulator) -> Child {
        Command::new(env!("CARGO_BIN_EXE_send-campaign"))
            .arg("--recipients")
            .arg(&self.recipients)
            .arg("--config")
            .arg(&self.config)
            .args(["--store", &format!("sqlite:{}", self.folder.path().join("campaign.db").display())])
            .args(["--simulator", simulator.url(), "--report", "json"])
            .envs(&simulator.variables)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Kills the program `kills` times, then lets it end and returns its report.
    fn torment(&self, simulator: &Simulator, kills: u64, seed: u64) -> (u64, Value) {
        let mut random = seed;
        let mut killed = 0;
        for _ in 0..kills {
            let mut child = self.start(simulator);
            std::thread::sleep(Duration::from_millis(30 + next(&mut random) % 600));
            // A program that has ended by itself cannot be killed any more.
            if child.try_wait().unwrap().is_none() {
                child.kill().unwrap();
                killed += 1;
            }
            child.wait().unwrap();
        }
        let child = self.start(simulator);
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "the last run ends with {}", output.status);
        (killed, serde_json::from_slice(&output.stdout).unwrap())
    }
}

fn kills() -> u64 {
    variable("KILLS", 20)
}

#[test]
fn a_campaign_that_is_killed_again_and_again_reaches_everybody_at_most_once() {
    let started = Instant::now();
    let kills = kills();
    let simulator = Simulator::start();
    // Each death costs the units of what was leased and not begun; many deaths must not use up the
    // day of this test.
    let config = shipped_config().replace("daily_limit = 100_000", "daily_limit = 100_000_000");
    let house = House::new(2_000 + 350 * kills, &config);
    let (killed, report) = house.torment(&simulator, kills, 3);
    let theirs = simulator.report();
    println!("{killed} kills in {:.1} s\nours   {report}\ntheirs {theirs}", started.elapsed().as_secs_f64());

    sums_hold(&report);
    assert!(kills / 2 < killed, "most kills hit a living program: {killed} of {kills}");
    // Whom WhatsApp shows no more marketing today waits for tomorrow.
    let tomorrow = report["reasons"]["whatsapp.131049"].as_u64().unwrap_or(0);
    assert_eq!(count(&report, "waiting"), 0, "nobody is forgotten");
    assert!(count(&report, "deferred") <= tomorrow, "nobody is forgotten: {report}");
    // Nobody is accepted twice, and who is accepted there is accepted or unknown here.
    assert_eq!(count(&theirs, "max_accepted_per_number"), 1, "{theirs}");
    let (accepted, unknown) = (count(&report, "accepted"), count(&report, "unknown"));
    assert!(accepted <= count(&theirs, "accepted"), "nobody is accepted without them");
    assert!(
        count(&theirs, "accepted") <= accepted + unknown,
        "nobody is accepted without us knowing or doubting"
    );
    assert!(unknown <= killed * DOUBT_PER_KILL, "{unknown} unknown after {killed} kills");
}

#[test]
fn a_daily_limit_holds_through_kills() {
    let kills = (kills() / 4).max(2);
    let limit = 150 * kills;
    let simulator = Simulator::start();
    let config = shipped_config()
        .replace("daily_limit = 100_000", &format!("daily_limit = {limit}"))
        .replace("Asia/Kolkata", &zone_at_noon());
    let house = House::new(2_000 + 350 * kills, &config);
    let (killed, report) = house.torment(&simulator, kills, 4);
    let theirs = simulator.report();
    println!("{killed} kills\nours   {report}\ntheirs {theirs}");

    sums_hold(&report);
    assert!(count(&theirs, "accepted") <= limit, "{theirs}");
    assert_eq!(count(&theirs, "max_accepted_per_number"), 1, "{theirs}");
    assert!(0 < count(&report, "waiting"), "the rest waits for tomorrow");
    assert_eq!(report["waits"][0]["code"], "quota.daily_exceeded", "{report}");
    // A death costs at most the units of what was leased and not begun.
    let used = count(&theirs, "accepted") + count(&theirs, "lost_requests");
    assert!(limit <= used + (killed + 1) * 600, "{used} of {limit} used after {killed} kills");
}

/// One seed: a simulator, a campaign and its deaths.
fn one_seed(seed: u64) {
    let mut random = seed;
    let mut between = |least: u64, most: u64| least + next(&mut random) % (most - least + 1);
    let (records, limit) = (between(150, 500), between(60, 400));
    let limited = seed.is_multiple_of(2);
    let text = |number: u64| number.to_string();
    let (rate, answer_after) = (between(100, 400), between(0, 40));
    let simulator = Simulator::start_with(&[
        "--seed",
        &text(seed),
        "--rate",
        &text(rate),
        "--answer-after-ms",
        &text(answer_after),
        "--faults",
        if seed.is_multiple_of(3) { "mild" } else { "harsh" },
    ]);
    let config = shipped_config()
        .replace("daily_limit = 100_000", &format!("daily_limit = {}", if limited { limit } else { 100_000 }))
        .replace("messages_per_second = 1000", &format!("messages_per_second = {rate}"))
        .replace("Asia/Kolkata", &zone_at_noon());
    let house = House::new(records, &config);
    let (killed, report) = house.torment(&simulator, between(1, 4), seed);
    let theirs = simulator.report();
    let story = format!("seed {seed}, {killed} kills\nours   {report}\ntheirs {theirs}");

    sums_hold(&report);
    assert_eq!(count(&report, "rows"), records, "nobody is left out silently: {story}");
    assert_eq!(count(&theirs, "again_without_refusal"), 0, "nobody is sent to again in doubt: {story}");
    assert!(count(&theirs, "max_accepted_per_number") <= 1, "{story}");
    if limited {
        assert!(count(&theirs, "accepted") <= limit, "the day's limit of {limit} holds: {story}");
    }
    let (accepted, unknown) = (count(&report, "accepted"), count(&report, "unknown"));
    assert!(accepted <= count(&theirs, "accepted"), "{story}");
    assert!(count(&theirs, "accepted") <= accepted + unknown, "{story}");
    assert!(count(&theirs, "forged_taken") == 0, "{story}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(counters_are_the_log(&house, &story));
}

/// Recounts every message, and every word of the event log.
async fn counters_are_the_log(house: &House, told: &str) {
    let store = Sqlite::open(house.folder.path().join("campaign.db")).await.unwrap();
    let tenant = TenantId::parse("sparkle").unwrap();
    let records = store.list(&Select::Of(tenant.clone()), 0, 10).await.unwrap();
    let [record] = records.as_slice() else { panic!("{} campaigns: {told}", records.len()) };
    let mut messages: Vec<Message> = Vec::new();
    let mut from = Some(0);
    while let Some(start) = from {
        let query = Query::Scan { campaign: record.key.clone(), from: start, of: Kind::Any, max: 500 };
        let page = store.messages(&query).await.unwrap();
        messages.extend(page.messages);
        from = page.next;
    }
    let mut labels: BTreeMap<Label, u64> = BTreeMap::new();
    for message in &messages {
        let planned = message.verdict == PlanVerdict::Planned;
        let label = if planned { Label::of(&message.facts) } else { Label::planned(&message.verdict) };
        *labels.entry(label).or_default() += 1;
    }
    let progress = store.progress(std::slice::from_ref(&record.key)).await.unwrap().remove(0);
    let counted: BTreeMap<Label, u64> =
        progress.labels().map(|(label, count)| (label.clone(), count)).collect();
    assert_eq!(labels, counted, "{told}");
    let begun: u64 = messages.iter().map(|message| u64::from(message.facts.attempts)).sum();
    let accepted = messages.iter().filter(|message| message.facts.was_taken()).count() as u64;
    assert_eq!((begun, accepted), (progress.begun, progress.accepted), "{told}");

    let (chain, mut words, mut seq) = (ChainKey::of(&tenant), 0, 0);
    loop {
        let page = EventLog::read(&store, &chain, seq + 1, 1_000).await.unwrap();
        let Some(last) = page.last() else { break };
        seq = last.seq;
        for sealed in &page {
            let body: Value = serde_json::from_str(&sealed.body).unwrap();
            let said = body["messages"].as_array().into_iter().flatten();
            words += said.filter(|entry| entry[2] == "begun").count() as u64;
        }
    }
    assert_eq!(words, begun, "the event log knows every attempt: {told}");
}

#[test]
fn whatever_the_seed_a_killed_campaign_keeps_its_promises() {
    let seeds = variable("KILL_SEEDS", 10);
    // Most of the time they wait, so several go on at once.
    let next_seed = std::sync::atomic::AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let seed = next_seed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    if seeds <= seed {
                        break;
                    }
                    one_seed(seed);
                }
            });
        }
    });
}
