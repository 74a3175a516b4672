use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;

use super::meta::Reply;
use super::shared::Shared;
use super::wire::{Parameter, Post};
use super::{NUMBER_ID, templates, wire};
use crate::adapters::cloud_api::{CloudApi, body, parameters};
use crate::gateway::{ApiError, GatewayError, MessageGateway, Outgoing, Receipt, Wamid};
use crate::media::{Media, MediaId};
use crate::sender::Sender;
use crate::template::{Argument, Template, TemplateDefinition, Value};

/// The simulator's door without sockets, for virtual time and for large runs.
#[derive(Clone, Debug)]
pub struct InProcessGateway {
    pub(super) shared: Arc<Shared>,
}

#[async_trait]
impl MessageGateway for InProcessGateway {
    async fn send(&self, sender: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError> {
        if sender.number_id.as_str() != NUMBER_ID {
            return Err(GatewayError::Refused(ApiError::new(100, 400)));
        }
        let in_doubt = |what| Err(GatewayError::InDoubt { what, source: None });
        let body = message.content.verbatim.then(|| body(message));
        let read = body.as_ref().map_or_else(|| Some(post(message)), |body| wire::post(body));
        // What the simulator cannot read, it refuses as WhatsApp refuses a malformed request.
        let Some(read) = read else { return Err(GatewayError::Refused(ApiError::new(100, 400))) };
        match self.shared.post(&read).await {
            Reply::Accepted { wamid, held: false } => Ok(Receipt::new(Wamid::new(wamid))),
            Reply::Accepted { wamid, held: true } => Ok(Receipt::new(Wamid::new(wamid)).held()),
            Reply::Refused(refusal) => Err(GatewayError::Refused(ApiError {
                transient: Some(refusal.transient),
                ..ApiError::new(refusal.code, refusal.http_status)
            })),
            Reply::ServerError => in_doubt("a server's failure without a readable reason"),
            Reply::Silence => in_doubt("the connection broke"),
        }
    }

    async fn template(
        &self,
        _: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        let listing = templates::listing(self.shared.meta().templates.iter());
        CloudApi::read_templates(200, &listing, template)
    }

    async fn upload(&self, sender: &Sender, media: &Media) -> Result<MediaId, GatewayError> {
        if sender.number_id.as_str() != NUMBER_ID {
            return Err(GatewayError::Refused(ApiError::new(100, 400)));
        }
        Ok(MediaId::new(wire::media_id(&media.bytes)))
    }

    async fn mark_read(&self, _: &Sender, _: &Wamid) -> Result<(), GatewayError> {
        Ok(())
    }
}

fn post(message: &Outgoing) -> Post<'_> {
    let values = parameters(&message.parameters);
    let text = |value: &Value| match value {
        Value::Constant(text) => text.clone(),
        Value::Slot(slot) => values.iter().nth(usize::from(*slot)).unwrap_or_default().to_owned(),
    };
    let parameters = message.content.skeleton.body().iter().filter_map(|argument| match argument {
        Argument::Text { name, text: value } => {
            Some(Parameter { name: name.as_deref().map(Cow::Borrowed), text: Cow::Owned(text(value)) })
        }
        _ => None,
    });
    Post {
        to: Cow::Owned(message.to.to_e164()),
        template: Cow::Borrowed(&message.content.template.name),
        language: Cow::Borrowed(&message.content.template.language),
        parameters: parameters.collect(),
        token: Cow::Borrowed(&message.token),
    }
}
