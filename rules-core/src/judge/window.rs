//! Windows: over what time units are counted, and when a day in a zone begins and ends.
//!
//! A day begins at the first instant of its date in the zone. Where clocks skip midnight that is
//! the instant of the change, and where they pass it twice it is the first time. Days that a zone
//! left out altogether (Apia, 30 December 2011) have no window.

use chrono::{DateTime, Days, LocalResult, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// Over what time units are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Window {
    /// From the first charge for ever: an allowance.
    Lifetime,
    /// A calendar day in a zone, of 23, 24 or 25 hours as it comes.
    Day(Tz),
}

/// One window, from its start up to but not including its end.
///
/// Windows of one meter never overlap, so the start is the window's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first instant of the window.
    pub start: DateTime<Utc>,
    /// The first instant after it; `None` if it never ends.
    pub end: Option<DateTime<Utc>>,
}

impl Window {
    /// The window that holds `now`.
    ///
    /// ```
    /// use rules_core::judge::window::Window;
    /// // New York, the day on which clocks go forward: 23 hours.
    /// let day = Window::Day(chrono_tz::America::New_York).at("2026-03-08T12:00:00Z".parse().unwrap());
    /// assert_eq!(day.start.to_rfc3339(), "2026-03-08T05:00:00+00:00");
    /// assert_eq!(day.end.unwrap().to_rfc3339(), "2026-03-09T04:00:00+00:00");
    /// ```
    pub fn at(self, now: DateTime<Utc>) -> Span {
        match self {
            Self::Lifetime => Span { start: DateTime::<Utc>::MIN_UTC, end: None },
            Self::Day(zone) => day(zone, now),
        }
    }

    /// The window that counts at `now` for a meter whose newest window was opened as `last`.
    ///
    /// As long as the zone stays the same this is [`Window::at`]. A changed zone takes effect at
    /// its first midnight that does not lie inside `last`; until then `last` counts, with the
    /// start it had and that midnight as its end. So a meter's windows are whole days that never
    /// overlap, and moving between zones buys nothing. A clock that was set back keeps counting
    /// in `last`.
    ///
    /// Remember a window as it was opened, not with the later end: a zone that changes to and fro
    /// would move the end further every time.
    ///
    /// ```
    /// use chrono_tz::{America::New_York, Asia::Kolkata};
    /// use rules_core::judge::window::Window;
    /// let last = Window::Day(Kolkata).at("2026-01-05T12:00:00Z".parse().unwrap());
    /// let moved = Window::Day(New_York).after(last, "2026-01-05T23:00:00Z".parse().unwrap());
    /// assert_eq!(moved.start, last.start);
    /// assert_eq!(moved.end.unwrap().to_rfc3339(), "2026-01-06T05:00:00+00:00");
    /// ```
    pub fn after(self, last: Span, now: DateTime<Utc>) -> Span {
        let Some(end) = last.end else { return last };
        let next = self.at(end);
        let end = if next.start < end { next.end } else { Some(end) };
        if end.is_none_or(|end| now < end) { Span { end, ..last } } else { self.at(now) }
    }
}

impl Span {
    /// True when `instant` lies in the window.
    pub fn holds(&self, instant: DateTime<Utc>) -> bool {
        self.start <= instant && self.end.is_none_or(|end| instant < end)
    }
}

fn day(zone: Tz, now: DateTime<Utc>) -> Span {
    let today = local_date(zone, now);
    let tomorrow = next(today);
    let midnight = first_instant(zone, tomorrow);
    // Where clocks go back over midnight, the end of a date comes again after the next has begun.
    if now < midnight {
        Span { start: first_instant(zone, today), end: Some(midnight) }
    } else {
        Span { start: midnight, end: Some(first_instant(zone, next(tomorrow))) }
    }
}

fn local_date(zone: Tz, instant: DateTime<Utc>) -> NaiveDate {
    let utc = instant.naive_utc();
    let offset = zone.offset_from_utc_datetime(&utc).fix();
    utc.checked_add_offset(offset).unwrap_or(utc).date()
}

fn next(date: NaiveDate) -> NaiveDate {
    date.checked_add_days(Days::new(1)).unwrap_or(date)
}

/// The first instant at which clocks in `zone` show `date` or later.
fn first_instant(zone: Tz, date: NaiveDate) -> DateTime<Utc> {
    let midnight = date.and_time(NaiveTime::MIN);
    match zone.from_local_datetime(&midnight) {
        LocalResult::Single(instant) | LocalResult::Ambiguous(instant, _) => instant.to_utc(),
        LocalResult::None => end_of_gap(zone, date),
    }
}

/// The instant of the change that skipped the midnight before `date`, to the second.
fn end_of_gap(zone: Tz, date: NaiveDate) -> DateTime<Utc> {
    let midnight = date.and_time(NaiveTime::MIN).and_utc();
    let at = |seconds| midnight.checked_add_signed(TimeDelta::seconds(seconds)).unwrap_or(midnight);
    // No zone is more than 26 hours away from UTC, so the change lies in between.
    let (mut before, mut after) = (-26 * 3_600, 26 * 3_600);
    while before + 1 < after {
        let middle = i64::midpoint(before, after);
        if local_date(zone, at(middle)) < date { before = middle } else { after = middle }
    }
    at(after)
}

#[cfg(test)]
mod tests;
