//! One SQLite file: durable on one machine, nobody lost and nobody twice when the process or the
//! machine dies.
//!
//! One thread of ours writes. It takes what has gathered while the last commit was on its way to
//! the disk and commits it as one transaction (group commit), so many callers share one sync.
//! Two more threads read. The file is in WAL mode with `synchronous = FULL`.
//!
//! A dispatcher takes a lock beside the file that dies with its process; a second one is refused.
//! Whoever only wants to look opens the file read-only ([`Sqlite::open_read_only`]).
//!
//! Sibling crates keep their own tables in the same file: they name a [`Schema`] and pass
//! closures to [`Sqlite::write`] and [`Sqlite::read`].

use std::fmt::{self, Debug, Formatter};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

pub use rusqlite;
pub use rusqlite::Transaction;

use crate::work::clock::{Clock, SystemClock};
use crate::work::events::ChainSecret;
use crate::work::ids::{Ids, RandomIds};
use crate::work::outbox::Turn;
use crate::work::queue::QueueLimits;

mod crowd;
mod error;
mod events;
mod lanes;
mod lock;
mod quota;
mod queue;
mod reader;
mod schema;
mod writer;

pub use error::SqliteError;
pub use events::put_out;
pub use schema::Schema;

use reader::Readers;
use writer::Writer;

/// How a file is opened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SqliteConfig {
    /// The store's clock.
    pub clock: Arc<dyn Clock>,
    /// The store's source of ids.
    pub ids: Arc<dyn Ids>,
    /// Memory for the writer's cached pages, in KiB; the default is 16 MiB.
    pub cache_kib: u32,
    /// What the store's queue accepts.
    pub queue_limits: QueueLimits,
    /// The secret under which the event log is chained; without one a random secret is made that
    /// lies in the file ([`Sqlite::chain_secret`]).
    pub chain_secret: Option<ChainSecret>,
}

impl Default for SqliteConfig {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            cache_kib: 16 * 1024,
            queue_limits: QueueLimits::default(),
            chain_secret: None,
        }
    }
}

impl SqliteConfig {
    /// The same with another clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// The same with another source of ids.
    #[must_use]
    pub fn with_ids(self, ids: Arc<dyn Ids>) -> Self {
        Self { ids, ..self }
    }

    /// The same with other limits of the queue.
    #[must_use]
    pub fn with_queue_limits(self, queue_limits: QueueLimits) -> Self {
        Self { queue_limits, ..self }
    }

    /// The same with a secret for the event log's chain.
    #[must_use]
    pub fn with_chain_secret(self, secret: ChainSecret) -> Self {
        Self { chain_secret: Some(secret), ..self }
    }
}

/// The SQLite handle. Clones share one file, one writer and one lock.
#[derive(Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    config: SqliteConfig,
    writer: Option<Writer>,
    readers: Readers,
    /// The event log's secret, once it is known.
    chain_secret: OnceLock<ChainSecret>,
    turn: Turn,
    // Held, not read: the lock goes when the last clone goes.
    _lock: Option<File>,
}

