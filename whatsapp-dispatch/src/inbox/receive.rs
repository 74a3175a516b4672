//! From a verified webhook to parcels for the queue.

use std::sync::Arc;

use bytes::Bytes;
use rules_core::judge::code::Code;
use rules_core::judge::id::BatchId;
use rules_core::judge::key::Lane;
use rules_core::work::StoreError;
use rules_core::work::queue::Parcel;

use super::cut::{Cut, cut};
use super::gather::{Mail, put};
use super::whose::whose;
use super::{TOO_LARGE, lane};
use crate::desk::Desk;
use crate::quarantine::Stray;
use crate::telemetry;
use crate::webhook::{RawChange, VerifiedWebhook, WebhookError, split};

/// Takes webhooks in.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    desk: Arc<Desk>,
}

impl Receiver {
    pub(crate) const fn new(desk: Arc<Desk>) -> Self {
        Self { desk }
    }

    /// Returns when every change of the webhook is durable, in the queue or in the quarantine.
    /// `signature` is the one that was verified: it names the webhook, so that a repeat within
    /// the hour changes nothing.
    ///
    /// # Cancel safety
    /// Whatever was handed over is stored all the same; Meta hears nothing and repeats it.
    pub(crate) async fn receive(
        &self,
        signature: &str,
        webhook: &VerifiedWebhook<'_>,
    ) -> Result<(), WebhookError> {
        let changes = split(webhook.body())?;
        telemetry::count("dispatch_webhook_changes_total", Some(("result", "received")), changes.len());
        let mail = self.sort(signature, changes).await;
        let mail = mail.map_err(|error| WebhookError::Unavailable { source: error.into() })?;
        if mail.is_empty() {
            return Ok(());
        }
        put(&self.desk, mail).await
    }

    /// Finds out where each change goes.
    async fn sort(&self, signature: &str, changes: Vec<RawChange>) -> Result<Mail, StoreError> {
        let limits = self.desk.queue.limits();
        let (mut lanes, mut strays) = (Vec::<(Lane, Vec<Bytes>)>::new(), Vec::new());
        for change in &changes {
            let scopes = match whose(&self.desk, change).await? {
                Ok(scopes) => scopes,
                Err(code) => {
                    strays.push(stray(change, code, &change.bytes));
                    continue;
                }
            };
            let Cut { pieces, too_large } = cut(&change.bytes, limits.max_payload);
            strays.extend(too_large.iter().map(|bytes| stray(change, TOO_LARGE, bytes)));
            for scope in scopes {
                let lane = lane(&scope, change.number_id.as_ref()).map_err(|error| StoreError::Refused {
                    doing: "addressing a webhook".into(),
                    reason: error.to_string().into(),
                })?;
                match lanes.iter_mut().find(|(known, _)| *known == lane) {
                    Some((_, records)) => records.extend(pieces.iter().cloned()),
                    None => lanes.push((lane, pieces.clone())),
                }
            }
        }
        let mut parcels = Vec::with_capacity(lanes.len());
        for (lane, records) in lanes {
            for (part, records) in (0_u32..).zip(records.chunks(limits.max_records.max(1))) {
                // The signature is a digest of the body under a key, so nothing else has it.
                let batch = BatchId::of(&[
                    b"webhook",
                    signature.as_bytes(),
                    lane.tenant().as_str().as_bytes(),
                    lane.topic().as_bytes(),
                    &part.to_be_bytes(),
                ]);
                parcels.push(Parcel { batch, lane: lane.clone(), due: None, records: records.to_vec() });
            }
        }
        Ok(Mail { parcels, strays })
    }
}

fn stray(change: &RawChange, code: Code, bytes: &Bytes) -> Stray {
    tracing::warn!(%code, field = change.field, waba = change.waba, "a change of a webhook is put into quarantine");
    Stray {
        code,
        waba: change.waba.clone(),
        number_id: change.number_id.clone(),
        field: change.field.clone(),
        change: bytes.clone(),
    }
}
