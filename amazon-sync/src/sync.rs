//! The facade: plan, apply, run, explain, report.

use std::sync::Arc;

use rules_core::judge::key::Lane;
use rules_core::work::StoreError;
use rules_core::work::queue::Queue;

use crate::desk::Desk;
use crate::host_stock::HostStock;
use crate::ledger::Movement;
use crate::listing::ListingKey;
use crate::marketplace::Marketplace;
use crate::seller::{SellerAccount, Shelf};
use crate::sku_map::SkuMap;
use crate::sync_store::{Commit, Committed, Letter, MovementOutcome, SyncStore};

mod account;
mod apply;
mod builder;
mod catch_up;
mod error;
mod explain;
mod handle;
mod plan;
mod plan_file;
mod receive;
mod remap;
mod report;
mod running;

pub use account::Account;
pub use apply::{Applied, Moved};
pub use builder::{ONLY_TENANT, SyncBuilder};
pub use error::{ApplyError, BuildError, PlanError};
pub use explain::{Explained, ExplainedListing};
pub use handle::SyncHandle;
pub use plan::{Plan, PlanRow, PlannedListing};
pub use plan_file::PlanFileError;
pub use receive::Received;
pub use report::Report;
pub use running::Running;

/// Keeps one shelf and the listings of its seller accounts true. Clones share everything.
///
/// ```
/// # #[cfg(feature = "simulator")]
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use std::time::Duration;
/// use amazon_sync::rules_core::store::memory::Memory;
/// use amazon_sync::rules_core::work::clock::{Clock, SystemClock};
/// use amazon_sync::seller::Region;
/// use amazon_sync::simulator::{AmazonAccount, Faults, ListingPlan, Simulator, World};
/// use amazon_sync::sku::{ItemCode, Sku};
/// use amazon_sync::sku_map::SkuMap;
/// use amazon_sync::sync::{Account, Moved, Sync};
///
/// // An Amazon in this process: no account needed. It shows 20 mugs, and 17 are there.
/// let seller = AmazonAccount::parse("A2NEXAMPLETF53", Region::Europe)?;
/// let mug = ListingPlan::merchant(Sku::parse("MUG")?, 20).made_of([(ItemCode::parse("mug")?, 1)]);
/// let world = World::builder(SystemClock.now()).faults(Faults::none());
/// let world = world.seller(&seller, ["A1PA6795UKMFR9"]).listing(&seller, mug);
/// let amazon = Simulator::builder(world.item(ItemCode::parse("mug")?, 17).build()?).start_in_process();
///
/// let store = Memory::new();
/// let map = SkuMap::from_csv("sku,channel,kind,of,units\nMUG,DEFAULT,item,mug,\n".as_bytes())?;
/// let sync = Sync::builder(&store, amazon.marketplace(), amazon.shop())
///     .sink(amazon.patches())
///     .sink(amazon.feeds())
///     .account(Account::new(seller.seller().clone(), seller.region(), map))
///     .build()
///     .await?;
///
/// let plan = sync.plan().await?; // what would be done, and nothing is
/// assert_eq!(plan.writes(), 1);
/// std::fs::write(std::env::temp_dir().join("plan.tsv"), plan.to_tsv())?; // to be read and compared
/// sync.apply(&plan, Moved::RefuseAll).await?; // refuses if the world has moved meanwhile
/// let running = sync.start(); // polls, applies events, reconciles, publishes, reads back
/// running.drain(Duration::from_secs(30)).await?;
/// println!("{}", sync.report().await?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sync {
    pub(crate) desk: Arc<Desk>,
}

impl Sync {
    /// A synchroniser of a store, Amazon and the host's stock, with the host's parts. It needs at
    /// least one [`Account`]; everything else has a default.
    pub fn builder(store: &impl SyncHandle, market: impl Marketplace, host: impl HostStock) -> SyncBuilder {
        SyncBuilder::new(store, Arc::new(market), Arc::new(host))
    }

    /// The shelf that it keeps.
    pub fn shelf(&self) -> &Shelf {
        &self.desk.shelf
    }

    /// The seller accounts that sell from it.
    pub fn accounts(&self) -> impl Iterator<Item = &SellerAccount> {
        self.desk.accounts.iter().map(|known| &known.account)
    }

    /// The store, for whoever wants to look at positions, listings and movements.
    pub fn store(&self) -> &Arc<dyn SyncStore> {
        &self.desk.store
    }

    /// The queue and the lane in which notifications are waited for: for a host whose notifications
    /// come by a way of its own.
    pub fn notifications(&self) -> (Arc<dyn Queue>, Lane) {
        (Arc::clone(&self.desk.queue), self.desk.events_lane.clone())
    }

    /// Books movements of the host's, such as [returns](crate::returns); one outcome each, in order.
    /// One whose key is booked already is passed over.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all of them booked, or none.
    pub async fn book(&self, movements: &[Movement]) -> Result<Vec<MovementOutcome>, StoreError> {
        let commit = Commit { movements: movements.to_vec(), ..Commit::default() };
        match self.desk.commit(&commit).await? {
            Committed::Done(receipt) => Ok(receipt.movements),
            // Without a fence nobody is in the way.
            Committed::Fenced(_) => Ok(Vec::new()),
        }
    }

    /// The host's stock has changed: it is read now instead of at its next time.
    pub fn host_changed(&self) {
        self.desk.host_told.notify_one();
    }

    /// Dead letters in the order in which they were put, from behind a number.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub async fn letters(&self, after: u64, max: usize) -> Result<Vec<Letter>, StoreError> {
        self.desk.store.letters(&self.desk.shelf, after, max).await
    }

    /// Somebody has dealt with letters.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all of them answered, or none.
    pub async fn answer(&self, letters: &[u64]) -> Result<(), StoreError> {
        self.desk.commit(&Commit { answered: letters.to_vec(), ..Commit::default() }).await?;
        Ok(())
    }

    /// Somebody has looked at a frozen listing: it is read and written again. False when it was not
    /// frozen.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it frozen or not.
    pub async fn release(&self, listing: &ListingKey) -> Result<bool, StoreError> {
        let amendment = crate::desk::Amendment::new(listing.clone(), |record| record.frozen.take().is_some());
        let made = self.desk.amend(vec![amendment], Commit::default()).await?;
        if let Some(account) = self.desk.account(listing.account()) {
            let now = self.desk.clock.now();
            account.read.put(listing.clone(), now);
            account.look.put(listing.clone(), now);
            self.desk.moved.notify_one();
        }
        Ok(!made.is_empty())
    }

    /// A stopped account goes on: its seller has authorised it again, or its roles were put right.
    /// Without it, it is tried again every hour.
    pub fn resume(&self, account: &SellerAccount) {
        if let Some(account) = self.desk.account(account) {
            account.resume();
        }
    }

    /// The SKU map of an account; `None` for an account that is none of these.
    pub fn map(&self, account: &SellerAccount) -> Option<Arc<SkuMap>> {
        self.desk.account(account).map(|account| account.map())
    }
}
