//! The facade: plan, release, run, report.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use rules_core::work::StoreError;

use crate::campaign::{Campaign, CampaignName};
use crate::campaigns::{Change, Changed, Created, NewCampaign, Select, Status};
use crate::desk::Desk;
use crate::gateway::MessageGateway;
use crate::message::{CampaignKey, Salt};
use crate::people::random_key;
use crate::planner::Planner;
use crate::recipients::Recipients;
use crate::sender::Sender;
use crate::template::{Template, TemplateDefinition, TemplateEvent};

mod builder;
mod direct;
mod error;
mod explain;
mod forget;
mod limits;
mod media;
mod plan;
mod report;
mod round;
mod running;
mod sent;
mod steer;
mod store;
mod webhooks;

pub use builder::{DispatchBuilder, ONLY_TENANT};
pub use direct::{Direct, DirectContent};
pub use error::{BuildError, ChangeError, PlanError, SendError};
pub use explain::{Explained, Gates};
pub use plan::Plan;
pub use report::{Report, Waiting};
pub use round::Round;
pub use running::Running;
pub use sent::Sent;
pub use store::DispatchStore;
pub use webhooks::{WebhookConfig, WebhookConfigError, Webhooks};

/// Plans and sends campaigns. Clones share everything.
#[derive(Clone, Debug)]
pub struct Dispatch {
    pub(crate) desk: Arc<Desk>,
}

impl Dispatch {
    /// A dispatcher on a store and a gateway, with safe defaults: one tenant `main`, the rules of
    /// [`crate::rule::defaults`], up to 128 requests at once, every number paced.
    ///
    /// # Errors
    /// [`BuildError`] when the defaults cannot be put together.
    pub fn new(store: &impl DispatchStore, gateway: impl MessageGateway) -> Result<Self, BuildError> {
        Self::builder(store, gateway).build()
    }

    /// A dispatcher with parts of the host's.
    pub fn builder(store: &impl DispatchStore, gateway: impl MessageGateway) -> DispatchBuilder {
        DispatchBuilder::new(store, Arc::new(gateway))
    }

    /// Reads the recipients, judges everybody and freezes the result. Nothing is sent before
    /// [`Dispatch::release`].
    ///
    /// A name is unique per tenant: planning a known campaign with the same definition and the
    /// same source goes on where it stopped, or returns the finished plan.
    ///
    /// # Errors
    /// [`PlanError::Differs`] when the tenant's campaign of this name asks for something else;
    /// other [`PlanError`]s say what is wrong with the campaign, the template or the source.
    ///
    /// # Cancel safety
    /// Dropping the future, or the death of the process, loses at most one batch of work; plan
    /// again to go on.
    #[tracing::instrument(name = "dispatch.plan", skip_all, fields(campaign = campaign.name))]
    pub async fn plan(&self, campaign: Campaign, mut source: impl Recipients) -> Result<Plan, PlanError> {
        let (name, mut definition) = campaign.define()?;
        definition.template.check()?;
        let scope = self.desk.tenants.enter(&definition.sender.tenant).await?;
        let mapping = definition.mapping.bind(source.columns())?;
        let template = self.template(&definition.sender, &definition.template).await?;
        let files = media::open(&mut definition.components).await?;
        let messages = definition.components.compile(source.columns(), &template)?;
        definition.skeleton = messages.skeleton().clone();
        definition.media = media::upload(&self.desk, &scope, &name, &definition.sender, files).await?;
        let new = NewCampaign::new(
            &scope,
            name.clone(),
            Arc::new(definition),
            source.digest().to_string(),
            Salt::from_bytes(random_key(&self.desk.ids)),
        );
        let record = match self.desk.campaigns.create(&new).await? {
            Created::New(record) => record,
            Created::Known(record) => {
                let what = match record.definition.asks_the_same(&new.definition) {
                    true if record.source == new.source => None,
                    true => Some("recipients"),
                    false => Some("definition"),
                };
                match what {
                    Some(what) => return Err(PlanError::Differs { campaign: name, what }),
                    None => record,
                }
            }
        };
        self.desk.know(Arc::new(record.definition.sender.clone()));
        let record = if record.status == Status::Planning {
            Planner {
                desk: &self.desk,
                scope,
                campaign: &record,
                mapping,
                messages,
                told: AtomicUsize::new(0),
            }
            .run(&mut source)
            .await?;
            match self.desk.campaigns.change(&record.key, record.revision, &Change::Planned).await? {
                Changed::Made(record) | Changed::Moved(record) | Changed::NotAllowed(record) => record,
                Changed::Missing => return Err(PlanError::Elsewhere { campaign: name }),
            }
        } else {
            record
        };
        self.desk.forget(&record.key);
        Plan::of(&self.desk, record).await.map_err(PlanError::from)
    }

