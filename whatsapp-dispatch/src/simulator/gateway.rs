use std::sync::Arc;

use async_trait::async_trait;

use super::meta::{Refusal, Reply};
use super::shared::Shared;
use super::wire::{Asked, ask};
use super::{http, templates};
use crate::adapters::cloud_api::CloudApi;
use crate::gateway::{ApiError, GatewayError, MessageGateway, Outgoing, Receipt, Wamid};
use crate::media::{Media, MediaId};
use crate::sender::Sender;
use crate::template::{Template, TemplateDefinition};

/// The simulator's door without sockets, for virtual time and for large runs. Bodies are those of
/// the real adapter, so both doors take the same.
#[derive(Clone, Debug)]
pub struct InProcessGateway {
    pub(super) shared: Arc<Shared>,
}

#[async_trait]
impl MessageGateway for InProcessGateway {
    async fn send(&self, sender: &Sender, message: &Outgoing) -> Result<Receipt, GatewayError> {
        let number = self.shared.meta().number(sender.number_id.as_str());
        let Some(number) = number else { return Err(refused(&http::NO_OBJECT)) };
        if !self.shared.secrets.is_valid() {
            return Err(refused(&http::NO_TOKEN));
        }
        let body = CloudApi::body(message);
        let post = match ask(number, &body, false) {
            Ok(Asked::Send(post)) => post,
            Ok(Asked::MarkRead) => return Err(refused(&http::NO_OBJECT)),
            Err(refusal) => return Err(refused(&refusal)),
        };
        let in_doubt = |what| Err(GatewayError::InDoubt { what, source: None });
        match self.shared.post(&post).await {
            Reply::Accepted { wamid, held: false } => Ok(Receipt::new(Wamid::new(wamid))),
            Reply::Accepted { wamid, held: true } => Ok(Receipt::new(Wamid::new(wamid)).held()),
            Reply::Refused(refusal) => Err(refused(&refusal)),
            Reply::ServerError => in_doubt("a server's failure without a readable reason"),
            Reply::Silence => in_doubt("the connection broke"),
        }
    }

    async fn template(
        &self,
        _: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        let meta = self.shared.meta();
        let listing = templates::listing(meta.templates.iter(), |name| meta.is_paused(name));
        drop(meta);
        CloudApi::read_templates(200, &listing, template)
    }

    async fn upload(&self, sender: &Sender, media: &Media) -> Result<MediaId, GatewayError> {
        let mut meta = self.shared.meta();
        if meta.number(sender.number_id.as_str()).is_none() {
            return Err(refused(&http::NO_OBJECT));
        }
        Ok(MediaId::new(meta.upload(&media.bytes)))
    }

    async fn mark_read(&self, _: &Sender, _: &Wamid) -> Result<(), GatewayError> {
        Ok(())
    }
}

fn refused(refusal: &Refusal) -> GatewayError {
    let transient = Some(refusal.transient);
    GatewayError::Refused(ApiError { transient, ..ApiError::new(refusal.code, refusal.http_status) })
}
