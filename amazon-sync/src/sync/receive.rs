use bytes::Bytes;
use rules_core::judge::id::BatchId;
use rules_core::work::StoreError;
use rules_core::work::queue::{Enqueued, Parcel};

use super::Sync;

/// What became of notifications that were received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// They are durable; tell Amazon so.
    Stored,
    /// The queue is full: have them sent again later.
    Full,
}

impl Sync {
    /// Takes notifications as Amazon sends them, each the JSON of its envelope, for a host that gets
    /// them by a way of its own: a queue of its own, a webhook, a file. They are durable when it
    /// returns, and applied by [`Sync::run`]. The same notifications within an hour are recognised.
    ///
    /// # Errors
    /// [`StoreError`] when the queue does not answer, or one of them is larger than it takes.
    ///
    /// # Cancel safety
    /// Dropping the future leaves all of them stored, or none.
    pub async fn receive(&self, notifications: Vec<Bytes>) -> Result<Received, StoreError> {
        if notifications.is_empty() {
            return Ok(Received::Stored);
        }
        let parts: Vec<&[u8]> = notifications.iter().map(|notification| &notification[..]).collect();
        let batch = BatchId::of(&parts);
        let lane = self.desk.events_lane.clone();
        let most = self.desk.queue.limits().max_records.max(1);
        let parcels: Vec<Parcel> = notifications
            .chunks(most)
            .enumerate()
            .map(|(place, records)| Parcel {
                batch: if place == 0 {
                    batch
                } else {
                    BatchId::of(&[batch.as_bytes(), &place.to_be_bytes()])
                },
                lane: lane.clone(),
                due: None,
                records: records.to_vec(),
            })
            .collect();
        let answers = self.desk.queue.enqueue(&parcels).await?;
        self.desk.notified.notify_one();
        let is_full = answers.iter().any(|answer| matches!(answer, Enqueued::Full { .. }));
        Ok(if is_full { Received::Full } else { Received::Stored })
    }
}
