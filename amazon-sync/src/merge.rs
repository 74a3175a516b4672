//! The three-way merge: what to do about a listing, by the number that both sides agreed on last
//! (base), the number that can ship (ours) and the number that Amazon shows (theirs).
//!
//! Amazon lowers its number by itself when somebody buys, and the ledger learns of the order later.
//! So a number of Amazon's is never compared with ours as it is, but with what the orders since the
//! base explain. They explain a range, not a number: an order that was told after the listing was
//! read may be in what was read or not. What is explained is published over; what is not is held
//! back, read anew, or left to the [`DriftPolicy`].
//!
//! A decision is a pure function of a [`Row`]: deciding again, or with the decision carried out,
//! decides nothing new, and no number is raised while anything about it is in doubt.
//! [`decide`] judges one listing, [`decide_all`] a [`Table`] of a million.
//!
//! # What is decided
//!
//! | class | when | what to do |
//! |---|---|---|
//! | [`InSync`](Drift::InSync) | Amazon shows ours | [`MoveBase`](Action::MoveBase), or nothing |
//! | | the known orders lead from the base to ours | nothing; [`Reread`](Action::Reread) if some were told since the read, because a write of ours may have put them back |
//! | [`OursAhead`](Drift::OursAhead) | everything is explained, and ours is another number | [`Publish`](Action::Publish) |
//! | | both never agreed | by `first_sight`; a number is raised when all orders up to the read are known |
//! | | nothing is left, and another number is on its way | publish nothing, past it |
//! | [`InFlight`](Drift::InFlight) | a number is on its way | [`Wait`](Action::Wait) until its deadline |
//! | [`LostWrite`](Drift::LostWrite) | past the deadline | reread; if it was read since, [`Resubmit`](Action::Resubmit), or publish what is ours meanwhile |
//! | [`DeclaredEffectiveGap`](Drift::DeclaredEffectiveGap) | Amazon has stored a number that is on its way, and does not offer it | wait until the deadline, reread, then as a lost write |
//! | [`UnseenSale`](Drift::UnseenSale) | Amazon shows less than is explained, in one read or while some orders up to it may be unknown | [`HoldBack`](Action::HoldBack) so much if ours would be above it; else reread, and wait for the orders |
//! | [`LateCancel`](Drift::LateCancel) | Amazon shows more than is explained, in one read or while some orders may be unknown | publish ours if it is lower; else reread, and wait for the orders |
//! | [`ForeignWrite`](Drift::ForeignWrite) | either, at two reads and with all orders known | by the policy |
//! | [`Missing`](Drift::Missing) | absent in one read, or never read | reread |
//! | | absent in two | nothing, or [`Freeze`](Action::Freeze) |
//! | [`ChannelFlip`](Drift::ChannelFlip) | Amazon and the SKU map name different shippers | freeze |
//! | [`Unmapped`](Drift::Unmapped), [`Ambiguous`](Drift::Ambiguous) | the map does not say what it is | nothing, and a letter |
//!
//! A listing that Amazon ships is in sync, whatever it shows, and one that is frozen is left alone.
//!
//! # Carrying decisions out
//! - An intent is stored with [`presumed_sold`], and a base is what [`agreed`] says. An intent for
//!   less than ours presumes sales that are not seen yet; without that the next merge would take the
//!   difference for a change of ours and publish it.
//! - What was read is put down with [`shown`] and [`absent`], with the units sold that the ledger
//!   knew *before* it was asked.
//! - After [`Action::MoveBase`] the listing is decided once more, since ours may have moved.
//! - Whoever decides that a foreign write is right, or wrong, stores [`agreed`] as the base: from
//!   there on ours is published.
//! - A listing that was read twice and waits for orders is decided again when a window of orders was
//!   closed. To read it again and again would put that off: the orders up to the *last* read must be
//!   known.

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;

use crate::drift::Drift;
use crate::policy::DriftPolicy;
use crate::quantity::{Quantity, Units};
use crate::sku_map::Unresolved;

mod decide;
mod record;
mod table;

pub use decide::decide;
pub use record::{absent, agreed, presumed_sold, shown};
pub use table::{Table, decide_all};

