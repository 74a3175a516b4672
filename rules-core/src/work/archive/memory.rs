use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Archive, ListRequest, Object, Put};
use crate::judge::key::{ArchiveKey, Folder};
use crate::work::StoreError;

/// Objects by their names.
type Named = BTreeMap<String, (ArchiveKey, Bytes)>;

/// An archive in the memory of this process.
#[derive(Debug, Default)]
pub struct MemoryArchive {
    folders: Mutex<HashMap<Folder, Named>>,
}

impl MemoryArchive {
    /// An empty archive.
    pub fn new() -> Self {
        Self::default()
    }

    fn folders(&self) -> MutexGuard<'_, HashMap<Folder, Named>> {
        self.folders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Archive for MemoryArchive {
    async fn put_once(&self, objects: &[Object]) -> Result<Vec<Put>, StoreError> {
        let mut folders = self.folders();
        let mut put = |Object { key, bytes }: &Object| {
            let kept = folders.entry(key.folder().clone()).or_default();
            match kept.entry(key.name().to_owned()) {
                Entry::Vacant(place) => {
                    place.insert((key.clone(), bytes.clone()));
                    Put::Created
                }
                Entry::Occupied(there) if there.get().1 == bytes => Put::Repeated,
                Entry::Occupied(_) => Put::Taken,
            }
        };
        Ok(objects.iter().map(&mut put).collect())
    }

    async fn get(&self, keys: &[ArchiveKey]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let folders = self.folders();
        let get =
            |key: &ArchiveKey| folders.get(key.folder())?.get(key.name()).map(|(_, bytes)| bytes.clone());
        Ok(keys.iter().map(get).collect())
    }

    async fn list(&self, request: &ListRequest) -> Result<Vec<ArchiveKey>, StoreError> {
        let folders = self.folders();
        let Some(objects) = folders.get(&request.folder) else { return Ok(Vec::new()) };
        let behind = request.after.as_ref().map_or(Bound::Unbounded, |after| Bound::Excluded(after.name()));
        let keys = objects.range::<str, _>((behind, Bound::Unbounded)).map(|(_, (key, _))| key);
        Ok(keys.take(request.max).cloned().collect())
    }
}
