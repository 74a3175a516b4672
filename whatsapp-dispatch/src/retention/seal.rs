//! What stands beside the parts of an export: which there are, with their digests, and what they are
//! about.

use std::fmt::Write as _;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rules_core::judge::key::ArchiveKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::campaigns::CampaignRecord;
use crate::progress::{Bucket, Progress};
use crate::template::Category;

/// The list of an export's parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seal {
    campaign: u32,
    name: String,
    template: String,
    language: String,
    category: Category,
    number_id: String,
    source: String,
    created_at: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    released_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime<Utc>>,
    rounds: u16,
    /// Lines of all parts.
    pub(super) records: u64,
    counts: Vec<Count>,
    pub(super) parts: Vec<Part>,
}

/// How many records stand where, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Count {
    is: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    records: u64,
}

/// One part of an export, as the archive has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    object: String,
    lines: u64,
    bytes: u64,
    sha256: String,
}

impl Seal {
    /// One without parts.
    pub(super) fn of(record: &CampaignRecord, progress: &Progress) -> Self {
        let definition = &record.definition;
        let count = |(label, records): (&crate::progress::Label, u64)| Count {
            is: word(label.bucket).to_owned(),
            code: label.code.as_ref().map(|code| code.as_str().to_owned()),
            records,
        };
        Self {
            campaign: record.key.number(),
            name: record.name.to_string(),
            template: definition.template.name.clone(),
            language: definition.template.language.clone(),
            category: definition.template.category,
            number_id: definition.sender.number_id.as_str().to_owned(),
            source: record.source.clone(),
            created_at: record.created_at,
            released_at: record.released_at,
            ended_at: record.ended_at,
            rounds: record.round,
            records: 0,
            counts: progress.labels().map(count).filter(|count| 0 < count.records).collect(),
            parts: Vec::new(),
        }
    }

    /// Adds the next part, as the archive has it.
    pub(super) fn add(&mut self, key: &ArchiveKey, text: &Bytes) {
        // Each line has its line break, and what is behind the last one is no line.
        let lines = text.split(|byte| *byte == b'\n').skip(1).count() as u64;
        self.records += lines;
        self.parts.push(Part {
            object: key.name().to_owned(),
            lines,
            bytes: text.len() as u64,
            sha256: sha256(text),
        });
    }
}

/// Where records are counted, as the lines of the parts call it.
const fn word(bucket: Bucket) -> &'static str {
    match bucket {
        Bucket::Malformed => "malformed",
        Bucket::Invalid => "invalid",
        Bucket::Suppressed => "suppressed",
        Bucket::Duplicate => "duplicate",
        Bucket::Message(state) => state.as_str(),
    }
}

/// The SHA-256 of some bytes, as 64 hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a string cannot fail.
        write!(digits, "{byte:02x}").unwrap_or_default();
    }
    digits
}
