use std::sync::Arc;

use bytes::Bytes;
use rules_core::work::StoreError;

use super::line;
use crate::delivery::{DeliveryLog, Kind, Query};
use crate::message::CampaignKey;

/// Records that are read at once.
const STRETCH: usize = 4_000;

/// A campaign's log as JSON Lines, piece by piece: one line a record, in the order of the source.
///
/// No line shows a phone number, a parameter or any other thing that tells who it was.
#[derive(Debug)]
#[must_use = "an export that is not read exports nothing"]
pub struct Export {
    log: Arc<dyn DeliveryLog>,
    campaign: CampaignKey,
    /// The next record; `None` when all were read.
    from: Option<u32>,
}

/// Some lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Each with its line break.
    pub(super) text: Vec<u8>,
    /// How many.
    pub(super) count: u64,
    /// The record to go on with; `None` when there are no more.
    pub(super) next: Option<u32>,
}

impl Export {
    pub(crate) const fn of(log: Arc<dyn DeliveryLog>, campaign: CampaignKey) -> Self {
        Self { log, campaign, from: Some(0) }
    }

    /// The next lines, each with its line break, about 1 MB at most; `None` when there are no more.
    ///
    /// What changes while it is read may show or not, line by line; the log of a campaign that is
    /// [sealed](crate::campaigns::Status::Sealed) does not change.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; call again, which goes on with the same lines.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the next call gives the same lines.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        while let Some(from) = self.from {
            let mut lines = Lines::default();
            read(&*self.log, &self.campaign, from, u32::MAX, &mut lines).await?;
            self.from = lines.next;
            if !lines.text.is_empty() {
                return Ok(Some(lines.text.into()));
            }
        }
        Ok(None)
    }
}

/// The lines of the records from `from` on and before `end`.
pub(super) async fn lines(
    log: &dyn DeliveryLog,
    campaign: &CampaignKey,
    from: u32,
    end: u32,
) -> Result<Lines, StoreError> {
    let mut lines = Lines { next: Some(from), ..Lines::default() };
    while let Some(from) = lines.next.filter(|next| *next < end) {
        read(log, campaign, from, end, &mut lines).await?;
    }
    Ok(lines)
}

/// Adds the next lines, of a stretch at most.
async fn read(
    log: &dyn DeliveryLog,
    campaign: &CampaignKey,
    from: u32,
    end: u32,
    lines: &mut Lines,
) -> Result<(), StoreError> {
    let query = Query::Scan { campaign: campaign.clone(), from, of: Kind::Any, max: STRETCH };
    let page = log.messages(&query).await?;
    lines.next = page.next;
    for message in &page.messages {
        if end <= message.key.record() {
            lines.next = Some(end);
            break;
        }
        line::write(message, &mut lines.text).map_err(|error| StoreError::Damaged {
            doing: format!("exporting the campaign {campaign}").into(),
            source: Box::new(error),
        })?;
        lines.count += 1;
    }
    Ok(())
}
