//! How a segment is written and read: JSON Lines, each entry as in an export. The first segment
//! behind a full block begins with a line of its own, the note of that block.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::judge::code::Code;
use crate::judge::id::EntryId;
use crate::work::events::{Breach, Break, Chain, ChainMac, Head, Sealed};

/// No segment goes across a multiple of so many entries.
pub(super) const BLOCK: u64 = 1_000;

/// The block in which an entry stands, from 0.
pub(super) const fn block_of(seq: u64) -> u64 {
    seq.saturating_sub(1) / BLOCK
}

/// What a block held, in the first segment behind it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    /// The number of the block's last entry.
    pub(super) seq: u64,
    /// Its code.
    pub(super) mac: ChainMac,
    /// The ids of the block's entries, in their order.
    pub(super) ids: Vec<EntryId>,
}

impl Note {
    pub(super) const fn head(&self) -> Head {
        Head { seq: self.seq, mac: self.mac }
    }
}

/// The note's line, as `chain` ends with the block.
pub(super) fn note_line(chain: &Chain, ids: &[EntryId]) -> String {
    let Head { seq, mac } = chain.head();
    let mut text = format!(r#"{{"seq":{seq},"mac":"{mac}","ids":["#);
    for (index, id) in ids.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(text, r#"{comma}"{id}""#).unwrap_or_default();
    }
    text.push_str("]}");
    format!(r#"{{"before":{text},"mac":"{}"}}"#, chain.mac_of(&text))
}

/// A segment as it was got.
#[derive(Debug)]
pub(super) struct Segment<'a> {
    first: u64,
    note: Option<&'a str>,
    lines: Vec<&'a str>,
}

impl<'a> Segment<'a> {
    /// The segment whose first entry has the number `first`.
    pub(super) fn read(first: u64, bytes: &'a [u8]) -> Result<Self, Break> {
        let unreadable = Break { seq: first, what: Breach::Unreadable };
        let text = str::from_utf8(bytes).map_err(|_| unreadable)?;
        let mut lines = text.split_terminator('\n').peekable();
        let note = lines.next_if(|line| line.starts_with(r#"{"before":"#));
        let lines: Vec<&str> = lines.collect();
        if lines.is_empty() { Err(unreadable) } else { Ok(Self { first, note, lines }) }
    }

    /// The entries from number `from` on.
    pub(super) fn entries(&self, from: u64) -> impl Iterator<Item = Result<Sealed, Break>> {
        let numbered = (self.first..).zip(&self.lines).skip_while(move |(seq, _)| *seq < from);
        numbered.map(|(seq, line)| sealed(line).ok_or(Break { seq, what: Breach::Unreadable }))
    }

    /// The note that the segment begins with, if `chain` wrote it; then `chain` stands behind the
    /// block. The first entry proves the place, so it is checked too.
    pub(super) fn note(&self, chain: Chain) -> Result<(Note, Chain), Break> {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(borrow)]
            before: &'a RawValue,
            mac: ChainMac,
        }
        let unreadable = || Break { seq: self.first, what: Breach::Unreadable };
        let altered = || Break { seq: self.first, what: Breach::Altered };
        let line: Line<'_> =
            self.note.and_then(|line| serde_json::from_str(line).ok()).ok_or_else(unreadable)?;
        let note: Note = serde_json::from_str(line.before.get()).map_err(|_| unreadable())?;
        let chain = chain.at(note.head());
        let whole = usize::try_from(BLOCK) == Ok(note.ids.len()) && note.seq + 1 == self.first;
        if !whole || chain.mac_of(line.before.get()) != line.mac {
            return Err(altered());
        }
        let first = self.entries(0).next().unwrap_or_else(|| Err(unreadable()))?;
        chain.clone().check(&first)?;
        Ok((note, chain))
    }
}

/// Reads a line of an export. `None` unless it is exactly what the entry would be written as.
pub(super) fn sealed(line: &str) -> Option<Sealed> {
    #[derive(Deserialize)]
    struct Line<'a> {
        mac: ChainMac,
        #[serde(borrow)]
        entry: Parts<'a>,
    }
    #[derive(Deserialize)]
    struct Parts<'a> {
        seq: u64,
        id: EntryId,
        at: DateTime<Utc>,
        kind: Code,
        #[serde(borrow)]
        body: &'a RawValue,
    }
    let Line { mac, entry: Parts { seq, id, at, kind, body } } = serde_json::from_str(line).ok()?;
    let sealed = Sealed { seq, id, at, kind, body: body.get().to_owned(), mac };
    (sealed.export() == line).then_some(sealed)
}
