//! STOP and START, in many languages.
//!
//! A word counts when it is all that somebody wrote, whatever its case, width, punctuation and
//! emoji. Inside a sentence it never counts: "please don't stop" is no opt-out.

use std::collections::{HashMap, HashSet};

mod lists;

/// What somebody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Word {
    /// No messages.
    Stop,
    /// Messages again.
    Start,
}

/// The words and buttons by which people opt out and in.
///
/// ```
/// use whatsapp_dispatch::people::{OptOutWords, Word};
/// let words = OptOutWords::default().with_stop("keine werbung").without("cancel");
/// assert_eq!(words.read("Stop!"), Some(Word::Stop));
/// assert_eq!(words.read("बंद करो 🙏"), Some(Word::Stop));
/// assert_eq!(words.read("Keine Werbung."), Some(Word::Stop));
/// assert_eq!(words.read("cancel"), None);
/// assert_eq!(words.read("does the bus stop here?"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOutWords {
    words: HashMap<String, Word>,
    payloads: HashSet<String>,
}

impl Default for OptOutWords {
    /// Words of 38 languages, and the payloads `STOP`, `UNSUBSCRIBE`, `OPT_OUT` and their like.
    fn default() -> Self {
        let mut words = Self::none();
        for (_, stop, start) in lists::WORDS {
            words = start.iter().fold(words, |words, word| words.with_start(word));
            words = stop.iter().fold(words, |words, word| words.with_stop(word));
        }
        lists::PAYLOADS.iter().fold(words, |words, payload| words.with_stop_payload(payload))
    }
}

impl OptOutWords {
    /// No words at all.
    pub fn none() -> Self {
        Self { words: HashMap::new(), payloads: HashSet::new() }
    }

    /// With one more word or short phrase for no messages.
    #[must_use]
    pub fn with_stop(self, word: &str) -> Self {
        self.with(word, Word::Stop)
    }

    /// With one more word or short phrase for messages again.
    #[must_use]
    pub fn with_start(self, word: &str) -> Self {
        self.with(word, Word::Start)
    }

    fn with(mut self, text: &str, word: Word) -> Self {
        let text = normal(text);
        if !text.is_empty() {
            self.words.insert(text, word);
        }
        self
    }

    /// With one more payload of a button for no messages.
    #[must_use]
    pub fn with_stop_payload(mut self, payload: &str) -> Self {
        let payload = normal(payload);
        if !payload.is_empty() {
            self.payloads.insert(payload);
        }
        self
    }

    /// Without a word or payload, in whatever language it stands.
    #[must_use]
    pub fn without(mut self, word: &str) -> Self {
        let word = normal(word);
        self.words.remove(&word);
        self.payloads.remove(&word);
        self
    }

    /// What a message says, if it is nothing but one of the words.
    pub fn read(&self, text: &str) -> Option<Word> {
        // Longer than every phrase, and not worth reading.
        if LONGEST < text.len() {
            return None;
        }
        self.words.get(&normal(text)).copied()
    }

    /// What a button says, by its payload or by the text on it.
    pub fn read_button(&self, payload: &str, text: &str) -> Option<Word> {
        let known = payload.len() <= LONGEST && self.payloads.contains(&normal(payload));
        let stop = known.then_some(Word::Stop);
        stop.or_else(|| self.read(payload)).or_else(|| self.read(text))
    }
}

/// Bytes of a message that may be a word with what people put around it.
const LONGEST: usize = 256;

/// The text in one form: lower case, plain width, words with single spaces between them, without
/// punctuation, emoji and invisible characters. A word that is repeated stands once.
fn normal(text: &str) -> String {
    let folded: String = text.chars().map(narrow).flat_map(char::to_lowercase).filter_map(fold).collect();
    let mut words: Vec<&str> = folded.split(separates).filter(|word| !word.is_empty()).collect();
    words.dedup();
    words.join(" ")
}

/// Full-width letters and digits as plain ones.
fn narrow(letter: char) -> char {
    match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        _ => letter,
    }
}

/// One letter for those that people mix up when they type, and nothing for what cannot be seen.
fn fold(letter: char) -> Option<char> {
    match letter {
        // Dotted and dotless i of Turkish in either case; sigma at the end of a word.
        'ı' => Some('i'),
        'ς' => Some('σ'),
        'ё' => Some('е'),
        // Arabic: alef with its signs, the last ya and kaf of Persian and Urdu.
        'أ' | 'إ' | 'آ' => Some('ا'),
        'ى' | 'ی' => Some('ي'),
        'ک' => Some('ك'),
        letter if unseen(letter) => None,
        letter => Some(letter),
    }
}

