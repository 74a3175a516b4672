//! One record of a CSV file, as RFC 4180 describes it and as spreadsheets write it.

/// The bytes of a record's cells, end to end, without their quotes. Used again for each record.
#[derive(Debug, Default)]
pub(super) struct RawCells {
    pub(super) bytes: Vec<u8>,
    pub(super) ends: Vec<usize>,
}

/// What stands at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// A record: how many bytes it takes and how many lines, both with its line end. `ragged`:
    /// text follows a closing quote.
    Record { bytes: usize, lines: u64, ragged: bool },
    /// The bytes end before the record does.
    Unfinished { in_quotes: bool },
}

enum State {
    CellStart,
    Plain,
    Quoted,
    QuoteInQuoted,
}

/// Splits the record at the start of `input` into `cells`.
///
/// A quote opens a quoted cell only as its first character; inside, a doubled quote is a quote, and
/// whatever follows the closing quote belongs to the cell. `at_end`: nothing follows `input`.
pub(super) fn split(input: &[u8], at_end: bool, delimiter: u8, cells: &mut RawCells) -> Split {
    cells.bytes.clear();
    cells.ends.clear();
    let mut state = State::CellStart;
    let (mut lines, mut ragged) = (0, false);
    for (index, &byte) in input.iter().enumerate() {
        lines += u64::from(byte == b'\n');
        state = match (state, byte) {
            (State::Quoted, b'"') => State::QuoteInQuoted,
            (State::Quoted, _) | (State::QuoteInQuoted, b'"') => {
                cells.bytes.push(byte);
                State::Quoted
            }
            (State::CellStart, b'"') => State::Quoted,
            (_, b'\n') => {
                let unquoted_return = index > 0 && input.get(index - 1) == Some(&b'\r');
                if unquoted_return && cells.bytes.last() == Some(&b'\r') {
                    cells.bytes.pop();
                }
                cells.ends.push(cells.bytes.len());
                return Split::Record { bytes: index + 1, lines, ragged };
            }
            (_, byte) if byte == delimiter => {
                cells.ends.push(cells.bytes.len());
                State::CellStart
            }
            (before, _) => {
                ragged |= byte != b'\r' && matches!(before, State::QuoteInQuoted);
                cells.bytes.push(byte);
                State::Plain
            }
        };
    }
    if matches!(state, State::Quoted) || !at_end || input.is_empty() {
        return Split::Unfinished { in_quotes: matches!(state, State::Quoted) };
    }
    cells.ends.push(cells.bytes.len());
    Split::Record { bytes: input.len(), lines: lines + 1, ragged }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(input: &str) -> (Split, Vec<String>) {
        let mut raw = RawCells::default();
        let split = split(input.as_bytes(), true, b',', &mut raw);
        let mut start = 0;
        let texts = raw.ends.iter().map(|end| {
            let text = String::from_utf8(raw.bytes[start..*end].to_vec()).unwrap();
            start = *end;
            text
        });
        (split, texts.collect())
    }

    #[test]
    fn quotes_hold_delimiters_line_ends_and_quotes() {
        let (split, texts) = cells("a,\"b,\n\"\"c\"\"\",\r\nnext");
        assert_eq!(split, Split::Record { bytes: 15, lines: 2, ragged: false });
        assert_eq!(texts, ["a", "b,\n\"c\"", ""]);
    }

    #[test]
    fn a_quote_within_a_plain_cell_is_a_character() {
        assert_eq!(cells("5\" pipe,x\n").1, ["5\" pipe", "x"]);
        assert_eq!(cells("\"a\"b,x").1, ["ab", "x"]);
    }

    #[test]
    fn an_open_quote_is_no_record() {
        assert_eq!(cells("a,\"b\nc").0, Split::Unfinished { in_quotes: true });
        assert_eq!(cells("a,b").0, Split::Record { bytes: 3, lines: 1, ragged: false });
        assert_eq!(cells("").0, Split::Unfinished { in_quotes: false });
    }
}
