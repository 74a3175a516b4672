use bytes::Bytes;

use super::command::Command;

/// Changes that are made together, or not at all when something that they rest on has changed.
///
/// The way to write: read, compute, commit; when [`Redis::commit`](super::Redis::commit) says no,
/// do it again. What is computed may be a rule as intricate as it likes, because it is not written
/// a second time in the server's language.
///
/// A commit whose answer was lost may have been made. Whoever repeats the work reads first, and
/// sees it; so at least one thing that is checked must be something that the commit changes.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    checks: Vec<Check>,
    /// Keys that nothing lies under.
    absent: Vec<Bytes>,
    writes: Vec<Command>,
}

#[derive(Clone, Debug)]
struct Check {
    kind: &'static str,
    key: Bytes,
    field: Bytes,
    expected: Bytes,
}

impl Commit {
    /// One that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Rests on the text under the key; `None`: on there being none.
    pub fn expect(&mut self, key: &str, text: Option<Bytes>) {
        match text {
            Some(text) => self.check("t", key, &[], Some(text)),
            None => self.absent.push(Bytes::copy_from_slice(key.as_bytes())),
        }
    }

    /// Rests on the field of a hash; `None`: on there being none.
    pub fn expect_field(&mut self, key: &str, field: impl AsRef<[u8]>, value: Option<Bytes>) {
        self.check(if value.is_some() { "f" } else { "F" }, key, field.as_ref(), value);
    }

    /// Rests on the first bytes of the field of a hash.
    pub fn expect_field_begins(&mut self, key: &str, field: impl AsRef<[u8]>, bytes: Bytes) {
        self.check("p", key, field.as_ref(), Some(bytes));
    }

    fn check(&mut self, kind: &'static str, key: &str, field: &[u8], expected: Option<Bytes>) {
        let (key, field) = (Bytes::copy_from_slice(key.as_bytes()), Bytes::copy_from_slice(field));
        self.checks.push(Check { kind, key, field, expected: expected.unwrap_or_default() });
    }

    /// Adds a change. A command may have up to 4,000 words.
    pub fn write(&mut self, command: Command) {
        self.writes.push(command);
    }

    /// True when there is nothing to do, whatever it rests on.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    pub(super) fn arguments(&self) -> Vec<Bytes> {
        let number = |number: usize| Bytes::from(number.to_string());
        let words: usize = self.writes.iter().map(|write| write.words().len() + 1).sum();
        let mut arguments = Vec::with_capacity(2 + self.checks.len() * 4 + self.absent.len() + words);
        arguments.push(number(self.checks.len()));
        for Check { kind, key, field, expected } in &self.checks {
            let kind = Bytes::from_static(kind.as_bytes());
            arguments.extend([kind, key.clone(), field.clone(), expected.clone()]);
        }
        arguments.push(number(self.absent.len()));
        arguments.extend_from_slice(&self.absent);
        for write in &self.writes {
            arguments.push(number(write.words().len()));
            arguments.extend_from_slice(write.words());
        }
        arguments
    }
}
