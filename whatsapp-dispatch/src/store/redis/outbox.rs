//! Stands in for the outbox of rules-core on Redis: `put_out` of the same name and signature.

use bytes::{BufMut, Bytes, BytesMut};
use rules_core::store::redis::{Command, Commit, Redis};
use rules_core::work::events::Entry;

/// Entries that one command takes.
const AT_ONCE: usize = 1_000;

/// Puts entries into the outbox, with the commit of the change that they are about.
pub(super) fn put_out(commit: &mut Commit, store: &Redis, entries: &[Entry]) {
    let list = store.key(&[&"outbox"]);
    for entries in entries.chunks(AT_ONCE) {
        let push = Command::new("RPUSH", &list);
        commit.write(entries.iter().fold(push, |push, entry| push.bytes(packed(entry))));
    }
}

/// An entry in few bytes: its id, its instant in microseconds, tenant and kind behind a byte with
/// their length, and the body.
fn packed(entry: &Entry) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_slice(entry.id.as_bytes());
    bytes.put_i64(entry.at.timestamp_micros());
    for word in [entry.chain.tenant().as_str(), entry.kind.as_str()] {
        bytes.put_u8(u8::try_from(word.len()).unwrap_or(u8::MAX));
        bytes.put_slice(word.as_bytes());
    }
    bytes.put_slice(entry.body.as_bytes());
    bytes.freeze()
}
