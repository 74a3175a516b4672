//! What must hold for any bytes from outside: one function for each reader. The targets of
//! libFuzzer hand them bytes; on a stable compiler the seeds do.

use std::io::Cursor;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value;
use whatsapp_dispatch::adapters::cloud_api::CloudApi;
use whatsapp_dispatch::phone::{MissingPlus, NumberReader, PhoneNumber};
use whatsapp_dispatch::recipients::{Csv, Recipients};
use whatsapp_dispatch::webhook::{Change, Payload, signature as signed, split, verify_signature};

/// A webhook is refused, or it is written as it was read, and its changes can be read alone.
///
/// # Panics
/// When they cannot.
pub fn webhook(data: &[u8]) {
    if let Ok(change) = Change::decode(data) {
        look_at(&change);
    }
    let Ok(payload) = Payload::decode(data) else {
        assert!(split(data).is_err(), "split takes what cannot be read");
        return;
    };
    let written = payload.encode();
    let again = Payload::decode(written.to_string().as_bytes()).expect("what was written can be read");
    assert!(same(&written, &again.encode()), "written again it differs");
    let _ = (format!("{payload:?}"), payload.undecoded(), payload.unknown_fields());

    let raw = split(data).expect("what can be read can be split");
    let changes: Vec<_> = payload.changes().collect();
    assert_eq!(raw.len(), changes.len(), "split finds as many changes");
    for (raw, change) in raw.iter().zip(changes) {
        look_at(change);
        let alone = Change::decode(&raw.bytes).expect("a change that was split off can be read");
        assert_eq!((&raw.waba, &raw.field), (&change.waba, &change.field), "it goes to the same place");
        assert!(same(&alone.encode(), &change.encode()), "alone it says something else");
    }
}

/// Asks a change all that a host may ask.
fn look_at(change: &Change) {
    for message in change.messages() {
        let _ = (message.text(), message.words().count(), message.from_number(), message.from_user());
        let _ = (message.at(), message.wamid(), message.answers());
    }
    let _ = (change.updates().count(), change.preferences().count(), change.contacts().count());
    let _ = (change.user_ids().count(), change.display_number(), change.unknown_fields());
    let _ = format!("{change:?}");
}

/// The same JSON. `serde_json` may miss the last digit of a fraction when it reads one.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) if left.is_f64() && right.is_f64() => {
            let (left, right) = (left.as_f64().unwrap_or_default(), right.as_f64().unwrap_or_default());
            (left - right).abs() <= left.abs() * 1e-14 + f64::MIN_POSITIVE
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let mut parts = left.iter();
            left.len() == right.len()
                && parts.all(|(name, left)| right.get(name).is_some_and(|right| same(left, right)))
        }
        (left, right) => left == right,
    }
}

/// A signature is taken if, and only if, it is the right one. The first byte says how many bytes
/// make the header; the body follows it.
///
/// # Panics
/// When another one is taken, or the right one is refused.
pub fn signature(data: &[u8]) {
    let Some((&length, rest)) = data.split_first() else { return };
    let (header, body) = rest.split_at(rest.len().min(length.into()));
    let secrets = ["old secret", "new secret"].map(SecretString::from);
    let right = secrets.each_ref().map(|secret| signed(secret, body));
    let is_right = |header: &str| {
        let digits = header.trim().strip_prefix("sha256=").unwrap_or_default();
        right.iter().any(|right| right["sha256=".len()..].eq_ignore_ascii_case(digits))
    };
    // Nobody guesses a digest: the second header is the right one where the bytes are zero.
    let byte = |bytes: &[u8], index| bytes.get(index).copied().unwrap_or_default();
    let near = (0..header.len().max(right[1].len()))
        .map(|index| byte(header, index) ^ byte(right[1].as_bytes(), index))
        .collect::<Vec<_>>();
    for header in [header, &near] {
        let header = String::from_utf8_lossy(header);
        let verified = verify_signature(&secrets, Some(&header), body);
        assert_eq!(verified.is_ok(), is_right(&header), "the header decides");
    }
    let longer = [body, b"\0"].concat();
    for right in &right {
        assert!(verify_signature(&secrets, Some(right), body).is_ok(), "the right one is refused");
        assert!(verify_signature(&secrets, Some(right), &longer).is_err(), "it is that of another body");
        assert!(verify_signature(&[], Some(right), body).is_err(), "without a secret nothing is right");
    }
    assert!(verify_signature(&secrets, None, body).is_err(), "without a header nothing is right");
}

