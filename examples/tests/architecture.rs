//! What the compiler does not hold about the house: which crate and which room may know which,
//! where secrets are read, whose types may show in a signature, and that no port lacks its suite.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const LIBRARIES: [&str; 3] = ["rules-core", "whatsapp-dispatch", "amazon-sync"];

#[test]
fn crates_know_only_crates_below_them() {
    let may_know: [(&str, &[&str]); 5] = [
        ("rules-core", &[]),
        ("whatsapp-dispatch", &["rules-core"]),
        ("amazon-sync", &["rules-core"]),
        ("examples", &["amazon-sync", "rules-core", "whatsapp-dispatch"]),
        ("benches", &["amazon-sync", "rules-core", "whatsapp-dispatch"]),
    ];
    let members = toml(&root().join("Cargo.toml"))["workspace"]["members"].as_array().unwrap().len();
    assert_eq!(members, may_know.len(), "a new crate needs its line here");
    let crates: BTreeSet<&str> = may_know.iter().map(|(name, _)| *name).collect();
    for (name, below) in may_know {
        let manifest = toml(&root().join(name).join("Cargo.toml"));
        let published = manifest["package"].get("publish").is_none();
        assert_eq!(published, LIBRARIES.contains(&name), "{name}: examples and benches are never published");
        for table in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for dependency in manifest.get(table).and_then(toml::Value::as_table).into_iter().flatten() {
                let sibling = crates.contains(dependency.0.as_str()) && dependency.0 != name;
                assert!(
                    !sibling || below.contains(&dependency.0.as_str()),
                    "{name} may not know {}",
                    dependency.0
                );
            }
        }
    }
}

#[test]
fn rooms_know_only_rooms_below_them() {
    let judge = rooms("rules-core", &["judge"]);
    let work = rooms("rules-core", &["work"]);
    forbid(&judge, &["work", "store", "conformance"]);
    forbid(&work, &["store", "conformance"]);

    let values_and_ports = [
        "phone",
        "region",
        "columns",
        "media",
        "template",
        "json",
        "content",
        "graph",
        "campaign",
        "message",
        "fact",
        "reaction",
        "progress",
        "codes",
        "rule",
        "recipients",
        "sender",
        "gateway",
        "people",
        "register",
        "campaigns",
        "delivery",
        "quarantine",
        // Counters that everybody may count; it knows nobody.
        "telemetry",
    ];
    let services = [
        "accounts",
        "config",
        "dispatch",
        "retention",
        "erase",
        "webhook",
        "desk",
        "aftermath",
        "planner",
        "shelf",
        "reference",
        "feeder",
        "dispatcher",
        "tracker",
        "inbox",
        "resolver",
        "sweeper",
    ];
    let technology = ["store", "adapters", "simulator"];
    let suites = ["conformance"];
    let rooms_of = |names: &[&str]| rooms("whatsapp-dispatch", names);
    forbid(&rooms_of(&values_and_ports), &[&services[..], &technology, &suites].concat());
    forbid(&rooms_of(&services), &[&technology[..], &suites].concat());
    forbid(&rooms_of(&["store"]), &[&services[..], &["adapters", "simulator"], &suites].concat());
    forbid(&rooms_of(&["adapters"]), &[&services[..], &["store", "simulator"], &suites].concat());

    let known = [&values_and_ports[..], &services, &technology, &suites].concat();
    for module in modules("whatsapp-dispatch") {
        assert!(
            known.contains(&module.as_str()),
            "whatsapp-dispatch: put the module {module} into a room here"
        );
    }
}

