use std::borrow::Cow;

/// At most so many paths are told of one webhook: it may come from anybody who can have Meta
/// sign.
const MOST_PATHS: usize = 256;

/// What of a webhook has no typed value.
#[derive(Debug, Default)]
pub(super) struct Survey {
    undecoded: usize,
    unknown: usize,
    /// `None` where only the counts are wanted.
    paths: Option<Paths>,
}

#[derive(Debug, Default)]
struct Paths {
    place: Vec<Cow<'static, str>>,
    seen: Vec<String>,
}

impl Survey {
    /// Counts only.
    pub(super) fn counting() -> Self {
        Self::default()
    }

    /// Counts and collects the paths of unknown parts, each once.
    pub(super) fn with_paths() -> Self {
        Self { paths: Some(Paths::default()), ..Self::default() }
    }

    pub(super) fn enter(&mut self, part: &'static str) {
        if let Some(paths) = &mut self.paths {
            paths.place.push(Cow::Borrowed(part));
        }
    }

    /// The same for a name that Meta chose.
    pub(super) fn enter_named(&mut self, part: &str) {
        if let Some(paths) = &mut self.paths {
            paths.place.push(Cow::Owned(printable(part).to_owned()));
        }
    }

    pub(super) fn leave(&mut self) {
        if let Some(paths) = &mut self.paths {
            paths.place.pop();
        }
    }

    /// A part of an unexpected kind, or a word that nobody knows.
    pub(super) fn undecoded(&mut self) {
        self.undecoded += 1;
    }

    /// A part that nobody knows.
    pub(super) fn unknown(&mut self, part: &str) {
        self.unknown += 1;
        if let Some(Paths { place, seen }) = &mut self.paths
            && seen.len() < MOST_PATHS
        {
            let mut path = place.join(".");
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(printable(part));
            if !seen.contains(&path) {
                seen.push(path);
            }
        }
    }

    pub(super) const fn undecoded_parts(&self) -> usize {
        self.undecoded
    }

    pub(super) const fn unknown_parts(&self) -> usize {
        self.unknown
    }

    pub(super) fn into_paths(self) -> Vec<String> {
        self.paths.map(|paths| paths.seen).unwrap_or_default()
    }
}

/// A name that looks like one of Meta's; others may be personal data and are shown as `?`.
fn printable(name: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let looks_like_meta = (1..=64).contains(&name.len()) && name.bytes().all(plain) && digits <= 4;
    if looks_like_meta { name } else { "?" }
}