    /// Asks the gateway for the template, so that a mistake shows before anything is planned.
    async fn template(&self, sender: &Sender, template: &Template) -> Result<TemplateDefinition, PlanError> {
        let found = self.desk.template(sender, template).await;
        let found = found.map_err(|source| PlanError::Gateway { template: template.to_string(), source })?;
        found.ok_or_else(|| PlanError::NoTemplate {
            template: template.to_string(),
            waba: sender.waba.clone(),
        })
    }

    /// Lets a plan's messages leave. Repeat it: nobody gets a message twice, and a campaign that
    /// was paused since stays paused.
    ///
    /// # Errors
    /// [`ChangeError`] when the campaign was cancelled, or the store does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the campaign released or not.
    pub async fn release(&self, plan: &Plan) -> Result<Sent, ChangeError> {
        let record = self.change(plan.key(), &Change::Release, Status::Released).await?;
        tracing::info!(campaign = %record.key, "released");
        let sent = Sent::new(Arc::clone(&self.desk), record);
        sent.wait_for_start().await?;
        Ok(sent)
    }

    /// The tenant's campaign of this name, if there is one that was released.
    ///
    /// # Errors
    /// [`PlanError`] when the tenant is not let in or the store does not answer.
    pub async fn campaign(
        &self,
        tenant: &rules_core::judge::tenant::TenantId,
        name: &CampaignName,
    ) -> Result<Option<Sent>, PlanError> {
        let scope = self.desk.tenants.enter(tenant).await?;
        let found = self.desk.campaigns.list(&Select::named(&scope, name), 0, 1).await?;
        Ok(found.into_iter().next().map(|record| Sent::new(Arc::clone(&self.desk), record)))
    }

    /// WhatsApp told something about a template: its definition is asked for anew, and campaigns
    /// that send it are paused or, if that was the reason, go on. A host that reads webhooks itself calls it;
    /// repeating it changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    pub async fn template_changed(
        &self,
        waba: &str,
        name: &str,
        language: &str,
        event: TemplateEvent,
    ) -> Result<(), StoreError> {
        self.desk.template_changed(waba, name, language, event).await
    }

    pub(crate) async fn change(
        &self,
        key: &CampaignKey,
        change: &Change,
        wanted: Status,
    ) -> Result<crate::campaigns::CampaignRecord, ChangeError> {
        self.desk.change(key, change, wanted).await
    }
}

impl Desk {
    /// Makes a change whatever the revision; a campaign that is already as wanted, or beyond it,
    /// is returned as it is.
    pub(crate) async fn change(
        &self,
        key: &CampaignKey,
        change: &Change,
        wanted: Status,
    ) -> Result<crate::campaigns::CampaignRecord, ChangeError> {
        let missing = || ChangeError::Missing { campaign: key.to_string() };
        let loaded = self.campaigns.load(std::slice::from_ref(key)).await?;
        let mut record = loaded.into_iter().next().flatten().ok_or_else(missing)?;
        loop {
            let moved_on = matches!(record.status, Status::Paused | Status::Finished);
            if record.status == wanted || (*change == Change::Release && moved_on) {
                return Ok(record);
            }
            let changed = self.campaigns.change(key, record.revision, change).await?;
            self.forget(key);
            match changed {
                Changed::Made(record) => return Ok(record),
                Changed::Moved(newer) => record = newer,
                Changed::Missing => return Err(missing()),
                Changed::NotAllowed(found) => {
                    return Err(ChangeError::NotAllowed {
                        campaign: found.name.clone(),
                        status: found.status.as_str(),
                        wanted: wanted.as_str(),
                    });
                }
            }
        }
    }
}
