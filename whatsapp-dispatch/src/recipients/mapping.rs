use chrono_tz::Tz;
use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, Fault};
use serde::{Deserialize, Serialize};

use crate::columns::{Cells, Columns, UnknownColumn};
use crate::phone::{MissingPlus, NumberReader, PhoneError, PhoneNumber};
use crate::region::Region;

const YES: &[&str] = &[
    "yes",
    "y",
    "true",
    "t",
    "1",
    "x",
    "on",
    "ok",
    "ja",
    "j",
    "oui",
    "o",
    "si",
    "s",
    "sí",
    "sim",
    "da",
    "tak",
    "evet",
    "да",
    "نعم",
    "हाँ",
    "हां",
    "はい",
    "是",
];
const NO: &[&str] = &[
    "no",
    "n",
    "false",
    "f",
    "0",
    "off",
    "nein",
    "non",
    "não",
    "nao",
    "nee",
    "nie",
    "hayır",
    "hayir",
    "нет",
    "لا",
    "नहीं",
    "いいえ",
    "否",
];

/// Which columns of a source mean what, and how their words are read.
///
/// A column that is named here must exist. One that is not named is taken by its usual name
/// (`phone`, `country`, `consent`, `opted_out`, `zone`) where the source has it; only `phone` must
/// be there.
///
/// ```
/// use whatsapp_dispatch::columns::{Cells, Columns};
/// use whatsapp_dispatch::recipients::Mapping;
///
/// let columns = Columns::new(["mobile", "land", "consent"]).unwrap();
/// let mapping = Mapping { phone: Some("mobile".into()), country: Some("land".into()), ..Mapping::default() };
/// let bound = mapping.bind(&columns).unwrap();
/// let candidate = bound.read(&Cells::from_iter(["0151 23456789", "DE", "ja"]));
/// assert_eq!(candidate.phone.unwrap().to_e164(), "+4915123456789");
/// assert_eq!((candidate.consent, candidate.opted_out), (Some(true), None));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// The column with the phone number; `phone` when not named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The column with the country of numbers that name none, as two letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// The column that says whether the person agreed to marketing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
    /// The column that says whether the person wants no messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opted_out: Option<String>,
    /// The column with the person's time zone, such as `Europe/Berlin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The country of numbers that name none, where the country column is empty or missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_region: Option<Region>,
    /// What to make of numbers without `+` that fit no country given here.
    pub missing_plus: MissingPlus,
    /// Words that mean yes, in any case; the defaults know fourteen languages.
    pub yes: Vec<String>,
    /// Words that mean no, in any case.
    pub no: Vec<String>,
}

impl Default for Mapping {
    fn default() -> Self {
        let words = |list: &[&str]| list.iter().copied().map(str::to_owned).collect();
        Self {
            phone: None,
            country: None,
            consent: None,
            opted_out: None,
            zone: None,
            default_region: None,
            missing_plus: MissingPlus::default(),
            yes: words(YES),
            no: words(NO),
        }
    }
}

impl Mapping {
    /// Looks the columns up once, so that each row is read without names.
    ///
    /// # Errors
    /// [`MappingError`] when a named column or the phone column does not exist, or a word means
    /// both yes and no.
    pub fn bind(&self, columns: &Columns) -> Result<BoundMapping, MappingError> {
        let required = |role, name: &str| {
            columns.find(name).map_err(|source| MappingError::Column { role, source: Box::new(source) })
        };
        let optional = |role, named: &Option<String>| match named {
            Some(name) => required(role, name).map(Some),
            None => Ok(columns.find(role).ok()),
        };
        let lower = |words: &[String]| words.iter().map(|word| word.trim().to_lowercase()).collect();
        let (yes, no): (Vec<String>, Vec<String>) = (lower(&self.yes), lower(&self.no));
        if let Some(word) = yes.iter().find(|word| no.contains(word)) {
            return Err(MappingError::Word { word: word.clone() });
        }
        Ok(BoundMapping {
            phone: required("phone", self.phone.as_deref().unwrap_or("phone"))?,
            country: optional("country", &self.country)?,
            consent: optional("consent", &self.consent)?,
            opted_out: optional("opted_out", &self.opted_out)?,
            zone: optional("zone", &self.zone)?,
            reader: NumberReader { default_region: self.default_region, missing_plus: self.missing_plus },
            yes,
            no,
        })
    }
}

