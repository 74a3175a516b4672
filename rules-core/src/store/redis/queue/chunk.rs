//! Records packed into chunks, as `records.lua` describes them. A record that waits costs one or
//! two bytes more than its payload, and its share of what its chunk costs.

use bytes::{BufMut, Bytes, BytesMut};

use crate::store::redis::RedisError;

/// How many records and bytes a fresh chunk holds at most, unless a single record is longer. A
/// lane is served as many records at a go as a chunk has, so chunks are rarely cut.
const CHUNK_RECORDS: u8 = 20;
const CHUNK_BYTES: usize = 16 * 1024;

/// Packs records that nothing has happened to yet.
pub(super) fn pack(payloads: &[Bytes]) -> Vec<Bytes> {
    let mut chunks = Vec::with_capacity(payloads.len() / usize::from(CHUNK_RECORDS) + 1);
    let mut rest = payloads;
    while !rest.is_empty() {
        let (mut records, mut bytes) = (0_u8, 0);
        for payload in rest.iter().take(usize::from(CHUNK_RECORDS)) {
            if 0 < records && CHUNK_BYTES < bytes + payload.len() {
                break;
            }
            records += 1;
            bytes += payload.len();
        }
        let (now, later) = rest.split_at(usize::from(records));
        let mut chunk = BytesMut::with_capacity(2 + bytes + 5 * now.len());
        chunk.put_slice(&[records, 0]);
        for payload in now {
            put_length(&mut chunk, payload.len());
            chunk.put_slice(payload);
        }
        chunks.push(chunk.freeze());
        rest = later;
    }
    chunks
}

fn put_length(to: &mut BytesMut, mut length: usize) {
    while let Ok(low) = u8::try_from(length & 0x7F)
        && 0x7F < length
    {
        to.put_u8(low | 0x80);
        length >>= 7;
    }
    to.put_u8(u8::try_from(length).unwrap_or_default());
}

/// The number under which a chunk is kept apart, if this is only a stub of it.
pub(super) fn number_apart(chunk: &[u8]) -> Option<&[u8]> {
    match chunk {
        [_, 2, number @ ..] => Some(number),
        _ => None,
    }
}

/// What is in a chunk.
#[derive(Debug)]
pub(super) struct Unpacked {
    pub(super) retries: u32,
    pub(super) recoveries: u32,
    rest: Bytes,
}

impl Unpacked {
    pub(super) fn of(mut chunk: Bytes) -> Result<Self, RedisError> {
        let _records = byte(&mut chunk)?;
        let (mut retries, mut recoveries) = (0, 0);
        if byte(&mut chunk)? == 1 {
            retries = number(&mut chunk)?;
            recoveries = number(&mut chunk)?;
            let first = byte(&mut chunk)?;
            front(&mut chunk, first.into())?;
        }
        Ok(Self { retries, recoveries, rest: chunk })
    }

    /// The payload of the next record; it shares the chunk's memory.
    pub(super) fn payload(&mut self) -> Result<Bytes, RedisError> {
        let mut length = 0_usize;
        for shift in (0..63).step_by(7) {
            let digit = byte(&mut self.rest)?;
            length |= usize::from(digit & 0x7F) << shift;
            if digit < 0x80 {
                break;
            }
        }
        front(&mut self.rest, length)
    }
}

fn front(bytes: &mut Bytes, length: usize) -> Result<Bytes, RedisError> {
    if bytes.len() < length { Err(RedisError::odd("a chunk of records")) } else { Ok(bytes.split_to(length)) }
}

fn byte(bytes: &mut Bytes) -> Result<u8, RedisError> {
    front(bytes, 1)?.first().copied().ok_or_else(|| RedisError::odd("a chunk of records"))
}

fn number(bytes: &mut Bytes) -> Result<u32, RedisError> {
    let digits = front(bytes, 4)?;
    Ok(digits.iter().rev().fold(0, |number, &digit| number << 8 | u32::from(digit)))
}