#[test]
fn rooms_of_amazon_sync_know_only_rooms_below_them() {
    let values_and_ports = [
        "quantity",
        "seller",
        "sku",
        "listing",
        "order",
        "ledger",
        "returns",
        "intent",
        "sku_map",
        "deduct",
        "available",
        "demand",
        "drift",
        "policy",
        "merge",
        "route",
        "wire",
        "marketplace",
        "sink",
        "host_stock",
        "sync_store",
        // Counters that everybody may count; it knows nobody.
        "telemetry",
    ];
    let services = [
        "sync",
        "config",
        "desk",
        "intake",
        "poller",
        "events",
        "stock_keeper",
        "reconciler",
        "publisher",
        "reader",
        "snapshot",
        "historian",
    ];
    let technology = ["store", "adapters", "simulator"];
    let suites = ["conformance"];
    let rooms_of = |names: &[&str]| rooms("amazon-sync", names);
    forbid(&rooms_of(&values_and_ports), &[&services[..], &technology, &suites].concat());
    forbid(&rooms_of(&services), &[&technology[..], &suites].concat());
    forbid(&rooms_of(&["store"]), &[&services[..], &["adapters", "simulator"], &suites].concat());
    forbid(&rooms_of(&["adapters"]), &[&services[..], &["store", "simulator"], &suites].concat());

    let known = [&values_and_ports[..], &services, &technology, &suites].concat();
    for module in modules("amazon-sync") {
        assert!(known.contains(&module.as_str()), "amazon-sync: put the module {module} into a room here");
    }
}

/// No code of these files names one of the modules.
fn forbid(files: &[Source], modules: &[&str]) {
    assert!(!files.is_empty());
    for file in files {
        for (number, line) in file.code() {
            assert!(!line.contains("super::super::"), "{}:{number}: write the path from crate::", file.name);
            assert!(!line.contains("use crate::{"), "{}:{number}: one module, one use", file.name);
            for module in modules {
                let named = line.contains(&format!("crate::{module}::"))
                    || line.contains(&format!("crate::{module};"));
                assert!(!named, "{}:{number}: this room may not know {module}", file.name);
            }
        }
    }
}

#[test]
fn files_are_named_after_what_they_hold() {
    let vague =
        ["util", "utils", "common", "helper", "helpers", "types", "manager", "processor", "misc", "mod"];
    for file in library_sources() {
        let stem = file.path.file_stem().unwrap().to_str().unwrap();
        assert!(!vague.contains(&stem), "{}: name the file after what it holds", file.name);
        let vague_word = stem.split('_').any(|word| vague.contains(&word));
        assert!(!vague_word, "{}: name the file after what it holds", file.name);
    }
}

#[test]
fn files_have_room_for_one_thing() {
    // A suite is one list of cases, as long as its port's contract.
    for file in library_sources().iter().filter(|file| !file.name.contains("/conformance/")) {
        let lines = file.body().lines().count();
        assert!(lines <= 400, "{}: {lines} lines; two rooms with the wall missing", file.name);
    }
}

#[test]
fn secrets_are_read_where_they_are_used() {
    let doors = [
        "rules-core/src/store/redis/",      // the address may hold a password
        "whatsapp-dispatch/src/adapters/",  // the credential goes onto the wire
        "whatsapp-dispatch/src/webhook.rs", // signatures are checked
        "whatsapp-dispatch/src/simulator/", // plays Meta, with secrets of its own
        "amazon-sync/src/adapters/",        // tokens go onto the wire
        "amazon-sync/src/simulator/",       // plays Amazon, with secrets of its own
    ];
    for file in library_sources() {
        if !doors.iter().any(|door| file.name.starts_with(door)) {
            for (number, line) in file.code() {
                assert!(!line.contains("expose_secret"), "{}:{number}: no secret is read here", file.name);
            }
        }
    }
}

#[test]
fn vendors_do_not_show_in_signatures() {
    let vendors = [
        "axum",
        "backoff",
        "deadpool_redis",
        "form_urlencoded",
        "futures_util",
        "governor",
        "hmac",
        "http",
        "hyper",
        "metrics",
        "mockall",
        "reqwest",
        "rusqlite",
        "sha2",
        "tokio",
        "toml",
        "tower",
    ];
    // The only doors, each in the adapter that is named after the vendor.
    let allowed = [
        ("rules-core/src/store/sqlite", "rusqlite"),
        ("whatsapp-dispatch/src/adapters/cloud_api.rs", "reqwest"),
        ("whatsapp-dispatch/src/webhook/router.rs", "axum"),
        ("whatsapp-dispatch/src/dispatch/webhooks.rs", "axum"),
        ("amazon-sync/src/adapters/sp_api.rs", "reqwest"),
    ];
    let mut surfaces = 0;
    for file in library_sources() {
        for vendor in vendors {
            if allowed.iter().any(|(door, name)| file.name.starts_with(door) && *name == vendor) {
                continue;
            }
            let imported = file.imported_from(vendor);
            for item in file.public_items() {
                surfaces += 1;
                let shows = words(&item).any(|word| imported.iter().any(|name| name == word))
                    || item.contains(&format!("{vendor}::"))
                    || item == format!("pub use {vendor};");
                assert!(!shows, "{}: {vendor} shows in a public signature: {item}", file.name);
            }
        }
    }
    assert!(1_000 < surfaces / vendors.len(), "the public items were not found");
}

