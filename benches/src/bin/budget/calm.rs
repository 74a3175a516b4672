//! How late a process is woken on this machine: what the figures depend on beside the code.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(10);

/// Looks until it is dropped.
pub(crate) struct Calm {
    late: Arc<Mutex<Vec<Duration>>>,
    _looking: JoinSet<()>,
}

/// By how much each wake-up was late, in order of size.
pub(crate) struct Lateness(Vec<Duration>);

impl Calm {
    pub(crate) fn watch() -> Self {
        let late = Arc::<Mutex<Vec<Duration>>>::default();
        let mut looking = JoinSet::new();
        let told = Arc::clone(&late);
        looking.spawn(async move {
            loop {
                let asleep = Instant::now();
                tokio::time::sleep(EVERY).await;
                let late = asleep.elapsed().saturating_sub(EVERY);
                told.lock().unwrap_or_else(PoisonError::into_inner).push(late);
            }
        });
        Self { late, _looking: looking }
    }

    pub(crate) fn lateness(&self) -> Lateness {
        let mut late = self.late.lock().unwrap_or_else(PoisonError::into_inner).clone();
        late.sort_unstable();
        Lateness(late)
    }
}

impl Lateness {
    pub(crate) fn p99_ms(&self) -> f64 {
        ms(self.0.get(self.0.len() * 99 / 100))
    }

    pub(crate) fn most_ms(&self) -> f64 {
        ms(self.0.last())
    }

    pub(crate) fn above_ms(&self, limit: f64) -> usize {
        self.0.iter().filter(|late| limit < ms(Some(late))).count()
    }
}

fn ms(late: Option<&Duration>) -> f64 {
    late.copied().unwrap_or_default().as_secs_f64() * 1e3
}
