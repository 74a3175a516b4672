//! A host's stock in a CSV or TSV file that the host writes anew now and then.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::work::StoreError;

use crate::host_stock::{Count, HostChanges, HostMark, HostStock};
use crate::sku::ItemCode;

mod cells;
mod mark;
mod pass;

pub use cells::StockColumns;
pub(super) use cells::quantity;

use mark::{FileMark, Stamp};
use pass::Pass;

use super::sheet::SheetError;
use super::told::Told;

/// A CSV or TSV file with a column of items and one of quantities.
///
/// The first row names the columns (see [`StockColumns`]); the delimiter is the one of `,` `;` and
/// tab that it uses most. Rows are read one at a time, so memory grows with the number of items
/// (24 bytes each) and not with the file.
///
/// A file that has not changed is not read; of one that has, only the items whose number is another
/// than was told are told again. Rows that cannot be read, that hold a negative or absurd number,
/// or that name an item a second time are refused one by one, with file, line and remedy, and the
/// rest goes on. Of two numbers for one item the lower one counts. An item that is missing keeps
/// its number and is told as a refused row: absent is not zero.
///
/// Write the file under another name and rename it, so that nobody reads half of it. One that
/// changes while it is read is read again from its beginning.
#[derive(Clone, Debug)]
pub struct StockFile {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    columns: StockColumns,
    counted_at: Option<DateTime<Utc>>,
    state: Mutex<State>,
}

/// What this process remembers of the file. Without it everything is told again, which is
/// recognised.
#[derive(Debug, Default)]
struct State {
    /// The last mark that was given. Whoever asks from another place may not have kept what was
    /// told since.
    given: Option<FileMark>,
    told: Told,
    pass: Option<Pass>,
    /// The stamp of the file that was told to its end, so that it need not be looked into again.
    done: Option<Stamp>,
}

impl StockFile {
    /// The file at `path`, with the columns that [`StockColumns::default`] finds. It need not be
    /// there yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self::with_columns(path, StockColumns::default())
    }

    /// The same with columns of other names.
    pub fn with_columns(path: impl Into<PathBuf>, columns: StockColumns) -> Self {
        let inner = Inner { path: path.into(), columns, counted_at: None, state: Mutex::default() };
        Self { inner: Arc::new(inner) }
    }

    /// The same, with its numbers counted at this instant instead of when the file was last
    /// written: for a clock that is not the machine's.
    #[must_use]
    pub fn counted_at(self, at: DateTime<Utc>) -> Self {
        let Inner { path, columns, .. } = &*self.inner;
        let inner = Inner {
            path: path.clone(),
            columns: columns.clone(),
            counted_at: Some(at),
            state: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Runs on a thread that may wait for a disk.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, SheetError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.inner);
        let doing = || format!("reading the stock file {}", self.inner.name());
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        let done =
            done.map_err(|source| StoreError::Unavailable { doing: doing().into(), source: source.into() })?;
        done.map_err(|error| match error {
            SheetError::Unreadable(source) => {
                StoreError::Unavailable { doing: doing().into(), source: source.into() }
            }
            SheetError::Unusable(reason) => {
                StoreError::Refused { doing: doing().into(), reason: reason.into() }
            }
        })
    }
}

impl Inner {
    /// The file's name without its folder, which is nobody's business.
    fn name(&self) -> String {
        self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn stamp(&self) -> Result<(Stamp, DateTime<Utc>), SheetError> {
        let metadata: Metadata = fs::metadata(&self.path)?;
        let modified: DateTime<Utc> = metadata.modified()?.into();
        Ok((Stamp { modified, length: metadata.len() }, self.counted_at.unwrap_or(modified)))
    }

    fn pass(&self, at: DateTime<Utc>, stamp: Stamp, digest: String) -> Result<Pass, SheetError> {
        Pass::open(&self.path, self.name(), &self.columns, at, stamp, digest)
    }

    fn changes(&self, since: Option<&FileMark>, max: usize) -> Result<HostChanges, SheetError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.given.as_ref() != since {
            *state = State { given: since.cloned(), ..State::default() };
        }
        let (stamp, at) = self.stamp()?;
        let nothing = HostChanges { changes: Vec::new(), refused: Vec::new(), mark: None };
        if state.done == Some(stamp) {
            return Ok(nothing);
        }
        let goes_on = state.pass.take().filter(|pass| pass.stamp() == stamp);
        let mut pass = if let Some(pass) = goes_on {
            pass
        } else {
            let digest = mark::digest(&self.path)?;
            let same = since.filter(|mark| mark.digest == digest);
            if same.is_some_and(|mark| mark.line.is_none()) {
                state.done = Some(stamp);
                return Ok(nothing);
            }
            let mut pass = self.pass(at, stamp, digest)?;
            if let Some(line) = same.and_then(|mark| mark.line) {
                pass.skip_to(line, &mut state.told)?;
            }
            pass
        };
        let mut page = pass.page(&mut state.told, max)?;
        if self.stamp()?.0 != stamp {
            // What was read may be half of the new file: it is told again from its beginning.
            *state = State::default();
            return Ok(page);
        }
        let mark = pass.mark();
        page.mark = Some(mark.to_mark());
        if mark.line.is_none() {
            state.done = Some(stamp);
        } else {
            state.pass = Some(pass);
        }
        state.given = Some(mark);
        Ok(page)
    }

    fn read(&self, items: &[ItemCode]) -> Result<Vec<Option<Count>>, SheetError> {
        let (stamp, at) = self.stamp()?;
        self.pass(at, stamp, String::new())?.read(items)
    }
}

#[async_trait]
impl HostStock for StockFile {
    async fn read(&self, items: &[ItemCode]) -> Result<Vec<Option<Count>>, StoreError> {
        let items = items.to_vec();
        self.blocking(move |inner| inner.read(&items)).await
    }

    async fn changes(&self, since: Option<HostMark>, max: usize) -> Result<HostChanges, StoreError> {
        let since = since.as_ref().and_then(FileMark::of);
        self.blocking(move |inner| inner.changes(since.as_ref(), max)).await
    }
}

impl AsRef<Path> for StockFile {
    fn as_ref(&self) -> &Path {
        &self.inner.path
    }
}

#[cfg(test)]
mod tests;
