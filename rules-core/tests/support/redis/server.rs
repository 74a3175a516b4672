//! One server, its port and its folder, which outlive the server's process.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::program::{self, Process};
use super::reply::{Connection, Door, Reply};
use super::shared::random;

/// Until a server has read its files and answers; a busy machine is slow, so this is generous.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// What the server writes to its folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// Nothing: a restart forgets everything.
    None,
    /// The append-only file, synced each second.
    EverySecond,
    /// The append-only file, synced before each answer.
    Always,
}

/// How a server is started.
#[derive(Clone, Debug)]
pub(crate) struct ServerOptions {
    persistence: Persistence,
    port: bool,
    unix_socket: bool,
    tls: bool,
    config: Vec<(String, String)>,
}

impl ServerOptions {
    pub(crate) fn persistence(mut self, persistence: Persistence) -> Self {
        self.persistence = persistence;
        self
    }

    /// Bounds the memory, such as `"3mb"`, and says what happens there, such as `"noeviction"`.
    pub(crate) fn memory(self, limit: &str, policy: &str) -> Self {
        self.config("maxmemory", limit).config("maxmemory-policy", policy)
    }

    /// Listens on a unix socket too.
    pub(crate) fn unix_socket(mut self) -> Self {
        self.unix_socket = true;
        self
    }

    /// Listens on a unix socket alone.
    pub(crate) fn only_unix_socket(mut self) -> Self {
        self.port = false;
        self.unix_socket()
    }