impl Sqlite {
    /// Opens the file, makes it if it is not there, and takes the dispatcher's lock.
    ///
    /// # Errors
    /// [`SqliteError::InUse`] when another process has the file, [`SqliteError::Newer`] when a
    /// newer version of this software wrote it, [`SqliteError::Open`] when it cannot be opened.
    ///
    /// # Cancel safety
    /// Dropping the future leaves at most an empty file.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
        Self::open_with(path, SqliteConfig::default()).await
    }

    /// [`Sqlite::open`] with a configuration.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    ///
    /// # Cancel safety
    /// As [`Sqlite::open`].
    pub async fn open_with(path: impl AsRef<Path>, config: SqliteConfig) -> Result<Self, SqliteError> {
        let path = path.as_ref().to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            let lock = lock::acquire(&path)?;
            let writer = Writer::start(&path, config.cache_kib)?;
            let readers = Readers::start(&path)?;
            let chain_secret = config.chain_secret.clone().map_or_else(OnceLock::new, OnceLock::from);
            let (writer, lock) = (Some(writer), Some(lock));
            let turn = Turn::new(Arc::clone(&config.clock));
            Ok::<_, SqliteError>(Inner { path, config, writer, readers, chain_secret, turn, _lock: lock })
        });
        let inner =
            opened.await.map_err(|source| SqliteError::Stopped { source: Some(Arc::new(source)) })??;
        let store = Self { inner: Arc::new(inner) };
        // The lock was free, so whoever held leases in this file is gone.
        store.write(&schema::CORE, queue::hand_back_all).await?;
        tracing::debug!(path = %store.path().display(), "the database is open");
        Ok(store)
    }

    /// Opens an existing file for looking only. It takes no lock and can stand beside a running
    /// dispatcher; every write is refused.
    ///
    /// # Errors
    /// [`SqliteError::Open`] when there is no such file or it cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn open_read_only(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
        Self::open_read_only_with(path, SqliteConfig::default()).await
    }

    /// [`Sqlite::open_read_only`] with a configuration.
    ///
    /// # Errors
    /// As [`Sqlite::open_read_only`].
    ///
    /// # Cancel safety
    /// As [`Sqlite::open_read_only`].
    pub async fn open_read_only_with(
        path: impl AsRef<Path>,
        config: SqliteConfig,
    ) -> Result<Self, SqliteError> {
        let path = path.as_ref().to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            let readers = Readers::start(&path)?;
            let chain_secret = config.chain_secret.clone().map_or_else(OnceLock::new, OnceLock::from);
            let turn = Turn::new(Arc::clone(&config.clock));
            Ok::<_, SqliteError>(Inner {
                path,
                config,
                writer: None,
                readers,
                chain_secret,
                turn,
                _lock: None,
            })
        });
        let inner =
            opened.await.map_err(|source| SqliteError::Stopped { source: Some(Arc::new(source)) })??;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// The store's clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.config.clock
    }

    /// The store's source of ids.
    pub fn ids(&self) -> &Arc<dyn Ids> {
        &self.inner.config.ids
    }

    pub(super) fn turn(&self) -> &Turn {
        &self.inner.turn
    }

    pub(super) fn known_chain_secret(&self) -> &OnceLock<ChainSecret> {
        &self.inner.chain_secret
    }

    /// Writes the file anew without what was deleted, and empties its write-ahead log: afterwards
    /// nothing that was deleted or overwritten can be found in either. Takes as long as copying
    /// the file, during which nobody else writes.
    ///
    /// # Errors
    /// [`SqliteError`] when the file cannot be written.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the work.
    pub async fn scrub(&self) -> Result<(), SqliteError> {
        self.writer()?.scrub().await
    }

    /// Trips to the file so far: committed transactions plus reads.
    pub fn trips(&self) -> u64 {
        self.inner.writer.as_ref().map_or(0, Writer::commits) + self.inner.readers.reads()
    }

    /// Brings the tables of `schema` to its newest version.
    ///
    /// # Errors
    /// [`SqliteError::Newer`] when the file has a newer version of them than this software knows.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the tables at the old or at the new version.
    pub async fn ensure(&self, schema: &'static Schema) -> Result<(), SqliteError> {
        self.writer()?.run(schema, |_| Ok(())).await
    }

    /// Runs `work` in the writer's next transaction and returns its value once that is on disk.
    ///
    /// Other callers' work may share the transaction. `work` may run **more than once**: when
    /// somebody else's work in the transaction fails, it is rolled back and the rest runs again.
    /// When `work` itself fails, none of its changes remain.
    ///
    /// # Errors
    /// What `work` returned, or the [`SqliteError`] of the commit.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the work; it may still be committed.
    pub async fn write<T, F>(&self, schema: &'static Schema, work: F) -> Result<T, SqliteError>
    where
        T: Send + 'static,
        F: FnMut(&Transaction<'_>) -> Result<T, SqliteError> + Send + 'static,
    {
        self.writer()?.run(schema, work).await
    }

    /// Runs `work` on a reader's snapshot of what is committed.
    ///
    /// # Errors
    /// What `work` returned.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the read and changes nothing.
    pub async fn read<T, F>(&self, schema: &'static Schema, work: F) -> Result<T, SqliteError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, SqliteError> + Send + 'static,
    {
        if let Some(writer) = &self.inner.writer
            && !writer.knows(schema)
        {
            writer.run(schema, |_| Ok(())).await?;
        }
        self.inner.readers.run(work).await
    }

    fn writer(&self) -> Result<&Writer, SqliteError> {
        let read_only = || SqliteError::ReadOnly { path: self.inner.path.clone() };
        self.inner.writer.as_ref().ok_or_else(read_only)
    }
}

impl Debug for Sqlite {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.inner.path).finish_non_exhaustive()
    }
}
