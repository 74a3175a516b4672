//! Four workers share a campaign over a real Redis, and everything around them breaks: workers are
//! killed, connections are cut and stalled, answers are lost, the server itself is killed. Then
//! everybody's outcome is looked at, on our side and on WhatsApp's.
//!
//! 2,000 records and 15 s of chaos by default, after which the fleet is left in peace. For the long run:
//! `CHAOS_RECORDS=50000 CHAOS_SECONDS=150 cargo test --release -p examples --test chaos_redis`.

use std::time::{Duration, Instant};

use serde_json::Value;

#[path = "../../rules-core/tests/support/redis.rs"]
mod redis;
#[path = "support/fleet.rs"]
mod fleet;
#[path = "support/torment.rs"]
mod torment;

use fleet::{Done, Fleet, Front};
use redis::{Chaos, Counts, Direction, FaultProxy, Persistence, RedisServer};
use torment::{Simulator, count, next, shipped_config, sums_hold, variable, zone_at_noon};

/// A worker takes an answer for lost after 5 s.
const TOO_LONG: Duration = Duration::from_millis(5_500);

fn records() -> u64 {
    variable("CHAOS_RECORDS", 2_000)
}

fn chaos_ends() -> Instant {
    Instant::now() + Duration::from_secs(variable("CHAOS_SECONDS", 15))
}

/// Messages a second, so that a campaign takes a bit longer than its chaos.
fn rate() -> u64 {
    if records() < 10_000 { 120 } else { 400 }
}

fn simulator(seed: &str) -> Simulator {
    Simulator::start_with(&["--seed", seed, "--rate", &rate().to_string(), "--answer-after-ms", "20"])
}

fn config(daily_limit: u64) -> String {
    shipped_config()
        .replace("daily_limit = 100_000", &format!("daily_limit = {daily_limit}"))
        .replace("messages_per_second = 1000", &format!("messages_per_second = {}", rate()))
        .replace("Asia/Kolkata", &zone_at_noon())
}

/// A worker dies nearly every second, and something else breaks with it.
fn everything_breaks(front: &mut Front<'_>, server: &mut RedisServer, mut random: u64) {
    let ends = chaos_ends();
    for beat in 0.. {
        if !front.still(Duration::from_secs(1)) || ends < Instant::now() {
            break;
        }
        match beat % 13 {
            0 => front.proxy.chaos(Chaos::seeded(next(&mut random))),
            2 => front.proxy.lose_answers(3),
            3 | 12 => {
                server.kill();
                front.done.servers_killed += 1;
                std::thread::sleep(Duration::from_millis(next(&mut random) % 500));
                server.start_again();
            }
            4 => front.proxy.reset_all(),
            5 => front.proxy.heal(),
            // Who waits for an answer lives to see that it comes too late.
            6 => {
                front.proxy.stall_for(Direction::ToClient, TOO_LONG);
                continue;
            }
            7..=11 => continue,
            _ => {}
        }
        front.kill_a_worker(&mut random);
    }
}

/// A second of work is on no disk yet when the power fails: all that was written in it is gone.
fn the_power_fails(front: &mut Front<'_>, server: &mut RedisServer, random: &mut u64) {
    let mark = server.written();
    std::thread::sleep(Duration::from_millis(500 + next(random) % 500));
    server.kill();
    front.done.servers_killed += 1;
    let gone = server.written_after(mark);
    let begun = br#","begun"]"#; // as the evidence of a begin ends, which is written with it
    front.done.begins_vanished += gone.windows(begun.len()).filter(|bytes| bytes == begun).count() as u64;
    server.lose_after(mark);
    server.start_again();
}

/// At first workers die, then the power fails, then both happen at once. Tells how many requests went
/// out again before the power failed.
fn the_power_fails_again_and_again(front: &mut Front<'_>, server: &mut RedisServer, mut random: u64) -> u64 {
    let (started, ends) = (Instant::now(), chaos_ends());
    let third = (ends - started) / 3;
    let again = |front: &Front<'_>| count(&front.simulator.report(), "again_without_refusal");
    while front.still(Duration::from_secs(1)) && Instant::now() < started + third {
        front.kill_a_worker(&mut random);
        front.proxy.lose_answers(2);
    }
    front.proxy.heal();
    let before = again(front);
    while front.still(Duration::from_secs(2)) && Instant::now() < started + 2 * third {
        the_power_fails(front, server, &mut random);
    }
    println!("again while everybody lived: {}, {:?}", again(front), front.done);
    while front.still(Duration::from_secs(2)) && Instant::now() < ends {
        the_power_fails(front, server, &mut random);
        front.kill_a_worker(&mut random);
    }
    before
}

/// Everything that broke did break, and no worker gave up.
fn chaos_was_real(done: &Done, faults: &Counts, story: &str) {
    let Counts { connections, refused, unreachable, delayed, stalled, chopped, cut, lost, .. } = *faults;
    let broke = [connections, refused, unreachable, delayed, stalled, chopped, cut, lost];
    assert!(broke.iter().all(|count| 0 < *count), "{story}");
    assert!(0 < done.workers_killed && 0 < done.servers_killed, "{story}");
    assert_eq!(done.workers_ended, 0, "no worker gives up: {story}");
}

