//! Writes down every request and every webhook, between the dispatcher and the simulator.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rules_core::work::clock::Clock;
use serde_json::Value;
use whatsapp_dispatch::dispatch::Webhooks;
use whatsapp_dispatch::gateway::{GatewayError, MessageGateway, Outgoing, Receipt};
use whatsapp_dispatch::sender::Sender;
use whatsapp_dispatch::simulator::InProcessGateway;
use whatsapp_dispatch::template::{Template, TemplateDefinition};
use whatsapp_dispatch::webhook::{Handshake, WebhookError, WebhookHandler};

use crate::virtual_time::VirtualClock;

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nobody waited for it: the dispatcher died.
    None,
    Accepted,
    /// Refused in so many words.
    Refused(i64),
    InDoubt,
}

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) at: DateTime<Utc>,
    pub(crate) number_id: String,
    /// Each campaign has a template of its own.
    pub(crate) template: String,
    pub(crate) digits: u64,
    pub(crate) token: String,
    pub(crate) answer: Answer,
}

#[derive(Debug, Default)]
struct Seen {
    posts: Vec<Post>,
    /// Tokens of messages that WhatsApp gave up on, as webhooks told.
    failed: BTreeSet<String>,
    endpoint: Option<Webhooks>,
}

/// Sees everything. Clones share what they saw.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    clock: VirtualClock,
    gateway: InProcessGateway,
    seen: Arc<Mutex<Seen>>,
}

impl Witness {
    pub(crate) fn new(clock: VirtualClock, gateway: InProcessGateway) -> Self {
        Self { clock, gateway, seen: Arc::default() }
    }

    pub(crate) fn posts(&self) -> Vec<Post> {
        self.seen.lock().unwrap().posts.clone()
    }

    pub(crate) fn failed(&self) -> BTreeSet<String> {
        self.seen.lock().unwrap().failed.clone()
    }

    /// Where webhooks go; nowhere while the endpoint is down.
    pub(crate) fn receive_with(&self, endpoint: Option<Webhooks>) {
        self.seen.lock().unwrap().endpoint = endpoint;
    }
}

#[async_trait]
impl MessageGateway for Witness {
    async fn send(&self, sender: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError> {
        let index = {
            let mut seen = self.seen.lock().unwrap();
            seen.posts.push(Post {
                at: self.clock.now(),
                number_id: sender.number_id.to_string(),
                template: message.content.template.name.clone(),
                digits: message.to.digits(),
                token: message.token.clone(),
                answer: Answer::None,
            });
            seen.posts.len() - 1
        };
        let answer = self.gateway.send(sender, message).await;
        self.seen.lock().unwrap().posts[index].answer = match &answer {
            Ok(_) => Answer::Accepted,
            Err(GatewayError::Refused(error)) => Answer::Refused(error.code),
            Err(_) => Answer::InDoubt,
        };
        answer
    }

    async fn template(
        &self,
        sender: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        self.gateway.template(sender, template).await
    }
}

#[async_trait]
impl WebhookHandler for Witness {
    fn handshake(&self, _: &Handshake) -> Result<String, WebhookError> {
        Err(WebhookError::Handshake)
    }

    async fn receive(&self, signature: Option<&str>, body: &[u8]) -> Result<(), WebhookError> {
        let endpoint = self.seen.lock().unwrap().endpoint.clone();
        let Some(endpoint) = endpoint else {
            return Err(WebhookError::Unavailable { source: "the endpoint is down".into() });
        };
        endpoint.receive(signature, body).await?;
        let webhook: Value = serde_json::from_slice(body).unwrap();
        let mut seen = self.seen.lock().unwrap();
        for change in list(&webhook["entry"]).flat_map(|entry| list(&entry["changes"])) {
            let statuses = list(&change["value"]["statuses"]).filter(|status| status["status"] == "failed");
            let tokens = statuses.filter_map(|status| status["biz_opaque_callback_data"].as_str());
            seen.failed.extend(tokens.map(str::to_owned));
        }
        Ok(())
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