/// True for signs that many leave out: the dot over a lower-case i, the vowels of Arabic and
/// Hebrew, stretching, joiners, marks of direction, variants of emoji.
const fn unseen(letter: char) -> bool {
    matches!(letter,
        '\u{307}' | '\u{640}' | '\u{64b}'..='\u{652}' | '\u{591}'..='\u{5c7}' | '\u{ad}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// True for what stands between words: spaces, punctuation, symbols, emoji. Signs that belong to
/// a letter, such as the vowels of Indian scripts, do not.
fn separates(letter: char) -> bool {
    letter.is_whitespace()
        || letter.is_ascii_punctuation()
        || letter.is_control()
        || matches!(letter,
            '\u{a1}'..='\u{a9}' | '\u{ab}'..='\u{b4}' | '\u{b6}'..='\u{b9}' | '\u{bb}'..='\u{bf}'
            | '\u{5f3}' | '\u{5f4}'
            | '\u{60c}' | '\u{61b}' | '\u{61f}' | '\u{66a}'..='\u{66d}' | '\u{6d4}'
            | '\u{964}' | '\u{965}' | '\u{2000}'..='\u{206f}' | '\u{20a0}'..='\u{2bff}'
            | '\u{3000}'..='\u{3004}' | '\u{3008}'..='\u{3020}' | '\u{30fb}'
            | '\u{ff5f}'..='\u{ff65}' | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_listed_word_says_what_its_list_says() {
        let words = OptOutWords::default();
        for (language, stop, start) in lists::WORDS {
            assert!(!stop.is_empty() && !start.is_empty(), "{language}");
            for (list, meaning) in [(stop, Word::Stop), (start, Word::Start)] {
                for word in *list {
                    assert_eq!(words.read(word), Some(meaning), "{language}: {word}");
                    assert_eq!(words.read(&word.to_uppercase()), Some(meaning), "{language}: {word}");
                    assert_eq!(words.read(&format!(" *{word}!* 🙏🏽\n")), Some(meaning), "{language}: {word}");
                    assert!(normal(word).split(' ').count() <= 4, "{language}: {word} is a sentence");
                }
            }
        }
    }

    #[test]
    fn spelling_aside_a_word_is_a_word() {
        let words = OptOutWords::default();
        for text in [
            "STOP",
            "stop.",
            "«Stop»",
            "ＳＴＯＰ",
            "st\u{200b}op",
            "Stop stop STOP",
            "İPTAL",
            "IPTAL",
            "ÇIK",
            "\u{202b}إيقاف\u{202c}",
            "opt-out",
            "OPT_OUT",
        ] {
            assert_eq!(words.read(text), Some(Word::Stop), "{text}");
        }
        for text in ["", " ", "🙏", "stopp it", "bus stop", "st op", "don't stop", "nonstop"] {
            assert_eq!(words.read(text), None, "{text}");
        }
    }

    #[test]
    fn a_button_says_it_by_payload_or_by_text() {
        let words = OptOutWords::default().with_stop_payload("PROMO-OFF-7");
        assert_eq!(words.read_button("promo-off-7", "Weniger davon"), Some(Word::Stop));
        assert_eq!(words.read_button("btn_2", "Stop promotions"), Some(Word::Stop));
        assert_eq!(words.read_button("UNSUBSCRIBE", ""), Some(Word::Stop));
        assert_eq!(words.read_button("START", "Yes, please"), Some(Word::Start));
        assert_eq!(words.read_button("btn_1", "Show me more"), None);
        assert_eq!(words.read("promo-off-7"), None, "a payload is no word");
    }

    #[test]
    fn a_host_has_the_last_say() {
        let words = OptOutWords::default().with_start("alt").without("STOP").with_stop("").with_stop("!");
        assert_eq!((words.read("stop"), words.read("Alt!")), (None, Some(Word::Start)));
        assert_eq!(words.read("?"), None, "nothing is no word");
        assert_eq!(OptOutWords::none().read("stop"), None);
    }

    proptest! {
        #[test]
        fn no_longer_sentence_is_a_word(
            mut sentence in prop::collection::vec("[a-zäöüñçа-я]{1,9}", 4..12),
            listed in prop::sample::select(
                lists::WORDS.iter().flat_map(|(_, stop, start)| stop.iter().chain(*start)).copied().collect::<Vec<_>>()
            ),
            place in any::<prop::sample::Index>(),
        ) {
            let place = place.index(sentence.len() + 1);
            sentence.insert(place, listed.to_owned());
            sentence.dedup();
            prop_assume!(4 < normal(&sentence.join(" ")).split(' ').count());
            prop_assert_eq!(OptOutWords::default().read(&sentence.join(" ")), None);
        }

        #[test]
        fn any_text_can_be_read_and_its_form_is_stable(text in any::<String>()) {
            let form = normal(&text);
            prop_assert_eq!(normal(&form), form.clone());
            OptOutWords::default().read(&text);
        }
    }
}
