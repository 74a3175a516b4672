//! A Cloud API on this machine: no account needed, and it fails when it is told to.
//!
//! A pure state machine decides what becomes of each message from seed, number and attempt, so
//! that two runs compare. It has two doors: HTTP on 127.0.0.1, through the real adapter, and a
//! gateway in the same process. It checks tokens, numbers and messages of every kind, keeps Meta's
//! limits, loses answers, holds messages back, and tells statuses and what people say in signed
//! webhooks that it repeats until they are taken.
//!
//! Over HTTP it can also be asked and told:
//!
//! | request | |
//! |---|---|
//! | `POST /simulator/webhook` `{"url": "http://127.0.0.1:8080/whatsapp"}` | sends webhooks there from now on |
//! | `GET /simulator/report` | a [`Report`] as JSON |
//! | `GET /simulator/accepted` | one line `+4915112345678 1` per number: how many messages were taken |
//!
//! Hosts test themselves with it. Everything is decided by seed, number and attempt and never by
//! the order of arrival, limits apart; time comes from the clock that it is given, so that a test
//! can let days pass. What happens to a number, a template or a person is said on [`Simulator`]:
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use rules_core::store::memory::Memory;
//! use whatsapp_dispatch::dispatch::{Dispatch, Webhooks};
//! use whatsapp_dispatch::phone::PhoneNumber;
//! use whatsapp_dispatch::simulator::{Faults, Simulator};
//!
//! let mut faults = Faults::none();
//! faults.lost_answer = 0.1;
//! let meta = Simulator::builder().seed(7).faults(faults).messaging_limit(250).start_in_process().unwrap();
//! let dispatch = Dispatch::new(&Memory::new(), meta.in_process_gateway()).unwrap();
//! meta.deliver_webhooks_to(Webhooks::new(&dispatch, meta.webhook_config()).unwrap());
//!
//! meta.pause_template("diwali_offer");                                   // refused with 132015
//! meta.inbound_text(PhoneNumber::parse("+4915112345678").unwrap(), "STOP");
//! meta.expire_token();                                                   // refused with 190
//! meta.rotate_token();
//! # });
//! ```
//!
//! Limits are Meta's: a number's throughput (130429, as HTTP 400 or 429), 45 messages to one
//! person on credit (131056), different people of a portfolio in 24 hours (taken, and failed with
//! 131048). A message that is no template reaches only who wrote within 24 hours; to others it is
//! taken and fails with 131047. A webhook that is not taken comes again, later each time, for 7
//! days; a new endpoint gets all that wait at once.
//!
//! Deliberately not here: which media were uploaded before they are sent, and what things cost.

use std::io;
use std::sync::Arc;

use rules_core::judge::fault::{Classify, Fault};
use rules_core::judge::tenant::TenantIdError;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::adapters::cloud_api::{CloudApi, CloudApiError};
use crate::dispatch::WebhookConfig;
use crate::sender::{Sender, SenderError};
use crate::webhook::WebhookHandler;

mod builder;
mod control;
mod courier;
mod fate;
mod faults;
mod gateway;
mod http;
mod meta;
mod report;
mod shared;
mod socket;
mod templates;
mod wire;

pub use builder::SimulatorBuilder;
pub use faults::Faults;
pub use gateway::InProcessGateway;
pub use report::Report;

use meta::State;
use shared::{Endpoint, Shared};

/// A running simulator; it stops when it is dropped.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// use whatsapp_dispatch::simulator::{Faults, Simulator};
/// let meta = Simulator::builder().seed(7).faults(Faults::none()).start().await.unwrap();
/// let (gateway, sender) = (meta.gateway(), meta.sender());
/// assert!(meta.url().starts_with("http://127.0.0.1:"));
/// # drop((gateway, sender));
/// # });
/// ```
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    url: String,
    gateway: CloudApi,
    first: Sender,
    _courier: JoinSet<()>,
    _door: Option<oneshot::Sender<()>>,
}

impl Simulator {
    /// A simulator with mild faults on a free port.
    ///
    /// # Errors
    /// As for [`SimulatorBuilder::start`].
    pub async fn start() -> Result<Self, SimulatorError> {
        Self::builder().start().await
    }

    /// A simulator to be adjusted first.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }

    /// The real adapter, connected to this simulator over HTTP.
    pub fn gateway(&self) -> CloudApi {
        self.gateway.clone()
    }

    /// A gateway to this simulator without sockets.
    pub fn in_process_gateway(&self) -> InProcessGateway {
        InProcessGateway { shared: Arc::clone(&self.shared) }
    }

    /// The simulator's first number, of tenant `main`, at the simulator's rate.
    pub fn sender(&self) -> Sender {
        self.first.clone()
    }

    /// All its numbers, the first one first.
    pub fn senders(&self) -> Vec<Sender> {
        self.shared.meta().numbers.clone()
    }

    /// Where it listens, without a slash at the end; port 0, where nobody listens, when it was
    /// started in process.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The token that requests must carry.
    pub fn access_token(&self) -> SecretString {
        self.shared.secrets.access_token()
    }

    /// The secret that signs webhooks.
    pub fn app_secret(&self) -> SecretString {
        self.shared.secrets.app_secret.clone()
    }

    /// The token of the webhook's handshake.
    pub fn verify_token(&self) -> SecretString {
        self.shared.secrets.verify_token.clone()
    }

    /// What a receiver checks this simulator's webhooks against.
    pub fn webhook_config(&self) -> WebhookConfig {
        WebhookConfig { app_secrets: vec![self.app_secret()], verify_token: self.verify_token() }
    }

    /// Hands webhooks to a handler from now on, those that wait included.
    pub fn deliver_webhooks_to(&self, handler: impl WebhookHandler) {
        self.shared.deliver_to(Endpoint::Handler(Arc::new(handler)));
    }

    /// Posts webhooks to an address from now on, those that wait included.
    pub fn deliver_webhooks_to_url(&self, url: impl Into<String>) {
        self.shared.deliver_to(Endpoint::Url(url.into()));
    }

    /// What happened so far.
    pub fn report(&self) -> Report {
        self.shared.meta().report()
    }

    /// How many messages were taken for each number, as digits without the plus sign; in no order.
    pub fn accepted(&self) -> Vec<(u64, u16)> {
        self.shared.meta().accepted()
    }

    /// Everything that a later simulator needs to go on: messages taken, statuses not told yet.
    pub fn save(&self) -> SimulatorState {
        let meta = self.shared.meta();
        SimulatorState { seed: meta.seed, state: meta.state.clone() }
    }
}

/// The handler holds the dispatcher, which holds a gateway to here: nobody would let go first.
impl Drop for Simulator {
    fn drop(&mut self) {
        self.shared.deliver_to_nobody();
    }
}

/// What a simulator knows; it goes through serde and back into [`SimulatorBuilder::restore`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SimulatorState {
    seed: u64,
    state: State,
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
    /// The HTTP client cannot be made.
    #[error("connecting the adapter to the simulator")]
    Adapter(#[from] CloudApiError),
    /// The simulator's own number is wrong; it never is.
    #[error("making the simulator's number")]
    Number(#[from] SenderError),
    /// The simulator's own tenant is wrong; it never is.
    #[error("making the simulator's tenant")]
    Tenant(#[from] TenantIdError),
}

impl Classify for SimulatorError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests;
