//! Tries our typed values on payloads that others wrote: each is decoded, encoded again and
//! compared as JSON.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

mod amazon;
mod compare;
mod kind;
mod placeholders;
mod webhooks;

pub use compare::{TOLERATED, Tolerated};
pub use kind::Kind;
pub use placeholders::{NUMBER, VALID};

/// A payload read into our values and written again.
#[derive(Debug)]
pub struct Read {
    /// What we write.
    pub encoded: Value,
    /// Parts that were kept without being understood.
    pub undecoded: usize,
    /// Fields that were kept without being understood, by their paths.
    pub unknown: Vec<String>,
}

/// What became of one payload.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Decoded, and written again as it was.
    Same,
    /// Decoded, and written otherwise at these paths.
    Differs(Vec<String>),
    /// Decoded, and written again as it was; these parts were kept without being understood.
    Kept(Vec<String>),
    /// Not decoded.
    Undecoded(String),
    /// Something of Amazon's that we have no types for, and what it is.
    NotOurs(&'static str),
    /// The file of another vendor.
    OtherVendor,
}

impl Outcome {
    /// True when it was not decoded.
    pub const fn is_undecoded(&self) -> bool {
        matches!(self, Self::Undecoded(_))
    }

    /// True when we have no types for it.
    pub const fn is_not_ours(&self) -> bool {
        matches!(self, Self::NotOurs(_) | Self::OtherVendor)
    }

    /// True when it was decoded and is written otherwise.
    pub const fn is_different(&self) -> bool {
        matches!(self, Self::Differs(_))
    }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Same => f.write_str("same"),
            Self::Differs(paths) => write!(f, "differs: {}", paths.join(", ")),
            Self::Kept(paths) => write!(f, "same, kept without being understood: {}", paths.join(", ")),
            Self::NotOurs(what) => write!(f, "not ours: {what}"),
            Self::Undecoded(why) => write!(f, "not decoded: {why}"),
            Self::OtherVendor => f.write_str("of another vendor"),
        }
    }
}

/// One line of the report.
#[derive(Debug)]
pub struct Line {
    /// Which file, and which payload in it.
    pub place: String,
    /// What it is.
    pub kind: Option<&'static str>,
    /// What became of it.
    pub outcome: Outcome,
}

impl Display for Line {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kind = self.kind.unwrap_or("?");
        write!(f, "{kind:<26} {}  {}", self.outcome, self.place)
    }
}

/// How many payloads of each kind were read.
pub fn tally(lines: &[Line]) -> BTreeMap<&'static str, usize> {
    let mut tally = BTreeMap::new();
    for kind in lines.iter().filter_map(|line| line.kind) {
        *tally.entry(kind).or_default() += 1;
    }
    tally
}

/// Tries every JSON file below a folder.
pub fn try_folder(folder: &Path) -> anyhow::Result<Vec<Line>> {
    // In full, because the folders above may tell what a payload is.
    let folder = &folder.canonicalize().with_context(|| format!("opening {}", folder.display()))?;
    let mut lines = Vec::new();
    for file in json_files(folder)? {
        let text = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let below = file.strip_prefix(folder).unwrap_or(&file);
        lines.extend(try_file(&file, &below.display().to_string(), &text));
    }
    Ok(lines)
}

/// The vendor whose payloads a file holds, where one of the folders above says so.
fn vendor(file: &Path) -> Option<&str> {
    let mut folders = file.components().rev().filter_map(|part| part.as_os_str().to_str());
    folders.find(|name| ["whatsapp", "amazon", "payments"].contains(name))
}

fn try_file(file: &Path, place: &str, text: &[u8]) -> Vec<Line> {
    let line = |outcome| Line { place: place.to_owned(), kind: None, outcome };
    let vendor = vendor(file);
    if vendor == Some("payments") {
        return vec![line(Outcome::OtherVendor)];
    }
    let value: Value = match serde_json::from_slice(text) {
        Ok(value) => value,
        Err(error) => return vec![line(Outcome::Undecoded(format!("no JSON: {error}")))],
    };
    let is_amazons = vendor == Some("amazon");
    if vendor != Some("whatsapp")
        && let Some(lines) = amazon::lines(place, &value, is_amazons)
    {
        return lines;
    }
    if is_amazons {
        return vec![line(Outcome::NotOurs("nothing that we read"))];
    }
    if let Some(kind) = Kind::of(&value, file) {
        return vec![Line { kind: Some(kind.name()), ..line(try_payload(kind, &value)) }];
    }
    // A file may hold several payloads, by name or in a row.
    let parts: Vec<(String, &Value)> = match &value {
        Value::Object(parts) => parts.iter().map(|(name, part)| (name.clone(), part)).collect(),
        Value::Array(parts) => {
            parts.iter().enumerate().map(|(index, part)| (index.to_string(), part)).collect()
        }
        _ => Vec::new(),
    };
    let known = |part: &Value| Kind::of(part, file);
    if !parts.iter().any(|(_, part)| known(part).is_some()) {
        return vec![line(Outcome::Undecoded("no payload of a known kind".to_owned()))];
    }
    let try_part = |(name, part): (String, &Value)| {
        let kind = known(part);
        let outcome = kind.map_or_else(
            || Outcome::Undecoded("no payload of a known kind".to_owned()),
            |kind| try_payload(kind, part),
        );
        Line { place: format!("{place} {name}"), kind: kind.map(Kind::name), outcome }
    };
    parts.into_iter().map(try_part).collect()
}

/// Decodes one payload of a kind, encodes it again and compares.
pub fn try_payload(kind: Kind, payload: &Value) -> Outcome {
    let payload = if kind.is_request() { placeholders::filled(payload) } else { payload.clone() };
    match kind.read(&payload) {
        Err(why) => Outcome::Undecoded(why),
        Ok(Read { undecoded, .. }) if 0 < undecoded => {
            Outcome::Undecoded(format!("{undecoded} parts that no type of ours knows"))
        }
        Ok(Read { encoded, unknown, .. }) => {
            let mut paths = compare::differences(&payload, &encoded);
            paths.extend(unknown);
            if paths.is_empty() { Outcome::Same } else { Outcome::Differs(paths) }
        }
    }
}

fn has_folder(file: &Path, name: &str) -> bool {
    file.components().any(|part| part.as_os_str() == name)
}

fn json_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("opening {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests;
