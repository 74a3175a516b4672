//! Facts of one message as a few dozen bytes.
//!
//! A fixed head (which facts are there, attempts, answer), then what is there in a fixed order.
//! Instants are microseconds: the first one whole, the others as differences to it. What few
//! messages have (held back, played, tried again) costs the others nothing: one bit says whether
//! it follows.

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;

use crate::fact::{Answer, Facts, Former};
use crate::gateway::Wamid;

const ANSWERS: [Answer; 9] = [
    Answer::None,
    Answer::Awaited,
    Answer::Accepted,
    Answer::Again,
    Answer::Deferred,
    Answer::Final,
    Answer::Dead,
    Answer::InDoubt,
    Answer::GivenUp,
];

/// Packed bytes that are not what was written.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("packed facts end too early or hold an unknown value")]
pub(crate) struct Torn;

/// Set in the byte of the answer when rare facts follow.
const RARE: u8 = 0x80;

/// Appends the facts.
pub(crate) fn pack(facts: &Facts, to: &mut Vec<u8>) {
    let instants = [
        facts.begun_at,
        facts.accepted_at,
        facts.sent_at,
        facts.delivered_at,
        facts.read_at,
        facts.failed_at,
        facts.expired_at,
        facts.not_before,
    ];
    let there = (0..).zip(instants).fold(0_u8, |bits, (bit, at)| bits | u8::from(at.is_some()) << bit);
    let answer = ANSWERS.iter().position(|answer| *answer == facts.answer).unwrap_or_default();
    to.push(there);
    let rare = rare(facts);
    to.push(u8::try_from(answer).unwrap_or_default() | if rare == 0 { 0 } else { RARE });
    number(u64::from(facts.attempts), to);
    number(u64::from(facts.counted), to);
    to.extend([facts.backoffs, facts.deferrals]);
    // Who began an attempt matters only until its answer is known.
    if facts.answer == Answer::Awaited {
        to.extend_from_slice(&facts.holder.to_le_bytes());
    }
    let mut first = 0;
    for at in instants.into_iter().flatten() {
        let us = at.timestamp_micros();
        number(zigzag(us.wrapping_sub(first)), to);
        if first == 0 {
            first = us;
        }
    }
    text(facts.wamid.as_ref().map_or("", Wamid::expose), to);
    text(facts.code.as_ref().map_or("", Code::as_str), to);
    if rare != 0 {
        pack_rare(facts, rare, first, to);
    }
}

/// Which rare facts are there.
fn rare(facts: &Facts) -> u8 {
    let there = [
        facts.held,
        facts.doubted,
        facts.played_at.is_some(),
        facts.round != 0 || facts.aside != 0,
        facts.risked != 0,
        !facts.former.is_empty(),
        facts.erased,
    ];
    (0..).zip(there).fold(0, |bits, (bit, there)| bits | u8::from(there) << bit)
}

fn pack_rare(facts: &Facts, rare: u8, first: i64, to: &mut Vec<u8>) {
    to.push(rare);
    if let Some(at) = facts.played_at {
        number(zigzag(at.timestamp_micros().wrapping_sub(first)), to);
    }
    if rare & 8 != 0 {
        number(u64::from(facts.round), to);
        number(u64::from(facts.aside), to);
    }
    if rare & 16 != 0 {
        number(u64::from(facts.risked), to);
    }
    if rare & 32 != 0 {
        number(facts.former.len() as u64, to);
        for former in &facts.former {
            number(u64::from(former.attempt) << 1 | u64::from(former.failed), to);
            text(former.wamid.expose(), to);
        }
    }
}

fn unpack_rare(read: &mut Reader<'_>, first: i64, facts: &mut Facts) -> Result<(), Torn> {
    let rare = read.byte()?;
    facts.held = rare & 1 != 0;
    facts.doubted = rare & 2 != 0;
    facts.erased = rare & 64 != 0;
    if rare & 4 != 0 {
        let us = unzigzag(read.number()?).wrapping_add(first);
        facts.played_at = DateTime::from_timestamp_micros(us);
    }
    if rare & 8 != 0 {
        facts.round = read.small()?;
        facts.aside = read.small()?;
    }
    if rare & 16 != 0 {
        facts.risked = read.small()?;
    }
    if rare & 32 != 0 {
        for _ in 0..read.number()? {
            let packed = read.number()?;
            let attempt = u16::try_from(packed >> 1).map_err(|_| Torn)?;
            let wamid = Wamid::new(read.text()?);
            facts.former.push(Former { attempt, wamid, failed: packed & 1 != 0 });
        }
    }
    Ok(())
}

