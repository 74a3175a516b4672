//! A Cloud API on this machine: no account needed, and it fails when it is told to.
//!
//! A pure state machine decides what becomes of each message from seed, number and attempt, so
//! that two runs compare. It has two doors: HTTP on 127.0.0.1, through the real adapter, and a
//! gateway in the same process. It checks tokens, numbers, templates and their parameters, keeps
//! the throughput of its number and the limit per person, loses answers, holds messages back,
//! and tells statuses in signed webhooks that it repeats until they are taken.
//!
//! Over HTTP it can also be asked and told:
//!
//! | request | |
//! |---|---|
//! | `POST /simulator/webhook` `{"url": "http://127.0.0.1:8080/whatsapp"}` | sends webhooks there from now on |
//! | `GET /simulator/report` | a [`Report`] as JSON |
//! | `GET /simulator/accepted` | one line `+4915112345678 1` per number: how many messages were taken |
//!
//! Deliberately not here: messages other than templates, inbound messages, prices; of media only the upload.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use rules_core::judge::fault::{Classify, Fault};
use rules_core::judge::tenant::{TenantId, TenantIdError};
use rules_core::work::clock::{Clock, SystemClock};
use rules_core::work::secrets::{FixedSecrets, SecretRef};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::adapters::cloud_api::{CloudApi, CloudApiConfig, CloudApiError};
use crate::dispatch::WebhookConfig;
use crate::sender::{NumberId, Sender, SenderError};
use crate::template::TemplateDefinition;
use crate::webhook::WebhookHandler;

mod courier;
mod fate;
mod gateway;
mod http;
mod meta;
mod report;
mod shared;
mod socket;
mod templates;
mod wire;

pub use fate::Faults;
pub use gateway::InProcessGateway;
pub use report::Report;

use meta::{Meta, State};
use shared::{Endpoint, Shared};
use templates::Approved;

const NUMBER_ID: &str = "106000000000001";
const WABA: &str = "104000000000001";
const SECRET: &str = "simulator";

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
    sender: Sender,
    _courier: JoinSet<()>,
    _stop: oneshot::Sender<()>,
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
        SimulatorBuilder {
            seed: 1,
            port: 0,
            rate: 1_000,
            faults: Faults::mild(),
            clock: Arc::new(SystemClock),
            templates: Approved::defaults(),
            keep_statuses: 2_000_000,
            answer_after: Duration::ZERO,
            state: State::default(),
        }
    }

    /// The real adapter, connected to this simulator over HTTP.
    pub fn gateway(&self) -> CloudApi {
        self.gateway.clone()
    }

    /// A gateway to this simulator without sockets.
    pub fn in_process_gateway(&self) -> InProcessGateway {
        InProcessGateway { shared: Arc::clone(&self.shared) }
    }

    /// The simulator's number, of tenant `main`, at the simulator's rate.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The token that requests must carry.
    pub fn access_token(&self) -> SecretString {
        self.shared.secrets.access_token.clone()
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

/// What a simulator knows; it goes through serde and back into [`SimulatorBuilder::restore`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SimulatorState {
    seed: u64,
    state: State,
}

/// A simulator that has not been started.
#[derive(Debug)]
#[must_use = "nothing runs before start()"]
pub struct SimulatorBuilder {
    seed: u64,
    port: u16,
    rate: u32,
    faults: Faults,
    clock: Arc<dyn Clock>,
    templates: Vec<Approved>,
    keep_statuses: usize,
    answer_after: Duration,
    state: State,
}

impl SimulatorBuilder {
    /// What decides the fate of each message; the secrets follow from it too. Default: 1.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The port on 127.0.0.1. Default: 0, any free one.
    pub fn port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// The throughput of the number in messages a second, as many at once. Default: 1,000, that
    /// of an upgraded number ("Throughput", Meta, 2026-09-11).
    pub fn rate(self, messages_per_second: u32) -> Self {
        Self { rate: messages_per_second.max(1), ..self }
    }

    /// How often things go wrong. Default: [`Faults::mild`].
    pub fn faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// Time. Default: the machine's.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// How long each answer takes. Default: no time.
    pub fn answer_after(self, duration: Duration) -> Self {
        Self { answer_after: duration, ..self }
    }

    /// Of how many messages there may be something left to tell; of those beyond nothing is
    /// told. Default: 2,000,000.
    pub fn keep_statuses(self, messages: usize) -> Self {
        Self { keep_statuses: messages, ..self }
    }

    /// One more approved template; of header and footer nothing is kept.
    ///
    /// Approved from the beginning, all in `en_US`: `diwali_offer` (marketing, two by position),
    /// `order_update` (utility, two by position), `visit_booked` (utility, `first_name` and
    /// `date`) and `hello_world` (utility, none).
    pub fn template(mut self, definition: &TemplateDefinition) -> Self {
        let approved = Approved::of(definition);
        self.templates.retain(|other| other.name != approved.name || other.language != approved.language);
        self.templates.push(approved);
        self
    }

    /// Goes on from a saved state, with its seed.
    pub fn restore(self, saved: SimulatorState) -> Self {
        Self { seed: saved.seed, state: saved.state, ..self }
    }

    /// Opens the port and runs on the current tokio runtime until the simulator is dropped.
    ///
    /// # Errors
    /// [`SimulatorError::Port`] when the port cannot be had.
    pub async fn start(self) -> Result<Simulator, SimulatorError> {
        let opening = |source| SimulatorError::Port { port: self.port, source };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let listener = TcpListener::bind(address).await.map_err(opening)?;
        let url = format!("http://{}", listener.local_addr().map_err(opening)?);
        let sender = Sender::new(
            NumberId::parse(NUMBER_ID)?,
            WABA,
            TenantId::parse("main")?,
            SecretRef::named(SECRET),
        )
        .with_rate(self.rate);
        let meta = Meta {
            seed: self.seed,
            faults: self.faults,
            templates: self.templates,
            rate: self.rate,
            keep_statuses: self.keep_statuses,
            state: self.state,
        };
        let shared = Arc::new(Shared::new(meta, self.clock, self.answer_after));
        let secrets = FixedSecrets::new().with(SECRET, shared.secrets.access_token.clone());
        let gateway = CloudApi::new(CloudApiConfig::default().with_base_url(&url)?, Arc::new(secrets))?;
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .map_err(|source| CloudApiError::Client { source: source.into() })?;

        let (stop, stopped) = oneshot::channel::<()>();
        let service =
            http::router(Arc::clone(&shared)).into_make_service_with_connect_info::<socket::Scissors>();
        let server = axum::serve(socket::Door(listener), service)
            .with_graceful_shutdown(async move { drop(stopped.await) });
        drop(tokio::spawn(async move { server.await }));
        let mut courier = JoinSet::new();
        courier.spawn(courier::run(Arc::clone(&shared), client));
        Ok(Simulator { shared, url, gateway, sender, _courier: courier, _stop: stop })
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
