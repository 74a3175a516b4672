//! One connection through the proxy: two pumps, and what each does to a piece before it passes it on.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, sleep_until, timeout};

use super::chaos::{Dice, Misfortune};
use super::{Desk, Direction, Ending, Stall};

const PIECE: usize = 16 * 1024;
/// For what was passed on before a cut; a server that is suspended does not finish it.
const SERVER_FINISHES_WITHIN: Duration = Duration::from_secs(5);

/// Why a connection ends before its time.
#[derive(Clone, Copy, Debug)]
struct End {
    ending: Ending,
    /// The server does what it got before the client learns of the end.
    server_first: bool,
}

/// Serves until the handle is dropped.
pub(super) async fn accept(listener: std::net::TcpListener, server: SocketAddr, desk: Arc<Desk>) {
    let listener = TcpListener::from_std(listener).unwrap_or_else(|error| panic!("no listener: {error}"));
    let mut faults = desk.faults.subscribe();
    let mut number = 0;
    loop {
        tokio::select! {
            over = faults.wait_for(|faults| faults.over) => {
                drop(over);
                return; // all connections end with this runtime
            }
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    number += 1;
                    tokio::spawn(serve(client, server, number, Arc::clone(&desk)));
                }
            }
        }
    }
}

async fn serve(mut client: TcpStream, server: SocketAddr, number: u64, desk: Arc<Desk>) {
    if is_refused(&desk, number) {
        desk.counts().refused += 1;
        return close(client, Ending::Rst).await;
    }
    let mut faults = desk.faults.subscribe();
    let resets = faults.borrow_and_update().resets;
    let Ok(mut server) = TcpStream::connect(server).await else {
        desk.counts().unreachable += 1;
        return close(client, Ending::Rst).await;
    };
    drop(client.set_nodelay(true).and(server.set_nodelay(true)));
    desk.counts().connections += 1;
    let losing = AtomicBool::new(false);
    let end = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let pump =
            |direction| Pump { desk: &desk, direction, losing: &losing, dice: Dice::new(number, direction) };
        let pumps = async {
            tokio::try_join!(
                pump(Direction::ToServer).run(from_client, to_server),
                pump(Direction::ToClient).run(from_server, to_client),
            )
        };
        tokio::select! {
            // What a stall holds is gone with a reset, even if the stall ends at once.
            biased;
            reset = faults.wait_for(|faults| faults.resets != resets) => {
                drop(reset);
                desk.counts().cut += 1;
                Some(End { ending: Ending::Rst, server_first: false })
            }
            ended = pumps => ended.err(),
        }
    };
    let Some(end) = end else { return };
    if end.server_first {
        // A Redis server reads to the end of the stream, does what it read and then closes.
        let finish = async {
            server.shutdown().await?;
            tokio::io::copy(&mut server, &mut tokio::io::sink()).await
        };
        drop(timeout(SERVER_FINISHES_WITHIN, finish).await);
    }
    close(client, end.ending).await;
}

fn is_refused(desk: &Desk, number: u64) -> bool {
    let refused = desk.take(|faults| {
        let asked = faults.refuse > 0;
        faults.refuse = faults.refuse.saturating_sub(1);
        // The throws of connection 0 decide about connections; those of the others about pieces.
        let chance = |chaos| Dice::new(number << 32, Direction::ToServer).refuses(chaos);
        asked || faults.chaos.as_ref().is_some_and(chance)
    });
    refused.unwrap_or_default()
}

async fn close(mut client: TcpStream, ending: Ending) {
    match ending {
        Ending::Rst => drop(client.set_zero_linger()),
        Ending::Fin => {
            // Bytes that nobody read would turn the end into a reset.
            drop(client.shutdown().await);
            let rest = async { tokio::io::copy(&mut client, &mut tokio::io::sink()).await };
            drop(timeout(SERVER_FINISHES_WITHIN, rest).await);
        }
    }
}

struct Pump<'l> {
    desk: &'l Desk,
    direction: Direction,
    /// The connection's next answer is thrown away.
    losing: &'l AtomicBool,
    dice: Dice,
}

