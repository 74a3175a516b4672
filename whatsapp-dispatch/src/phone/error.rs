use std::fmt::{self, Display, Formatter};

use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, Fault};

use crate::region::Region;

/// Why a text is not a phone number. Never holds the text itself.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PhoneError {
    /// There are no digits at all.
    #[error("no phone number is given")]
    Empty,
    /// The number has no country and none is configured.
    #[error(
        "the number has no country: write it with + and the country code, set default_region or a \
         country column, or set missing_plus = \"assume\" if only the + is missing"
    )]
    NoCountry,
    /// Something that no phone number contains.
    #[error("{found:?} is no part of a phone number: keep one number in the cell and nothing else")]
    Character {
        /// The first such character.
        found: char,
    },
    /// A spreadsheet has rounded the number, as in `9.19E+11`; its digits are lost.
    #[error(
        "a spreadsheet has rounded the number: format the column as text, enter the numbers again and export"
    )]
    Rounded,
    /// No country has this calling code.
    #[error("no country has this calling code: check the digits after the +")]
    UnknownCountryCode,
    /// Fewer digits than the country's numbers have.
    #[error("the number is too short{}: at least {least} digits follow the country code", of(*region))]
    TooShort {
        /// The country, as far as the digits tell.
        region: Option<Region>,
        /// The fewest digits after the calling code.
        least: u8,
    },
    /// More digits than the country's numbers have.
    #[error("the number is too long{}: at most {most} digits follow the country code", of(*region))]
    TooLong {
        /// The country, as far as the digits tell.
        region: Option<Region>,
        /// The most digits after the calling code.
        most: u8,
    },
    /// The length fits, but the country gives no such numbers to anybody.
    #[error("no such number exists{}: check its first digits", of(*region))]
    Impossible {
        /// The country, as far as the digits tell.
        region: Option<Region>,
    },
}

impl PhoneError {
    /// No digits at all.
    pub const NO_NUMBER: Code = Code::known("recipient.no_number");
    /// No country, and none configured.
    pub const NO_COUNTRY: Code = Code::known("recipient.no_country");
    /// Not a number that anybody can have.
    pub const INVALID: Code = Code::known("recipient.invalid");

    /// The reason code that reports count.
    pub const fn code(&self) -> Code {
        match self {
            Self::Empty => Self::NO_NUMBER,
            Self::NoCountry => Self::NO_COUNTRY,
            _ => Self::INVALID,
        }
    }
}

impl Classify for PhoneError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

fn of(region: Option<Region>) -> impl Display {
    struct Of(Option<Region>);
    impl Display for Of {
        fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
            match self.0 {
                Some(region) => write!(f, " for {region}"),
                None => Ok(()),
            }
        }
    }
    Of(region)
}
