use std::borrow::Cow;
use std::sync::Arc;

use async_trait::async_trait;

use super::meta::Reply;
use super::shared::Shared;
use super::templates;
use super::wire::{Parameter, Post};
use crate::adapters::cloud_api::{CloudApi, parameters};
use crate::gateway::{ApiError, GatewayError, MessageGateway, Outgoing, Receipt, Wamid};
use crate::sender::Sender;
use crate::template::{Template, TemplateDefinition};

/// The simulator's door without sockets, for virtual time and for large runs.
#[derive(Clone, Debug)]
pub struct InProcessGateway {
    pub(super) shared: Arc<Shared>,
}

#[async_trait]
impl MessageGateway for InProcessGateway {
    async fn send(&self, sender: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError> {
        let number = self.shared.meta().number(sender.number_id.as_str());
        let Some(number) = number else { return Err(GatewayError::Refused(ApiError::new(100, 400))) };
        let in_doubt = |what| Err(GatewayError::InDoubt { what, source: None });
        match self.shared.post(&post(number, message)).await {
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
}

fn post(number: u16, message: &Outgoing) -> Post<'_> {
    let names = message.content.parameter_names.iter().flatten();
    let mut names = names.map(|name| Cow::Borrowed(name.as_str()));
    let parameters = parameters(&message.parameters)
        .iter()
        .map(|text| Parameter { name: names.next(), text: Cow::Owned(text.to_owned()) })
        .collect();
    Post {
        number,
        to: Cow::Owned(message.to.to_e164()),
        template: Cow::Borrowed(&message.content.template.name),
        language: Cow::Borrowed(&message.content.template.language),
        parameters,
        token: Cow::Borrowed(&message.token),
    }
}
