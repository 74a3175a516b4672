//! The threads that read, each on its own connection and snapshot.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction};
use tokio::sync::oneshot;

use super::SqliteError;

const THREADS: usize = 2;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

#[derive(Debug)]
pub(super) struct Readers {
    jobs: Sender<Job>,
    reads: AtomicU64,
}

impl Readers {
    pub(super) fn start(path: &Path) -> Result<Self, SqliteError> {
        let (jobs, inbox) = channel::<Job>();
        let inbox = Arc::new(Mutex::new(inbox));
        for number in 1..=THREADS {
            let mut connection = open(path)?;
            let inbox = Arc::clone(&inbox);
            thread::Builder::new()
                .name(format!("sqlite-reader-{number}"))
                .spawn(move || {
                    while let Ok(job) = next(&inbox) {
                        job(&mut connection);
                    }
                })
                .map_err(|source| SqliteError::Open { path: path.to_owned(), source: Arc::new(source) })?;
        }
        Ok(Self { jobs, reads: AtomicU64::new(0) })
    }

    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Ordering::Relaxed)
    }

    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, SqliteError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, SqliteError> + Send + 'static,
    {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let (answer, outcome) = oneshot::channel();
        let stopped = || SqliteError::Stopped { source: None };
        let job: Job = Box::new(move |connection| {
            let value = connection.transaction().map_err(SqliteError::from).and_then(|tx| work(&tx));
            // The caller may have gone; a read leaves nothing behind.
            answer.send(value).ok();
        });
        self.jobs.send(job).map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }
}

fn next(inbox: &Mutex<Receiver<Job>>) -> Result<Job, std::sync::mpsc::RecvError> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner).recv()
}

fn open(path: &Path) -> Result<Connection, SqliteError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        // Reads go forward through a file that the operating system caches anyway.
        connection.pragma_update(None, "cache_size", -2_048)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(connection)
    });
    opened.map_err(|source| SqliteError::Open { path: path.to_owned(), source: Arc::new(source) })
}
