use std::slice;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use rules_core::judge::ballot::Ballot;
use rules_core::judge::code::Code;
use rules_core::judge::explanation::Note;
use rules_core::judge::fact::{Batch, FactId};
use rules_core::judge::rule::{Context, Rule, RuleError};
use serde::Deserialize;

/// A fact: the zones in which a person may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zones {
    /// The zone that the record names.
    pub own: Option<Tz>,
    /// The zones that the number allows; none when nothing is known.
    pub possible: &'static [Tz],
}

/// It is too early or too late where the person lives.
pub(super) const QUIET: Code = Code::known("window.quiet_hours");

/// Puts messages off while it is too early or too late where the person lives.
///
/// A number that may be in several zones is written to when the hour is right in all of them. A
/// number without a known zone goes by the zone of the tenant.
///
/// ```toml
/// [[rule]]
/// kind = "quiet_hours"
/// from = "21:00"
/// until = "09:00"
/// ```
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "RawQuietHours")]
pub struct QuietHours {
    from: NaiveTime,
    until: NaiveTime,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawQuietHours {
    from: String,
    until: String,
}

impl TryFrom<RawQuietHours> for QuietHours {
    type Error = String;

    fn try_from(raw: RawQuietHours) -> Result<Self, String> {
        let read = |key: &str, text: &str| {
            NaiveTime::parse_from_str(text, "%H:%M")
                .map_err(|_| format!("{key}: {text:?} is not a time of day; write it as 21:00"))
        };
        let (from, until) = (read("from", &raw.from)?, read("until", &raw.until)?);
        if from == until {
            return Err("from and until are the same time, so no hour would be left; change one".to_owned());
        }
        Ok(Self { from, until })
    }
}

impl QuietHours {
    /// Quiet from one time of day until another, perhaps over midnight. Equal times leave no
    /// quiet hour.
    pub const fn new(from: NaiveTime, until: NaiveTime) -> Self {
        Self { from, until }
    }

    fn is_quiet(&self, now: DateTime<Utc>, zone: Tz) -> bool {
        let time = now.with_timezone(&zone).time();
        if self.from <= self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        }
    }

    /// What was read, and compared with what: the time of day wherever the person may be.
    fn note(&self, now: DateTime<Utc>, zones: &[Tz]) -> Note {
        let local = |zone: &Tz| format!("{} in {zone}", now.with_timezone(zone).format("%H:%M"));
        let found: Vec<String> = zones.iter().map(local).collect();
        let quiet =
            format_args!("quiet from {} to {}", self.from.format("%H:%M"), self.until.format("%H:%M"));
        Note::new("local time", found.join(", ")).against(quiet)
    }

    /// The first full quarter of an hour from `now` on at which it is quiet in none of the zones.
    /// Zones differ by full quarters, so nothing is missed; a day has at most 96 of them.
    fn opens(&self, now: DateTime<Utc>, zones: &[Tz]) -> Option<DateTime<Utc>> {
        if !zones.iter().any(|zone| self.is_quiet(now, *zone)) {
            return None;
        }
        let second = now.timestamp();
        let next = DateTime::from_timestamp(second - second.rem_euclid(900) + 900, 0)?;
        let minutes = self.until.signed_duration_since(NaiveTime::MIN).num_minutes() % 15;
        (0..=2 * 96)
            .map(|quarter| next + TimeDelta::minutes(15 * quarter + minutes))
            .find(|instant| !zones.iter().any(|zone| self.is_quiet(*instant, *zone)))
            // Zones so far apart that some hour is always quiet: wait a day and look again.
            .or(Some(now + TimeDelta::days(1)))
    }
}

impl Rule for QuietHours {
    fn id(&self) -> &'static str {
        "quiet_hours"
    }

    fn needs(&self) -> &[FactId] {
        const { &[FactId::of::<Zones>()] }
    }

    fn judge(
        &self,
        context: &Context<'_>,
        batch: &Batch<'_>,
        ballot: &mut Ballot<'_>,
    ) -> Result<(), RuleError> {
        let (mut answers, tenant) = (Answers::default(), context.scope.zone());
        for (row, zones) in batch.column::<Zones>()?.iter().enumerate() {
            let places = match (&zones.own, zones.possible) {
                (Some(own), _) => slice::from_ref(own),
                (None, []) => slice::from_ref(&tenant),
                (None, possible) => possible,
            };
            ballot.note(row, || self.note(context.now, places));
            if let Some(until) = answers.of(zones, || self.opens(context.now, places)) {
                ballot.defer(row, until, QUIET);
            }
        }
        Ok(())
    }
}

