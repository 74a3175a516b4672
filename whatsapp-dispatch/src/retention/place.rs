//! Where an export lies in an archive.

use std::fmt::Write as _;

use rules_core::judge::key::{ArchiveKey, ArchiveKeyError, Folder};
use rules_core::judge::tenant::TenantScope;

use crate::campaigns::CampaignRecord;

/// The folder of exports, of each tenant.
const FOLDER: &str = "deliveries";

/// The folder of one campaign's export: the number, and a word that only this campaign has, as it
/// was sealed. A store that was lost and begins anew numbers its campaigns anew, and may write into
/// the same archive.
#[derive(Clone, Debug)]
pub(super) struct Place {
    folder: Folder,
    path: String,
}

impl Place {
    pub(super) fn of(scope: &TenantScope, record: &CampaignRecord) -> Result<Self, ArchiveKeyError> {
        let word = record.salt.digest(b"export", &[&record.revision.to_be_bytes()]);
        let mut path = format!("{:010}-", record.key.number());
        for byte in word.iter().take(8) {
            // Writing to a string cannot fail.
            write!(path, "{byte:02x}").unwrap_or_default();
        }
        Ok(Self { folder: Folder::new(scope, FOLDER)?, path })
    }

    /// The part that begins with this record.
    pub(super) fn part(&self, first: u32) -> Result<ArchiveKey, ArchiveKeyError> {
        ArchiveKey::new(&self.folder, &format!("{}/{first:010}.jsonl", self.path))
    }

    /// The list of the parts. It is written after them, so an export that has it is whole.
    pub(super) fn seal(&self) -> Result<ArchiveKey, ArchiveKeyError> {
        ArchiveKey::new(&self.folder, &format!("{}/seal.json", self.path))
    }
}