#[test]
fn every_port_can_be_a_trait_object() {
    let mut ports = 0;
    for file in library_sources() {
        for (number, line) in file.code() {
            let Some(header) = line.strip_prefix("pub trait ") else { continue };
            let Some((port, bounds)) = header.split_once(':') else { continue };
            if bounds.contains("Debug + Send") && bounds.contains("'static") {
                ports += 1;
                let held = format!("const _: fn(&dyn {port}) = |_| {{}};");
                assert!(file.body().contains(&held), "{}:{number}: add {held}", file.name);
            }
        }
    }
    assert!(15 < ports, "the ports were not found");
}

#[test]
fn every_port_that_a_host_may_bring_has_a_suite_that_its_backends_run() {
    let all = &["Memory", "Sqlite", "Redis"][..];
    let suites = [
        ("rules-core", "quota", all),
        ("rules-core", "pacer", &["Memory", "Redis"]),
        ("rules-core", "queue", all),
        ("rules-core", "lanes", all),
        ("rules-core", "archive", &["Memory", "Files"]),
        ("rules-core", "events", &["Memory", "Sqlite", "Segments"]),
        ("rules-core", "outbox", all),
        ("whatsapp-dispatch", "campaigns", all),
        ("whatsapp-dispatch", "delivery_log", all),
        ("whatsapp-dispatch", "people", all),
        ("whatsapp-dispatch", "quarantine", all),
        ("whatsapp-dispatch", "register", all),
        ("amazon-sync", "host_stock", &["MemoryStock", "StockFile", "StockTable"]),
        ("amazon-sync", "sync_store", &["Memory", "Sqlite"]),
    ];
    for (library, port, backends) in suites {
        let suite = root().join(library).join("src/conformance").join(port).with_extension("rs");
        assert!(suite.is_file(), "{library}: the port {port} has no suite: {}", suite.display());
        let call = format!("{port}_conformance!");
        let texts = files_below(&root().join(library).join("tests"));
        let texts = texts.iter().map(|path| fs::read_to_string(path).unwrap());
        let callers: Vec<String> = texts.filter(|text| text.contains(&call)).collect();
        for backend in backends {
            let runs = callers.iter().any(|text| words(text).any(|word| word == *backend));
            assert!(runs, "{library}: no test runs {call} on {backend}");
        }
    }
}

#[test]
fn backoff_is_known_to_one_crate() {
    let lock = toml(&root().join("Cargo.lock"));
    let knows = |package: &&toml::Value| {
        let dependencies = package.get("dependencies").and_then(toml::Value::as_array);
        dependencies.into_iter().flatten().any(|name| name.as_str() == Some("backoff"))
    };
    let dependents: Vec<_> = lock["package"].as_array().unwrap().iter().filter(knows).collect();
    assert_eq!(dependents.len(), 1, "{dependents:?}");
    assert_eq!(dependents[0]["name"].as_str(), Some("rules-core"));

    let users: Vec<String> = library_sources()
        .into_iter()
        .filter(|file| file.code().any(|(_, line)| line.contains("backoff::")))
        .map(|file| file.name)
        .collect();
    assert_eq!(users, ["rules-core/src/judge/retry/schedule.rs"]);
}

// --- how sources are read -----------------------------------------------------------------------

/// A source file of a library.
struct Source {
    path: PathBuf,
    /// From the repository's root, with slashes.
    name: String,
    text: String,
}