/// A file is refused, or all of its records are read, numbered, in the same way from wherever one
/// begins. Each of the first three tildes stands for 30,000 letters, so that records outgrow a window.
///
/// # Panics
/// When they are not.
pub fn csv(data: &[u8]) {
    let mut content = Vec::with_capacity(data.len());
    for (index, part) in data.split(|byte| *byte == b'~').enumerate() {
        content.resize(content.len() + if (1..=3).contains(&index) { 30_000 } else { 0 }, b'x');
        content.extend_from_slice(part);
    }
    let length = content.len();
    let Ok(mut csv) = Csv::from_reader("fuzzed.csv", Cursor::new(content)) else { return };
    let start = csv.position();
    let rows = now(csv.next(usize::MAX)).expect("a source that does not change can be read");
    let end = csv.position();
    assert!(usize::try_from(end.byte) == Ok(length), "nothing is left");
    assert_eq!(now(csv.next(1)).expect("the end can be read again"), [], "nothing follows the end");
    let mut line = start.line;
    for (record, row) in (0..).zip(&rows) {
        assert!(row.record == record && line <= row.line, "records are numbered in order");
        line = row.line + 1;
        match &row.cells {
            Ok(cells) => {
                assert_eq!(cells.len(), csv.columns().names().len(), "a cell for each column");
                assert_eq!(cells.iter().count(), cells.len(), "each cell is there");
            }
            Err(malformed) => assert_eq!(malformed.line, row.line, "it says the right line"),
        }
    }
    assert!(line <= end.line + 1, "the file has that many lines");

    now(csv.resume(&start)).expect("the source is the same");
    let middle = rows.len() / 2;
    let mut halfway = None;
    for (index, row) in rows.iter().enumerate() {
        if index == middle {
            halfway = Some(csv.position());
        }
        let read = now(csv.next(1)).expect("a source that does not change can be read");
        assert_eq!(read, std::slice::from_ref(row), "one by one the rows are the same");
    }
    if let Some(halfway) = halfway {
        now(csv.resume(&halfway)).expect("the source is the same");
        let rest = now(csv.next(usize::MAX)).expect("a source that does not change can be read");
        assert_eq!(rest, rows[middle..], "from halfway the rows are the same");
    }
}

/// What a future says that waits for nothing.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a file is read without waiting"),
    }
}

/// A text is refused, or it is a number that prints as E.164 and is read back from it. A country
/// and a bar may stand before it: `DE|0151 23456789`.
///
/// # Panics
/// When it is not.
pub fn number(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (home, text) = text.split_once('|').unwrap_or(("", &text));
    if let Ok(number) = PhoneNumber::parse(text) {
        assert_eq!(number.to_e164(), text, "E.164 has one spelling");
    }
    for missing_plus in [MissingPlus::Refuse, MissingPlus::Assume] {
        let reader = NumberReader { default_region: home.parse().ok(), missing_plus };
        let number = match reader.read(text) {
            Ok(number) => number,
            Err(error) => {
                let _ = error.to_string();
                continue;
            }
        };
        let e164 = number.to_e164();
        let digits = e164.strip_prefix('+').expect("E.164 begins with a plus");
        assert!((7..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()));
        assert_eq!(PhoneNumber::parse(&e164), Ok(number), "what is printed is read");
        assert_eq!(reader.read(&e164), Ok(number), "what is printed is read by everybody");
        assert_eq!(PhoneNumber::from_digits(number.digits()), Some(number), "it comes back from a store");
        let canonical = number.canonical();
        assert_eq!(canonical.canonical(), canonical, "there is one canonical form");
        assert_eq!(PhoneNumber::parse(&canonical.to_e164()), Ok(canonical), "it is a number");
        let shown = format!("{number} {number:?}");
        assert!(!shown.contains(digits), "it is masked");
        assert_eq!(number.region().is_some(), !number.zones().is_empty(), "a country has zones");
    }
}

/// A wait is none, or not longer than an hour. The lines are `Retry-After`, `Date` and the header
/// of usage; a line `-` stands for a header that is missing.
///
/// # Panics
/// When it is longer.
pub fn retry_after(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(3, '\n').map(|line| (line != "-").then_some(line));
    let mut header = || lines.next().flatten();
    let (after, date, usage) = (header(), header(), header());
    let wait = CloudApi::read_wait(after, date, usage);
    assert!(wait.is_none_or(|wait| !wait.is_zero() && wait <= Duration::from_hours(1)), "{wait:?}");
    if let Some(seconds) =
        after.and_then(|after| after.parse::<u32>().ok()).filter(|_| !text.starts_with('+'))
    {
        let expected = (seconds > 0).then(|| Duration::from_secs(u64::from(seconds.min(3600))));
        assert_eq!(wait, expected, "seconds are seconds");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_seed_passes() {
        let targets: [(&str, fn(&[u8])); 5] = [
            ("csv", super::csv),
            ("number", super::number),
            ("retry_after", super::retry_after),
            ("signature", super::signature),
            ("webhook", super::webhook),
        ];
        for (name, target) in targets {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
            let seeds = fs::read_dir(folder).unwrap().map(|seed| fs::read(seed.unwrap().path()).unwrap());
            let seeds = seeds.inspect(|seed| target(seed)).count();
            assert!(3 <= seeds, "{name} has {seeds} seeds");
        }
    }
}
