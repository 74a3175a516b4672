//! Letting go of what answers of WhatsApp put on hold, once a person has looked after it.

use rules_core::judge::code::Code;
use rules_core::judge::tenant::TenantId;
use rules_core::work::StoreError;
use rules_core::work::lanes::HoldOn;
use rules_core::work::secrets::SecretRef;

use super::{ChangeError, Dispatch, Sent};
use crate::aftermath::{number, numbers, release};
use crate::campaigns::{CampaignRecord, Select, Status};
use crate::sender::Sender;
use crate::template::Template;

/// The template is paused for its quality.
const TEMPLATE_PAUSED: Code = Code::known("whatsapp.132015");

/// Campaigns that are looked at together.
const PAGE: usize = 500;

impl Dispatch {
    /// Lets messages leave from a number again that an answer of WhatsApp put on hold, such as
    /// `whatsapp.131048`. A campaign that is paused stays paused.
    ///
    /// If what was wrong still is, the next answer puts the number on hold again.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the number held or not; repeat the call.
    pub async fn resume_sender(&self, sender: &Sender) -> Result<(), StoreError> {
        let on: Vec<HoldOn> = number(&self.desk, sender).await.into_iter().collect();
        self.desk.signs.trust(&sender.secret);
        release(&self.desk, &on).await
    }

    /// The same for every number of a business portfolio that a campaign leaves from.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// As [`Dispatch::resume_sender`].
    pub async fn resume_portfolio(&self, portfolio: &str) -> Result<(), StoreError> {
        let on = numbers(&self.desk, |sender| sender.portfolio == portfolio).await?;
        release(&self.desk, &on).await
    }

    /// The same for every number that sends with a credential, once that is good again.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// As [`Dispatch::resume_sender`].
    pub async fn resume_credential(&self, secret: &SecretRef) -> Result<(), StoreError> {
        let on = numbers(&self.desk, |sender| sender.secret == *secret).await?;
        self.desk.signs.trust(secret);
        release(&self.desk, &on).await
    }

    /// Lets messages of a tenant leave again that lacked a permission: those of all its numbers,
    /// whatever else they were held for.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// As [`Dispatch::resume_sender`].
    pub async fn resume_tenant(&self, tenant: &TenantId) -> Result<(), StoreError> {
        let mut on = numbers(&self.desk, |sender| sender.tenant == *tenant).await?;
        on.push(HoldOn::Tenant(tenant.clone()));
        release(&self.desk, &on).await
    }

    /// Resumes the campaigns of a business account that wait because their template was paused
    /// (`whatsapp.132015`), once WhatsApp says that it is back; says how many.
    ///
    /// # Errors
    /// [`ChangeError`] when the store does not answer; repeat the call.
    ///
    /// # Cancel safety
    /// Dropping the future leaves some campaigns resumed; repeat the call.
    pub async fn template_is_back(&self, waba: &str, template: &Template) -> Result<usize, ChangeError> {
        let waits = |record: &CampaignRecord| {
            let used = &record.definition.template;
            record.status == Status::Paused
                && record.reason.as_ref() == Some(&TEMPLATE_PAUSED)
                && record.definition.sender.waba == waba
                && (&used.name, &used.language) == (&template.name, &template.language)
        };
        let (mut after, mut resumed) = (0, 0);
        loop {
            let records = self.desk.campaigns.list(&Select::Active, after, PAGE).await?;
            let Some(last) = records.last() else { return Ok(resumed) };
            after = last.key.number();
            for record in records.into_iter().filter(waits) {
                Sent::new(std::sync::Arc::clone(&self.desk), record).resume().await?;
                resumed += 1;
            }
        }
    }
}
