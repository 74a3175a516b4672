//! `sync-stock` as a program: a short day, a plan and what becomes of it, its mistakes, and a real
//! seller, whose Amazon is a simulator on this machine.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use amazon_sync::simulator::Simulator;
use rules_core::work::clock::{Clock, ScaledClock, SystemClock};
use serde_json::Value;
use tokio::runtime::Runtime;

#[path = "support/merchant.rs"]
mod merchant;

use merchant::{Merchant, SHELF};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sync-stock"));
    // What the tests' own environment says of Amazon is not meant.
    for name in merchant::VARIABLES {
        command.env_remove(name);
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a run that must end well prints.
fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}\n{}", output.status, text(&output.stderr));
    text(&output.stdout)
}

/// What a run that must fail says.
fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    text(&output.stderr)
}

fn shipped(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/shop").join(name);
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_short_day_keeps_what_it_promises_and_says_so_in_one_object() {
    let options =
        ["--hours", "3", "--speed", "1800", "--report", "json", "--explain", "APRON-ALBA-GREY-KIDS"];
    let output = run(&options);
    let report: Value = serde_json::from_str(&said(&output)).unwrap();
    for name in ["orders", "units_sold", "writes", "writes_saved"] {
        assert!(0 < report[name].as_u64().unwrap(), "{name} in {report}");
    }
    for name in ["oversold_units", "wasted_calls", "letters"] {
        assert!(report[name].is_u64(), "{name} in {report}");
    }
    for name in ["budget_share", "p50_change_to_effect_s", "p99_change_to_effect_s"] {
        assert!(0.0 < report[name].as_f64().unwrap(), "{name} in {report}");
    }
    assert!(0 < report["drift_by_class"]["ours_ahead"].as_u64().unwrap(), "{report}");
    assert_eq!((&report["invariants_ok"], &report["broken"]), (&true.into(), &Value::Array(Vec::new())));
    // The table and the explanation stand beside the object.
    let beside = text(&output.stderr);
    assert!(beside.contains("apron-alba-grey-kids at 2026-01-05"), "{beside}");
    assert!(beside.contains("APRON-ALBA-GREY-KIDS (DEFAULT)"), "{beside}");
}

#[test]
fn a_plan_changes_nothing_and_is_carried_out_once_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.tsv");
    let file = file.to_str().unwrap();
    let planned = said(&run(&["--speed", "3600", "--plan", file]));
    assert!(planned.contains("Nothing is written to Amazon") && planned.contains("--apply"), "{planned}");
    let object = said(&run(&["--speed", "3600", "--plan", file, "--report", "json"]));
    let object: Value = serde_json::from_str(&object).unwrap();
    let writes = object["writes"].as_u64().unwrap();
    assert!(50 < writes && object["listings"].as_u64().unwrap() > 1_500, "{object}");

    let applied = said(&run(&["--speed", "3600", "--apply", file, "--report", "json"]));
    let applied: Value = serde_json::from_str(&applied).unwrap();
    assert_eq!(applied["applied"].as_u64(), Some(writes), "{applied}");
    assert!(applied["invariants_ok"].as_bool().unwrap() && applied["orders"] == 0, "{applied}");

    // Somebody wants another number than what can ship.
    let text = std::fs::read_to_string(file).unwrap();
    let row = text.lines().find(|line| line.contains("\tours_ahead\t")).unwrap();
    let mut cells: Vec<&str> = row.split('\t').collect();
    cells[6] = "4711";
    std::fs::write(file, text.replace(row, &cells.join("\t"))).unwrap();
    let moved = refused(&["--speed", "3600", "--apply", file]);
    assert!(moved.contains("the world moved: 1 of") && moved.contains("4711"), "{moved}");
}

