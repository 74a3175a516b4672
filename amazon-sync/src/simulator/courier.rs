//! Carries notifications to whoever wants them.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use rules_core::judge::key::Lane;
use rules_core::work::clock::ClockExt;
use rules_core::work::queue::{Enqueued, Parcel, Queue};

use super::shared::Shared;

/// Where notifications go.
#[derive(Clone)]
pub enum NoticeSink {
    /// To a function, one after the other.
    Function(Arc<dyn Fn(Bytes) + Send + Sync>),
    /// Into a lane of a queue.
    Queue(Arc<dyn Queue>, Lane),
}

impl Debug for NoticeSink {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function(_) => f.write_str("Function"),
            Self::Queue(queue, lane) => f.debug_tuple("Queue").field(queue).field(lane).finish(),
        }
    }
}

/// So long it waits before it tries a queue again that did not answer or was full.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs until it is dropped.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        deliver(&shared).await;
        rest(&shared).await;
    }
}

/// Delivers everything that has come.
pub(super) async fn deliver(shared: &Shared) {
    let Some(sink) = shared.notice_sink() else { return };
    let _one_at_a_time = shared.delivering.lock().await;
    let notices = shared.world().take_notices();
    if notices.is_empty() {
        return;
    }
    match sink {
        NoticeSink::Function(take) => notices.into_iter().for_each(|notice| take(notice)),
        NoticeSink::Queue(queue, lane) => put(shared, queue.as_ref(), lane, notices).await,
    }
}

async fn put(shared: &Shared, queue: &dyn Queue, lane: Lane, notices: Vec<Bytes>) {
    let most = queue.limits().max_records.max(1);
    for records in notices.chunks(most) {
        let batch = shared.next_batch();
        let parcel = Parcel { batch, lane: lane.clone(), due: None, records: records.to_vec() };
        while !matches!(
            queue.enqueue(std::slice::from_ref(&parcel)).await.as_deref(),
            Ok([Enqueued::Added | Enqueued::Known])
        ) {
            shared.clock.sleep(PAUSE).await;
        }
    }
}

/// Until something is due.
async fn rest(shared: &Shared) {
    let next_at: Option<DateTime<Utc>> = shared.world().next_at();
    let due = async {
        match next_at {
            Some(at) => shared.clock.sleep_until(shared.by_our_clock(at)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = due => {}
        () = shared.sooner.notified() => {}
    }
}
