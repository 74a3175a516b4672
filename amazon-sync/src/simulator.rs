//! An SP-API on this machine: no account needed, and it fails when it is told to.
//!
//! A pure state machine decides what becomes of each order, write, read and notification from
//! seed, name and attempt, so that two runs compare, whoever asks first. Time comes from the clock
//! that it is given, so that a test can let days pass. It has two doors: HTTP on 127.0.0.1, with
//! Amazon's own paths and shapes, and the ports themselves in the same process.
//!
//! A [`World`] is set up first: sellers with listings, demand, the merchant's real shelf and its
//! own shop, and what goes wrong and when. What is told in a [`Report`] at the end is measured
//! against that shelf, which no interface shows: units are oversold when an order took them and
//! they were not there.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use std::sync::Arc;
//! use std::time::Duration;
//! use amazon_sync::rules_core::work::clock::ManualClock;
//! use amazon_sync::seller::Region;
//! use amazon_sync::simulator::{AmazonAccount, Faults, ListingPlan, Simulator, World};
//! use amazon_sync::sku::Sku;
//!
//! let nine = "2026-01-05T09:00:00Z".parse().unwrap();
//! let seller = AmazonAccount::parse("A2NEXAMPLETF53", Region::NorthAmerica).unwrap();
//! let mug = ListingPlan::merchant(Sku::parse("MUG").unwrap(), 20).wanted(6.0);
//! let world = World::builder(nine).seed(7).seller(&seller, ["ATVPDKIKX0DER"]).listing(&seller, mug);
//! let clock = Arc::new(ManualClock::at(nine));
//! let amazon = Simulator::in_process(world.build().unwrap(), Arc::<ManualClock>::clone(&clock));
//!
//! let (market, patches) = (amazon.marketplace(), amazon.patches()); // ports, as the adapter has them
//! clock.advance(Duration::from_hours(24));
//! assert_eq!(amazon.report().units_sold, 20);
//! # drop((market, patches));
//! # });
//! ```
//!
//! What Amazon does here as there: budgets at two levels that take a token for every call, with a
//! true rate that may differ from the published one ([`Incident::HiddenRate`]); numbers that it
//! lowers itself when somebody buys; writes that are accepted at once and take effect minutes
//! later, or never, or after a younger one; a stored number that is not the shown one; orders that
//! can be found only after a while; page tokens that fit one question for a day; answers in which
//! listings are missing; notifications that come late, twice, out of order or not at all. How often
//! is said by [`Faults`], how long things take by [`Behaviour`], how often anything may be called by
//! [`UsagePlan`].
//!
//! Over HTTP there is one more path, `GET /simulator/report`.
//!
//! A [`Race`] is a smaller model for one question: how often the last units of one SKU are sold
//! twice, by what is held back.
//!
//! Deliberately not here: buyers' data, prices, subscriptions to notifications, deleting listings,
//! and supply sources.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use rules_core::judge::fault::{Classify, Fault};
use rules_core::work::clock::Clock;
use secrecy::SecretString;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

mod account;
mod amazon;
mod behaviour;
mod bucket;
mod budgets;
mod builder;
mod courier;
mod draw;
mod faults;
mod happening;
mod host;
mod http;
mod in_process;
mod json;
mod plan;
mod race;
mod read;
mod report;
mod sandbox;
mod shared;
mod socket;
mod world;

pub use account::AmazonAccount;
pub use amazon::{CancelledBy, ScriptedOrder, Step, Trouble};
pub use behaviour::{Behaviour, CancelledUnits, Life, RateHeader, Span};
pub use builder::SimulatorBuilder;
pub use courier::NoticeSink;
pub use faults::Faults;
pub use happening::{Happening, What, Why};
pub use host::SimulatedShop;
pub use in_process::{SimulatedFeeds, SimulatedMarketplace, SimulatedPatches};
pub use plan::{Operation, Rate, UsagePlan};
pub use race::{Publishing, Race, RaceDay};
pub use report::{OperationReport, Report};
pub use sandbox::{SandboxAnswer, SandboxCase, SandboxCases, SandboxDoor, SandboxError, SandboxRequest};
pub use world::{Incident, ListingPlan, ShopMove, ShopSees, World, WorldBuilder, WorldError};

