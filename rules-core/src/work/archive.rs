//! The archive: objects that are written once and stay as they are, such as sealed evidence.
//!
//! It asks of a technology only what a bucket and a folder both have: creating an object if
//! nothing is there, reading it, listing names. Nothing is appended to, renamed, overwritten or
//! deleted through it.

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use crate::judge::key::{ArchiveKey, Folder};
use crate::work::StoreError;

mod memory;

pub use memory::MemoryArchive;

/// Objects that stay as they are.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Archive: Debug + Send + Sync + 'static {
    /// Creates each object whose key has none, whole and durable before the answer. Of several
    /// writers of one key exactly one creates it. A key that holds an object keeps it: the same
    /// bytes are answered with [`Put::Repeated`], others with [`Put::Taken`].
    ///
    /// One answer per object, in order. Objects of one call are independent of each other: do not
    /// give two of which one must not be there without the other.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer. Some of the objects may have been created;
    /// repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves each object whole or not there.
    async fn put_once(&self, objects: &[Object]) -> Result<Vec<Put>, StoreError>;

    /// The bytes under each key, in order; `None` where nothing is.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn get(&self, keys: &[ArchiveKey]) -> Result<Vec<Option<Bytes>>, StoreError>;

    /// Keys of a folder in the order of the bytes of their names. What was created before the
    /// call is among them.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    async fn list(&self, request: &ListRequest) -> Result<Vec<ArchiveKey>, StoreError>;
}
const _: fn(&dyn Archive) = |_| {};

/// An object to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its address.
    pub key: ArchiveKey,
    /// What it holds; may be nothing.
    pub bytes: Bytes,
}

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It was created.
    Created,
    /// It was there already, with the same bytes.
    Repeated,
    /// Another one is there, and stays.
    Taken,
}

/// What is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    /// The folder.
    pub folder: Folder,
    /// Only names behind that of this key, whether or not it holds an object.
    pub after: Option<ArchiveKey>,
    /// At most so many.
    pub max: usize,
}