impl Pump<'_> {
    /// Passes on what comes until its end, or until the connection must end.
    async fn run(mut self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Result<(), End> {
        let broken = |_| End { ending: Ending::Rst, server_first: false };
        let mut buffer = vec![0; PIECE];
        let mut tail = Vec::new();
        loop {
            let length = from.read(&mut buffer).await.map_err(broken)?;
            let (piece, _) = buffer.split_at(length);
            if piece.is_empty() {
                return to.shutdown().await.map_err(broken);
            }
            let chaos = self.desk.faults.borrow().chaos;
            let luck = chaos.map(|chaos| self.dice.misfortune(&chaos, length)).unwrap_or_default();
            self.lose(piece, &mut tail, luck.lose)?;
            self.wait(&luck).await;
            let cut = self.cut(length).or(luck.cut);
            let (passed, _) = piece.split_at(cut.map_or(length, |(kept, _)| kept));
            self.pass_on(passed, &mut to, luck.chop).await.map_err(broken)?;
            if let Some((_, ending)) = cut {
                self.desk.counts().cut += 1;
                return Err(End { ending, server_first: true });
            }
        }
    }

    /// Marks the connection when its question's answer is to be lost; drops that answer. Springs the
    /// trap when this is the question it waits for.
    fn lose(&self, piece: &[u8], tail: &mut Vec<u8>, unlucky: bool) -> Result<(), End> {
        if self.direction == Direction::ToClient {
            if self.losing.load(Ordering::Relaxed) {
                self.desk.counts().lost += 1;
                return Err(End { ending: Ending::Fin, server_first: true });
            }
            return Ok(());
        }
        tail.extend_from_slice(piece);
        let chosen = self.desk.take(|faults| {
            if let Some((_, direction)) = faults.trap.take_if(|(word, _)| holds(tail, word)) {
                faults.of(direction).stall = Some(Stall::ForNow);
            }
            let chosen = faults.lose.as_ref().is_some_and(|(word, _)| holds(tail, word));
            if chosen {
                faults.lose =
                    faults.lose.take().map(|(word, times)| (word, times - 1)).filter(|(_, times)| 0 < *times);
            }
            // A word may lie across two pieces.
            let longest = faults.lose.as_ref().map_or(0, |(word, _)| word.len());
            let longest = faults.trap.as_ref().map_or(longest, |(word, _)| longest.max(word.len()));
            let kept = if chosen { 0 } else { longest.saturating_sub(1) };
            tail.drain(..tail.len().saturating_sub(kept));
            chosen
        });
        if chosen == Some(true) || unlucky {
            self.losing.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn wait(&self, luck: &Misfortune) {
        let mut faults = self.desk.faults.subscribe();
        let mut held = false;
        loop {
            let stall = faults.borrow_and_update().when(self.direction).stall;
            let Some(stall) = stall.filter(Stall::holds) else { break };
            if !held {
                held = true;
                self.desk.counts().stalled += 1;
            }
            match stall {
                Stall::ForNow => drop(faults.changed().await),
                Stall::Until(end) => tokio::select! {
                    changed = faults.changed() => drop(changed),
                    () = sleep_until(end) => {}
                },
            }
        }
        let delay = faults.borrow().when(self.direction).delay + luck.delay.unwrap_or_default();
        if delay > Duration::ZERO {
            self.desk.counts().delayed += 1;
            sleep(delay).await;
        }
    }

    /// How much of a piece is passed on before the cut that was asked for.
    fn cut(&self, length: usize) -> Option<(usize, Ending)> {
        let cut = self.desk.take(|faults| {
            let spoiled = faults.of(self.direction);
            let (left, ending) = spoiled.cut?;
            let kept = usize::try_from(left).ok().filter(|left| *left <= length);
            spoiled.cut = if kept.is_some() { None } else { Some((left - length as u64, ending)) };
            Some((kept?, ending))
        });
        cut.flatten()
    }

    async fn pass_on(&self, piece: &[u8], to: &mut WriteHalf<'_>, unlucky: bool) -> std::io::Result<()> {
        let chop = unlucky || self.desk.faults.borrow().when(self.direction).chop;
        self.count(piece, chop); // first, since who reads the piece may look at the counts at once
        if chop {
            for byte in piece {
                to.write_all(std::slice::from_ref(byte)).await?;
                tokio::task::yield_now().await;
            }
        } else {
            to.write_all(piece).await?;
        }
        Ok(())
    }

    fn count(&self, piece: &[u8], chop: bool) {
        let mut counts = self.desk.counts();
        counts.chopped += u64::from(chop && piece.len() > 1);
        match self.direction {
            Direction::ToServer => counts.to_server += piece.len() as u64,
            Direction::ToClient => counts.to_client += piece.len() as u64,
        }
    }
}

fn holds(bytes: &[u8], word: &[u8]) -> bool {
    word.is_empty() || bytes.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}
