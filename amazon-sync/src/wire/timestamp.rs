use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

use super::field::Kept;

/// An instant as Amazon writes it: ISO 8601, in one of several forms. The form is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub String);

impl Timestamp {
    /// The instant; `None` when the text says none.
    pub fn at(&self) -> Option<DateTime<Utc>> {
        DateTime::parse_from_rfc3339(&self.0).ok().map(|instant| instant.with_timezone(&Utc))
    }
}

/// In UTC to the millisecond. Parts of one are left out: a bound that Amazon reads to the
/// millisecond must not lie after the instant that was meant.
impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

impl Kept for Timestamp {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_kept_and_every_form_of_amazons_is_read() {
        for text in ["2026-11-02T10:00:00Z", "2026-11-02T10:00:00.000Z", "2026-11-02T11:00:00+01:00"] {
            let read: Timestamp = serde_json::from_value(text.into()).unwrap();
            assert_eq!(read.at(), "2026-11-02T10:00:00Z".parse().ok());
            assert_eq!(serde_json::to_value(&read).unwrap(), text);
        }
        assert_eq!(Timestamp("TEST_CASE_400".to_owned()).at(), None);
        let micros: DateTime<Utc> = "2026-11-02T10:00:00.123999Z".parse().unwrap();
        assert_eq!(Timestamp::from(micros).0, "2026-11-02T10:00:00.123Z");
    }
}
