use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use rules_core::work::clock::{Clock, SystemClock};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::shared::Shared;
use super::world::World;
use super::{Simulator, SimulatorError, courier, http, socket};

/// A simulator that has not been started.
#[derive(Debug)]
#[must_use = "nothing runs before start()"]
pub struct SimulatorBuilder {
    world: World,
    clock: Arc<dyn Clock>,
    skew: TimeDelta,
    answer_after: Duration,
    port: u16,
}

impl SimulatorBuilder {
    pub(super) fn of(world: World) -> Self {
        let clock = Arc::new(SystemClock);
        Self { world, clock, skew: TimeDelta::zero(), answer_after: Duration::ZERO, port: 0 }
    }

    /// Time. Default: the machine's. A world that begins later than the clock waits for it; one
    /// that begins earlier catches up at once.
    pub fn clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// By how much Amazon's clock is ahead of this one. Default: nothing.
    pub fn skew(self, skew: TimeDelta) -> Self {
        Self { skew, ..self }
    }

    /// How long each answer takes. Default: no time.
    pub fn answer_after(self, duration: Duration) -> Self {
        Self { answer_after: duration, ..self }
    }

    /// The port on 127.0.0.1. Default: 0, any free one.
    pub fn port(self, port: u16) -> Self {
        Self { port, ..self }
    }

    /// Opens the port and runs on the current tokio runtime until the simulator is dropped.
    ///
    /// # Errors
    /// [`SimulatorError::Port`] when the port cannot be had.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn start(self) -> Result<Simulator, SimulatorError> {
        let port = self.port;
        let opening = |source| SimulatorError::Port { port, source };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(address).await.map_err(opening)?;
        let url = format!("http://{}", listener.local_addr().map_err(opening)?);
        let (stop, stopped) = oneshot::channel::<()>();
        let mut simulator = self.start_in_process();
        simulator.url = url;
        simulator.door = Some(stop);
        let service = http::router(Arc::clone(&simulator.shared))
            .into_make_service_with_connect_info::<socket::Scissors>();
        let server = axum::serve(socket::Door(listener), service)
            .with_graceful_shutdown(async move { drop(stopped.await) });
        drop(tokio::spawn(async move { server.await }));
        Ok(simulator)
    }

    /// Runs on the current tokio runtime without any socket: the ports are the way in, and
    /// notifications come where [`Simulator::deliver_notices_to`] says. For virtual time.
    pub fn start_in_process(self) -> Simulator {
        let shared = Arc::new(Shared::new(self.world, self.clock, self.skew, self.answer_after));
        let mut tasks = JoinSet::new();
        tasks.spawn(courier::run(Arc::clone(&shared)));
        Simulator { shared, url: super::NOWHERE.to_owned(), door: None, _tasks: tasks }
    }
}