impl Source {
    /// The file without its tests.
    fn body(&self) -> &str {
        match self.text.find("\n#[cfg(test)]\nmod tests {") {
            Some(end) => &self.text[..end],
            None => &self.text,
        }
    }

    /// Lines that are no comments, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.body().lines().enumerate();
        lines.filter(|(_, line)| !line.trim_start().starts_with("//")).map(|(index, line)| (index + 1, line))
    }

    /// Names that the file imports from a crate.
    fn imported_from(&self, vendor: &str) -> Vec<String> {
        let code: String = self.code().flat_map(|(_, line)| [line.trim(), " "]).collect();
        let start = format!("use {vendor}::");
        let imports = code.split(&start).skip(1).filter_map(|rest| rest.split(';').next());
        imports
            .flat_map(|import| words(import).map(str::to_owned).collect::<Vec<_>>())
            .filter(|word| word.starts_with(char::is_uppercase))
            .collect()
    }

    /// Headers of public items and public fields; enums and traits whole.
    fn public_items(&self) -> Vec<String> {
        let mut items = Vec::new();
        let lines: Vec<&str> = self.code().map(|(_, line)| line).collect();
        let mut public_types = BTreeSet::new();
        for (index, line) in lines.iter().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let text = line.trim_start();
            let whole = text.starts_with("pub enum ") || text.starts_with("pub trait ");
            if let Some(name) = ["pub struct ", "pub enum "].iter().find_map(|word| text.strip_prefix(word)) {
                public_types.extend(words(name).next().map(str::to_owned));
            }
            let implements = text.starts_with("impl") && text.contains(" for ");
            if !text.starts_with("pub ") && !implements {
                continue;
            }
            if implements {
                let target = text.rsplit(" for ").next().and_then(|rest| words(rest).next());
                if !target.is_some_and(|target| public_types.contains(target)) {
                    continue;
                }
            }
            let mut item = String::new();
            for line in &lines[index..] {
                item.push_str(line.trim());
                item.push(' ');
                let depth = line.len() - line.trim_start().len();
                let ends = if whole {
                    depth == indent && line.trim() == "}"
                } else {
                    line.trim_end().ends_with(['{', ';', ',', '}'])
                };
                if ends && (whole || balanced(&item)) {
                    break;
                }
            }
            // A tuple's private fields are nobody's business.
            if text.starts_with("pub struct ") && !item.contains("(pub ") {
                item = item.split('(').next().unwrap().to_owned();
            }
            items.push(item.trim().to_owned());
        }
        items
    }
}

/// True when no parenthesis is left open.
fn balanced(item: &str) -> bool {
    item.matches('(').count() == item.matches(')').count()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn toml(path: &Path) -> toml::Value {
    toml::Value::Table(fs::read_to_string(path).unwrap().parse().unwrap())
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The sources of one library, files that hold only tests left out.
fn sources(library: &str) -> Vec<Source> {
    let of = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().replace('\\', "/");
        Source { text: fs::read_to_string(&path).unwrap(), path, name }
    };
    let is_test = |path: &PathBuf| path.ends_with("tests.rs") || path.ends_with("testing.rs");
    files_below(&root().join(library).join("src")).into_iter().filter(|path| !is_test(path)).map(of).collect()
}

fn library_sources() -> Vec<Source> {
    LIBRARIES.into_iter().flat_map(sources).collect()
}

/// The files of some top-level modules of a library.
fn rooms(library: &str, modules: &[&str]) -> Vec<Source> {
    let belongs = |file: &Source| {
        let below = file.name.strip_prefix(&format!("{library}/src/")).unwrap();
        modules.contains(&below.split(['/', '.']).next().unwrap())
    };
    sources(library).into_iter().filter(belongs).collect()
}

/// The top-level modules of a library.
fn modules(library: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(library).join("src/lib.rs")).unwrap();
    let declared =
        text.lines().filter_map(|line| line.strip_prefix("pub mod ").or(line.strip_prefix("mod ")));
    declared.map(|name| name.trim_end_matches(';').to_owned()).collect()
}
