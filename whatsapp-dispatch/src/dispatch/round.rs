use std::sync::Arc;

use super::{ChangeError, Sent};
use crate::campaigns::{CampaignRecord, Change, Changed, Status};
use crate::delivery::{Kind, Query};
use crate::fact::{Reopening, Resend};
use crate::resolver::Resolver;

/// Messages that are reopened together.
const PAGE: usize = 500;

/// Somebody's decision to try messages of a campaign again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Round {
    /// Its number, from 1.
    pub number: u16,
    /// Which messages it covers.
    pub of: Resend,
    /// Messages that this call reopened.
    pub messages: u64,
}

impl Sent {
    /// Tries messages again: the same messages, with new attempts. Each takes part once in the
    /// round, the cap of attempts and the expiry count anew, and rules are asked again. What is
    /// told late about an earlier attempt still counts if it says that the person has the
    /// message; then it is not begun again.
    ///
    /// A call after one that was interrupted goes on with that round. A call after a round that
    /// is complete starts the next one.
    ///
    /// # Errors
    /// [`ChangeError`] when the campaign was never released, is paused or cancelled, or the store
    /// does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the round begun; repeat the call to go on with it.
    pub async fn resend(&self, of: Resend) -> Result<Round, ChangeError> {
        loop {
            let record = self.record().await?;
            if let Some(begun) = record.reopening {
                let round = self.reopen(record, begun).await?;
                if begun == of {
                    return Ok(round);
                }
                // Somebody else's round was interrupted; now ours.
                continue;
            }
            let record = self.changed(&record, &Change::Reopen { of }).await?;
            tracing::info!(campaign = %self.key(), round = record.round, of = of.as_str(), "a round begins");
        }
    }

    /// Reopens what the round covers, as far as it is not reopened yet.
    async fn reopen(&self, record: CampaignRecord, of: Resend) -> Result<Round, ChangeError> {
        let number = record.round;
        let resolver = Resolver::new(Arc::clone(self.desk()));
        let mut messages = 0;
        let mut from = Some(0);
        while let Some(start) = from {
            let kind = Kind::ToReopen { of, round: number };
            let query = Query::Scan { campaign: self.key().clone(), from: start, of: kind, max: PAGE };
            let page = self.desk().log.messages(&query).await?;
            from = page.next;
            let why = Reopening::Round { number, of };
            messages += resolver.reopen(&record, &page.messages, &why).await? as u64;
        }
        self.changed(&record, &Change::Reopened).await?;
        Ok(Round { number, of, messages })
    }

    /// Makes a change of the round; whoever made it first counts.
    async fn changed(&self, record: &CampaignRecord, change: &Change) -> Result<CampaignRecord, ChangeError> {
        let mut record = record.clone();
        loop {
            let round = record.round;
            let changed = self.desk().campaigns.change(&record.key, record.revision, change).await?;
            self.desk().forget(&record.key);
            match changed {
                Changed::Made(record) => return Ok(record),
                // A pause meanwhile does not end the round, another's round or its end does.
                Changed::Moved(newer) if newer.round == round && newer.reopening == record.reopening => {
                    record = newer;
                }
                Changed::Moved(newer) => return Ok(newer),
                Changed::NotAllowed(found) => {
                    return Err(ChangeError::NotAllowed {
                        campaign: found.name.clone(),
                        status: found.status.as_str(),
                        wanted: Status::Released.as_str(),
                    });
                }
                Changed::Missing => {
                    return Err(ChangeError::Missing { campaign: record.key.to_string() });
                }
            }
        }
    }
}
