use async_trait::async_trait;
use bytes::Bytes;

use crate::judge::key::ArchiveKey;
use crate::store::memory::{Memory, Part};
use crate::work::StoreError;
use crate::work::archive::{Archive, ListRequest, MemoryArchive, Object, Put};

impl Part for MemoryArchive {
    fn new(_: &Memory) -> Self {
        Self::default()
    }
}

#[async_trait]
impl Archive for Memory {
    async fn put_once(&self, objects: &[Object]) -> Result<Vec<Put>, StoreError> {
        self.part::<MemoryArchive>().put_once(objects).await
    }

    async fn get(&self, keys: &[ArchiveKey]) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.part::<MemoryArchive>().get(keys).await
    }

    async fn list(&self, request: &ListRequest) -> Result<Vec<ArchiveKey>, StoreError> {
        self.part::<MemoryArchive>().list(request).await
    }
}
