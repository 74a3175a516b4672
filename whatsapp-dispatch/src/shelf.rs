//! Definitions of templates, kept for ten minutes and in step with what WhatsApp tells about them;
//! a template that is paused takes its campaigns along, and lets them go on afterwards.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::work::StoreError;
use rules_core::work::clock::after;

use crate::aftermath::{pause_campaign, release_campaign, release_lanes};
use crate::campaigns::{CampaignRecord, Change, Changed, Select, Status};
use crate::desk::{Desk, lane};
use crate::gateway::GatewayError;
use crate::reaction::api_code;
use crate::sender::Sender;
use crate::template::{Template, TemplateDefinition, TemplateEvent};

/// A definition is believed for so long.
const KEPT_FOR: Duration = Duration::from_secs(600);
/// More definitions than this are not kept.
const KEPT: usize = 10_000;
/// Campaigns that are looked at together.
const PAGE: usize = 500;

/// WhatsApp paused the template.
pub(crate) const PAUSED: Code = Code::known("template.paused");
/// WhatsApp will not send the template any more.
pub(crate) const DISABLED: Code = Code::known("template.disabled");

/// Definitions by account, name and language, and until when they are believed.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    kept: Mutex<HashMap<Key, (TemplateDefinition, DateTime<Utc>)>>,
}

type Key = (String, String, String);

fn key(waba: &str, name: &str, language: &str) -> Key {
    (waba.to_owned(), name.to_owned(), language.to_owned())
}

impl Shelf {
    fn find(&self, key: &Key, now: DateTime<Utc>) -> Option<TemplateDefinition> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).filter(|(_, until)| now < *until).map(|(definition, _)| definition.clone())
    }

    fn keep(&self, key: Key, definition: TemplateDefinition, now: DateTime<Utc>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if KEPT <= kept.len() {
            kept.retain(|_, (_, until)| now < *until);
        }
        if kept.len() < KEPT {
            kept.insert(key, (definition, after(now, KEPT_FOR)));
        }
    }

    fn drop(&self, key: &Key) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

impl Desk {
    /// The definition of a template, from the shelf or from the gateway.
    pub(crate) async fn template(
        &self,
        sender: &Sender,
        template: &Template,
    ) -> Result<Option<TemplateDefinition>, GatewayError> {
        let key = key(&sender.waba, &template.name, &template.language);
        let now = self.clock.now();
        if let Some(definition) = self.shelf.find(&key, now) {
            return Ok(Some(definition));
        }
        let found = self.gateway.template(sender, template).await?;
        if let Some(definition) = &found {
            self.shelf.keep(key, definition.clone(), now);
        }
        Ok(found)
    }

    /// WhatsApp told something about a template: its definition is asked for anew, and campaigns
    /// that send it are paused or, if that was the reason, go on. Repeating it changes nothing.
    pub(crate) async fn template_changed(
        &self,
        waba: &str,
        name: &str,
        language: &str,
        event: TemplateEvent,
    ) -> Result<(), StoreError> {
        self.shelf.drop(&key(waba, name, language));
        tracing::info!(waba, template = name, language, ?event, "whatsapp changed a template");
        if event == TemplateEvent::Changed {
            return Ok(());
        }
        let mut after = 0;
        loop {
            let page = self.campaigns.list(&Select::Active, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.key.number();
            for record in page {
                let (sender, template) = (&record.definition.sender, &record.definition.template);
                if sender.waba == waba && template.name == name && template.language == language {
                    self.follow(&record, event).await?;
                }
            }
        }
    }

    /// Does with one campaign what its template asks for.
    async fn follow(&self, record: &CampaignRecord, event: TemplateEvent) -> Result<(), StoreError> {
        match (event, record.status) {
            (TemplateEvent::Paused, Status::Released) => pause_campaign(self, &record.key, &PAUSED).await,
            (TemplateEvent::Disabled, Status::Released) => pause_campaign(self, &record.key, &DISABLED).await,
            (TemplateEvent::Usable, Status::Paused) if is_of_template(record.reason.as_ref()) => {
                self.go_on(record).await
            }
            // Perhaps it was resumed and its lane was not released before the process died.
            (TemplateEvent::Usable, Status::Released) => self.release_of_template(record).await,
            _ => Ok(()),
        }
    }

    /// Resumes a campaign, unless somebody paused it for another reason since it was looked at.
    async fn go_on(&self, record: &CampaignRecord) -> Result<(), StoreError> {
        let mut record = record.clone();
        loop {
            let changed = self.campaigns.change(&record.key, record.revision, &Change::Resume).await?;
            self.forget(&record.key);
            record = match changed {
                Changed::Made(record) => {
                    tracing::info!(campaign = %record.key, "the campaign goes on, its template may be sent again");
                    return release_campaign(self, &record).await;
                }
                Changed::Moved(now)
                    if now.status == Status::Paused && is_of_template(now.reason.as_ref()) =>
                {
                    now
                }
                Changed::Moved(_) | Changed::NotAllowed(_) | Changed::Missing => return Ok(()),
            };
        }
    }

    /// Ends a hold on the campaign's lane that was made because of its template.
    async fn release_of_template(&self, record: &CampaignRecord) -> Result<(), StoreError> {
        let Ok(scope) = self.tenants.enter(record.key.tenant()).await else { return Ok(()) };
        let Ok(ours) = lane(&scope, record) else { return Ok(()) };
        release_lanes(self, |lane| *lane == ours, |code| is_of_template(Some(code))).await
    }
}

/// Whether a campaign was paused because of its template, by a webhook or by the answer to a POST.
fn is_of_template(reason: Option<&Code>) -> bool {
    let reasons = [PAUSED, DISABLED, api_code(132_015), api_code(132_016)];
    reason.is_some_and(|reason| reasons.contains(reason))
}
