//! What becomes of a message that was taken: stage after stage, each told in a status.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Admitted, Kind, Meta};
use crate::simulator::fate::{Draw, Fate, Journey, Try};

/// Statuses fall due on this grid, so that many go into one webhook.
const GRID_MS: i64 = 10;
/// How long a message is held back.
const HELD_MS: i64 = 2_000;

/// The next thing to be told of a message. The rest of its way follows from its fate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) due_ms: i64,
    of: Try,
    stage: Stage,
    /// False for one that was put off: what follows it goes on without it.
    leads: bool,
    kind: Kind,
    token: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::simulator) enum Stage {
    Sent,
    Delivered,
    Read,
    Failed(i64),
}

/// A status as the webhook tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Told {
    pub(in crate::simulator) wamid: String,
    pub(in crate::simulator) number: u16,
    pub(in crate::simulator) digits: u64,
    pub(in crate::simulator) at_seconds: i64,
    pub(in crate::simulator) stage: Stage,
    pub(in crate::simulator) kind: Kind,
    pub(in crate::simulator) token: Box<str>,
}

impl Meta {
    /// The first stage of a message; `beyond` is the code of a limit that it does not survive.
    pub(super) fn begin_story(
        &mut self,
        of: Try,
        journey: Journey,
        admitted: Admitted<'_>,
        beyond: Option<i64>,
        now: DateTime<Utc>,
    ) {
        let hold_ms = if journey.held { HELD_MS } else { 0 };
        let journey = Journey { fails_with: beyond.or(journey.fails_with), ..journey };
        let Some((stage, wait_ms)) = self.after(None, of, journey) else { return };
        let due_ms = on_grid(now.timestamp_millis() + hold_ms + wait_ms);
        let token = admitted.token.into();
        self.state.pending.push(Reverse(Pending {
            due_ms,
            of,
            stage,
            leads: true,
            kind: admitted.kind,
            token,
        }));
    }

    /// What follows a stage, and after how many milliseconds.
    fn after(&self, stage: Option<Stage>, of: Try, journey: Journey) -> Option<(Stage, i64)> {
        let mut draw = Draw::new(&[self.seed, of.digits, of.which(), 1 + stage.map_or(0, number)]);
        match stage {
            None => Some(match journey.fails_with {
                Some(code) => (Stage::Failed(code), draw.between(50, 400)),
                None => (Stage::Sent, draw.between(20, 60)),
            }),
            Some(Stage::Sent) => Some((Stage::Delivered, draw.between(50, 400))),
            Some(Stage::Delivered) if journey.read => Some((Stage::Read, draw.between(100, 1_000))),
            Some(Stage::Delivered | Stage::Read | Stage::Failed(_)) => None,
        }
    }

    /// Tells one stage, if it is not lost or late, and arranges the next.
    pub(super) fn tell(&mut self, next: Pending, told: &mut Vec<Told>) {
        let Pending { due_ms, of, stage, .. } = next;
        let mut draw = Draw::new(&[self.seed, of.digits, of.which(), 100 + number(stage)]);
        let [lost, repeated, late] =
            [self.faults.lost_status, self.faults.repeated_status, self.faults.late_status]
                .map(|chance| draw.chance(chance));
        if next.leads
            && let Fate::Taken(journey) = Fate::of(self.seed, of, &self.faults)
        {
            if let Some((stage, wait_ms)) = self.after(Some(stage), of, journey) {
                let due_ms = on_grid(due_ms + wait_ms);
                self.state.pending.push(Reverse(Pending { due_ms, stage, ..next.clone() }));
            }
            if let Some(stop) = journey.stop.filter(|_| stage == Stage::Delivered) {
                self.stop(of, stop, due_ms + draw.between(1_000, 4_000));
            }
        }
        if lost {
            return;
        }
        if next.leads && late {
            self.state.pending.push(Reverse(Pending { due_ms: due_ms + 2_000, leads: false, ..next }));
            return;
        }
        let status = Told {
            wamid: self.wamid(of),
            number: of.number,
            digits: of.digits,
            at_seconds: due_ms / 1_000,
            stage,
            kind: next.kind,
            token: next.token,
        };
        if repeated {
            told.push(status.clone());
        }
        told.push(status);
    }

    pub(super) fn wamid(&self, of: Try) -> String {
        let mark = Draw::new(&[self.seed, of.digits, of.which(), 99]).next() >> 32;
        format!("wamid.{:016X}{:04X}{mark:08X}", of.digits, of.attempt)
    }
}

const fn number(stage: Stage) -> u64 {
    match stage {
        Stage::Sent => 1,
        Stage::Delivered => 2,
        Stage::Read => 3,
        Stage::Failed(_) => 4,
    }
}

const fn on_grid(ms: i64) -> i64 {
    ms + (GRID_MS - ms.rem_euclid(GRID_MS)) % GRID_MS
}