/// A [`Mapping`] tied to the columns of one source.
#[derive(Clone, Debug)]
pub struct BoundMapping {
    phone: usize,
    country: Option<usize>,
    consent: Option<usize>,
    opted_out: Option<usize>,
    zone: Option<usize>,
    reader: NumberReader,
    yes: Vec<String>,
    no: Vec<String>,
}

impl BoundMapping {
    /// What a record says about its person.
    ///
    /// Words that are not understood count against sending (no consent, opted out) and show in
    /// [`Candidate::unclear`].
    pub fn read(&self, cells: &Cells) -> Candidate {
        let cell =
            |column: Option<usize>| column.and_then(|at| cells.get(at)).map(str::trim).unwrap_or_default();
        let mut unclear = None;
        let mut reader = self.reader;
        let country = cell(self.country);
        if !country.is_empty() {
            reader.default_region = country.parse().ok();
            if reader.default_region.is_none() {
                unclear = Some(Unclear::Country);
            }
        }
        let zone = match cell(self.zone) {
            "" => None,
            name => name.parse().map_err(|_| unclear = Some(Unclear::Zone)).ok(),
        };
        let consent = self.answer(cell(self.consent)).unwrap_or_else(|| {
            unclear = Some(Unclear::Consent);
            Some(false)
        });
        let opted_out = self.answer(cell(self.opted_out)).unwrap_or_else(|| {
            unclear = Some(Unclear::OptedOut);
            Some(true)
        });
        let phone = reader.read(cells.get(self.phone).unwrap_or_default());
        Candidate { phone, consent, opted_out, zone, unclear }
    }

    /// `None` for a word that is neither yes nor no; `Some(None)` for an empty cell.
    #[expect(clippy::option_option, reason = "empty and not understood are different answers")]
    fn answer(&self, word: &str) -> Option<Option<bool>> {
        if word.is_empty() {
            return Some(None);
        }
        let word = word.to_lowercase();
        if self.yes.contains(&word) {
            Some(Some(true))
        } else if self.no.contains(&word) {
            Some(Some(false))
        } else {
            None
        }
    }
}

/// What a record says about its person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Candidate {
    /// The number as written, not yet canonical, or why it is none.
    pub phone: Result<PhoneNumber, PhoneError>,
    /// Whether the person agreed to marketing; `None` when the source does not say.
    pub consent: Option<bool>,
    /// Whether the person wants no messages; `None` when the source does not say.
    pub opted_out: Option<bool>,
    /// The person's own time zone; `None` when the source does not say.
    pub zone: Option<Tz>,
    /// The last cell whose word was not understood.
    pub unclear: Option<Unclear>,
}

/// A cell whose word was not understood.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unclear {
    /// Not a country: numbers without one are refused.
    #[error("the country is not one of ISO 3166-1: use two letters, such as DE")]
    Country,
    /// Not a time zone: the zones of the number are used.
    #[error("the zone is not one of the IANA time zones: use a name such as Europe/Berlin")]
    Zone,
    /// Neither yes nor no: counts as no consent.
    #[error("the word for consent means neither yes nor no: add it to the mapping's yes or no")]
    Consent,
    /// Neither yes nor no: counts as opted out.
    #[error("the word for opted_out means neither yes nor no: add it to the mapping's yes or no")]
    OptedOut,
}

impl Unclear {
    /// The reason code that reports count.
    pub const CODE: Code = Code::known("row.unclear");
}

