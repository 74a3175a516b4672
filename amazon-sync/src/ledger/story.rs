use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Display, Formatter};

use chrono::{DateTime, Utc};

use super::{Booked, Bucket, Cause, Position};
use crate::quantity::Units;
use crate::sku::ItemCode;

/// How an item came to be where it is: its position at one instant, its position at a later one,
/// and what moved it.
///
/// However much moved, a story holds the newest movements one by one and of all of them the sums
/// by reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// What it is about.
    pub item: ItemCode,
    /// Where it begins; `None` for before the first movement.
    pub from: Option<DateTime<Utc>>,
    /// Where it ends: with what was booked by then.
    pub until: DateTime<Utc>,
    /// The position where it begins.
    pub before: Position,
    /// The position where it ends.
    pub after: Position,
    /// What moved in between, summed.
    pub reasons: BTreeMap<(Bucket, &'static str), Reason>,
    /// Movements in between that are in the sums alone, because they are older than the ones
    /// below.
    pub untold: u64,
    /// The newest movements in between, in the order of their numbers.
    pub movements: VecDeque<Booked>,
}

/// What moved for one reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// How many movements.
    pub movements: u64,
    /// How many units in all; `None` when that cannot be expressed, though the position can.
    pub units: Option<Units>,
}

impl Story {
    /// A story in which nothing has happened yet.
    pub fn new(item: ItemCode, from: Option<DateTime<Utc>>, until: DateTime<Utc>) -> Self {
        Self {
            item,
            from,
            until,
            before: Position::default(),
            after: Position::default(),
            reasons: BTreeMap::new(),
            untold: 0,
            movements: VecDeque::new(),
        }
    }

    /// Tells the next movement of the item, of which the newest `most` are kept. False, and nothing
    /// is told, when its sum cannot be expressed: then movements are missing before it.
    pub fn tell(&mut self, booked: Booked, most: usize) -> bool {
        let Booked { seq, booked_at, movement } = &booked;
        let Some(after) = self.after.after(movement.bucket, movement.by, *seq) else { return false };
        self.after = after;
        if self.from.is_some_and(|from| *booked_at <= from) {
            self.before = after;
            return true;
        }
        let reason = self
            .reasons
            .entry((movement.bucket, movement.cause.word()))
            .or_insert(Reason { movements: 0, units: Some(Units::ZERO) });
        reason.movements += 1;
        reason.units = reason.units.and_then(|units| units.checked_add(movement.by));
        self.movements.push_back(booked);
        if most < self.movements.len() {
            self.movements.pop_front();
            self.untold += 1;
        }
        true
    }
}

impl Cause {
    /// The word for it in sums and reports.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Order { .. } => "order",
            Self::Counted => "counted",
            Self::SoldElsewhere => "sold_elsewhere",
            Self::Received => "received",
            Self::Returned => "returned",
            Self::Inspected => "inspected",
            Self::Host { .. } => "host",
        }
    }
}

impl Display for Cause {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order { seller, order, line } => write!(f, "order {order} of {seller}, line {line}"),
            Self::Counted => f.write_str("counted"),
            Self::SoldElsewhere => f.write_str("sold elsewhere"),
            Self::Received => f.write_str("received"),
            Self::Returned => f.write_str("returned"),
            Self::Inspected => f.write_str("inspected"),
            Self::Host { reason } => f.write_str(reason),
        }
    }
}

impl Display for Position {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { on_hand, reserved, committed, quarantine, inbound, seq: _ } = self;
        write!(f, "{on_hand} on hand, {reserved} reserved, {committed} committed, so {} free", self.free())?;
        for (units, what) in [(quarantine, "in quarantine"), (inbound, "inbound")] {
            if !units.is_zero() {
                write!(f, "; {units} {what}")?;
            }
        }
        Ok(())
    }
}

impl Display for Booked {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { seq, booked_at, movement } = self;
        let at = booked_at.format("%F %T");
        write!(f, "#{} {at} {:+} {}: {}", seq.0, movement.by.get(), movement.bucket, movement.cause)
    }
}

/// The positions, the sums by reason, and the newest movements, a line each.
impl Display for Story {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { item, from, until, before, after, reasons, untold, movements } = self;
        if let Some(from) = from {
            writeln!(f, "{item} at {}: {before}", from.format("%F %T"))?;
        }
        writeln!(f, "{item} at {}: {after}", until.format("%F %T"))?;
        for ((bucket, word), Reason { movements, units }) in reasons {
            let units = units.map_or_else(|| "?".to_owned(), |units| format!("{:+}", units.get()));
            writeln!(f, "  {bucket} {units} {word} in {movements}")?;
        }
        if 0 < *untold {
            writeln!(f, "  {untold} older movements")?;
        }
        for booked in movements {
            writeln!(f, "  {booked}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Movement, MovementKey, Seq};
    use crate::order::{LineId, OrderId};

    fn booked(seq: u64, bucket: Bucket, by: i64, cause: Cause) -> Booked {
        let at = DateTime::from_timestamp(1_793_613_600 + seq.cast_signed() * 60, 0).unwrap();
        let movement = Movement {
            key: MovementKey(seq.to_string()),
            item: ItemCode::parse("mug").unwrap(),
            bucket,
            by: Units::new(by),
            cause,
            at,
        };
        Booked { seq: Seq(seq), booked_at: at, movement }
    }

    #[test]
    fn a_story_reads_as_sums_and_the_newest_movements() {
        let order = |line: &str| Cause::Order {
            seller: "A2NEXAMPLETF53".to_owned(),
            order: OrderId::parse("902-3159896-1390916").unwrap(),
            line: LineId::parse(line).unwrap(),
        };
        let told = [
            booked(1, Bucket::OnHand, 12, Cause::Counted),
            booked(2, Bucket::Committed, 3, order("1")),
            booked(3, Bucket::Committed, -2, order("1")),
            booked(4, Bucket::OnHand, -2, order("1")),
            booked(5, Bucket::Quarantine, 1, Cause::Returned),
            booked(6, Bucket::OnHand, -1, Cause::Host { reason: "broken".to_owned() }),
        ];
        let [from, until] = [told[0].booked_at, told[5].booked_at];
        let mut story = Story::new(ItemCode::parse("mug").unwrap(), Some(from), until);
        for booked in told {
            assert!(story.tell(booked, 2));
        }
        let text = "\
mug at 2026-11-02 10:01:00: 12 on hand, 0 reserved, 0 committed, so 12 free
mug at 2026-11-02 10:06:00: 9 on hand, 0 reserved, 1 committed, so 8 free; 1 in quarantine
  on_hand -1 host in 1
  on_hand -2 order in 1
  committed +1 order in 2
  quarantine +1 returned in 1
  3 older movements
  #5 2026-11-02 10:05:00 +1 quarantine: returned
  #6 2026-11-02 10:06:00 -1 on_hand: broken
";
        assert_eq!(story.to_string(), text);
    }

    #[test]
    fn a_sum_that_cannot_be_is_not_told() {
        let mut story = Story::new(ItemCode::parse("mug").unwrap(), None, DateTime::<Utc>::MAX_UTC);
        assert!(story.tell(booked(1, Bucket::OnHand, i64::MAX, Cause::Received), 9));
        let before = story.clone();
        assert!(!story.tell(booked(2, Bucket::OnHand, 1, Cause::Received), 9));
        assert_eq!(story, before);
    }
}
