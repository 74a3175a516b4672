//! The one thread that writes.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::{Schema, SqliteError};
use crate::judge::fault::chain;

/// Pieces of work that share one transaction at most. Bounds how long a caller waits for others.
const GROUP: usize = 256;

/// When the last transaction was shared, more callers are probably on their way, and a sync costs
/// more than the wait for them: so many short waits, unless enough work has come.
const WAITS: u32 = 4;
const WAIT: Duration = Duration::from_micros(150);
const ENOUGH: usize = 8;

#[derive(Debug)]
pub(super) struct Writer {
    work: Sender<Job>,
    commits: Arc<AtomicU64>,
    applied: Arc<Mutex<HashSet<&'static str>>>,
}

/// What the thread is asked to do.
enum Job {
    Write(Box<dyn Work>),
    /// Write the file anew without what was deleted.
    Scrub(oneshot::Sender<Result<(), SqliteError>>),
}

/// Work that shares a transaction, and what is to be done after it.
#[derive(Default)]
struct Gathered {
    group: Vec<Box<dyn Work>>,
    scrub: Option<oneshot::Sender<Result<(), SqliteError>>>,
}

impl Gathered {
    fn add(&mut self, job: Job) {
        match job {
            Job::Write(work) => self.group.push(work),
            Job::Scrub(answer) => self.scrub = Some(answer),
        }
    }
}

/// One caller's work. Run in a transaction, perhaps again in another, then told how it ended.
trait Work: Send {
    fn schema(&self) -> &'static Schema;
    /// False when the work failed and its transaction must be rolled back.
    fn run(&mut self, tx: &Transaction<'_>) -> bool;
    fn end(self: Box<Self>, outcome: Result<(), SqliteError>);
}

struct Call<T, F> {
    schema: &'static Schema,
    work: F,
    value: Option<Result<T, SqliteError>>,
    answer: oneshot::Sender<Result<T, SqliteError>>,
}

impl<T, F> Work for Call<T, F>
where
    T: Send,
    F: FnMut(&Transaction<'_>) -> Result<T, SqliteError> + Send,
{
    fn schema(&self) -> &'static Schema {
        self.schema
    }

    fn run(&mut self, tx: &Transaction<'_>) -> bool {
        let value = (self.work)(tx);
        let fine = value.is_ok();
        self.value = Some(value);
        fine
    }

    fn end(self: Box<Self>, outcome: Result<(), SqliteError>) {
        let value = match (outcome, self.value) {
            (Err(error), _) => Err(error),
            (Ok(()), Some(value)) => value,
            (Ok(()), None) => Err(SqliteError::Stopped { source: None }),
        };
        // The caller may have gone; its work stands all the same.
        self.answer.send(value).ok();
    }
}

impl Writer {
    pub(super) fn start(path: &Path, cache_kib: u32) -> Result<Self, SqliteError> {
        let cannot = |error: rusqlite::Error| match SqliteError::from(error) {
            SqliteError::Statement { source } | SqliteError::Damaged { source } => {
                SqliteError::Open { path: path.to_owned(), source }
            }
            other => other,
        };
        let connection = Connection::open(path).map_err(cannot)?;
        prepare(&connection, cache_kib).map_err(cannot)?;
        let (work, inbox) = channel();
        let commits = Arc::new(AtomicU64::new(0));
        let applied = Arc::new(Mutex::new(HashSet::new()));
        let mut thread =
            WriterThread { connection, commits: Arc::clone(&commits), applied: Arc::clone(&applied) };
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || thread.serve(&inbox))
            .map_err(|source| SqliteError::Open { path: path.to_owned(), source: Arc::new(source) })?;
        Ok(Self { work, commits, applied })
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// True when the schema's tables are known to be of the newest version.
    pub(super) fn knows(&self, schema: &Schema) -> bool {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner).contains(schema.name)
    }

