//! Documents of feeds and reports. They lie elsewhere, under addresses that open them to whoever
//! knows them: no token goes there, and no address shows in an error.

use std::io::Write;

use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use reqwest::Response;
use reqwest::header::CONTENT_TYPE;

use super::SpApi;
use super::answer::bounded;
use crate::marketplace::MarketError;

/// So much is unpacked at a time: a kilobyte becomes a megabyte at most.
const PACKED_AT_ONCE: usize = 1024;

/// A document, as far as it has come.
pub(super) struct Document {
    operation: &'static str,
    response: Response,
    /// What has come and is not unpacked yet.
    come: Bytes,
    unpacking: Option<MultiGzDecoder<Vec<u8>>>,
    is_over: bool,
}

impl Document {
    /// What its head says of how it is written, in lower case.
    pub(super) fn charset(&self) -> Option<String> {
        let text = self.response.headers().get(CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
        let charset =
            text.split(';').find_map(|part| part.trim().strip_prefix("charset=").map(str::to_owned))?;
        Some(charset.trim_matches('"').to_owned())
    }

    /// Further bytes, unpacked; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, MarketError> {
        loop {
            if self.come.is_empty() {
                if self.is_over {
                    return Ok(None);
                }
                match self.response.chunk().await {
                    Ok(Some(come)) => self.come = come,
                    Ok(None) => {
                        self.is_over = true;
                        let rest = self.unpacking.take().map(MultiGzDecoder::finish).transpose();
                        let rest = rest.map_err(|error| broken(self.operation, error.into()))?;
                        return Ok(rest.filter(|rest| !rest.is_empty()).map(Bytes::from));
                    }
                    Err(error) => return Err(broken(self.operation, error.without_url().into())),
                }
            }
            let Some(unpacking) = &mut self.unpacking else {
                return Ok(Some(std::mem::take(&mut self.come)));
            };
            let packed = self.come.split_to(self.come.len().min(PACKED_AT_ONCE));
            unpacking.write_all(&packed).map_err(|error| broken(self.operation, error.into()))?;
            let unpacked = std::mem::take(unpacking.get_mut());
            if !unpacked.is_empty() {
                return Ok(Some(unpacked.into()));
            }
        }
    }

    /// All of it, if it is not too long.
    pub(super) async fn whole(mut self, max_bytes: usize) -> Result<Vec<u8>, MarketError> {
        let mut whole = Vec::new();
        while let Some(part) = self.next().await? {
            if max_bytes < whole.len() + part.len() {
                return Err(broken(self.operation, "a document that is too long to read".into()));
            }
            whole.extend_from_slice(&part);
        }
        Ok(whole)
    }
}

fn broken(operation: &'static str, source: Box<dyn std::error::Error + Send + Sync>) -> MarketError {
    MarketError::Unavailable { operation, request: None, source: Some(source) }
}

impl SpApi {
    /// Opens a document. `operation` is the one that told its address.
    pub(super) async fn open(
        &self,
        operation: &'static str,
        url: &str,
        compression: Option<&str>,
    ) -> Result<Document, MarketError> {
        let request = self.inner.client.get(url).timeout(self.inner.config.document_timeout);
        let response = request.send().await.map_err(|error| broken(operation, error.without_url().into()))?;
        let status = response.status();
        if !status.is_success() {
            // What stands in the body is the store's, and may hold the address.
            return Err(broken(operation, format!("the document was not given: status {status}").into()));
        }
        let unpacking = match compression {
            None => None,
            Some("GZIP") => Some(MultiGzDecoder::new(Vec::new())),
            Some(_) => return Err(broken(operation, "a document that is packed in an unknown way".into())),
        };
        Ok(Document { operation, response, come: Bytes::new(), unpacking, is_over: false })
    }

    /// Puts the content of a document where Amazon wants it.
    pub(super) async fn put(
        &self,
        operation: &'static str,
        url: &str,
        content_type: &'static str,
        content: Bytes,
    ) -> Result<(), MarketError> {
        let request = self.inner.client.put(url).timeout(self.inner.config.document_timeout);
        let request = request.header(CONTENT_TYPE, content_type).body(content);
        let response = request.send().await.map_err(|error| broken(operation, error.without_url().into()))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        // Read, so that the connection can be used again.
        drop(bounded(response, 64 * 1024).await);
        Err(broken(operation, format!("the document was not taken: status {status}").into()))
    }
}