/// What both sides say agrees, and everybody is in it.
fn nobody_is_lost(ours: &Value, theirs: &Value, story: &str) {
    sums_hold(ours);
    assert_eq!(count(ours, "rows"), records(), "nobody is left out silently: {story}");
    let (accepted, unknown) = (count(ours, "accepted"), count(ours, "unknown"));
    assert!(accepted <= count(theirs, "accepted"), "{story}");
    assert!(
        count(theirs, "accepted") <= accepted + unknown,
        "nobody is accepted without us knowing: {story}"
    );
}

fn nobody_gets_it_twice(theirs: &Value, story: &str) {
    assert!(count(theirs, "max_accepted_per_number") <= 1, "nobody gets it twice: {story}");
    assert_eq!(count(theirs, "again_without_refusal"), 0, "nobody is sent to again in doubt: {story}");
}

fn story(started: Instant, done: &Done, faults: &Counts, ours: &Value, theirs: &Value) -> String {
    let seconds = started.elapsed().as_secs_f64();
    let story = format!("{seconds:.1} s, {done:?}\n{faults:?}\nours   {ours}\ntheirs {theirs}");
    println!("{story}");
    story
}

#[test]
fn four_workers_on_redis_reach_everybody_at_most_once_whatever_breaks() {
    let (started, simulator) = (Instant::now(), simulator("17"));
    let fleet = Fleet::new(records(), &config(records() * 100), "always");
    let mut server = RedisServer::start(Persistence::Always);
    let proxy = FaultProxy::start(server.address());
    let direct = server.url();
    let blows = |front: &mut Front<'_>| everything_breaks(front, &mut server, 23);
    let (ours, done) = fleet.send_through(blows, &direct, &proxy, &simulator);
    let (theirs, faults) = (simulator.report(), proxy.counts());
    let story = story(started, &done, &faults, &ours, &theirs);

    nobody_is_lost(&ours, &theirs, &story);
    nobody_gets_it_twice(&theirs, &story);
    assert_eq!(count(&ours, "waiting"), 0, "nobody is forgotten: {story}");
    chaos_was_real(&done, &faults, &story);
}

#[test]
fn four_workers_on_redis_keep_the_days_limit_whatever_breaks() {
    let limit = records() * 6 / 10;
    let (started, simulator) = (Instant::now(), simulator("18"));
    let fleet = Fleet::new(records(), &config(limit), "always");
    let mut server = RedisServer::start(Persistence::Always);
    let proxy = FaultProxy::start(server.address());
    let direct = server.url();
    let blows = |front: &mut Front<'_>| everything_breaks(front, &mut server, 24);
    let (ours, done) = fleet.send_through(blows, &direct, &proxy, &simulator);
    let (theirs, faults) = (simulator.report(), proxy.counts());
    let story = story(started, &done, &faults, &ours, &theirs);

    nobody_is_lost(&ours, &theirs, &story);
    nobody_gets_it_twice(&theirs, &story);
    assert!(count(&theirs, "accepted") <= limit, "the day's limit of {limit} holds: {story}");
    assert_eq!(count(&theirs, "beyond_messaging_limit"), 0, "{story}");
    // Who is left waits for tomorrow.
    let waits = ours["waits"].as_array().into_iter().flatten();
    let for_tomorrow = waits.filter(|wait| wait["code"] == "quota.daily_exceeded").count();
    assert!(0 < count(&ours, "waiting") && for_tomorrow == 1, "{story}");
    chaos_was_real(&done, &faults, &story);
}

#[test]
fn a_redis_that_forgets_its_last_second_loses_nobody_and_repeats_no_more_than_it_forgot() {
    let (started, simulator) = (Instant::now(), simulator("19"));
    let fleet = Fleet::new(records(), &config(records() * 100), "everysec");
    // A file that is written anew would be another one.
    let options = RedisServer::options().config("auto-aof-rewrite-percentage", "0");
    let mut server = options.persistence(Persistence::EverySecond).start();
    let proxy = FaultProxy::start(server.address());
    let (direct, mut before) = (server.url(), 0);
    let blows = |front: &mut Front<'_>| before = the_power_fails_again_and_again(front, &mut server, 25);
    let (ours, done) = fleet.send_through(blows, &direct, &proxy, &simulator);
    let (theirs, faults) = (simulator.report(), proxy.counts());
    let story = story(started, &done, &faults, &ours, &theirs);

    assert_eq!(before, 0, "killed workers repeat nothing: {story}");
    sums_hold(&ours);
    assert_eq!(count(&ours, "rows"), records(), "nobody is left out silently: {story}");
    assert_eq!(count(&ours, "waiting"), 0, "nobody is forgotten: {story}");
    let again = count(&theirs, "again_without_refusal");
    println!("{again} requests went out again, {} begins had vanished", done.begins_vanished);
    assert!(0 < done.begins_vanished && again <= done.begins_vanished, "{story}");
    let (accepted, unknown) = (count(&ours, "accepted"), count(&ours, "unknown"));
    assert!(accepted <= count(&theirs, "accepted"), "{story}");
    assert!(count(&theirs, "accepted") <= accepted + unknown + again, "{story}");
    assert!(0 < done.workers_killed && 0 < done.servers_killed, "{story}");
    assert_eq!(done.workers_ended, 0, "no worker gives up: {story}");
}
