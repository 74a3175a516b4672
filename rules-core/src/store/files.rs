//! A folder of files: what is written once and stays, on one machine or on a shared disk.
//!
//! An object is written under a name of its own, synced, and then linked to its final name, which
//! fails if something is there. So it is there whole or not at all, whenever the process or the
//! machine dies, and of several writers, in one process or in many, one wins. What a writer left
//! behind that was killed is never read and goes when the next one begins.
//!
//! The file system needs hard links and advisory locks, as every common one on Linux and macOS has.

use std::fmt::{self, Debug, Formatter};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::tree::Tree;
use crate::judge::tenant::TenantId;
use crate::work::StoreError;

mod archive;
mod tree;

/// The handle of a folder of files. Clones share it.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use rules_core::judge::key::{ArchiveKey, ChainKey, Folder};
/// use rules_core::judge::tenant::TenantId;
/// use rules_core::store::files::Files;
/// use rules_core::work::archive::{Archive, Object, Put};
///
/// let place = tempfile::tempdir().unwrap();
/// let files = Files::at(place.path().join("archive"));
/// let folder = Folder::events(&ChainKey::of(&TenantId::parse("acme").unwrap()));
/// let key = ArchiveKey::new(&folder, "heads/2026-08.json").unwrap();
/// let head = Object { key, bytes: "{}".into() };
/// assert_eq!(files.put_once(&[head.clone()]).await.unwrap(), [Put::Created]);
/// assert_eq!(files.put_once(&[head]).await.unwrap(), [Put::Repeated]);
/// assert!(place.path().join("archive/acme/events/heads/2026-08.json").is_file());
/// # });
/// ```
#[derive(Clone)]
pub struct Files {
    tree: Arc<Tree>,
}

impl Files {
    /// The folder at `path`. It is made when the first object is put; reading makes nothing.
    pub fn at(path: impl AsRef<Path>) -> Self {
        Self { tree: Arc::new(Tree::at(path.as_ref())) }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.tree.root()
    }

    /// The tenants of whom something is kept here, in order.
    ///
    /// # Errors
    /// [`StoreError`] when the folder cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        self.run("listing the tenants", Tree::tenants).await
    }

    /// Runs `work` where it may block.
    async fn run<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Tree) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let tree = Arc::clone(&self.tree);
        let done = tokio::task::spawn_blocking(move || work(&tree)).await;
        let error = match done {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => error,
            Err(ended) => io::Error::other(ended),
        };
        let path: PathBuf = self.path().to_owned();
        let doing = format!("{doing} in {}", path.display()).into();
        Err(match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                StoreError::Full { doing, place: path.display().to_string() }
            }
            io::ErrorKind::Unsupported
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem => {
                StoreError::Refused { doing, reason: error.to_string().into() }
            }
            _ => StoreError::Unavailable { doing, source: Box::new(error) },
        })
    }
}

impl Debug for Files {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Files").field(&self.path()).finish()
    }
}
