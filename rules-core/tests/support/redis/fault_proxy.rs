//! Stands between a client and a server on 127.0.0.1 and spoils what passes, byte by byte: delays,
//! cuts, stalls, lost answers, single bytes, refused connections. It knows nothing of Redis but that
//! an answer follows a question, so it serves before an HTTP server too.
//!
//! ```text
//! let proxy = FaultProxy::start(server.address());
//! let store = connect(&proxy.url()).await; // the client under test
//! proxy.lose_answers_to("EVALSHA", 1);
//! store.enqueue(parcel).await; // the server did it, the client doesn't know
//! assert_eq!(proxy.counts().lost, 1); // the fault that was meant did happen
//! proxy.heal();
//! ```
//!
//! Faults change at any time and hold for connections that are open already. The proxy has a thread
//! and a runtime of its own, so a test may block, and paused time does not touch it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime;
use tokio::sync::watch;
use tokio::time::Instant;

#[path = "fault_proxy/chaos.rs"]
mod chaos;
pub(crate) use chaos::Chaos;

#[path = "fault_proxy/link.rs"]
mod link;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

/// How a client's connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// In order: the client reads the end of the stream.
    Fin,
    /// Hard: the client gets "connection reset".
    Rst,
}

/// What has happened since the start. A test asserts that the fault it meant is among it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Connections that were let through to the server.
    pub(crate) connections: u64,
    /// Connections that were closed before their first byte, as asked.
    pub(crate) refused: u64,
    /// Connections that were closed because the server was not there.
    pub(crate) unreachable: u64,
    /// Pieces that waited.
    pub(crate) delayed: u64,
    /// Pieces that were held by a stall.
    pub(crate) stalled: u64,
    /// Pieces that were passed on byte by byte.
    pub(crate) chopped: u64,
    /// Connections that were cut.
    pub(crate) cut: u64,
    /// Connections whose question reached the server and whose answer was thrown away.
    pub(crate) lost: u64,
    /// Bytes that were passed on.
    pub(crate) to_server: u64,
    pub(crate) to_client: u64,
}

/// The faults of one direction.
#[derive(Clone, Debug, Default)]
struct Spoiled {
    delay: Duration,
    chop: bool,
    stall: Option<Stall>,
    /// Bytes until the cut.
    cut: Option<(u64, Ending)>,
}

#[derive(Clone, Copy, Debug)]
enum Stall {
    Until(Instant),
    ForNow,
}

impl Stall {
    fn holds(&self) -> bool {
        match self {
            Self::Until(end) => Instant::now() < *end,
            Self::ForNow => true,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Faults {
    to_server: Spoiled,
    to_client: Spoiled,
    /// Answers to questions with these bytes; how many are still to be lost.
    lose: Option<(Vec<u8>, u32)>,
    /// Which way nothing passes any more once a question with these bytes has come.
    trap: Option<(Vec<u8>, Direction)>,
    refuse: u32,
    chaos: Option<Chaos>,
    /// Goes up when all connections are to be reset.
    resets: u64,
    over: bool,
}

impl Faults {
    fn of(&mut self, direction: Direction) -> &mut Spoiled {
        match direction {
            Direction::ToServer => &mut self.to_server,
            Direction::ToClient => &mut self.to_client,
        }
    }

    fn when(&self, direction: Direction) -> &Spoiled {
        match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        }
    }
}

/// What the handle and all connections share.
#[derive(Debug)]
struct Desk {
    faults: watch::Sender<Faults>,
    counts: Mutex<Counts>,
}

impl Desk {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes faults quietly and says what came of it; nobody waits for such a change.
    fn take<T>(&self, change: impl FnOnce(&mut Faults) -> T) -> Option<T> {
        let mut taken = None;
        self.faults.send_if_modified(|faults| {
            taken = Some(change(faults));
            false
        });
        taken
    }
}

/// A proxy before one server. It ends with this handle, and its connections with it.
#[derive(Debug)]
pub(crate) struct FaultProxy {
    address: SocketAddr,
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// Starts a proxy without faults on a free port.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listen = || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            listener.set_nonblocking(true)?;
            Ok::<_, std::io::Error>((listener.local_addr()?, listener))
        };
        let (address, listener) =
            listen().unwrap_or_else(|error| panic!("the proxy does not listen: {error}"));
        let desk = Arc::new(Desk { faults: watch::Sender::default(), counts: Mutex::default() });
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.unwrap_or_else(|error| panic!("the proxy has no runtime: {error}"));
        let accepting = link::accept(listener, server, Arc::clone(&desk));
        let thread = thread::spawn(move || runtime.block_on(accepting));
        Self { address, desk, thread: Some(thread) }
    }

