//! The arithmetic that every store of quota shares.

use std::cmp::Reverse;

use chrono::{DateTime, TimeDelta, Utc};

use crate::judge::window::{Span, Window};
use crate::work::quota::{Charge, Grant, Granted, Meter, Refusal, Usage};

/// How long the ids of charges are known after the windows that they charged.
const KNOWN_FOR: TimeDelta = TimeDelta::days(2);

/// Charges that are forgotten with each new one, at most. More than one, so that what has
/// gathered during a pause shrinks while new ones come in.
pub(crate) const FORGOTTEN_AT_ONCE: usize = 4;

/// No meter counts further, because no store counts further and stays exact: scripts of a server
/// count in 64-bit floats.
const MOST: u64 = 1 << 53;

/// What a store keeps of a meter: its newest window, as it was opened, and the units used in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) opened: Span,
    pub(crate) used: u64,
}

/// A meter at one instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) tally: Tally,
    /// When its next window begins.
    resets_at: Option<DateTime<Utc>>,
    left: u64,
}

impl Reading {
    /// What `meter` shows at `now`, when `last` is what the store keeps of it.
    pub(crate) fn of(meter: &Meter, last: Option<Tally>, now: DateTime<Utc>) -> Self {
        let span = last.map_or_else(|| meter.window.at(now), |last| meter.window.after(last.opened, now));
        let tally =
            last.filter(|last| last.opened.start == span.start).unwrap_or(Tally { opened: span, used: 0 });
        let left = meter.limit.min(MOST).saturating_sub(tally.used);
        Self { tally, resets_at: span.end, left }
    }

    pub(crate) const fn usage(&self) -> Usage {
        Usage { used: self.tally.used, left: self.left, resets_at: self.resets_at }
    }
}

/// What `charge` gets, with the reading of each of its meters in order.
pub(crate) fn grant(charge: &Charge, readings: &[Reading]) -> Granted {
    let least = charge.meters.iter().zip(readings).min_by_key(|(_, reading)| {
        (reading.left, Reverse(reading.resets_at.unwrap_or(DateTime::<Utc>::MAX_UTC)))
    });
    let Some((meter, reading)) = least.filter(|(_, reading)| reading.left < charge.units) else {
        return Granted { units: charge.units, refused_by: None };
    };
    let units = match charge.grant {
        Grant::Whole => 0,
        Grant::Prefix => reading.left,
    };
    let refusal = Refusal { key: meter.key.clone(), limit: meter.limit, resets_at: reading.resets_at };
    Granted { units, refused_by: Some(refusal) }
}

/// When a charge of meters with these readings can be forgotten; `None` is never.
pub(crate) fn forget_at(readings: &[Reading]) -> Option<DateTime<Utc>> {
    let mut last = DateTime::<Utc>::MIN_UTC;
    for reading in readings {
        last = last.max(reading.resets_at?);
    }
    Some(last.checked_add_signed(KNOWN_FOR).unwrap_or(DateTime::<Utc>::MAX_UTC))
}

/// The kind of a window, which is a part of what a meter is. The numbers stand in files.
pub(crate) const fn kind(window: Window) -> u8 {
    match window {
        Window::Lifetime => 0,
        Window::Day(_) => 1,
    }
}
