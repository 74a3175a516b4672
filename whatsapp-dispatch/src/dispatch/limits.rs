//! WhatsApp's limits as the host reads them from Meta's API. Webhooks tell them too.

use rules_core::work::StoreError;

use super::Dispatch;
use crate::accounts::PortfolioNote;
use crate::sender::Sender;

impl Dispatch {
    /// Notes to how many different people the sender's portfolio may write in 24 hours; `None`
    /// when it is unlimited. Meta gives it as `whatsapp_business_manager_messaging_limit` of a
    /// number and in `business_capability_update` webhooks. It counts for all tenants of the
    /// portfolio, in place of what the configuration says, until another limit is told.
    ///
    /// # Errors
    /// [`StoreError`] when the tenant is not let in or the store does not answer.
    pub async fn portfolio_limit(
        &self,
        sender: &Sender,
        people_per_day: Option<u64>,
    ) -> Result<(), StoreError> {
        let entering = |source| StoreError::Unavailable {
            doing: "entering the sender's tenant".into(),
            source: Box::new(source),
        };
        let scope = self.desk.tenants.enter(&sender.tenant).await.map_err(entering)?;
        let at = self.desk.clock.now();
        self.desk.note_portfolio(&scope, &sender.portfolio, at, PortfolioNote { people_per_day }).await
    }

    /// Notes that the number's throughput was raised to 1,000 messages a second, or taken back to
    /// what is configured. Meta tells it in `phone_number_quality_update` webhooks.
    ///
    /// # Errors
    /// [`StoreError`] when the tenant is not let in or the store does not answer.
    pub async fn throughput_upgraded(&self, sender: &Sender, upgraded: bool) -> Result<(), StoreError> {
        let entering = |source| StoreError::Unavailable {
            doing: "entering the sender's tenant".into(),
            source: Box::new(source),
        };
        let scope = self.desk.tenants.enter(&sender.tenant).await.map_err(entering)?;
        let at = self.desk.clock.now();
        self.desk.note_number(&scope, sender, at, |note, _| note.upgraded = upgraded).await
    }
}
