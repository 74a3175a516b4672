/// So many brackets inside one another are read; `serde_json` stops at 128.
const DEEPEST: usize = 96;

/// JSON that `serde_json` refuses although its grammar is right, made readable: what is nested
/// deeper than [`DEEPEST`] becomes `null`, halves of characters become U+FFFD, and numbers that no
/// `f64` holds become texts. Also says how many parts were changed.
///
/// Needs no stack, whatever it is given.
pub(super) fn mended(json: &str) -> (String, usize) {
    let mut mend = Mend { json, at: 0, out: String::with_capacity(json.len()), depth: 0, changed: 0 };
    while let Some(byte) = mend.peek() {
        match byte {
            b'"' => mend.string(),
            b'{' | b'[' => mend.open(),
            b'}' | b']' => mend.close(),
            b'-' | b'0'..=b'9' => mend.number(),
            _ => mend.copy(1),
        }
    }
    (mend.out, mend.changed)
}

struct Mend<'a> {
    json: &'a str,
    at: usize,
    out: String,
    depth: usize,
    changed: usize,
}

impl<'a> Mend<'a> {
    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    /// The next `bytes` bytes; fewer at the end, more where they would cut a character.
    fn take(&mut self, bytes: usize) -> &'a str {
        let mut end = self.at.saturating_add(bytes).min(self.json.len());
        while !self.json.is_char_boundary(end) {
            end += 1;
        }
        let taken = self.json.get(self.at..end).unwrap_or_default();
        self.at = end;
        taken
    }

    fn push(&mut self, text: &str) {
        if self.depth <= DEEPEST {
            self.out.push_str(text);
        }
    }

    fn copy(&mut self, bytes: usize) {
        let text = self.take(bytes);
        self.push(text);
    }

    fn open(&mut self) {
        let bracket = self.take(1);
        self.depth += 1;
        self.push(bracket);
        if self.depth == DEEPEST + 1 {
            self.out.push_str("null");
            self.changed += 1;
        }
    }

    fn close(&mut self) {
        let bracket = self.take(1);
        self.push(bracket);
        self.depth = self.depth.saturating_sub(1);
    }

    fn number(&mut self) {
        let rest = self.json.as_bytes().iter().skip(self.at);
        let length =
            rest.take_while(|byte| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')).count();
        let number = self.take(length);
        if number.parse().is_ok_and(f64::is_infinite) {
            self.push(&format!("\"{number}\""));
            self.changed += 1;
        } else {
            self.push(number);
        }
    }

    fn string(&mut self) {
        self.copy(1);
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => return self.copy(1),
                b'\\' => self.escape(),
                _ => {
                    let rest = self.json.as_bytes().iter().skip(self.at);
                    let plain = rest.take_while(|byte| !matches!(byte, b'"' | b'\\')).count();
                    self.copy(plain);
                }
            }
        }
    }

    fn escape(&mut self) {
        match self.unit(self.at) {
            Some(0xD800..=0xDBFF) if matches!(self.unit(self.at + 6), Some(0xDC00..=0xDFFF)) => self.copy(12),
            Some(0xD800..=0xDFFF) => {
                self.take(6);
                self.push("\\ufffd");
                self.changed += 1;
            }
            _ => self.copy(2),
        }
    }

    /// The unit of UTF-16 that is written as `\uXXXX` at `at`.
    fn unit(&self, at: usize) -> Option<u16> {
        let digits = self.json.get(at..at + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(json: &str) -> (Value, usize) {
        let (mended, changed) = mended(json);
        (serde_json::from_str(&mended).unwrap(), changed)
    }

    #[test]
    fn what_is_readable_stays_as_it_is() {
        let json = r#" {"a": [1, -2.5e3, "\ud83d\udc4d \"]\" \\", null, {}], "é": true} "#;
        assert_eq!(mended(json), (json.to_owned(), 0));
    }

    #[test]
    fn deep_parts_become_null_and_their_neighbours_stay() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let (read, changed) = read(&format!(r#"{{"deep": {deep}, "also": {deep}, "next": 1}}"#));
        assert_eq!((read["next"].clone(), changed), (json!(1), 2));
    }

    #[test]
    fn halves_of_characters_and_endless_numbers_are_replaced() {
        let (read, changed) = read(r#"["a\ud800b", "\udc00\ud83d\udc4d", 1e999, 1e9]"#);
        assert_eq!((read, changed), (json!(["a\u{fffd}b", "\u{fffd}👍", "1e999", 1e9]), 3));
    }

    #[test]
    fn what_ends_early_ends_here_too() {
        for json in ["\"abc", "\"\\", "\"\\u12", "[[", "é\"", "}}}", "\"\\é\""] {
            assert_eq!(mended(json).0, json);
        }
    }
}
