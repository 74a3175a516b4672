//! Phone numbers: E.164, and how people really write them.
//!
//! A [`PhoneNumber`] shows itself masked and cannot be serialized, so that no log line or report
//! tells one by accident; [`PhoneNumber::to_e164`] is the one way to its text.
//! Whether a number is on WhatsApp is not known here.

use std::fmt::{self, Debug, Display, Formatter};
use std::str::FromStr;

use chrono_tz::Tz;

use crate::region::Region;

mod error;
mod plan;
mod reader;

pub use error::PhoneError;
pub use reader::{MissingPlus, NumberReader};

use plan::Parts;

/// A phone number in E.164: calling code and national number, 7 to 15 digits.
///
/// Eight bytes, compared and sorted as numbers.
///
/// ```
/// use whatsapp_dispatch::phone::PhoneNumber;
/// let number = PhoneNumber::parse("+919876543210").unwrap();
/// assert_eq!(number.to_e164(), "+919876543210");
/// assert_eq!(number.to_string(), "+91 •••••••210");
/// assert_eq!(number.region().unwrap().to_string(), "IN");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(u64);

impl PhoneNumber {
    /// Reads strict E.164: `+`, then digits without anything between, valid in its country.
    /// Allocates nothing. [`NumberReader`] reads what people type.
    ///
    /// # Errors
    /// [`PhoneError`] says what is wrong.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        let Some(digits) = text.strip_prefix('+') else {
            return Err(if text.is_empty() { PhoneError::Empty } else { PhoneError::NoCountry });
        };
        if digits.starts_with('0') {
            return Err(PhoneError::UnknownCountryCode);
        }
        let mut number = 0_u64;
        for (index, digit) in digits.chars().enumerate() {
            let value = digit.to_digit(10).ok_or(PhoneError::Character { found: digit })?;
            if index >= 15 {
                return Err(PhoneError::TooLong { region: None, most: 15 });
            }
            number = number * 10 + u64::from(value);
        }
        Self::in_plan(number)
    }

    /// The number with these international digits, if they have the shape of E.164. The plan of
    /// the country is not asked: this is the way back from a store or from the network.
    pub const fn from_digits(digits: u64) -> Option<Self> {
        if digits >= 1_000_000 && digits < 1_000_000_000_000_000 { Some(Self(digits)) } else { None }
    }

    /// The international digits as a number, without `+`. Never zero.
    pub const fn digits(self) -> u64 {
        self.0
    }

    /// The number as text, `+` and digits. For the network and for stores, never for logs.
    pub fn to_e164(self) -> String {
        format!("+{}", self.0)
    }

    /// The form in which two spellings of one line are equal.
    ///
    /// Brazil: mobile numbers in a valid area that lack the ninth digit get it. Mexico: the `1`
    /// that mobiles once had after `52` is dropped. All others stay as they are.
    ///
    /// ```
    /// # use whatsapp_dispatch::phone::PhoneNumber;
    /// let old = PhoneNumber::parse("+551187654321").unwrap();
    /// assert_eq!(old.canonical(), PhoneNumber::parse("+5511987654321").unwrap());
    /// ```
    #[must_use]
    pub fn canonical(self) -> Self {
        Parts::of(self.0).map_or(self, |parts| Self(parts.canonical()))
    }

    /// The country; `None` for satellite and other numbers that belong to none.
    ///
    /// +1 is told apart by area code; an area code that is not listed counts as the United States.
    pub fn region(self) -> Option<Region> {
        Parts::of(self.0).and_then(|parts| parts.region())
    }

    /// The zones in which the number's owner may live: one where the country or the area code
    /// says so, else all of the country's. Empty when the number belongs to no country.
    ///
    /// Whoever wants nobody woken keeps quiet hours in all of them.
    pub fn zones(self) -> &'static [Tz] {
        Parts::of(self.0).map_or(&[], |parts| parts.zones())
    }

    fn has_code(self, code: &str) -> bool {
        Parts::of(self.0).is_some_and(|parts| code.parse() == Ok(parts.plan.code))
    }

    /// The number, if its calling code is known and its length fits the country.
    fn in_plan(digits: u64) -> Result<Self, PhoneError> {
        let parts = Parts::of(digits).ok_or(PhoneError::UnknownCountryCode)?;
        let (min, max) = (parts.plan.min, parts.plan.max);
        let region = parts.region();
        if parts.length < u32::from(min) {
            return Err(PhoneError::TooShort { region, least: min });
        }
        if parts.length > u32::from(max) {
            return Err(PhoneError::TooLong { region, most: max });
        }
        if !parts.is_possible() {
            return Err(PhoneError::Impossible { region });
        }
        Self::from_digits(digits).ok_or(PhoneError::TooShort { region, least: min })
    }
}

impl FromStr for PhoneNumber {
    type Err = PhoneError;
    fn from_str(text: &str) -> Result<Self, PhoneError> {
        Self::parse(text)
    }
}

/// Masked: the calling code and at most the last three digits.
impl Display for PhoneNumber {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(parts) = Parts::of(self.0) else { return f.write_str("+•••") };
        let shown = (parts.length / 3).min(3);
        write!(f, "+{} ", parts.plan.code)?;
        for _ in shown..parts.length {
            f.write_str("•")?;
        }
        let width = usize::try_from(shown).unwrap_or_default();
        write!(f, "{:0width$}", parts.national % 10_u64.pow(shown))
    }
}

/// Masked, like [`Display`].
impl Debug for PhoneNumber {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "PhoneNumber({self})")
    }
}

#[cfg(test)]
mod tests;
