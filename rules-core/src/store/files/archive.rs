use async_trait::async_trait;
use bytes::Bytes;

use super::Files;
use crate::judge::key::ArchiveKey;
use crate::work::StoreError;
use crate::work::archive::{Archive, ListRequest, Object, Put};

#[async_trait]
impl Archive for Files {
    async fn put_once(&self, objects: &[Object]) -> Result<Vec<Put>, StoreError> {
        let objects = objects.to_vec();
        self.run("storing objects", move |tree| objects.iter().map(|object| tree.put(object)).collect()).await
    }

    async fn get(&self, keys: &[ArchiveKey]) -> Result<Vec<Option<Bytes>>, StoreError> {
        let keys = keys.to_vec();
        self.run("reading objects", move |tree| keys.iter().map(|key| tree.get(key)).collect()).await
    }

    async fn list(&self, request: &ListRequest) -> Result<Vec<ArchiveKey>, StoreError> {
        let request = request.clone();
        self.run("listing objects", move |tree| tree.list(&request)).await
    }
}
