//! Files of a campaign are read and uploaded once, before anybody is planned.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rules_core::judge::tenant::TenantScope;

use super::PlanError;
use crate::campaign::CampaignName;
use crate::campaigns::Select;
use crate::desk::Desk;
use crate::media::{Media, MediaDigest, MediaError, MediaId, MediaSource};
use crate::sender::Sender;
use crate::template::Components;

/// Files by what they are recognised by.
pub(super) type Files = BTreeMap<MediaDigest, Media>;

/// Reads the files that the components name and puts their digests in place.
pub(super) async fn open(components: &mut Components) -> Result<Files, MediaError> {
    let mut files = Files::new();
    for (kind, source) in components.media_mut() {
        let media = match source {
            MediaSource::File(path) => read(path.clone()).await?,
            MediaSource::Bytes(media) => media.clone(),
            MediaSource::Id(_) | MediaSource::Link(_) | MediaSource::Content(_) => continue,
        };
        media.check(kind)?;
        let digest = media.digest();
        *source = MediaSource::Content(digest.clone());
        files.insert(digest, media);
    }
    Ok(files)
}

async fn read(path: PathBuf) -> Result<Media, MediaError> {
    let reading = path.clone();
    let read = tokio::task::spawn_blocking(move || std::fs::read(reading)).await;
    let bytes = read
        .unwrap_or_else(|error| Err(std::io::Error::other(error)))
        .map_err(|source| MediaError::Read { path: path.clone(), source })?;
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    Media::named(&name, bytes)
}

/// Uploads what this campaign has not uploaded before.
pub(super) async fn upload(
    desk: &Desk,
    scope: &TenantScope,
    name: &CampaignName,
    sender: &Sender,
    files: Files,
) -> Result<BTreeMap<MediaDigest, MediaId>, PlanError> {
    let mut ids = BTreeMap::new();
    if files.is_empty() {
        return Ok(ids);
    }
    let known = desk.campaigns.list(&Select::named(scope, name), 0, 1).await?.into_iter().next();
    // An id belongs to the number that uploaded the file.
    let known = known.filter(|record| record.definition.sender.number_id == sender.number_id);
    for (digest, media) in files {
        let uploaded = known.as_ref().and_then(|record| record.definition.media.get(&digest));
        let id = match uploaded {
            Some(id) => id.clone(),
            None => {
                desk.gateway.upload(sender, &media).await.map_err(|source| PlanError::Upload { source })?
            }
        };
        ids.insert(digest, id);
    }
    Ok(ids)
}