#[test]
fn mistakes_are_told_at_once_with_their_place_and_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let mistaken = |name: &str, text: String| -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let says = |option: &str, path: &Path, expected: &str| {
        let error = refused(&[option, path.to_str().unwrap()]);
        assert!(error.contains(expected) && error.contains(path.to_str().unwrap()), "{error}");
    };
    let skus = shipped("skus.csv");
    says(
        "--skus",
        &mistaken("kind.csv", skus.replacen(",item,", ",itme,", 1)),
        "line 2: \"itme\" is no kind",
    );
    says("--skus", &mistaken("none.csv", String::new()), "line 1: the file is empty");
    says("--skus", &folder.path().join("missing.csv"), "opening");
    let shelf = shipped("shelf.csv");
    says(
        "--shelf",
        &mistaken("text.csv", shelf.replacen(",3,", ",three,", 1)),
        "line 2: on_hand is \"three\"",
    );
    says("--shelf", &mistaken("few.csv", format!("{shelf}mug\n")), "line 1252: it has 1 cells");
    says("--shelf", &mistaken("twice.csv", format!("{shelf}apron-alba-blue-m,1,\n")), "has a row already");
    let first: String = shelf.split_inclusive('\n').take(30).collect();
    says("--shelf", &mistaken("lacks.csv", first), "has no row for 1221 of the items");
    says("--shelf", &mistaken("header.csv", "item,number\nmug,3\n".to_owned()), "there is no column on_hand");
    let demand = shipped("demand.csv");
    says("--demand", &mistaken("nan.csv", demand.replacen("0.020", "NaN", 1)), "line 2: per_hour is \"NaN\"");
    says("--demand", &mistaken("ghost.csv", format!("{demand}GHOST,1,1,\n")), "does not have GHOST");

    let unknown = refused(&["--explain", "MUG"]);
    assert!(unknown.contains("no such SKU; it has MUG-"), "{unknown}");
    let nowhere = folder.path().join("nowhere/plan.tsv");
    assert!(refused(&["--plan", nowhere.to_str().unwrap()]).contains("making a file in its folder"));
    let no_plan = mistaken("plan.tsv", "sku,quantity\n".to_owned());
    assert!(refused(&["--apply", no_plan.to_str().unwrap()]).contains("make a plan with --plan FILE"));
    assert!(refused(&["--store", "redis://127.0.0.1"]).contains("use memory or sqlite:PATH"));
    let is_there = format!("sqlite:{}", mistaken("there.db", String::new()).display());
    assert!(refused(&["--store", &is_there]).contains("is there already"));
}

#[test]
fn a_real_seller_needs_files_a_ledger_a_task_and_all_credentials() {
    let folder = tempfile::tempdir().unwrap();
    let files = merchant::files(folder.path());
    assert!(refused(&["--live"]).contains("--live does nothing by itself"));
    let plan = folder.path().join("plan.tsv");
    let plan = plan.to_str().unwrap();
    assert!(refused(&["--live", "--plan", plan]).contains("--live needs --skus FILE and --shelf FILE"));
    let arguments = files.arguments();
    let options: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let without_store = refused(&[&["--live", "--plan", plan][..], &options[..4]].concat());
    assert!(without_store.contains("--live needs --store sqlite:PATH"), "{without_store}");

    let secret = "amzn1.oa2-cs.v1.hunter2";
    let output = program()
        .args(["--live", "--plan", plan])
        .args(&options)
        .envs([("AMAZON_CLIENT_SECRET", secret), ("AMAZON_SELLER_ID", "A2NEXAMPLETF53")])
        .output()
        .unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    for name in ["AMAZON_CLIENT_ID", "AMAZON_REFRESH_TOKEN", "AMAZON_MARKETPLACES"] {
        assert!(error.contains(&format!("\n  {name}  ")), "{error}");
    }
    assert!(!error.contains("AMAZON_SELLER_ID") && !error.contains(secret), "{error}");
    assert!(!files.store.exists(), "nothing is made before everything is there");

    // A fast clock is for simulators; against Amazon it would be an accident.
    let output = program()
        .args(["--live", "--plan", plan])
        .args(&options)
        .envs(merchant::VARIABLES.map(|name| (name, "A1PA6795UKMFR9")))
        .env("AMAZON_ENDPOINT", "https://sellingpartnerapi-eu.amazon.com")
        .env("AMAZON_REGION", "europe")
        .output()
        .unwrap();
    assert!(text(&output.stderr).contains("is for a simulator on this machine"), "{output:?}");
}

