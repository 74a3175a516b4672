//! The dispatcher's lock: an advisory lock on a file beside the database, held by the operating
//! system, so it dies with the process that holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::SqliteError;

pub(super) fn acquire(path: &Path) -> Result<File, SqliteError> {
    let beside = lock_path(path);
    let cannot =
        |source: std::io::Error| SqliteError::Open { path: path.to_owned(), source: Arc::new(source) };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(beside).map_err(cannot)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(SqliteError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(cannot(source)),
    }
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-lock");
    PathBuf::from(name)
}
