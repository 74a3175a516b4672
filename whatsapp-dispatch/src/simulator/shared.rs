use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rules_core::work::clock::{Clock, ClockExt};
use secrecy::SecretString;
use tokio::sync::Notify;

use super::fate::Draw;
use super::meta::{Meta, Reply};
use super::wire::Post;
use crate::webhook::WebhookHandler;

/// What the doors and the courier have in common.
#[derive(Debug)]
pub(super) struct Shared {
    meta: Mutex<Meta>,
    endpoint: Mutex<Option<Endpoint>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) secrets: Secrets,
    /// How long an answer takes.
    pub(super) answer_after: Duration,
    /// Something falls due earlier than was known.
    pub(super) sooner: Notify,
    /// There is another endpoint.
    pub(super) moved: Notify,
}

/// Who gets the webhooks.
#[derive(Clone, Debug)]
pub(super) enum Endpoint {
    Url(String),
    Handler(Arc<dyn WebhookHandler>),
}

/// The secrets of a simulator; they follow from its seed.
#[derive(Clone, Debug)]
pub(super) struct Secrets {
    pub(super) access_token: SecretString,
    pub(super) app_secret: SecretString,
    pub(super) verify_token: SecretString,
}

impl Secrets {
    pub(super) fn of(seed: u64) -> Self {
        let secret = |which| {
            let mut draw = Draw::new(&[seed, which]);
            SecretString::from(format!("SIM{:016x}{:016x}", draw.next(), draw.next()))
        };
        Self { access_token: secret(1), app_secret: secret(2), verify_token: secret(3) }
    }
}

impl Shared {
    pub(super) fn new(meta: Meta, clock: Arc<dyn Clock>, answer_after: Duration) -> Self {
        Self {
            secrets: Secrets::of(meta.seed),
            meta: Mutex::new(meta),
            endpoint: Mutex::default(),
            clock,
            answer_after,
            sooner: Notify::new(),
            moved: Notify::new(),
        }
    }

    pub(super) fn meta(&self) -> MutexGuard<'_, Meta> {
        self.meta.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn endpoint(&self) -> Option<Endpoint> {
        self.endpoint.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn deliver_to(&self, endpoint: Endpoint) {
        *self.endpoint.lock().unwrap_or_else(PoisonError::into_inner) = Some(endpoint);
        self.moved.notify_one();
    }

    pub(super) async fn post(&self, post: &Post<'_>) -> Reply {
        let reply = self.judge(post);
        if !self.answer_after.is_zero() {
            self.clock.sleep(self.answer_after).await;
        }
        reply
    }

    fn judge(&self, post: &Post<'_>) -> Reply {
        let mut meta = self.meta();
        let due_before = meta.next_due();
        let reply = meta.post(post, self.clock.now());
        let due = meta.next_due();
        drop(meta);
        if due_before.is_none_or(|before| due.is_some_and(|due| due < before)) {
            self.sooner.notify_one();
        }
        reply
    }
}