/// A simulator with the merchant's listings, in a time of its own.
fn amazon(runtime: &Runtime) -> (Simulator, Merchant) {
    let now = SystemClock.now();
    let clock = Arc::new(ScaledClock::starting_at(now, 600));
    let world = merchant::world(now, 7).build().unwrap();
    let builder = Simulator::builder(world).clock(Arc::<ScaledClock>::clone(&clock));
    let amazon = runtime.block_on(builder.start()).unwrap();
    let told = Merchant::of(&amazon, now, now, 600);
    (amazon, told)
}

#[test]
fn a_real_seller_is_planned_then_carried_out_then_published_until_somebody_stops_it() {
    let runtime = Runtime::new().unwrap();
    let (amazon, merchant) = amazon(&runtime);
    let folder = tempfile::tempdir().unwrap();
    let files = merchant::files(folder.path());
    let plan = folder.path().join("plan.tsv");
    let plan = plan.to_str().unwrap();
    let live = |task: &[&str]| {
        let mut command = program();
        command.arg("--live").args(task).args(files.arguments()).envs(&merchant.variables);
        command
    };
    let shown =
        |name: &str| amazon.world(|world| world.shown(&merchant::seller(), &merchant::sku(name))).unwrap();

    // Nobody publishes into a shop that was never looked at.
    let unplanned = live(&["--publish"]).output().unwrap();
    assert!(text(&unplanned.stderr).contains("has never been planned with"), "{unplanned:?}");

    // A token that is none is told as such, and not as a shop without listings.
    let forged = live(&["--plan", plan]).env("AMAZON_REFRESH_TOKEN", "Atzr|hunter2").output().unwrap();
    let error = text(&forged.stderr);
    assert_eq!(forged.status.code(), Some(1), "{error}");
    assert!(error.contains("account.revoked") && !error.contains("hunter2"), "{error}");
    assert!(!Path::new(plan).exists(), "a plan of nothing is none");

    let before = shown("MUG");
    let planned = said(&live(&["--plan", plan]).output().unwrap());
    assert!(planned.contains("Nothing is written to Amazon"), "{planned}");
    assert_eq!((amazon.report().writes, shown("MUG")), (0, before));
    let rows = std::fs::read_to_string(plan).unwrap();
    assert!(rows.contains("\tMUG\t"), "{rows}");

    let applied = said(&live(&["--apply", plan]).output().unwrap());
    assert!(applied.contains("1 numbers are decided"), "{applied}");
    assert_eq!((shown("MUG"), amazon.report().writes), (200, 1));

    // The host counts less, and Amazon shows less.
    let mut child = live(&["--publish"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map(merchant::Killed)
        .unwrap();
    let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.find(|line| line.contains(" orders, ")).unwrap();
    files.write_shelf(&SHELF.replace("cup,200", "cup,150"));
    while shown("CUP") != 150 {
        std::thread::yield_now();
        assert!(child.0.try_wait().unwrap().is_none(), "it goes on until it is stopped");
    }
    merchant::stop(&child.0);
    let rest: Vec<String> = lines.collect();
    assert!(child.0.wait().unwrap().success(), "{rest:?}");
    assert!(rest.iter().any(|line| line.starts_with("orders ")), "{rest:?}");
    assert_eq!(amazon.report().listings_flipped, 0);
    let told = format!("{planned}{applied}{rest:?}");
    for secret in ["AMAZON_CLIENT_SECRET", "AMAZON_REFRESH_TOKEN"] {
        assert!(!told.contains(&merchant.variables[secret]), "{secret} is never shown");
    }
}
