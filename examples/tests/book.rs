//! README and book say what the code says: includes and links resolve, and what stands twice is
//! the same twice.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use rules_core::judge::code::Code;
use rules_core::work::queue::QueueLimits;
use whatsapp_dispatch::campaigns::{Change, Status};
use whatsapp_dispatch::codes;
use whatsapp_dispatch::config::DispatchConfig;
use whatsapp_dispatch::fact::{Resend, State};
use whatsapp_dispatch::gateway::ApiError;
use whatsapp_dispatch::reaction::{Reaction, Row, table};
use whatsapp_dispatch::recipients::Mapping;
use whatsapp_dispatch::rule;
use whatsapp_dispatch::template::Category;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn pages_below(folder: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages.extend(pages_below(&path));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
    pages.sort();
    pages
}

/// Everything that people read: the book, README and its neighbours.
fn pages() -> Vec<PathBuf> {
    let mut pages = pages_below(&root().join("docs/src"));
    pages.extend(["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name)));
    pages
}

/// The lines between a file's `ANCHOR: name` and `ANCHOR_END: name`.
fn anchored(path: &Path, anchor: &str) -> String {
    let mut inside = false;
    let mut text = String::new();
    for line in read(path).lines() {
        let marker = line.trim_start_matches(['/', '#', ' ']);
        if marker == format!("ANCHOR: {anchor}") {
            assert!(!inside, "{}: anchor {anchor} begins twice", path.display());
            inside = true;
        } else if marker == format!("ANCHOR_END: {anchor}") {
            assert!(inside, "{}: anchor {anchor} ends before it begins", path.display());
            assert!(!text.is_empty(), "{}: anchor {anchor} is empty", path.display());
            return text;
        } else if inside && !marker.starts_with("ANCHOR") {
            writeln!(text, "{line}").unwrap();
        }
    }
    panic!("{}: there is no anchor {anchor}", path.display());
}

/// What stands between two texts, each time that they occur.
fn between<'a>(text: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    text.split(start).skip(1).map(|rest| rest.split(end).next().unwrap()).collect()
}

#[test]
fn every_include_resolves() {
    let mut includes = 0;
    for page in pages() {
        for include in between(&read(&page), "{{#include ", "}}") {
            let (path, anchor) =
                include.split_once(':').unwrap_or_else(|| panic!("{include}: name an anchor"));
            anchored(&page.parent().unwrap().join(path), anchor);
            includes += 1;
        }
    }
    assert!(5 < includes, "the includes were not found");
}

#[test]
fn code_in_the_book_is_included() {
    for page in pages_below(&root().join("docs/src")) {
        for code in between(&read(&page), "```rust", "```") {
            let lines: Vec<&str> = code.lines().skip(1).collect();
            let included = !lines.is_empty() && lines.iter().all(|line| line.starts_with("{{#include "));
            assert!(included, "{}: include this from a file that compiles:{code}", page.display());
        }
    }
}

/// The fragment that mdBook and GitHub give a heading.
fn slug(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

#[test]
fn every_link_resolves() {
    let mut links = 0;
    for page in pages() {
        let text = read(&page);
        let prose: String = text.split("```").step_by(2).collect();
        for link in between(&prose, "](", ")") {
            if link.starts_with("http://") || link.starts_with("https://") {
                continue;
            }
            links += 1;
            let (path, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            assert!(target.exists(), "{}: the link {link} leads nowhere", page.display());
            if !fragment.is_empty() {
                let text = read(&target);
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                let found = headings.any(|line| slug(line.trim_start_matches('#')) == fragment);
                assert!(found, "{}: the link {link} names no heading", page.display());
            }
        }
    }
    assert!(20 < links, "the links were not found");
}

#[test]
fn the_summary_lists_every_page() {
    let folder = root().join("docs/src");
    let summary = read(&folder.join("SUMMARY.md"));
    let listed: BTreeSet<PathBuf> =
        between(&summary, "](", ")").into_iter().map(|link| folder.join(link)).collect();
    let pages: BTreeSet<PathBuf> =
        pages_below(&folder).into_iter().filter(|page| !page.ends_with("SUMMARY.md")).collect();
    assert_eq!(listed, pages);
}

#[test]
fn the_readme_shows_the_quick_start_that_runs() {
    let readme = read(&root().join("README.md"));
    let shown = between(&readme, "```rust\n", "```");
    assert_eq!(shown, [anchored(&root().join("examples/tests/quick_start.rs"), "quick_start")]);
    assert!(readme.lines().count() <= 150, "a README is one page");
}

#[test]
fn the_readme_lists_what_rules_core_depends_on() {
    let manifest: toml::Table = read(&root().join("rules-core/Cargo.toml")).parse().unwrap();
    let optional = |spec: &toml::Value| spec.get("optional").and_then(toml::Value::as_bool) == Some(true);
    let needed: Vec<&str> = manifest["dependencies"]
        .as_table()
        .unwrap()
        .iter()
        .filter(|(_, spec)| !optional(spec))
        .map(|(name, _)| name.as_str())
        .collect();
    let readme = read(&root().join("README.md"));
    let tree = between(&readme, "```text\nrules-core\n", "```");
    let mut shown: Vec<&str> =
        tree[0].lines().map(|line| line.trim_start_matches(['├', '└', '─', ' '])).collect();
    shown.sort_unstable();
    assert_eq!(shown, needed);
}

#[test]
fn the_page_of_codes_lists_every_code() {
    let page = read(&root().join("docs/src/reference/codes.md"));
    let shown: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let texts = codes::texts();
    let lines: Vec<String> = texts.iter().map(|(code, text)| format!("| `{code}` | {text} |")).collect();
    assert_eq!(shown, lines, "the whole table:\n{}", lines.join("\n"));
}

#[test]
fn the_page_of_reactions_is_the_table() {
    let page = read(&root().join("docs/src/reference/reactions.md"));
    let shown: Vec<&str> = page
        .lines()
        .filter(|line| line.strip_prefix("| ").is_some_and(|cell| cell.starts_with(char::is_numeric)))
        .collect();
    let lines: Vec<String> = table().iter().map(reaction).collect();
    assert_eq!(shown, lines, "the whole table:\n{}", lines.join("\n"));
}

/// A row of the table as a line of the page.
fn reaction(row: &Row) -> String {
    let answer = |http_status, category| Reaction::to(&ApiError::new(row.number, http_status), category);
    let refused = answer(400, Category::Marketing).action;
    let failed = answer(500, Category::Marketing);
    let other = answer(400, Category::Utility).action;
    let mut answered = refused.to_string();
    if failed.action != refused {
        write!(answered, "; at HTTP 5xx {}", failed.action).unwrap();
    }
    if failed.slows {
        answered.push_str(" and throttle the number");
    }
    if other != refused {
        write!(answered, "; if not marketing {other}").unwrap();
    }
    let later = row.status.map_or_else(|| "final".to_owned(), |action| action.to_string());
    let in_a_row = row.escalation.in_a_row.map(|most| format!("{most} in a row"));
    let percent = row.escalation.percent.map(|most| format!("above {most} %"));
    let pauses: Vec<String> = in_a_row.into_iter().chain(percent).collect();
    let number = if row.number == 200 { "200 to 299".to_owned() } else { row.number.to_string() };
    format!("| {number} | {} | {answered} | {later} | {} |", row.meaning, pauses.join(", "))
}

#[test]
fn the_page_of_states_shows_every_arrow_of_a_campaign() {
    let changes = [
        ("planned", Change::Planned),
        ("release", Change::Release),
        ("pause", Change::Pause { code: Code::known("campaign.paused") }),
        ("resume", Change::Resume),
        ("cancel", Change::Cancel),
        ("finish", Change::Finish),
        ("reopen", Change::Reopen { of: Resend::Failed }),
        ("reopened", Change::Reopened),
        ("seal", Change::Seal),
        ("exported", Change::Exported),
        ("forgotten", Change::Forgotten),
    ];
    let words = [
        "planning",
        "planned",
        "released",
        "paused",
        "cancelled",
        "finished",
        "sealed",
        "exported",
        "forgotten",
    ];
    let mut arrows = BTreeSet::new();
    for from in words {
        for (change, by) in &changes {
            if let Some(to) = Status::parse(from).unwrap().after(by) {
                arrows.insert(format!("| {from} | {change} | {} |", to.as_str()));
            }
        }
    }
    let page = read(&root().join("docs/src/reference/states.md"));
    let is_arrow = |line: &&str| words.iter().any(|word| line.starts_with(&format!("| {word} |")));
    let shown: BTreeSet<String> = page.lines().filter(is_arrow).map(str::to_owned).collect();
    assert_eq!(shown, arrows);
}

#[test]
fn the_page_of_states_lists_every_state_of_a_message() {
    let page = read(&root().join("docs/src/reference/states.md"));
    let states = [
        State::Waiting,
        State::Deferred,
        State::Sending,
        State::Unknown,
        State::Accepted,
        State::Delivered,
        State::Read,
        State::Failed,
        State::Dead,
        State::Expired,
    ];
    for state in states {
        let closed = if state.is_closed() { "yes" } else { "no" };
        let row = page.lines().find(|line| line.starts_with(&format!("| `{state:?}` |")));
        assert!(row.is_some_and(|row| row.ends_with(&format!("| {closed} |"))), "{state:?}: {row:?}");
    }
}

#[test]
fn the_page_of_configuration_lists_every_setting() {
    let page = read(&root().join("docs/src/reference/configuration.md"));
    let mut settings: Vec<String> = rule::kinds().names().map(str::to_owned).collect();
    let mut fields = |shown: String| {
        let lines = shown.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(": "));
        settings.extend(lines.filter(|(name, _)| !name.starts_with(' ')).map(|(name, _)| name.to_owned()));
    };
    fields(format!("{:#?}", DispatchConfig::default()));
    fields(format!("{:#?}", Mapping::default()));
    fields(format!("{:#?}", QueueLimits::default()));
    assert!(25 < settings.len(), "{settings:?}");
    for setting in settings {
        let row = page.lines().find(|line| line.starts_with("| `") && line.contains(&format!("`{setting}`")));
        assert!(row.is_some(), "docs/src/reference/configuration.md does not list {setting}");
    }
}
