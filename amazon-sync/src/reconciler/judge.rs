use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::work::clock::after;
use rules_core::work::events::Entry;
use serde_json::json;

use crate::desk::{AccountDesk, Desk, until};
use crate::drift::Drift;
use crate::intent::{Intent, Stage};
use crate::listing::ListingKey;
use crate::merge::{Action, Context, Decision, Mapping, Row, agreed, decide, presumed_sold};
use crate::quantity::Quantity;
use crate::sink::SinkName;
use crate::sync_store::ListingRecord;

use rules_core::judge::code::Code;

/// The base moves and the merge is asked again, at most so often.
const ROUNDS: usize = 3;
/// A number that nothing explains is read again after so long, so that the two reads are two.
const SECOND_READ: Duration = Duration::from_secs(60);
/// A listing that is missing is looked for again after so long.
const MISSING: Duration = Duration::from_secs(3_600);
/// A number on its way is read back no sooner than this.
const READ_BACK: Duration = Duration::from_secs(30);
/// Two reads in a row that agree are believed.
const STABLE: u32 = 2;

const DECIDED: Code = Code::known("sync.decided");
const LANDED: Code = Code::known("sync.landed");
const FROZEN: Code = Code::known("sync.frozen");

/// What was decided about one listing.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    pub(crate) key: ListingKey,
    /// Its record as it was.
    pub(crate) before: ListingRecord,
    /// Its record as it should be, if that is another one.
    pub(crate) changed: Option<ListingRecord>,
    pub(crate) ours: Option<Quantity>,
    pub(crate) decision: Decision,
    /// The intent that Amazon was seen to show.
    pub(crate) landed: Option<Intent>,
    /// The sink by which its number was lost.
    pub(crate) lost_by: Option<SinkName>,
    /// When to decide again.
    pub(crate) look_at: Option<DateTime<Utc>>,
    /// When to read it again.
    pub(crate) read_at: Option<DateTime<Utc>>,
    /// It waits for the orders up to this instant.
    pub(crate) orders_to: Option<DateTime<Utc>>,
    /// True when one of its items has moved.
    pub(crate) is_new: bool,
}

/// Decides about one listing, and says what its record should be. Pure.
pub(crate) fn judge(
    record: ListingRecord,
    ours: Option<Quantity>,
    mapping: Mapping,
    known_to: Option<DateTime<Utc>>,
    context: &Context,
) -> Judged {
    let mut after_it = record.clone();
    let mut landed = None;
    let mut row = Row::of(&after_it, ours, mapping, known_to);
    let mut decision = decide(&row, context);
    for _ in 0..ROUNDS {
        if decision.action != Action::MoveBase {
            break;
        }
        after_it.base = agreed(&after_it);
        landed = landed.or(after_it.intent.take());
        after_it.intent = None;
        row = Row::of(&after_it, ours, mapping, known_to);
        decision = decide(&row, context);
    }
    let mut judged = Judged {
        key: record.key.clone(),
        before: record,
        changed: None,
        ours,
        decision,
        landed: landed.filter(Intent::is_in_flight),
        lost_by: None,
        look_at: None,
        read_at: None,
        orders_to: None,
        is_new: false,
    };
    judged.carry_out(&mut after_it, &row, context.now);
    if after_it != judged.before {
        judged.changed = Some(after_it);
    }
    judged
}

impl Judged {
    fn carry_out(&mut self, record: &mut ListingRecord, row: &Row, now: DateTime<Utc>) {
        match self.decision.action {
            Action::Nothing => self.leave(record, now),
            Action::MoveBase => {}
            Action::Publish(quantity) | Action::HoldBack(quantity) => {
                self.note_lost(record);
                // The record's revision rises with every intent, and only ever rises.
                let generation = record.revision + 1;
                let ours = self.ours.unwrap_or(quantity);
                record.intent = Some(Intent {
                    generation,
                    quantity,
                    sold: presumed_sold(record.sold, ours, quantity),
                    decided_at: now,
                    why: self.decision.code(),
                    stage: Stage::Open,
                    attempts: 0,
                });
                if matches!(self.decision.action, Action::HoldBack(_)) {
                    self.wait_for_orders(record, row, now);
                }
            }
            Action::Wait(at) => {
                self.look_at = Some(at);
                // Reads come ever more rarely: most numbers take effect soon, few take long.
                let age = record.intent.as_ref().map_or(Duration::ZERO, |intent| intent.age(now));
                self.read_at = Some(after(now, age.max(READ_BACK)).min(at));
            }
            Action::Resubmit => {
                self.note_lost(record);
                if let Some(intent) = &mut record.intent {
                    intent.stage = Stage::Open;
                }
            }
            Action::Reread => self.wait_for_orders(record, row, now),
            Action::Freeze => {
                record.frozen = Some(self.decision.code());
                record.intent = None;
            }
        }
    }

    /// Nothing is to be done. An intent that is not needed any more, or that did not arrive, ends.
    fn leave(&mut self, record: &mut ListingRecord, now: DateTime<Utc>) {
        let read_at = record.shown.as_ref().map(|shown| shown.state.as_of);
        match (self.decision.class, record.intent.as_ref().map(|intent| &intent.stage)) {
            // What is missing is taken up again when it is back.
            (Drift::Missing, _) => self.read_at = Some(after(now, MISSING)),
            // Nothing is written blindly.
            (Drift::Unmapped | Drift::Ambiguous, Some(Stage::Open)) => record.intent = None,
            (_, Some(Stage::InFlight { deadline, .. }))
                if read_at.is_some_and(|read_at| *deadline <= read_at) =>
            {
                self.note_lost(record);
                record.intent = None;
            }
            _ => {}
        }
    }

