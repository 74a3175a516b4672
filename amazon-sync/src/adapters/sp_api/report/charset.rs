use std::borrow::Cow;

/// How a report's text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    /// As nearly everything.
    Utf8,
    /// As reports of European marketplaces often are: Windows-1252, which includes ISO-8859-1.
    Windows1252,
}

/// What Windows-1252 writes from 0x80 to 0x9F, where ISO-8859-1 has nothing that shows.
const UPPER: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}',
    '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

impl Charset {
    /// The charset with this name, in lower case; UTF-8 where there is none.
    ///
    /// # Errors
    /// For one that is not read, with what can be done.
    pub(super) fn named(name: Option<&str>) -> Result<Self, String> {
        match name {
            None | Some("utf-8" | "utf8" | "us-ascii") => Ok(Self::Utf8),
            Some("cp1252" | "windows-1252" | "iso-8859-1" | "latin1" | "iso8859-1") => Ok(Self::Windows1252),
            Some(other) => {
                let name: String = other.chars().filter(char::is_ascii_graphic).take(40).collect();
                Err(format!(
                    "the report is written in {name}, and only UTF-8 and Windows-1252 are read; choose UTF-8 for \
                     reports in Seller Central (Shift_JIS is the default of Japan)"
                ))
            }
        }
    }

    /// The text of some bytes; `None` when they are not written so.
    pub(super) fn text(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Self::Windows1252 if bytes.is_ascii() => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Self::Windows1252 => Some(bytes.iter().map(|byte| letter(*byte)).collect()),
        }
    }
}

fn letter(byte: u8) -> char {
    let upper = byte.checked_sub(0x80).and_then(|at| UPPER.get(usize::from(at)));
    upper.copied().unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn western_europe_is_read_and_japan_is_told_what_to_do() {
        assert_eq!(Charset::named(Some("cp1252")), Ok(Charset::Windows1252));
        assert_eq!(Charset::Windows1252.text(b"M\xfctze \x80 5").unwrap(), "Mütze € 5");
        assert_eq!(Charset::named(None).unwrap().text(b"M\xfctze"), None);
        let refused = Charset::named(Some("shift_jis")).unwrap_err();
        assert!(refused.contains("shift_jis") && refused.contains("choose UTF-8"), "{refused}");
    }
}
