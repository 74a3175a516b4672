//! Countries by their two letters, and the time zones in which their people sleep.

use std::fmt::{self, Debug, Display, Formatter};
use std::str::FromStr;

use chrono_tz::Tz;
use rules_core::judge::fault::{Classify, Fault};
use serde::{Deserialize, Serialize};

mod zones;

use zones::REGIONS;

/// A country or territory: an assigned ISO 3166-1 alpha-2 code, or `XK` for Kosovo.
///
/// Read without regard to case; `UK` is read as `GB`.
///
/// ```
/// use whatsapp_dispatch::region::Region;
/// let region: Region = "de".parse().unwrap();
/// assert_eq!(region.to_string(), "DE");
/// assert!("Germany".parse::<Region>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region([u8; 2]);

impl Region {
    /// A region from source, upper case. A code that is not assigned is refused by the compiler
    /// when the result is a `const`.
    ///
    /// # Panics
    /// When no region has this code.
    #[expect(clippy::panic, reason = "a compile error in a const, which is where regions are written down")]
    pub const fn known(code: &'static str) -> Self {
        let mut rest: &[(&str, &[Tz])] = &REGIONS;
        while let [(name, _), tail @ ..] = rest {
            if let (&[a, b], &[x, y]) = (name.as_bytes(), code.as_bytes())
                && a == x
                && b == y
            {
                return Self([a, b]);
            }
            rest = tail;
        }
        panic!("no region has this code");
    }

    /// The two upper-case letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The zones in which the region's people live, the most populous first; never empty.
    ///
    /// Zones of a few thousand people beside millions are left out.
    pub fn zones(&self) -> &'static [Tz] {
        match REGIONS.binary_search_by_key(&self.as_str(), |(code, _)| code) {
            Ok(index) => REGIONS.get(index).map_or(&[], |(_, zones)| zones),
            Err(_) => &[],
        }
    }
}

impl FromStr for Region {
    type Err = RegionError;

    fn from_str(text: &str) -> Result<Self, RegionError> {
        let unknown = || RegionError { text: text.chars().take(40).collect() };
        let &[a, b] = text.as_bytes() else { return Err(unknown()) };
        let code = match [a.to_ascii_uppercase(), b.to_ascii_uppercase()] {
            [b'U', b'K'] => *b"GB",
            code => code,
        };
        match REGIONS.binary_search_by_key(&code.as_slice(), |(code, _)| code.as_bytes()) {
            Ok(_) => Ok(Self(code)),
            Err(_) => Err(unknown()),
        }
    }
}

impl Display for Region {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Debug for Region {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "Region({self})")
    }
}

impl TryFrom<String> for Region {
    type Error = RegionError;
    fn try_from(text: String) -> Result<Self, RegionError> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.as_str().to_owned()
    }
}

/// A text that names no region.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{text:?} is not a country: use its two letters of ISO 3166-1, such as DE, IN or BR")]
pub struct RegionError {
    /// What was given, at most 40 characters of it.
    pub text: String,
}

impl Classify for RegionError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_region_has_a_zone() {
        assert!(REGIONS.is_sorted_by(|(a, _), (b, _)| a < b));
        for (code, zones) in REGIONS {
            assert_eq!(code.parse::<Region>().unwrap().zones(), zones);
            assert!(!zones.is_empty(), "{code}");
        }
    }

    #[test]
    fn two_letters_in_any_case() {
        assert_eq!("gb".parse(), Ok(Region::known("GB")));
        assert_eq!("UK".parse(), Ok(Region::known("GB")));
        for bad in ["", "D", "DEU", "ZZ", "ß", "Germany"] {
            assert!(bad.parse::<Region>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn one_zone_where_people_share_one_and_all_where_not() {
        assert_eq!(Region::known("IN").zones(), [Tz::Asia__Kolkata]);
        assert_eq!(Region::known("ID").zones().len(), 3);
        assert!(Region::known("RU").zones().len() > 9);
    }
}