    fn note_lost(&mut self, record: &ListingRecord) {
        if self.decision.class == Drift::LostWrite
            && let Some(Intent { stage: Stage::InFlight { sink, .. }, .. }) = &record.intent
        {
            self.lost_by = Some(sink.clone());
        }
    }

    /// What is read twice and not covered by orders waits for these; everything else is read.
    fn wait_for_orders(&mut self, record: &ListingRecord, row: &Row, now: DateTime<Utc>) {
        let shown = record.shown.as_ref();
        let is_lost = self.decision.class == Drift::LostWrite;
        match shown {
            Some(shown) if shown.absent == 0 && !is_lost => {
                if !row.is_covered {
                    self.orders_to = Some(shown.state.as_of);
                }
                if shown.times < STABLE {
                    self.read_at = Some(after(shown.state.as_of, SECOND_READ).max(now));
                }
                if row.is_covered && shown.times >= STABLE {
                    self.read_at = Some(after(now, SECOND_READ));
                }
            }
            Some(shown) if shown.absent > 0 => self.read_at = Some(after(now, SECOND_READ)),
            _ => self.read_at = Some(now),
        }
    }

    /// The number that it would show, if another one is decided.
    pub(crate) fn becomes(&self) -> Option<Quantity> {
        let intent = self.changed.as_ref()?.intent.as_ref()?;
        let before = self.before.intent.as_ref();
        before.is_none_or(|before| before.generation != intent.generation).then_some(intent.quantity)
    }

    /// Leaves the number undecided: somebody decides by a plan. One that was decided and is another
    /// than ours is given up as well.
    pub(crate) fn undecide(&mut self) {
        if self.becomes().is_some()
            && let Some(changed) = &mut self.changed
        {
            changed.intent = None;
            self.changed = self.changed.take().filter(|changed| *changed != self.before);
        }
    }

    /// What should be known of the decision.
    pub(crate) fn evidence(&self, desk: &Desk) -> Vec<Entry> {
        let Some(changed) = &self.changed else { return Vec::new() };
        let key = &self.key;
        let account = key.account();
        let body = |extra: serde_json::Value| {
            let mut body = json!({
                "seller": account.seller(), "region": account.region(),
                "sku": key.sku(), "channel": key.channel(), "class": self.decision.class,
                "ours": self.ours,
                "shown": self.before.shown.as_ref().and_then(|shown| shown.state.effective),
                "base": self.before.base.map(|base| base.quantity),
            });
            if let (Some(body), serde_json::Value::Object(extra)) = (body.as_object_mut(), extra) {
                body.extend(extra);
            }
            body
        };
        let name = |generation: u64| {
            let account = format!("{}/{}", account.seller(), account.region());
            let listing = format!("{}/{}", key.sku(), key.channel());
            [account.into_bytes(), listing.into_bytes(), generation.to_be_bytes().to_vec()]
        };
        let entry = |kind: Code, generation: u64, extra| {
            let name = name(generation);
            let parts: Vec<&[u8]> = name.iter().map(Vec::as_slice).collect();
            desk.evidence(kind, &parts, &body(extra))
        };
        let mut entries = Vec::new();
        if let Some(landed) = &self.landed {
            let extra = json!({ "generation": landed.generation, "quantity": landed.quantity });
            entries.push(entry(LANDED, landed.generation, extra));
        }
        let decided = changed.intent.as_ref().filter(|intent| {
            self.before.intent.as_ref().is_none_or(|before| before.generation != intent.generation)
        });
        if let Some(intent) = decided {
            let extra = json!({ "generation": intent.generation, "quantity": intent.quantity });
            entries.push(entry(DECIDED, intent.generation, extra));
        }
        if let (None, Some(code)) = (&self.before.frozen, &changed.frozen) {
            entries.push(entry(FROZEN, changed.revision, json!({ "code": code })));
        }
        entries
    }

    /// What follows once it is committed.
    pub(crate) fn follow_up(self, desk: &Desk, account: &AccountDesk, now: DateTime<Utc>) {
        if let Some(intent) = &self.landed {
            let seen_at = self.before.shown.as_ref().map_or(now, |shown| shown.state.as_of);
            desk.tally.effect(until(seen_at, intent.decided_at));
            if let Stage::InFlight { sink, at, .. } = &intent.stage {
                account.took_effect(sink, until(seen_at, *at));
            }
        }
        if let Some(sink) = self.lost_by {
            desk.tally.add(|counts| counts.writes_lost += 1);
            account.lost(self.key.clone(), sink);
        }
        if let Some(at) = self.look_at {
            account.look.put(self.key.clone(), at);
        }
        if let Some(at) = self.orders_to {
            account.uncovered.put(self.key.clone(), at);
            // An event may still tell of the order, until the second read says the same.
            if self.before.shown.as_ref().is_some_and(|shown| STABLE <= shown.times) {
                account.poll_soon.notify_one();
            }
        }
        if let Some(at) = self.read_at {
            // What was never seen may not be there at all.
            let is_unseen = self.before.shown.is_none();
            let delay =
                if is_unseen { account.unseen(&self.key, desk.config.read_singly) } else { Duration::ZERO };
            account.read.put(self.key, at.max(after(now, delay)));
        }
    }
}