use shared::Shared;

/// A running simulator; it stops when it is dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    url: String,
    door: Option<oneshot::Sender<()>>,
    _tasks: JoinSet<()>,
}

impl Simulator {
    /// A simulator to be adjusted first.
    pub fn builder(world: World) -> SimulatorBuilder {
        SimulatorBuilder::of(world)
    }

    /// A simulator without any socket and without any task: the ports are the way in, and
    /// [`Simulator::deliver_notices`] brings notifications. For virtual time.
    pub fn in_process(world: World, clock: Arc<dyn Clock>) -> Self {
        let shared = Arc::new(Shared::new(world, clock, TimeDelta::zero(), Duration::ZERO));
        Self { shared, url: NOWHERE.to_owned(), door: None, _tasks: JoinSet::new() }
    }

    /// The reading port.
    pub fn marketplace(&self) -> SimulatedMarketplace {
        SimulatedMarketplace { shared: Arc::clone(&self.shared) }
    }

    /// The writing port: one patch for each number.
    pub fn patches(&self) -> SimulatedPatches {
        SimulatedPatches { shared: Arc::clone(&self.shared) }
    }

    /// The writing port: one feed for thousands.
    pub fn feeds(&self) -> SimulatedFeeds {
        SimulatedFeeds { shared: Arc::clone(&self.shared) }
    }

    /// The merchant's own system, as the host's stock.
    pub fn shop(&self) -> SimulatedShop {
        SimulatedShop { shared: Arc::clone(&self.shared) }
    }

    /// Where it listens, without a slash at the end, Login with Amazon's `/auth/o2/token`
    /// included; port 0, where nobody listens, when it was started in process.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The application's name for Login with Amazon.
    pub fn client_id(&self) -> &str {
        &self.shared.client_id
    }

    /// The application's secret for Login with Amazon.
    pub fn client_secret(&self) -> SecretString {
        self.shared.client_secret.clone()
    }

    /// The token by which the seller has authorised the application.
    pub fn refresh_token(&self, account: &AmazonAccount) -> SecretString {
        SecretString::from(world::refresh_token(account))
    }

    /// Hands notifications to a function from now on, one after the other.
    pub fn deliver_notices_to(&self, take: impl Fn(Bytes) + Send + Sync + 'static) {
        self.shared.deliver_to(Some(NoticeSink::Function(Arc::new(take))));
    }

    /// Puts notifications there from now on.
    pub fn deliver_notices_into(&self, sink: NoticeSink) {
        self.shared.deliver_to(Some(sink));
    }

    /// Delivers the notifications that have come, if it was said where to. A simulator that was
    /// made by its builder does so by itself.
    ///
    /// # Cancel safety
    /// Dropping the future may lose notifications.
    pub async fn deliver_notices(&self) {
        courier::deliver(&self.shared).await;
    }

    /// What happened so far.
    pub fn report(&self) -> Report {
        self.shared.world().report()
    }

    /// Looks at the world, and changes it, at the present instant.
    pub fn world<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        let looked = look(&mut self.shared.world());
        self.shared.sooner.notify_one();
        looked
    }
}

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:0";

/// A sink may hold what holds a simulated port: nobody would let go first.
impl Drop for Simulator {
    fn drop(&mut self) {
        self.shared.deliver_to(None);
        drop(self.door.take());
    }
}

/// Why a simulator cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// The port cannot be had.
    #[error("opening port {port} on 127.0.0.1 for the simulator; choose another one, or 0 for any free one")]
    Port {
        /// Which.
        port: u16,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Classify for SimulatorError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests;