    pub(super) async fn run<T, F>(&self, schema: &'static Schema, work: F) -> Result<T, SqliteError>
    where
        T: Send + 'static,
        F: FnMut(&Transaction<'_>) -> Result<T, SqliteError> + Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let stopped = || SqliteError::Stopped { source: None };
        let call = Call { schema, work, value: None, answer };
        self.work.send(Job::Write(Box::new(call))).map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }

    pub(super) async fn scrub(&self) -> Result<(), SqliteError> {
        let (answer, outcome) = oneshot::channel();
        let stopped = || SqliteError::Stopped { source: None };
        self.work.send(Job::Scrub(answer)).map_err(|_| stopped())?;
        outcome.await.map_err(|_| stopped())?
    }
}

struct WriterThread {
    connection: Connection,
    commits: Arc<AtomicU64>,
    applied: Arc<Mutex<HashSet<&'static str>>>,
}

impl WriterThread {
    /// Serves until the last handle is gone.
    fn serve(&mut self, inbox: &Receiver<Job>) {
        let mut shared = false;
        while let Ok(first) = inbox.recv() {
            let mut jobs = Gathered::default();
            jobs.add(first);
            let mut waits = if shared { WAITS } else { 0 };
            while jobs.scrub.is_none() && jobs.group.len() < GROUP {
                if let Ok(next) = inbox.try_recv() {
                    jobs.add(next);
                } else if 0 < waits && jobs.group.len() < ENOUGH {
                    waits -= 1;
                    inbox.recv_timeout(WAIT).map(|next| jobs.add(next)).ok();
                } else {
                    break;
                }
            }
            let Gathered { group, scrub } = jobs;
            shared = 1 < group.len();
            self.commit(group);
            if let Some(answer) = scrub {
                // The caller may have gone; the file is scrubbed all the same.
                answer.send(self.scrub()).ok();
            }
        }
    }

    fn scrub(&self) -> Result<(), SqliteError> {
        self.connection.execute_batch("VACUUM")?;
        let busy: bool =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy { Err(SqliteError::Busy) } else { Ok(()) }
    }

    /// Commits the group. Work that fails is taken out and told so, and the rest runs again.
    fn commit(&mut self, mut group: Vec<Box<dyn Work>>) {
        let _span = tracing::trace_span!("sqlite.commit", calls = group.len()).entered();
        while !group.is_empty() {
            match self.attempt(&mut group) {
                Ok(()) => {
                    self.commits.fetch_add(1, Ordering::Relaxed);
                    #[cfg(feature = "metrics")]
                    {
                        metrics::counter!("sqlite_commits_total").increment(1);
                        metrics::counter!("sqlite_commit_calls_total").increment(group.len() as u64);
                    }
                    for work in group {
                        work.end(Ok(()));
                    }
                    return;
                }
                Err(Failed::One(index)) => group.remove(index).end(Ok(())),
                Err(Failed::Schema(index, error)) => group.remove(index).end(Err(error)),
                Err(Failed::All(error)) => {
                    tracing::error!(error = %chain(&error), calls = group.len(), "a commit failed; nothing of it remains");
                    for work in group {
                        work.end(Err(error.clone()));
                    }
                    return;
                }
            }
        }
    }

    fn attempt(&mut self, group: &mut [Box<dyn Work>]) -> Result<(), Failed> {
        let all = |error: rusqlite::Error| Failed::All(error.into());
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(all)?;
        let mut fresh = Vec::new();
        for (index, work) in group.iter_mut().enumerate() {
            let schema = work.schema();
            let known = fresh.contains(&schema.name)
                || self.applied.lock().unwrap_or_else(PoisonError::into_inner).contains(schema.name);
            if !known {
                schema.apply(&tx).map_err(|error| Failed::Schema(index, error))?;
                fresh.push(schema.name);
            }
            if !work.run(&tx) {
                return Err(Failed::One(index));
            }
        }
        tx.commit().map_err(all)?;
        self.applied.lock().unwrap_or_else(PoisonError::into_inner).extend(fresh);
        Ok(())
    }
}

enum Failed {
    /// This work failed and holds its own error.
    One(usize),
    /// This work's tables could not be brought to the newest version.
    Schema(usize, SqliteError),
    /// Nothing could be committed.
    All(SqliteError),
}

fn prepare(connection: &Connection, cache_kib: u32) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", false)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
    // 16 MiB of log between checkpoints: a page that changes often is copied back once.
    connection.pragma_update(None, "wal_autocheckpoint", 4_096)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.set_prepared_statement_cache_capacity(128);
    // Without it a cached statement is planned anew whenever certain parameters are bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}
