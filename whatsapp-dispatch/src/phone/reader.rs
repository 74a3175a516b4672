use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::{PhoneError, PhoneNumber};
use crate::region::Region;

/// What to make of a number that has neither `+` nor `00` and that fits no configured country.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingPlus {
    /// Refuse it. The default, because a wrong guess sends a message to a stranger.
    #[default]
    Refuse,
    /// Take its first digits for a country code.
    Assume,
}

/// Reads phone numbers as people and spreadsheets write them.
///
/// Spaces of all kinds, hyphens, brackets, dots and slashes are left out; `tel:`, a leading
/// apostrophe, `00` for `+`, a trunk zero as in `+49 (0)151`, the `.0` of a number column and the
/// digits of other scripts are understood. Letters are refused.
///
/// ```
/// use whatsapp_dispatch::phone::{MissingPlus, NumberReader};
/// use whatsapp_dispatch::region::Region;
///
/// let germany = NumberReader { default_region: Some(Region::known("DE")), ..NumberReader::default() };
/// assert_eq!(germany.read("0151 / 234-567 89").unwrap().to_e164(), "+4915123456789");
/// assert_eq!(germany.read("00 1 (212) 555-0142").unwrap().to_e164(), "+12125550142");
///
/// assert!(NumberReader::default().read("919876543210").is_err());
/// let lenient = NumberReader { missing_plus: MissingPlus::Assume, ..NumberReader::default() };
/// assert_eq!(lenient.read("919876543210").unwrap().to_e164(), "+919876543210");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NumberReader {
    /// The country of numbers that name none.
    pub default_region: Option<Region>,
    /// What to make of numbers that name none and fit no default.
    pub missing_plus: MissingPlus,
}

impl NumberReader {
    /// Reads one number.
    ///
    /// # Errors
    /// [`PhoneError`] says what is wrong and what to do; it never holds the text.
    pub fn read(&self, text: &str) -> Result<PhoneNumber, PhoneError> {
        if let Ok(number) = PhoneNumber::parse(text) {
            return Ok(number);
        }
        let digits = Digits::of(text)?;
        let written = digits.as_str();
        if digits.plus {
            return international(written);
        }
        if let Some(rest) = written.strip_prefix("00") {
            return international(rest);
        }
        let plan = self.default_region.and_then(Plan::of_region);
        if let Some(plan) = plan {
            if plan.code == 1
                && let Some(rest) = written.strip_prefix("011")
            {
                return international(rest);
            }
            if let Some(number) = national(written, plan) {
                return Ok(number);
            }
        }
        match (self.missing_plus, plan) {
            (MissingPlus::Assume, _) if !written.starts_with('0') => international(written),
            (_, Some(plan)) => Err(join(plan, written).err().unwrap_or(PhoneError::NoCountry)),
            _ => Err(PhoneError::NoCountry),
        }
    }
}

/// Digits with a country code; a trunk zero between it and the national number is dropped.
fn international(digits: &str) -> Result<PhoneNumber, PhoneError> {
    let direct = number(digits);
    if matches!(direct, Err(PhoneError::Impossible { .. } | PhoneError::TooLong { .. })) {
        for width in 1..=3 {
            let Some((code, rest)) = digits.split_at_checked(width) else { break };
            if let Some(rest) = rest.strip_prefix('0')
                && let Ok(number) = number(&[code, rest].concat())
                && number.has_code(code)
            {
                return Ok(number);
            }
        }
    }
    direct
}

/// A number written as people of this plan write it among themselves.
///
/// Where a number reads both as national and as international with its `+` missing, it counts as
/// international, except where no trunk prefix tells national numbers apart.
fn national(written: &str, plan: &Plan) -> Option<PhoneNumber> {
    let trunk = plan
        .trunk_prefixes()
        .iter()
        .filter_map(|prefix| written.strip_prefix(prefix))
        .find_map(|rest| join(plan, rest).ok());
    let whole = number(written).ok().filter(|number| number.has_code(&plan.code.to_string()));
    let local = join(plan, written).ok();
    if plan.keeps_zero() { local.or(whole) } else { trunk.or(whole).or(local) }
}

fn join(plan: &Plan, national: &str) -> Result<PhoneNumber, PhoneError> {
    number(&format!("{}{national}", plan.code))
}

fn number(digits: &str) -> Result<PhoneNumber, PhoneError> {
    if digits.starts_with('0') || digits.is_empty() {
        return Err(PhoneError::UnknownCountryCode);
    }
    if digits.len() > 15 {
        return Err(PhoneError::TooLong { region: None, most: 15 });
    }
    PhoneNumber::in_plan(digits.parse().map_err(|_| PhoneError::Empty)?)
}

/// The digits of a text in ASCII, and whether a plus stood before them.
struct Digits {
    plus: bool,
    ascii: String,
}

impl Digits {
    fn of(text: &str) -> Result<Self, PhoneError> {
        let text = text.trim_matches(|c| is_separator(c) && !matches!(c, '(' | ')'));
        let text = text.strip_prefix(['\'', '\u{2019}']).unwrap_or(text);
        let text = match text.split_at_checked(4) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("tel:") => rest,
            _ => text,
        };
        if is_rounded(text) {
            return Err(PhoneError::Rounded);
        }
        let mut digits = Self { plus: false, ascii: String::with_capacity(16) };
        for c in without_fraction(text).chars() {
            if let Some(digit) = decimal(c) {
                digits.ascii.push(digit);
            } else if matches!(c, '+' | '＋') && !digits.plus && digits.ascii.is_empty() {
                digits.plus = true;
            } else if !is_separator(c) {
                return Err(PhoneError::Character { found: c });
            }
        }
        if digits.ascii.is_empty() { Err(PhoneError::Empty) } else { Ok(digits) }
    }

    fn as_str(&self) -> &str {
        &self.ascii
    }
}

/// `9.19877E+11`
fn is_rounded(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return false };
    let is_number = |part: &str| {
        part.contains(|c: char| c.is_ascii_digit())
            && part.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '+'))
    };
    is_number(mantissa) && is_number(exponent)
}

/// A number column exported as `919876543210.0` loses its fraction.
fn without_fraction(text: &str) -> &str {
    match text.strip_suffix(".0") {
        Some(whole) if whole.len() >= 7 && whole.bytes().all(|b| b.is_ascii_digit() || b == b'+') => whole,
        _ => text,
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '(' | ')' | '[' | ']' | '.' | '/' | '·' | '（' | '）' | '－' | '．' | '／'
            | '\u{2010}'..='\u{2015}' | '\u{2212}'
            // invisible marks of direction and width that travel with copied text
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

/// Decimal digits of the scripts in which people write phone numbers, as ASCII.
fn decimal(c: char) -> Option<char> {
    const ZEROS: [char; 16] = [
        '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{a66}', '\u{ae6}', '\u{b66}', '\u{be6}', '\u{c66}',
        '\u{ce6}', '\u{d66}', '\u{e50}', '\u{ed0}', '\u{1040}', '\u{17e0}', '\u{ff10}',
    ];
    if c.is_ascii() {
        return c.is_ascii_digit().then_some(c);
    }
    ZEROS
        .iter()
        .filter_map(|zero| u32::from(c).checked_sub(u32::from(*zero)))
        .find_map(|value| char::from_digit(value, 10))
}