/// Answers given in this batch: its people live in few zones, and an answer costs far more than
/// remembering it. Of two zones that share a place the later one stays; that only costs time.
struct Answers([Option<(Zones, Option<DateTime<Utc>>)>; PLACES]);

const PLACES: usize = 64;

impl Default for Answers {
    fn default() -> Self {
        Self([None; PLACES])
    }
}

impl Answers {
    fn of(&mut self, zones: &Zones, answer: impl FnOnce() -> Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        let Some(place) = self.0.get_mut(place(zones)) else { return answer() };
        match place {
            Some((known, opens)) if same(known, zones) => *opens,
            _ => place.insert((*zones, answer())).1,
        }
    }
}

/// Whether one answer holds for both, told without looking into lists, which are static.
fn same(one: &Zones, other: &Zones) -> bool {
    one.own == other.own && (one.own.is_some() || std::ptr::eq(one.possible, other.possible))
}

fn place(zones: &Zones) -> usize {
    let possible = zones.possible.as_ptr().addr();
    let mixed = zones.own.map_or(possible, |own| own as usize).wrapping_mul(0x9E37_79B9);
    (mixed >> 16) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Region;

    fn hours(from: &str, until: &str) -> QuietHours {
        QuietHours::try_from(RawQuietHours { from: from.to_owned(), until: until.to_owned() }).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn quiet_hours_may_cross_midnight() {
        let night = hours("21:00", "09:00");
        let berlin = [Tz::Europe__Berlin];
        assert_eq!(night.opens(at("2026-01-05T12:00:00Z"), &berlin), None);
        assert_eq!(night.opens(at("2026-01-05T21:30:00Z"), &berlin), Some(at("2026-01-06T08:00:00Z")));
        assert_eq!(night.opens(at("2026-01-06T07:59:59Z"), &berlin), Some(at("2026-01-06T08:00:00Z")));
    }

    #[test]
    fn a_number_of_several_zones_waits_for_all_of_them() {
        let night = hours("21:00", "09:00");
        let america = [Tz::America__New_York, Tz::America__Los_Angeles];
        // Nine in New York is six in Los Angeles.
        assert_eq!(night.opens(at("2026-01-05T14:00:00Z"), &america), Some(at("2026-01-05T17:00:00Z")));
    }

    #[test]
    fn a_remembered_answer_is_the_right_one() {
        let (night, now) = (hours("21:00", "09:00"), at("2026-01-05T12:00:00Z"));
        let regions = ["IN", "US", "DE", "BR", "ID", "MX", "RU"];
        let lists = regions.map(|region| region.parse::<Region>().unwrap().zones());
        let people: Vec<Zones> = chrono_tz::TZ_VARIANTS
            .iter()
            .flat_map(|zone| [Some(*zone), None])
            .zip(lists.into_iter().cycle())
            .map(|(own, possible)| Zones { own, possible })
            .collect();
        let mut answers = Answers::default();
        for zones in people.iter().chain(people.iter().rev()) {
            let own = zones.own.map(|zone| [zone]);
            let opens = night.opens(now, own.as_ref().map_or(zones.possible, |own| &own[..]));
            assert_eq!(answers.of(zones, || opens), opens, "{zones:?}");
        }
    }

    #[test]
    fn zones_with_odd_offsets_open_to_the_minute() {
        let night = hours("21:00", "09:20");
        let kathmandu = [Tz::Asia__Kathmandu];
        assert_eq!(night.opens(at("2026-01-05T20:00:00Z"), &kathmandu), Some(at("2026-01-06T03:35:00Z")));
    }

    #[test]
    fn a_mistake_in_the_hours_is_explained() {
        let error = QuietHours::try_from(RawQuietHours { from: "9pm".to_owned(), until: "09:00".to_owned() });
        assert_eq!(error.unwrap_err(), "from: \"9pm\" is not a time of day; write it as 21:00");
    }
}
