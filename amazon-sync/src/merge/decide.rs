use super::{Action, Context, Decision, Flight, Mapping, Pending, Row, Ships};
use crate::drift::Drift;
use crate::policy::{Patience, Resolution};
use crate::quantity::{Quantity, Units};

/// A number that no order explains is believed when it was read so often in a row.
const STABLE: u8 = 2;
/// A listing that was absent so often in a row is missing.
const GONE: u8 = 2;
/// A write that was lost so often does not arrive by itself.
const TRIES: u32 = 2;

/// Decides what to do about one listing.
pub fn decide(row: &Row, context: &Context) -> Decision {
    let decision = judge(row, context);
    let is_decided = match row.pending {
        Some(Pending::Open(quantity)) => decision.quantity() == Some(quantity),
        _ => false,
    };
    if row.is_frozen || is_decided { Decision { action: Action::Nothing, ..decision } } else { decision }
}

fn judge(row: &Row, context: &Context) -> Decision {
    match (row.mapping, row.ships) {
        (Mapping::Unmapped, _) => return decision(Drift::Unmapped, Action::Nothing),
        (Mapping::Ambiguous, _) => return decision(Drift::Ambiguous, Action::Nothing),
        (Mapping::Known, Ships::Flipped) => return decision(Drift::ChannelFlip, Action::Freeze),
        (Mapping::Known, Ships::Amazon) => return decision(Drift::InSync, Action::Nothing),
        (Mapping::Known, Ships::Merchant) => {}
    }
    let Some(ours) = row.ours else { return decision(Drift::Unmapped, Action::Nothing) };
    let theirs = match row.theirs {
        _ if row.absent >= GONE => {
            return decision(
                Drift::Missing,
                match context.policy.missing {
                    Patience::GoOn => Action::Nothing,
                    Patience::FreezeAndAsk => Action::Freeze,
                },
            );
        }
        Some(theirs) if row.absent == 0 => theirs,
        _ => return decision(Drift::Missing, Action::Reread),
    };
    let listing = Listing::new(row, ours, theirs);
    match row.pending {
        Some(Pending::InFlight(flight)) => listing.in_flight(&flight, context),
        _ => listing.at_rest(context),
    }
}

const fn decision(class: Drift, action: Action) -> Decision {
    Decision { class, action }
}

/// A listing that the merge is about: mapped, the merchant's to ship, and seen.
#[derive(Clone, Copy)]
struct Listing<'a> {
    row: &'a Row,
    ours: Quantity,
    theirs: Quantity,
    /// What Amazon counts its sales off.
    base: Option<Quantity>,
    /// Units sold since, as far as known ...
    sold: i64,
    /// ... and those of them that were learned of after the read. They may be in Amazon's number or
    /// not.
    since_read: i64,
}

impl<'a> Listing<'a> {
    const fn new(row: &'a Row, ours: Quantity, theirs: Quantity) -> Self {
        let since_read = counted(row.sold_since_read);
        let since_read = if since_read < 0 { 0 } else { since_read };
        Self { row, ours, theirs, base: row.base, sold: counted(row.sold), since_read }
    }

    /// The same counted off the number of a flight, as if that had landed.
    fn landed(self, flight: &Flight) -> Self {
        Self { base: Some(flight.quantity), sold: counted(flight.sold), ..self }
    }

    /// How much lower Amazon's number is than everything known explains: 0 when it is explained,
    /// negative when it is higher.
    fn unexplained(&self) -> i64 {
        let Some(base) = self.base else { return 0 };
        let fell = number(base) - number(self.theirs);
        // Amazon's number does not fall below nothing.
        let most = self.sold.min(number(base));
        let least = (self.sold - self.since_read).min(number(base));
        fell - fell.clamp(least, most)
    }

    /// What Amazon will show when it has counted everything that is known.
    fn expected(&self) -> i64 {
        self.base.map_or(self.lowest(), |base| (number(base) - self.sold).max(0))
    }

    /// What Amazon shows at least, but for sales that are not seen yet.
    fn lowest(&self) -> i64 {
        (number(self.theirs) - self.since_read).max(0)
    }

    /// True when Amazon shows exactly ours.
    fn is_equal(&self) -> bool {
        self.theirs == self.ours && self.since_read == 0
    }

    fn publish(&self, class: Drift) -> Decision {
        decision(class, Action::Publish(self.ours))
    }

    /// With an intent on its way.
    fn in_flight(self, flight: &Flight, context: &Context) -> Decision {
        let is_over = flight.read_at.is_some_and(|read_at| read_at >= flight.deadline);
        let is_exact = is_over && self.since_read == 0;
        if flight.has_landed(self.theirs) && (is_exact || !self.may_be_sales_alone(flight)) {
            return decision(Drift::InSync, Action::MoveBase);
        }
        let is_stored = self.row.declared == Some(flight.quantity);
        if context.now < flight.deadline {
            // Nothing is as urgent as taking off what is not there.
            if self.ours == Quantity::ZERO && flight.quantity != Quantity::ZERO {
                return self.publish(Drift::OursAhead);
            }
            let class = if is_stored { Drift::DeclaredEffectiveGap } else { Drift::InFlight };
            return decision(class, Action::Wait(flight.deadline));
        }
        if !is_over || (!is_exact && flight.has_landed(self.theirs)) {
            return decision(Drift::LostWrite, Action::Reread);
        }
        if is_stored && self.row.times < STABLE {
            return decision(Drift::DeclaredEffectiveGap, Action::Reread);
        }
        let landed = self.landed(flight);
        match (self.unexplained(), landed.unexplained()) {
            (0, _) => self.lost(flight, context),
            // It landed, and then something took more off than is known. Not if Amazon's number is
            // that of the base: then it never changed. Otherwise that is the likelier, the fewer
            // units it leaves unexplained.
            (before, after @ 1..)
                if self.base != Some(self.theirs) && (after < before.abs() || after == before) =>
            {
                landed.at_rest(context)
            }
            _ => self.at_rest(context),
        }
    }