/// What is known of one listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number that both sides agreed on last.
    pub base: Option<Quantity>,
    /// Units sold on Amazon since the base, as the ledger knows them. Negative while the base
    /// presumes sales that are not seen yet.
    pub sold: Units,
    /// Of those, units that the ledger did not know yet when the listing was read.
    pub sold_since_read: Units,
    /// The number that can ship; `None` when nobody knows it, which counts as unmapped.
    pub ours: Option<Quantity>,
    /// The number that Amazon showed last; `None` when it was never read.
    pub theirs: Option<Quantity>,
    /// The number that Amazon has stored, which may differ from what it shows.
    pub declared: Option<Quantity>,
    /// How often in a row that number was read, known sales aside.
    pub times: u8,
    /// How often in a row the listing was absent since.
    pub absent: u8,
    /// What the SKU map says of it.
    pub mapping: Mapping,
    /// Who ships it.
    pub ships: Ships,
    /// True when all orders up to the read are known, so that none that is not can explain it.
    pub is_covered: bool,
    /// True when nothing may be written to it.
    pub is_frozen: bool,
    /// The intent that it has.
    pub pending: Option<Pending>,
}

/// What the SKU map says of a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mapping {
    /// What it is made of.
    #[default]
    Known,
    /// Nothing.
    Unmapped,
    /// Two things, or something impossible.
    Ambiguous,
}

impl From<Unresolved> for Mapping {
    fn from(why: Unresolved) -> Self {
        match why {
            Unresolved::Unmapped => Self::Unmapped,
            Unresolved::Ambiguous | Unresolved::Refused => Self::Ambiguous,
        }
    }
}

/// Who ships a listing, by the SKU map and by Amazon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ships {
    /// The merchant.
    #[default]
    Merchant,
    /// Amazon: it never gets a quantity.
    Amazon,
    /// Map and Amazon say different things.
    Flipped,
}

/// An intent, as far as the merge needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    /// Decided, and not on its way.
    Open(Quantity),
    /// On its way.
    InFlight(Flight),
}

/// A number on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flight {
    /// The number.
    pub quantity: Quantity,
    /// Units sold since it was computed. Negative while it presumes sales that are not seen yet.
    pub sold: Units,
    /// When it was handed over.
    pub at: DateTime<Utc>,
    /// When it counts as lost unless Amazon shows it.
    pub deadline: DateTime<Utc>,
    /// When the listing was last read.
    pub read_at: Option<DateTime<Utc>>,
    /// How often it was handed over.
    pub attempts: u32,
}

impl Flight {
    /// True when Amazon was seen to show the number, but for sales since it was computed.
    pub(crate) fn has_landed(&self, theirs: Quantity) -> bool {
        let fell = self.quantity.units().get() - theirs.units().get();
        let is_read_since = self.read_at.is_some_and(|read_at| read_at >= self.at);
        is_read_since && (0..=self.sold.get().max(0)).contains(&fell)
    }
}

/// What a decision depends on beside the listing.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The instant of the decision.
    pub now: DateTime<Utc>,
    /// The tenant's policy.
    pub policy: DriftPolicy,
}

/// How a listing stands, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// How it stands.
    pub class: Drift,
    /// What to do.
    pub action: Action,
}

/// What to do about a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing: everything is as it should be, or on its way, or somebody else's to decide.
    Nothing,
    /// Publish ours, in place of any intent there is.
    Publish(Quantity),
    /// Publish this number, which is below ours and Amazon's, until the orders are read: one may be
    /// on its way.
    HoldBack(Quantity),
    /// Both sides agree: what Amazon shows is the base ([`agreed`]) and the intent is settled. Then
    /// decide again, since ours may have moved meanwhile.
    MoveBase,
    /// The intent is on its way: decide again then, or when the listing is read.
    Wait(DateTime<Utc>),
    /// Hand the same number over again, by another sink if there is one.
    Resubmit,
    /// Something must be read first: the listing again, while it was read once; and the orders up to
    /// that read, while they are not all known.
    Reread,
    /// Write nothing to it until somebody has looked, for [`Decision::code`].
    Freeze,
}

impl Decision {
    /// The reason code: what an intent, a frozen listing or a letter names as its cause.
    pub const fn code(&self) -> Code {
        self.class.code()
    }

    /// The number to be published, if any.
    pub const fn quantity(&self) -> Option<Quantity> {
        match self.action {
            Action::Publish(quantity) | Action::HoldBack(quantity) => Some(quantity),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
