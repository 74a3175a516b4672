//! Exporting and forgetting campaigns.

use std::sync::Arc;

use super::{Dispatch, Sent};
use crate::desk::Desk;
use crate::retention::{Archivist, Export, ForgetError, Forgotten};

impl Dispatch {
    /// Exports and removes the logs of all campaigns that have ended and were kept for as long as
    /// the [retention](super::DispatchBuilder::retention) says; first drops the parameters of
    /// messages of ended campaigns that will never be begun again. Says which campaigns were
    /// forgotten.
    ///
    /// [`Dispatch::run`] does so every ten minutes. A host whose workers should not, calls it from a
    /// dispatcher that does not run.
    ///
    /// # Errors
    /// [`ForgetError`] when there is no retention, or a store or the archive does not answer; the
    /// others are forgotten all the same, and a repeated call goes on.
    ///
    /// # Cancel safety
    /// Dropping the future, or the death of the process, loses nothing; a later call goes on.
    pub async fn forget_ended(&self) -> Result<Vec<Forgotten>, ForgetError> {
        let mut archivist = self.desk.archivist()?;
        // The first one sees what was left behind, the second one takes it up.
        let mut forgotten = archivist.pass().await?;
        forgotten.extend(archivist.pass().await?);
        Ok(forgotten)
    }
}

impl Desk {
    fn archivist(self: &Arc<Self>) -> Result<Archivist, ForgetError> {
        let retention = self.retention.clone().ok_or(ForgetError::NoRetention)?;
        Ok(Archivist::new(Arc::clone(self), retention))
    }
}

impl Sent {
    /// The campaign's log as JSON Lines, as it is while it is read. It stays where it is.
    pub fn export(&self) -> Export {
        Export::of(Arc::clone(&self.desk().log), self.key().clone())
    }

    /// Exports the campaign's log into the archive of the
    /// [retention](super::DispatchBuilder::retention) and removes it from the store, however short
    /// a time it was kept. `None` when somebody else did so.
    ///
    /// # Errors
    /// [`ForgetError::TooEarly`] while WhatsApp may still tell of its messages, other
    /// [`ForgetError`]s when the campaign has not ended, or a store or the archive does not answer;
    /// a repeated call goes on.
    ///
    /// # Cancel safety
    /// Dropping the future, or the death of the process, loses nothing; a later call goes on.
    pub async fn forget(&self) -> Result<Option<Forgotten>, ForgetError> {
        self.desk().archivist()?.forget_one(self.record().await?, false).await
    }

    /// As [`Sent::forget`], and at once: what WhatsApp tells later of the campaign's messages is
    /// lost, and those of which it was about to tell stand in the export as they stood.
    ///
    /// # Errors
    /// As [`Sent::forget`], but never [`ForgetError::TooEarly`].
    ///
    /// # Cancel safety
    /// As [`Sent::forget`].
    pub async fn forget_early(&self) -> Result<Option<Forgotten>, ForgetError> {
        self.desk().archivist()?.forget_one(self.record().await?, true).await
    }
}
