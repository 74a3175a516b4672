//! What to do about each error of WhatsApp: a table, as data.
//!
//! Decisions are made on `error.code`, never on the HTTP status ("Error codes", Meta,
//! 2026-09-11). A code that is not in the table is retried when WhatsApp calls it transient and
//! is final otherwise.

use rules_core::judge::code::Code;
use rules_core::judge::fault::Fault;

use crate::gateway::ApiError;

/// What an error means for a message, and for what else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// What to do.
    pub action: Action,
    /// The reason, such as `whatsapp.131026`.
    pub code: Code,
    retry_after: Option<std::time::Duration>,
}

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Try this message again, counted, up to `max` attempts.
    Retry {
        /// Attempts in all, fewer than the campaign's cap if that is lower.
        max: u16,
    },
    /// Slow the number down; the message goes back without using up an attempt.
    Throttle,
    /// This message will never be sent.
    Final,
    /// It is unknown whether the message was taken.
    Unknown,
    /// The message goes back, and the campaign waits for a person.
    PauseCampaign,
}

pub(crate) const TABLE: &[(&[i64], Action)] = &[
    // Throughput of the app, the account or the number.
    (&[4, 17, 80007, 130_429, 131_048, 131_057, 2_494_100], Action::Throttle),
    // Pair rate: this person waits; the delay grows with the attempt.
    (&[131_056], Action::Retry { max: 8 }),
    // Passing troubles of WhatsApp's.
    (&[2, 131_000, 131_016, 133_004], Action::Unknown),
    (&[1], Action::Retry { max: 2 }),
    (&[135_000], Action::Retry { max: 2 }),
    // This recipient cannot be reached or must not be.
    (
        &[100, 131_008, 131_009, 131_021, 131_026, 131_047, 131_049, 131_050, 130_403, 130_472, 130_497],
        Action::Final,
    ),
    (
        &[131_051, 131_052, 131_053, 131_062, 132_000, 132_005, 132_008, 132_012, 132_018, 137_000],
        Action::Final,
    ),
    // The template, the account or the credential: nobody of the campaign can be reached.
    (&[0, 3, 10, 33, 104, 190, 200, 368], Action::PauseCampaign),
    (
        &[131_005, 131_030, 131_031, 131_037, 131_042, 131_044, 131_045, 131_063, 131_064],
        Action::PauseCampaign,
    ),
    (&[132_001, 132_007, 132_015, 132_016, 132_068, 132_069, 133_010, 133_016], Action::PauseCampaign),
    (&[131_055, 134_011, 134_100, 134_101, 134_102, 139_200], Action::PauseCampaign),
];

impl Reaction {
    /// The reaction to an error.
    pub fn to(error: &ApiError) -> Self {
        let listed = TABLE.iter().find(|(codes, _)| codes.contains(&error.code)).map(|(_, action)| *action);
        let action = match listed {
            // A refusal in so many words; only a server's failure leaves doubt.
            Some(Action::Unknown) if (400..500).contains(&error.http_status) => Action::Retry { max: 5 },
            Some(Action::Retry { .. }) if error.code == 1 && 500 <= error.http_status => Action::Unknown,
            Some(action) => action,
            None if error.http_status == 429 => Action::Throttle,
            None if 500 <= error.http_status => Action::Unknown,
            None if error.transient == Some(true) => Action::Retry { max: 2 },
            None if (201..=299).contains(&error.code) => Action::PauseCampaign,
            None => Action::Final,
        };
        Self { action, code: api_code(error.code), retry_after: error.retry_after }
    }

    /// The same, as the caller's next move.
    pub const fn fault(&self) -> Fault {
        match self.action {
            Action::Retry { .. } => Fault::Transient,
            Action::Throttle => Fault::Throttled { retry_after: self.retry_after },
            Action::Final | Action::PauseCampaign => Fault::Rejected,
            Action::Unknown => Fault::InDoubt,
        }
    }

    /// How long WhatsApp wants to be left alone, if it said so.
    pub const fn retry_after(&self) -> Option<std::time::Duration> {
        self.retry_after
    }
}

/// The reason code of an error number of WhatsApp's.
pub fn api_code(number: i64) -> Code {
    Code::parse(format!("whatsapp.{}", number.unsigned_abs())).unwrap_or(UNKNOWN_ERROR)
}

const UNKNOWN_ERROR: Code = Code::known("whatsapp.error");

#[cfg(test)]
mod tests {
    use super::*;

    fn action(code: i64, status: u16) -> Action {
        Reaction::to(&ApiError::new(code, status)).action
    }

    #[test]
    fn no_code_stands_twice_in_the_table() {
        let mut codes: Vec<i64> = TABLE.iter().flat_map(|(codes, _)| codes.iter().copied()).collect();
        let n_codes = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), n_codes);
    }

    #[test]
    fn the_code_decides_before_the_status() {
        assert_eq!(action(130_429, 400), Action::Throttle);
        assert_eq!(action(130_429, 429), Action::Throttle);
        assert_eq!(action(131_026, 400), Action::Final);
        assert_eq!(action(132_001, 404), Action::PauseCampaign);
        assert_eq!(action(190, 401), Action::PauseCampaign);
        assert_eq!(action(131_056, 400), Action::Retry { max: 8 });
    }

    #[test]
    fn only_a_server_failure_leaves_doubt() {
        assert_eq!(action(131_000, 500), Action::Unknown);
        assert_eq!(action(131_016, 400), Action::Retry { max: 5 });
        assert_eq!(action(1, 500), Action::Unknown);
        assert_eq!(action(1, 400), Action::Retry { max: 2 });
        assert_eq!(action(999_999, 503), Action::Unknown);
    }

    #[test]
    fn a_new_code_is_final_unless_called_transient() {
        assert_eq!(action(999_999, 400), Action::Final);
        let transient = ApiError { transient: Some(true), ..ApiError::new(999_999, 400) };
        assert_eq!(Reaction::to(&transient).action, Action::Retry { max: 2 });
        assert_eq!(Reaction::to(&transient).code.as_str(), "whatsapp.999999");
    }
}
