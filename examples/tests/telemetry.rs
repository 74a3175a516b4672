//! The page about telemetry lists exactly what the libraries tell: every span with its fields,
//! every metric with its label.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

type Listed = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The sources of the libraries without their unit tests and suites.
fn sources() -> Vec<String> {
    let mut folders: Vec<PathBuf> =
        ["rules-core/src", "whatsapp-dispatch/src", "amazon-sync/src"].map(|folder| root().join(folder)).to_vec();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap();
            if path.is_dir() {
                folders.push(path);
            } else if name != "tests" {
                let text = fs::read_to_string(&path).unwrap();
                sources.push(text.split("#[cfg(test)]\nmod ").next().unwrap().to_owned());
            }
        }
    }
    sources
}

/// What stands in the brackets that `text` begins inside of, up to their end.
fn inside(text: &str) -> &str {
    let mut depth = 1_u32;
    let mut quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &text[..at];
        }
    }
    panic!("brackets that never end: {}", &text[..80.min(text.len())]);
}

/// The parts of a list that are separated by commas outside of any brackets and quotes.
fn parts(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut quoted, mut start) = (Vec::new(), 0_i32, false, 0);
    for (at, character) in list.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(list[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(list[start..].trim());
    parts.retain(|part| !part.is_empty());
    parts
}

fn literal(text: &str) -> Option<String> {
    Some(text.trim().strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

fn field(part: &str) -> String {
    part.split('=').next().unwrap().trim().trim_start_matches(['%', '?']).to_owned()
}

fn spans() -> Listed {
    let mut spans = Listed::new();
    for source in sources() {
        for call in source.split("_span!(").skip(1) {
            let list = parts(inside(call));
            let name = literal(list[0]).unwrap_or_else(|| panic!("a span needs a literal name: {}", list[0]));
            spans.entry(name).or_default().extend(list[1..].iter().map(|part| field(part)));
        }
        for attribute in source.split("#[tracing::instrument(").skip(1) {
            let list = parts(inside(attribute));
            let value = |key: &str| list.iter().find_map(|part| part.strip_prefix(key));
            let name = value("name = ").and_then(literal).expect("an instrumented function names its span");
            assert!(list.contains(&"skip_all"), "{name}: arguments never show by accident");
            let fields = value("fields(").map_or(Vec::new(), |fields| parts(inside(fields)));
            spans.entry(name).or_default().extend(fields.into_iter().map(field));
        }
    }
    spans
}

fn metrics() -> Listed {
    let mut metrics = Listed::new();
    for source in sources() {
        for macro_name in ["counter!(", "gauge!(", "histogram!("] {
            for call in source.split(macro_name).skip(1) {
                let list = parts(inside(call));
                if let Some(name) = literal(list[0]) {
                    metrics.entry(name).or_default();
                }
            }
        }
        for call in source.split("telemetry::count(").skip(1) {
            let list = parts(inside(call));
            let name =
                literal(list[0]).unwrap_or_else(|| panic!("a metric needs a literal name: {}", list[0]));
            let label = list[1].strip_prefix("Some((").map(|label| parts(inside(label))[0].to_owned());
            metrics.entry(name).or_default().extend(label.and_then(|label| literal(&label)));
        }
    }
    metrics
}

/// The first column of a section's table, and what stands in code in another column.
fn page(section: &str, column: usize) -> Listed {
    let page = fs::read_to_string(root().join("docs/src/reference/telemetry.md")).unwrap();
    let section = page.split(&format!("\n## {section}\n")).nth(1).expect("the section is there");
    let section = section.split("\n## ").next().unwrap();
    let in_code = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        (in_code(cells[1]).pop_first().unwrap(), in_code(cells[column]))
    })
    .collect()
}

#[test]
fn the_page_lists_every_span_with_its_fields() {
    let spans = spans();
    assert!(spans.len() > 5, "{spans:?}");
    assert_eq!(page("Spans", 3), spans);
}

#[test]
fn the_page_lists_every_metric_with_its_label() {
    let metrics = metrics();
    assert!(metrics.len() > 3, "{metrics:?}");
    assert_eq!(page("Metrics", 2), metrics);
}

#[test]
fn brackets_quotes_and_commas_are_told_apart() {
    assert_eq!(inside(r#""a)", f(b, c), d) rest"#), r#""a)", f(b, c), d"#);
    assert_eq!(parts(r#""a,b", f(c, d), e = %g(h), "#), [r#""a,b""#, "f(c, d)", "e = %g(h)"]);
    assert_eq!(
        [field("campaign = %record.key"), field("attempt"), field("?x")],
        ["campaign", "attempt", "x"]
    );
}