/// Reads packed facts.
pub(crate) fn unpack(packed: &[u8]) -> Result<Facts, Torn> {
    let mut read = Reader(packed);
    let (there, answer) = (read.byte()?, read.byte()?);
    let rare = answer & RARE != 0;
    let answer = ANSWERS.get(usize::from(answer & !RARE)).copied().ok_or(Torn)?;
    let (attempts, counted) = (read.small()?, read.small()?);
    let (backoffs, deferrals) = (read.byte()?, read.byte()?);
    let holder = if answer == Answer::Awaited { i64::from_le_bytes(read.chunk()?) } else { 0 };
    let mut first = 0;
    let mut instant = |bit: u8| -> Result<Option<DateTime<Utc>>, Torn> {
        if there >> bit & 1 == 0 {
            return Ok(None);
        }
        let us = unzigzag(read.number()?).wrapping_add(first);
        if first == 0 {
            first = us;
        }
        Ok(DateTime::from_timestamp_micros(us))
    };
    let mut facts = Facts { attempts, counted, backoffs, deferrals, holder, answer, ..Facts::default() };
    facts.begun_at = instant(0)?;
    facts.accepted_at = instant(1)?;
    facts.sent_at = instant(2)?;
    facts.delivered_at = instant(3)?;
    facts.read_at = instant(4)?;
    facts.failed_at = instant(5)?;
    facts.expired_at = instant(6)?;
    facts.not_before = instant(7)?;
    let (wamid, code) = (read.text()?, read.text()?);
    facts.wamid = (!wamid.is_empty()).then(|| Wamid::new(wamid));
    facts.code = if code.is_empty() { None } else { Some(Code::parse(code).map_err(|_| Torn)?) };
    if rare {
        unpack_rare(&mut read, first, &mut facts)?;
    }
    Ok(facts)
}

const fn zigzag(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

const fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// Appends a number, seven bits to a byte, the lowest first.
pub(crate) fn number(mut number: u64, to: &mut Vec<u8>) {
    while 0x7F < number {
        to.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    to.push(number.to_le_bytes()[0]);
}

/// Appends a text with its length.
pub(crate) fn text(text: &str, to: &mut Vec<u8>) {
    number(text.len() as u64, to);
    to.extend_from_slice(text.as_bytes());
}

/// Reads what is left of packed bytes.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn byte(&mut self) -> Result<u8, Torn> {
        Ok(self.chunk::<1>()?[0])
    }

    pub(crate) fn chunk<const N: usize>(&mut self) -> Result<[u8; N], Torn> {
        let (chunk, rest) = self.0.split_first_chunk().ok_or(Torn)?;
        self.0 = rest;
        Ok(*chunk)
    }

    pub(crate) fn number(&mut self) -> Result<u64, Torn> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Torn)
    }

    fn small(&mut self) -> Result<u16, Torn> {
        u16::try_from(self.number()?).map_err(|_| Torn)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Torn> {
        let length = usize::try_from(self.number()?).map_err(|_| Torn)?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Torn)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Torn> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Torn)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn instant() -> impl Strategy<Value = Option<DateTime<Utc>>> {
        let us = 1_i64..4_000_000_000_000_000;
        prop::option::of(us.prop_map(|us| DateTime::from_timestamp_micros(us).unwrap()))
    }

    prop_compose! {
        fn facts()(
            attempts in any::<u16>(),
            counted in any::<u16>(),
            waits in any::<(u8, u8)>(),
            answer in 0..ANSWERS.len(),
            holder in any::<i64>(),
            instants in prop::array::uniform8(instant()),
            wamid in prop::option::of("[a-zA-Z0-9.=]{1,80}"),
            code in prop::option::of("[a-z]{1,8}[.][a-z0-9_]{1,8}"),
            (held, doubted, played_at) in (any::<bool>(), any::<bool>(), instant()),
            (round, aside, risked) in (0..3_u16, 0..3_u16, any::<u16>()),
            former in prop::collection::vec((any::<u16>(), "[a-z]{1,80}", any::<bool>()), 0..3),
            is_rare in any::<bool>(),
        ) -> Facts {
            let answer = ANSWERS[answer];
            let holder = if answer == Answer::Awaited { holder } else { 0 };
            let (backoffs, deferrals) = waits;
            let mut facts = Facts { attempts, counted, backoffs, deferrals, holder, answer, ..Facts::default() };
            [
                facts.begun_at, facts.accepted_at, facts.sent_at, facts.delivered_at,
                facts.read_at, facts.failed_at, facts.expired_at, facts.not_before,
            ] = instants;
            facts.wamid = wamid.map(Wamid::new);
            facts.code = code.map(|code| Code::parse(code).unwrap());
            if is_rare {
                (facts.held, facts.doubted, facts.played_at) = (held, doubted, played_at);
                (facts.round, facts.aside, facts.risked) = (round, aside, risked);
                let former = former.into_iter().map(|(attempt, wamid, failed)| {
                    Former { attempt, wamid: Wamid::new(wamid), failed }
                });
                facts.former = former.collect();
            }
            facts
        }
    }

    #[test]
    fn what_is_rare_costs_others_nothing() {
        let facts = Facts { attempts: 1, counted: 1, answer: Answer::InDoubt, ..Facts::default() };
        let rare = Facts { doubted: true, ..facts.clone() };
        let packed = [facts, rare].map(|facts| {
            let mut packed = Vec::new();
            pack(&facts, &mut packed);
            packed.len()
        });
        assert_eq!(packed, [8, 9]);
    }

    proptest! {
        #[test]
        fn facts_come_back_as_they_went(facts in facts()) {
            let mut packed = Vec::new();
            pack(&facts, &mut packed);
            prop_assert_eq!(unpack(&packed).unwrap(), facts);
        }

        #[test]
        fn damaged_bytes_are_an_error_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            drop(unpack(&bytes));
        }
    }
}