    /// Where clients connect to.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// `redis://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.desk.counts()
    }

    /// Each piece waits this long before it is passed on.
    pub(crate) fn delay(&self, direction: Direction, wait: Duration) {
        self.change(|faults| faults.of(direction).delay = wait);
    }

    /// Each byte is passed on alone.
    pub(crate) fn chop(&self, direction: Direction) {
        self.change(|faults| faults.of(direction).chop = true);
    }

    /// Nothing passes until [`Self::flow`]; connections stay open.
    pub(crate) fn stall(&self, direction: Direction) {
        self.change(|faults| faults.of(direction).stall = Some(Stall::ForNow));
    }

    /// Nothing passes for a time.
    pub(crate) fn stall_for(&self, direction: Direction, time: Duration) {
        let end = Instant::now() + time;
        self.change(|faults| faults.of(direction).stall = Some(Stall::Until(end)));
    }

    /// As [`Self::stall`], from the next question on that contains this word in any case: that question
    /// is the first that is held, or its answer is.
    pub(crate) fn stall_at(&self, word: &str, direction: Direction) {
        self.change(|faults| faults.trap = Some((word.as_bytes().to_vec(), direction)));
    }

    /// Ends a stall; what was held is passed on.
    pub(crate) fn flow(&self, direction: Direction) {
        self.change(|faults| faults.of(direction).stall = None);
    }

    /// Once this many more bytes have gone that way, on whichever connection, that connection is cut,
    /// and no other one. What reached the server until then has been done when the client learns it.
    pub(crate) fn cut_after(&self, direction: Direction, bytes: u64, ending: Ending) {
        self.change(|faults| faults.of(direction).cut = Some((bytes, ending)));
    }

    /// The next questions reach the server; their answers are thrown away and their connections closed.
    pub(crate) fn lose_answers(&self, times: u32) {
        self.lose_answers_to("", times);
    }

    /// As [`Self::lose_answers`], for questions that contain this word in any case.
    pub(crate) fn lose_answers_to(&self, word: &str, times: u32) {
        self.change(|faults| faults.lose = (times > 0).then(|| (word.as_bytes().to_vec(), times)));
    }

    /// The next connections are reset before their first byte.
    pub(crate) fn refuse(&self, times: u32) {
        self.change(|faults| faults.refuse = times);
    }

    /// Resets all open connections now.
    pub(crate) fn reset_all(&self) {
        self.change(|faults| faults.resets += 1);
    }

    /// Faults at random, beside those that are set, until [`Self::heal`].
    pub(crate) fn chaos(&self, chaos: Chaos) {
        self.change(|faults| faults.chaos = Some(chaos));
    }

    /// Takes all faults back. Connections that are open go on.
    pub(crate) fn heal(&self) {
        self.change(|faults| *faults = Faults { resets: faults.resets, ..Faults::default() });
    }

    fn change(&self, change: impl FnOnce(&mut Faults)) {
        self.desk.faults.send_modify(change);
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.change(|faults| faults.over = true);
        drop(self.thread.take().map(JoinHandle::join));
    }
}