impl Classify for Unclear {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

/// Why a mapping does not fit a source.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MappingError {
    /// A column that the mapping needs does not exist.
    #[error("the mapping's {role} column is missing: name one of the source's columns as {role}")]
    Column {
        /// What the column is for.
        role: &'static str,
        /// Which columns there are.
        #[source]
        source: Box<UnknownColumn>,
    },
    /// A word is in both lists.
    #[error("{word:?} means both yes and no: remove it from one of the mapping's lists")]
    Word {
        /// The word.
        word: String,
    },
}

impl Classify for MappingError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests {
    use rules_core::judge::fault::chain;

    use super::*;

    fn read(names: &[&str], texts: &[&str]) -> Candidate {
        let bound = Mapping::default().bind(&Columns::new(names).unwrap()).unwrap();
        bound.read(&texts.iter().collect())
    }

    #[test]
    fn usual_names_are_found_without_being_told() {
        let names = ["city", "opted_out", "phone", "country", "zone"];
        let candidate = read(&names, &["Rio", "Não", "(11) 98765-4321", "br", "America/Sao_Paulo"]);
        assert_eq!(candidate.phone.unwrap().to_e164(), "+5511987654321");
        assert_eq!((candidate.opted_out, candidate.consent), (Some(false), None));
        assert_eq!(candidate.zone, Some(Tz::America__Sao_Paulo));
        assert_eq!(candidate.unclear, None);
    }

    #[test]
    fn words_that_nobody_understands_count_against_sending() {
        let names = ["phone", "consent", "opted_out"];
        let both = |consent, opted_out| {
            let candidate = read(&names, &["+919876543210", consent, opted_out]);
            (candidate.consent, candidate.opted_out, candidate.unclear)
        };
        assert_eq!(both(" JA ", "0"), (Some(true), Some(false), None));
        assert_eq!(both("", ""), (None, None, None));
        assert_eq!(both("perhaps", ""), (Some(false), None, Some(Unclear::Consent)));
        assert_eq!(both("да", "since May"), (Some(true), Some(true), Some(Unclear::OptedOut)));
    }

    #[test]
    fn a_country_that_is_none_gives_no_number() {
        let candidate = read(&["phone", "country"], &["0151 23456789", "Germany"]);
        assert_eq!(candidate.phone, Err(PhoneError::NoCountry));
        assert_eq!(candidate.unclear, Some(Unclear::Country));
    }

    #[test]
    fn a_missing_column_is_named_with_those_that_exist() {
        let columns = Columns::new(["telephone", "consents"]).unwrap();
        let error = Mapping::default().bind(&columns).unwrap_err();
        assert_eq!(
            chain(&error).to_string(),
            "the mapping's phone column is missing: name one of the source's columns as phone: \
             there is no column \"phone\": the columns are telephone, consents"
        );
        let mapping = Mapping {
            phone: Some("telephone".to_owned()),
            consent: Some("consent".to_owned()),
            ..Mapping::default()
        };
        assert!(
            chain(&mapping.bind(&columns).unwrap_err()).to_string().ends_with("did you mean \"consents\"?")
        );
    }

    #[test]
    fn a_word_has_one_meaning() {
        let mapping = Mapping { yes: vec!["Nein".to_owned()], ..Mapping::default() };
        let columns = Columns::new(["phone"]).unwrap();
        assert_eq!(mapping.bind(&columns).unwrap_err(), MappingError::Word { word: "nein".to_owned() });
    }

    #[test]
    fn configuration_knows_its_keys() {
        let mapping: Mapping = serde_json::from_str(r#"{"phone":"tel","default_region":"in"}"#).unwrap();
        assert_eq!(mapping.default_region, Some(Region::known("IN")));
        assert!(serde_json::from_str::<Mapping>(r#"{"fone":"tel"}"#).is_err());
    }
}
