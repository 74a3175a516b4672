//! Webhooks that come in together are stored together: one trip to the store for many of them.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rules_core::judge::key::Outlet;
use rules_core::work::StoreError;
use rules_core::work::clock::ClockExt;
use rules_core::work::queue::{Enqueued, Parcel};
use tokio::sync::oneshot;

use super::Inbox;
use crate::desk::Desk;
use crate::quarantine::Stray;
use crate::telemetry;
use crate::webhook::WebhookError;

/// Webhooks that are stored together, at most.
const GROUP: usize = 256;
/// How long a group waits for more, if the one before had more than one webhook in it. One that
/// comes alone is stored at once. With 5 ms, 5,000 webhooks a second make about 100 trips.
const GATHER: Duration = Duration::from_millis(5);

/// What one webhook brings.
#[derive(Debug, Default)]
pub(super) struct Mail {
    pub(super) parcels: Vec<Parcel>,
    pub(super) strays: Vec<Stray>,
}

impl Mail {
    pub(super) const fn is_empty(&self) -> bool {
        self.parcels.is_empty() && self.strays.is_empty()
    }
}

/// Webhooks that wait to be stored.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    waiting: Vec<Waiting>,
    /// True while a task stores group after group.
    storing: bool,
}

#[derive(Debug)]
struct Waiting {
    mail: Mail,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<(), Arc<NotStored>>;

/// Why a webhook could not be stored.
#[derive(Debug, thiserror::Error)]
enum NotStored {
    #[error(
        "{depth} records wait in the queue and no more than {high_water} may; webhooks are taken again when work was done"
    )]
    Full { depth: u64, high_water: u64 },
    #[error("a group of webhooks was not stored")]
    Store(#[source] StoreError),
    #[error("the runtime that stored webhooks has ended")]
    Ended,
}

/// Returns when the mail is durable.
pub(super) async fn put(desk: &Arc<Desk>, mail: Mail) -> Result<(), WebhookError> {
    let (answer, stored) = oneshot::channel();
    let (starts, full) = {
        let mut gathering = desk.inbox.gathering.lock().unwrap_or_else(PoisonError::into_inner);
        gathering.waiting.push(Waiting { mail, answer });
        (!std::mem::replace(&mut gathering.storing, true), GROUP <= gathering.waiting.len())
    };
    if starts {
        // A task of its own: whoever asked first may go away while others wait for the answer.
        tokio::spawn(store_all(Arc::clone(desk)));
    } else if full {
        desk.inbox.full.notify_one();
    }
    let outcome = stored.await.unwrap_or_else(|_| Err(Arc::new(NotStored::Ended)));
    outcome.map_err(|source| WebhookError::Unavailable { source: Box::new(source) })
}

/// Stores group after group until nobody waits.
async fn store_all(desk: Arc<Desk>) {
    let mut end = End { inbox: &desk.inbox, nobody_waits: false };
    let mut shared = false;
    loop {
        if shared {
            tokio::select! {
                () = desk.clock.sleep(GATHER) => {}
                () = desk.inbox.full.notified() => {}
            }
        }
        let Some(group) = desk.inbox.next_group() else {
            end.nobody_waits = true;
            return;
        };
        shared = 1 < group.len();
        store(&desk, group).await;
    }
}

/// Lets the next webhook start over if the task is ended from outside, with its runtime.
struct End<'a> {
    inbox: &'a Inbox,
    nobody_waits: bool,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        if !self.nobody_waits {
            // Dropping what waits tells whoever waits.
            *self.inbox.gathering.lock().unwrap_or_else(PoisonError::into_inner) = Gathering::default();
        }
    }
}

impl Inbox {
    /// The webhooks that came first; `None` when nobody waits, and then the storing has ended.
    fn next_group(&self) -> Option<Vec<Waiting>> {
        let mut gathering = self.gathering.lock().unwrap_or_else(PoisonError::into_inner);
        let group: Vec<Waiting> = {
            let end = GROUP.min(gathering.waiting.len());
            gathering.waiting.drain(..end).collect()
        };
        gathering.storing = !group.is_empty();
        gathering.storing.then_some(group)
    }
}

async fn store(desk: &Desk, group: Vec<Waiting>) {
    let (mut parcels, mut strays) = (Vec::new(), Vec::new());
    let mut answers = Vec::with_capacity(group.len());
    for Waiting { mail, answer } in group {
        answers.push((answer, mail.parcels.len()));
        parcels.extend(mail.parcels);
        strays.extend(mail.strays);
    }
    let enqueued = match store_mail(desk, &parcels, &strays).await {
        Ok(enqueued) => enqueued,
        Err(error) => {
            tracing::warn!(error = %rules_core::judge::fault::chain(&error), webhooks = answers.len(), "webhooks were not stored");
            let error = Arc::new(NotStored::Store(error));
            for (answer, _) in answers {
                answer.send(Err(Arc::clone(&error))).ok();
            }
            return;
        }
    };
    let outlets: BTreeSet<Outlet> = parcels.iter().map(|parcel| parcel.lane.outlet().clone()).collect();
    let mut enqueued = enqueued.into_iter();
    for (answer, parcels) in answers {
        let full = |enqueued| match enqueued {
            Enqueued::Full { depth, high_water } => Some(NotStored::Full { depth, high_water }),
            Enqueued::Added | Enqueued::Known => None,
        };
        let refused = enqueued.by_ref().take(parcels).filter_map(full).last();
        // Whoever asked may have gone; the content is stored all the same.
        answer.send(refused.map_or(Ok(()), |refused| Err(Arc::new(refused)))).ok();
    }
    desk.inbox.tell(outlets);
}

async fn store_mail(desk: &Desk, parcels: &[Parcel], strays: &[Stray]) -> Result<Vec<Enqueued>, StoreError> {
    if !strays.is_empty() {
        desk.quarantine.put(strays).await?;
        telemetry::count("dispatch_webhook_changes_total", Some(("result", "quarantined")), strays.len());
    }
    if parcels.is_empty() {
        return Ok(Vec::new());
    }
    desk.queue.enqueue(parcels).await
}
