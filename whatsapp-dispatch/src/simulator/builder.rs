use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use rules_core::judge::tenant::TenantId;
use rules_core::work::clock::{Clock, SystemClock};
use rules_core::work::secrets::SecretRef;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::meta::{Meta, State};
use super::shared::Shared;
use super::templates::Approved;
use super::{Faults, Simulator, SimulatorError, SimulatorState, courier, http, socket};
use crate::adapters::cloud_api::{CloudApi, CloudApiConfig, CloudApiError};
use crate::sender::{NumberId, Sender};
use crate::template::TemplateDefinition;

pub(super) const NUMBER_ID: &str = "106000000000001";
const WABA: &str = "104000000000001";
const SECRET: &str = "simulator";

/// A simulator that has not been started.
#[derive(Debug)]
#[must_use = "nothing runs before start()"]
pub struct SimulatorBuilder {
    seed: u64,
    port: u16,
    rate: u32,
    numbers: Vec<Sender>,
    faults: Faults,
    clock: Arc<dyn Clock>,
    templates: Vec<Approved>,
    keep_statuses: usize,
    messaging_limit: Option<u32>,
    answer_after: Duration,
    state: State,
}

impl Default for SimulatorBuilder {
    fn default() -> Self {
        Self {
            seed: 1,
            port: 0,
            rate: 1_000,
            numbers: Vec::new(),
            faults: Faults::mild(),
            clock: Arc::new(SystemClock),
            templates: Approved::defaults(),
            keep_statuses: 2_000_000,
            messaging_limit: None,
            answer_after: Duration::ZERO,
            state: State::default(),
        }
    }
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

    /// One more number, at its rate, of any tenant, account and portfolio; the access token is
    /// the same for all. A number is only added once.
    pub fn number(mut self, sender: Sender) -> Self {
        self.numbers.push(sender);
        self
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

    /// How many different people each portfolio may begin a conversation with in any 24 hours, all
    /// its numbers together: messages to others are taken and fail with 131048 ("Messaging
    /// limits": 250, 2,000, 10,000 or 100,000). Default: as many as there are.
    pub fn messaging_limit(self, people: u32) -> Self {
        Self { messaging_limit: Some(people), ..self }
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
        let (stop, stopped) = oneshot::channel::<()>();
        let simulator = self.start_at(url, Some(stop))?;
        let service = http::router(Arc::clone(&simulator.shared))
            .into_make_service_with_connect_info::<socket::Scissors>();
        let server = axum::serve(socket::Door(listener), service)
            .with_graceful_shutdown(async move { drop(stopped.await) });
        drop(tokio::spawn(async move { server.await }));
        Ok(simulator)
    }

    /// Runs on the current tokio runtime without any socket: [`Simulator::in_process_gateway`]
    /// and [`Simulator::deliver_webhooks_to`] are the ways in and out. For virtual time.
    ///
    /// # Errors
    /// [`SimulatorError`] when its parts cannot be put together; never in practice.
    pub fn start_in_process(self) -> Result<Simulator, SimulatorError> {
        self.start_at("http://127.0.0.1:0".to_owned(), None)
    }

    fn start_at(self, url: String, door: Option<oneshot::Sender<()>>) -> Result<Simulator, SimulatorError> {
        let (id, tenant) = (NumberId::parse(NUMBER_ID)?, TenantId::parse("main")?);
        let first = Sender::new(id, WABA, tenant, SecretRef::named(SECRET)).with_rate(self.rate);
        let mut numbers = vec![first.clone()];
        for other in self.numbers {
            if numbers.iter().all(|known| known.number_id != other.number_id) {
                numbers.push(other);
            }
        }
        let meta = Meta {
            seed: self.seed,
            faults: self.faults,
            numbers,
            templates: self.templates,
            keep_statuses: self.keep_statuses,
            messaging_limit: self.messaging_limit,
            state: self.state,
        };
        let shared = Arc::new(Shared::new(meta, self.clock, self.answer_after));
        let secrets = Arc::<Shared>::clone(&shared);
        let gateway = CloudApi::new(CloudApiConfig::default().with_base_url(&url)?, secrets)?;
        let client = Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(10))
            .build()
            .map_err(|source| CloudApiError::Client { source: source.into() })?;
        let mut courier = JoinSet::new();
        courier.spawn(courier::run(Arc::clone(&shared), client));
        Ok(Simulator { shared, url, gateway, first, _courier: courier, _door: door })
    }
}