    /// True when Amazon may have got from the base to its number without the intent, which then is
    /// still on its way.
    fn may_be_sales_alone(&self, flight: &Flight) -> bool {
        if self.base.is_some() { self.unexplained() == 0 } else { self.theirs != flight.quantity }
    }

    /// With an intent that did not arrive.
    fn lost(self, flight: &Flight, context: &Context) -> Decision {
        let instead = self.at_rest(context);
        let (quantity, action) = match instead.action {
            Action::Publish(quantity) | Action::HoldBack(quantity) => (quantity, instead.action),
            // It is not needed any more. It may still arrive, though, and would look like somebody
            // else's: so it is written over.
            Action::MoveBase => (self.ours, Action::Publish(self.ours)),
            _ => return instead,
        };
        if flight.attempts >= TRIES && context.policy.lost_write == Patience::FreezeAndAsk {
            decision(Drift::LostWrite, Action::Freeze)
        } else if quantity == flight.quantity {
            decision(Drift::LostWrite, Action::Resubmit)
        } else {
            decision(Drift::LostWrite, action)
        }
    }

    /// With nothing on its way.
    fn at_rest(self, context: &Context) -> Decision {
        match self.unexplained() {
            fewer @ 1.. => self.below(fewer, context),
            _ if self.is_equal() => self.agree(),
            ..0 => self.above(context),
            0 if self.base.is_none() => self.first_sight(context),
            0 if number(self.ours) != self.expected() => self.publish(Drift::OursAhead),
            0 => self.in_sync(),
        }
    }

    /// Amazon will show ours by itself.
    fn in_sync(self) -> Decision {
        if self.row.pending.is_some() {
            // An intent for another number may still arrive.
            return self.publish(Drift::InSync);
        }
        // Sales were told since the read. If a write of ours landed after them, it put them back.
        let action = if self.since_read > 0 { Action::Reread } else { Action::Nothing };
        decision(Drift::InSync, action)
    }

    fn agree(self) -> Decision {
        let is_agreed = self.base == Some(self.theirs) && self.sold == 0 && self.row.pending.is_none();
        decision(Drift::InSync, if is_agreed { Action::Nothing } else { Action::MoveBase })
    }

    /// Amazon shows less by `fewer` than is explained.
    fn below(self, fewer: i64, context: &Context) -> Decision {
        if self.row.is_covered && self.row.times >= STABLE {
            return if self.is_equal() {
                self.agree()
            } else {
                self.resolve(Drift::ForeignWrite, context.policy.foreign_write)
            };
        }
        // If those were sold and we have not seen the orders, so much less can ship.
        let rest = (number(self.ours) - fewer).max(0);
        let action = if rest < self.lowest() {
            Action::HoldBack(Quantity::clamped(Units::new(rest)))
        } else {
            Action::Reread
        };
        decision(Drift::UnseenSale, action)
    }

    /// Amazon shows more than is explained. Ours knows nothing of that, so it is not too high; and
    /// where it is lower, the difference may be sales that a write of ours put back.
    fn above(self, context: &Context) -> Decision {
        let (row, policy) = (self.row, context.policy);
        let (class, resolution) = if row.is_covered && row.times >= STABLE {
            (Drift::ForeignWrite, policy.foreign_write)
        } else {
            (Drift::LateCancel, policy.late_cancel)
        };
        let falls = number(self.ours) < self.lowest();
        match resolution {
            Resolution::LowerWins | Resolution::MerchantWins if falls => self.publish(class),
            _ if row.times < STABLE && number(self.ours) < self.expected() => self.publish(class),
            _ if row.times < STABLE => decision(class, Action::Reread),
            Resolution::LowerWins if row.is_covered => self.publish(class),
            Resolution::LowerWins => decision(class, Action::Reread),
            _ => self.resolve(class, resolution),
        }
    }

    /// Both never agreed: what Amazon shows is where it begins.
    fn first_sight(self, context: &Context) -> Decision {
        let resolution = context.policy.first_sight;
        let raises = number(self.ours) > self.lowest();
        match resolution {
            Resolution::MerchantWins if raises && !self.row.is_covered => {
                decision(Drift::OursAhead, Action::Reread)
            }
            _ if number(self.ours) == self.lowest() => self.in_sync(),
            _ => self.resolve(Drift::OursAhead, resolution),
        }
    }

    fn resolve(self, class: Drift, resolution: Resolution) -> Decision {
        let ours = number(self.ours);
        let action = match resolution {
            Resolution::MerchantWins => Action::Publish(self.ours),
            Resolution::LowerWins if ours < self.lowest() => Action::Publish(self.ours),
            // Whether ours is lower depends on what was sold since: that can be read.
            Resolution::LowerWins if self.ours < self.theirs => Action::Reread,
            Resolution::LowerWins | Resolution::AmazonWins => Action::Nothing,
            Resolution::FreezeAndAsk => Action::Freeze,
        };
        decision(class, action)
    }
}

const fn number(quantity: Quantity) -> i64 {
    quantity.units().get()
}

/// Saturates far beyond any quantity, so that sums of a few of them can be expressed.
const fn counted(units: Units) -> i64 {
    const FAR: i64 = 1 << 40;
    match units.get() {
        units if units > FAR => FAR,
        units if units < -FAR => -FAR,
        units => units,
    }
}