    /// Listens with TLS on another port too; the lines name the certificate.
    pub(crate) fn tls(self, lines: &[(&'static str, String)]) -> Self {
        lines.iter().fold(Self { tls: true, ..self }, |options, (name, value)| options.config(name, value))
    }

    /// One more line of `redis.conf`; the value is one word.
    pub(crate) fn config(mut self, name: &str, value: &str) -> Self {
        self.config.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts the server and waits until it answers.
    pub(crate) fn start(self) -> RedisServer {
        let folder = tempfile::Builder::new()
            .prefix("redis-")
            .tempdir()
            .unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        for _ in 0..10 {
            let [port, tls_port] = [self.port, self.tls].map(|wanted| if wanted { free_port() } else { 0 });
            let arguments = self.arguments(port, tls_port, folder.path());
            let process = Process::start(&program::path(), &arguments, folder.path());
            match ready(process, &self.door(port, folder.path())) {
                Ok(process) => {
                    return RedisServer { process: Some(process), options: self, port, tls_port, folder };
                }
                // Somebody else took the port in between.
                Err(_) if log(folder.path()).contains("Address already in use") => {}
                Err(error) => panic!("the Redis server did not start: {error}\n{}", log(folder.path())),
            }
        }
        panic!("ten ports in turn were taken by others")
    }

    fn arguments(&self, port: u16, tls_port: u16, folder: &Path) -> Vec<String> {
        let (append_only, sync) = match self.persistence {
            Persistence::None => ("no", "no"),
            Persistence::EverySecond => ("yes", "everysec"),
            Persistence::Always => ("yes", "always"),
        };
        let [port, tls_port] = [port, tls_port].map(|port| port.to_string());
        let (folder_name, socket) = (folder.display().to_string(), socket(folder).display().to_string());
        let mut config = vec![
            ("bind", "127.0.0.1"),
            ("port", &port),
            ("dir", &folder_name),
            ("logfile", "redis.log"),
            ("daemonize", "no"),
            ("save", ""),
            ("appendonly", append_only),
            ("appendfsync", sync),
            ("enable-debug-command", "yes"),
        ];
        if self.unix_socket {
            config.push(("unixsocket", &socket));
        }
        if self.tls {
            config.push(("tls-port", &tls_port));
        }
        config.extend(self.config.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        config.iter().flat_map(|(name, value)| [format!("--{name}"), (*value).to_owned()]).collect()
    }

    /// Where the tests' own questions go.
    fn door(&self, port: u16, folder: &Path) -> Door {
        if self.port { Door::Port(port) } else { Door::Socket(socket(folder)) }
    }
}

/// A real server that is private to its test.
#[derive(Debug)]
pub(crate) struct RedisServer {
    /// None while it is down. The process ends before its folder goes.
    process: Option<Process>,
    options: ServerOptions,
    port: u16,
    tls_port: u16,
    folder: TempDir,
}

impl RedisServer {
    /// Starts a server on a free port of 127.0.0.1.
    pub(crate) fn start(persistence: Persistence) -> Self {
        Self::options().persistence(persistence).start()
    }

    /// A server on a free port that keeps nothing; `.start()` starts it.
    pub(crate) fn options() -> ServerOptions {
        let (persistence, config) = (Persistence::None, Vec::new());
        ServerOptions { persistence, port: true, unix_socket: false, tls: false, config }
    }

    /// `redis://127.0.0.1:PORT`, or the socket's URL where there is no port.
    pub(crate) fn url(&self) -> String {
        if self.options.port { format!("redis://{}", self.address()) } else { self.unix_url() }
    }

    /// `redis+unix:///FOLDER/redis.sock`; only with a unix socket.
    pub(crate) fn unix_url(&self) -> String {
        assert!(self.options.unix_socket, "the server has no unix socket");
        format!("redis+unix://{}", socket(self.folder()).display())
    }

    /// Where it listens; only with a port.
    pub(crate) fn address(&self) -> SocketAddr {
        assert!(self.options.port, "the server has no port");
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens with TLS; only with that.
    pub(crate) fn tls_port(&self) -> u16 {
        assert!(self.options.tls, "the server has no port for TLS");
        self.tls_port
    }

    /// Holds its files and, in `redis.log`, its log.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the server wrote to its log.
    pub(crate) fn log(&self) -> String {
        log(self.folder())
    }

    /// Asks over a connection of its own, apart from the client under test.
    ///
    /// # Panics
    /// When the server does not answer within ten seconds.
    pub(crate) fn command(&self, words: &[&str]) -> Reply {
        self.try_command(words).unwrap_or_else(|error| panic!("{words:?} got no answer: {error}"))
    }

    /// As [`Self::command`], for a server that may be down.
    pub(crate) fn try_command(&self, words: &[&str]) -> io::Result<Reply> {
        Connection::to(&self.options.door(self.port, self.folder()))?.ask(words)
    }

    /// True between a start and the next kill.
    pub(crate) fn is_up(&self) -> bool {
        self.process.is_some()
    }

    /// SIGKILL: the process is gone at once, its connections are closed, its folder stays.
    pub(crate) fn kill(&mut self) {
        let process = self.process.take().unwrap_or_else(|| panic!("the server is down already"));
        process.signal("KILL");
        process.wait();
    }

    /// SIGTERM: what is in memory is synced first.
    pub(crate) fn shut_down(&mut self) {
        let process = self.process.take().unwrap_or_else(|| panic!("the server is down already"));
        process.signal("TERM");
        process.wait();
    }

    /// Starts a server that is down again, on its port and in its folder. Its scripts are gone, and so
    /// is its data unless it is persistent.
    pub(crate) fn start_again(&mut self) {
        assert!(self.process.is_none(), "the server is up");
        let arguments = self.options.arguments(self.port, self.tls_port, self.folder());
        let process = Process::start(&program::path(), &arguments, self.folder());
        let process = ready(process, &self.options.door(self.port, self.folder()))
            .unwrap_or_else(|error| panic!("the Redis server did not start again: {error}\n{}", self.log()));
        self.process = Some(process);
    }

    /// Bytes in the append-only file: a mark for [`Self::lose_after`].
    pub(crate) fn written(&self) -> u64 {
        fs::metadata(append_only_file(self.folder())).map_or(0, |file| file.len())
    }

    /// Throws away what a server that is down wrote after the mark, as a power cut does with what was
    /// not synced. A SIGKILL alone loses nothing that was answered, because the system still has it.
    pub(crate) fn lose_after(&self, mark: u64) {
        assert!(self.process.is_none(), "the server is up");
        let cut = || fs::OpenOptions::new().write(true).open(append_only_file(self.folder()))?.set_len(mark);
        cut().unwrap_or_else(|error: io::Error| panic!("the append-only file was not cut: {error}"));
    }

    /// What was written after the mark.
    pub(crate) fn written_after(&self, mark: u64) -> Vec<u8> {
        let whole = fs::read(append_only_file(self.folder())).unwrap_or_default();
        whole.get(usize::try_from(mark).unwrap_or(usize::MAX)..).unwrap_or_default().to_vec()
    }

    /// SIGSTOP: connections stay open and nothing answers until [`Self::resume`].
    pub(crate) fn suspend(&self) {
        self.up().signal("STOP");
    }

    /// SIGCONT: what came in meanwhile is answered.
    pub(crate) fn resume(&self) {
        self.up().signal("CONT");
    }

    fn up(&self) -> &Process {
        self.process.as_ref().unwrap_or_else(|| panic!("the server is down"))
    }
}

/// Waits until this very process answers, and not another one that took its port.
fn ready(mut process: Process, door: &Door) -> Result<Process, String> {
    let give_up = Instant::now() + READY_WITHIN;
    let mine = format!("process_id:{}\r\n", process.id());
    loop {
        if process.has_ended() {
            return Err("it ended at once".to_owned());
        }
        // While it reads its files it answers PING with an error.
        let mut connection = Connection::to(door).ok();
        let mut ask = |words: &[&str]| connection.as_mut().and_then(|connection| connection.ask(words).ok());
        let pong = ask(&["PING"]).is_some_and(|reply| reply.text() == Some("PONG"));
        let info = if pong { ask(&["INFO", "server"]) } else { None };
        if let Some(info) = info.as_ref().and_then(Reply::text).filter(|info| info.contains(&mine)) {
            let version = info.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or("?");
            let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
            if major.is_none_or(|major| major < 7) {
                return Err(format!("it is Redis {version}; Redis 7.0 or newer, or Valkey, is needed"));
            }
            return Ok(process);
        }
        if give_up < Instant::now() {
            return Err(format!("it did not answer within {} s", READY_WITHIN.as_secs()));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// A port below those that outgoing connections get, so that nobody takes it while its server is down.
pub(super) fn free_port() -> u16 {
    let listens = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let candidates = std::iter::repeat_with(|| 20_000 + (random() % 12_000) as u16);
    candidates.take(1_000).find(listens).unwrap_or_else(|| panic!("no free port from 20000 to 32000"))
}

/// The file that grows; there is one until the server writes it anew.
fn append_only_file(folder: &Path) -> PathBuf {
    folder.join("appendonlydir/appendonly.aof.1.incr.aof")
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("redis.sock")
}

fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join("redis.log")).unwrap_or_default()
}
