//! Webhooks on their way in: received durably and answered at once, applied in groups.
//!
//! ```text
//! POST -> verify -> split per change -> whose is it? -> gathered -> queue -> 200
//!                                            |                        |
//!                                        quarantine          lease -> record -> settle
//! ```
//!
//! 200 means that a change is durable, not that it is applied; that follows within a fraction of a
//! second. Changes wait in the queue, each in a lane of its tenant's outlet [`OUTLET`], so a
//! process that dies between the answer and the application loses nothing, and a tenant's flood
//! of webhooks takes no turn from another tenant's. What Meta repeats within an hour is
//! recognised by the queue; what it repeats later changes nothing, because facts are set once.
//!
//! Here the queue holds content and not references: if a store loses what it said was durable,
//! what Meta told in that moment is lost, and its messages stay *accepted* until they expire.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use rules_core::judge::code::Code;
use rules_core::judge::key::{KeyError, Lane, Outlet};
use rules_core::judge::tenant::TenantScope;
use rules_core::work::StoreError;
use rules_core::work::lanes::Lanes;
use tokio::sync::Notify;

use crate::sender::NumberId;

mod apply;
mod cut;
mod gather;
mod receive;
mod whose;

use gather::Gathering;

pub(crate) use apply::Applier;
pub(crate) use receive::Receiver;

/// The outlet in which a tenant's webhooks wait. Numbers are digits, so none has this name.
const OUTLET: &str = "inbox";
/// The topic of changes that are about an account and not about one of its numbers.
const ACCOUNT: &str = "account";

/// A change of a number that is nobody's here.
const UNKNOWN_NUMBER: Code = Code::known("webhook.unknown_number");
/// A change of an account of which no number is known here.
const UNKNOWN_ACCOUNT: Code = Code::known("webhook.unknown_account");
/// A change that is too large for the queue and cannot be cut.
const TOO_LARGE: Code = Code::known("webhook.too_large");
/// A change that was stored and cannot be read.
const UNREADABLE: Code = Code::known("webhook.unreadable");
/// A change that the stores refuse for good.
const REFUSED: Code = Code::known("webhook.refused");

/// What receivers and the applier of one dispatcher share.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    gathering: Mutex<Gathering>,
    /// Told when a group is large enough to go without waiting for more.
    full: Notify,
    /// Told when changes were put into the queue.
    arrived: Notify,
    /// Outlets into which changes were put since the applier looked.
    outlets: Mutex<BTreeSet<Outlet>>,
}

impl Inbox {
    /// Wakes the applier.
    fn tell(&self, outlets: BTreeSet<Outlet>) {
        self.outlets.lock().unwrap_or_else(PoisonError::into_inner).extend(outlets);
        self.arrived.notify_one();
    }

    /// Outlets into which changes were put since the last call.
    fn told(&self) -> BTreeSet<Outlet> {
        std::mem::take(&mut self.outlets.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Where changes about a number, or about an account, wait.
fn lane(scope: &TenantScope, number: Option<&NumberId>) -> Result<Lane, KeyError> {
    Lane::new(&Outlet::new(scope, OUTLET)?, number.map_or(ACCOUNT, NumberId::as_str))
}

fn is_inbox(outlet: &Outlet) -> bool {
    outlet.name() == OUTLET
}

/// Lanes that are looked at together.
const LANES: usize = 500;

/// The outlets in which changes wait or are being applied, and how many changes.
pub(crate) async fn depths(lanes: &dyn Lanes) -> Result<(BTreeSet<Outlet>, u64), StoreError> {
    let (mut outlets, mut changes, mut after) = (BTreeSet::new(), 0, None);
    loop {
        let page = lanes.depths(after, LANES).await?;
        for depth in page.iter().filter(|depth| is_inbox(depth.lane.outlet())) {
            outlets.insert(depth.lane.outlet().clone());
            changes += depth.waiting + depth.delayed + depth.leased;
        }
        if page.len() < LANES {
            return Ok((outlets, changes));
        }
        after = page.last().map(|depth| depth.lane.clone());
    }
}
