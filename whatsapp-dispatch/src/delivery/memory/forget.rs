use bytes::Bytes;
use rules_core::judge::tenant::TenantId;

use super::{Stored, Tables};
use crate::campaigns::Status;
use crate::delivery::{Forget, PlanVerdict, needs_parameters};
use crate::fact::Subject;
use crate::message::CampaignKey;
use crate::phone::PhoneNumber;

impl Tables {
    /// Forgets all of it.
    pub(super) fn forget(&mut self, what: &Forget) {
        match what {
            Forget::Strays(tenant, numbers) => self.forget_strays(tenant, numbers),
            Forget::Parameters(campaign) => {
                if let Some(stored) = self.campaign(campaign) {
                    stored.forget_parameters();
                }
            }
            Forget::Messages(campaign) => self.forget_messages(campaign),
        }
    }

    fn forget_strays(&mut self, tenant: &TenantId, numbers: &[PhoneNumber]) {
        let digits: Vec<String> = numbers.iter().map(|number| number.digits().to_string()).collect();
        self.orphans.retain(|(_, fact)| match &fact.of {
            Subject::Wamid(of, wamid) if of == tenant => !digits.iter().any(|digits| wamid.tells(digits)),
            _ => true,
        });
    }

    fn forget_messages(&mut self, campaign: &CampaignKey) {
        let Some(stored) = self.campaign(campaign).filter(|it| it.record.status == Status::Exported) else {
            return;
        };
        stored.messages.clear();
        stored.ids.clear();
        self.by_wamid.retain(|_, message| message.campaign() != campaign);
    }
}

impl Stored {
    fn forget_parameters(&mut self) {
        let status = self.record.status;
        for message in self.messages.values_mut() {
            let facts = (message.verdict == PlanVerdict::Planned).then_some(&message.facts);
            if !needs_parameters(status, facts) {
                message.parameters = Bytes::new();
            }
        }
    }
}
