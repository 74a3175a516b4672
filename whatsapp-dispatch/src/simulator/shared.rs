use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::work::StoreError;
use rules_core::work::clock::{Clock, ClockExt};
use rules_core::work::secrets::{SecretRef, SecretSource};
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
#[derive(Debug)]
pub(super) struct Secrets {
    seed: u64,
    token: Mutex<Token>,
    pub(super) app_secret: SecretString,
    pub(super) verify_token: SecretString,
}

#[derive(Clone, Copy, Debug, Default)]
struct Token {
    rotations: u64,
    is_expired: bool,
}

impl Secrets {
    fn of(seed: u64) -> Self {
        let (app_secret, verify_token) = (secret(seed, 2), secret(seed, 3));
        Self { seed, token: Mutex::default(), app_secret, verify_token }
    }

    fn token(&self) -> MutexGuard<'_, Token> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn access_token(&self) -> SecretString {
        let rotations = self.token().rotations;
        secret(self.seed, if rotations == 0 { 1 } else { 1_000 + rotations })
    }

    /// True when requests with the right token are let in.
    pub(super) fn is_valid(&self) -> bool {
        !self.token().is_expired
    }

    pub(super) fn expire(&self) {
        self.token().is_expired = true;
    }

    pub(super) fn rotate(&self) {
        let mut token = self.token();
        *token = Token { rotations: token.rotations + 1, is_expired: false };
    }
}

fn secret(seed: u64, which: u64) -> SecretString {
    let mut draw = Draw::new(&[seed, which]);
    SecretString::from(format!("SIM{:016x}{:016x}", draw.next(), draw.next()))
}

/// The present access token under every name.
#[async_trait]
impl SecretSource for Shared {
    async fn secret(&self, _: &SecretRef) -> Result<SecretString, StoreError> {
        Ok(self.secrets.access_token())
    }

    fn forget(&self, _: &SecretRef) {}
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
        self.meta().bring_all();
        self.moved.notify_one();
    }

    pub(super) fn deliver_to_nobody(&self) {
        *self.endpoint.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(super) async fn post(&self, post: &Post<'_>) -> Reply {
        let (reply, slowness) = self.change(|meta, now| {
            let reply = meta.post(post, now);
            (reply, meta.slowness(post))
        });
        let answer_after = self.answer_after + slowness;
        if !answer_after.is_zero() {
            self.clock.sleep(answer_after).await;
        }
        reply
    }

    /// Changes what Meta knows, and wakes the courier if something falls due earlier by it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Meta, DateTime<Utc>) -> T) -> T {
        let mut meta = self.meta();
        let due_before = meta.next_due();
        let changed = change(&mut meta, self.clock.now());
        let due = meta.next_due();
        drop(meta);
        if due.is_some_and(|due| due_before.is_none_or(|before| due < before)) {
            self.sooner.notify_one();
        }
        changed
    }
}
