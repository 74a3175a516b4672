use crate::template::{FilledParameters, Value};

/// JSON in pieces: constants, with slots between them.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    before: Vec<(Vec<u8>, Slot)>,
    open: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    value: usize,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Number,
}

impl Pieces {
    /// Appends JSON.
    pub(super) fn raw(&mut self, json: &str) {
        self.open.extend_from_slice(json.as_bytes());
    }

    /// Appends a text with its quotes.
    pub(super) fn text(&mut self, text: &str) {
        push_text(&mut self.open, text);
    }

    /// Appends `key` as raw JSON and a value as a text.
    pub(super) fn field(&mut self, key: &str, value: &Value) {
        self.raw(key);
        self.value(value, Kind::Text);
    }

    /// Appends `key` as raw JSON and a value as a whole number.
    pub(super) fn number(&mut self, key: &str, value: &Value) {
        self.raw(key);
        self.value(value, Kind::Number);
    }

    fn value(&mut self, value: &Value, kind: Kind) {
        match value {
            Value::Constant(text) => push(&mut self.open, text, kind),
            Value::Slot(slot) => {
                let slot = Slot { value: usize::from(*slot), kind };
                self.before.push((std::mem::take(&mut self.open), slot));
            }
        }
    }

    /// Bytes of the constants.
    pub(super) fn len(&self) -> usize {
        self.before.iter().map(|(constant, _)| constant.len()).sum::<usize>() + self.open.len()
    }

    /// Appends everything with the values in their slots; a value that is missing is empty.
    pub(super) fn write(&self, values: &FilledParameters, to: &mut Vec<u8>) {
        let mut in_order = values.iter().enumerate();
        for (constant, slot) in &self.before {
            to.extend_from_slice(constant);
            // Most slots come in the order of their values, so that none is looked for.
            let mut found = in_order.next().filter(|(place, _)| *place == slot.value);
            if found.is_none() {
                in_order = values.iter().enumerate();
                found = in_order.nth(slot.value);
            }
            push(to, found.map(|(_, value)| value).unwrap_or_default(), slot.kind);
        }
        to.extend_from_slice(&self.open);
    }
}

fn push(to: &mut Vec<u8>, text: &str, kind: Kind) {
    // What is no number is sent as it is: WhatsApp says so, and the body stays JSON.
    match kind {
        Kind::Number if let Ok(number) = text.parse::<u64>() => {
            to.extend_from_slice(number.to_string().as_bytes());
        }
        Kind::Number | Kind::Text => push_text(to, text),
    }
}

/// Appends a JSON text with its quotes.
pub(super) fn push_text(to: &mut Vec<u8>, text: &str) {
    // Writing into memory cannot fail, and a text can always be written.
    serde_json::to_writer(to, text).unwrap_or_default();
}
