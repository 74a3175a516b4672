//! How many messages a tenant sends in a day: charged before anything is begun.

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::id::ChargeId;
use rules_core::judge::key::MeterKey;
use rules_core::judge::window::Window;
use rules_core::work::StoreError;
use rules_core::work::lanes::{Hold, HoldOn};
use rules_core::work::queue::Outcome;
use rules_core::work::quota::{Charge, Grant, Meter};

use super::batch::{Candidate, Sorter};
use super::begin::Ready;
use super::recorder::{Back, Charges, Done};
use crate::desk::outlet;

/// The tenant's messages of the day are used up.
pub(super) const DAILY_EXCEEDED: Code = Code::known("quota.daily_exceeded");

impl Sorter<'_> {
    /// Charges the tenants' days, before anything is begun. What is not granted goes back and its
    /// tenant is held until the next day.
    pub(super) async fn charge(&mut self, allowed: Vec<Candidate>) -> Result<Vec<Ready>, StoreError> {
        let mut by_tenant: Vec<Vec<Candidate>> = Vec::new();
        for candidate in allowed {
            match by_tenant.last_mut() {
                Some(run) if run.first().is_some_and(|first| first.scope.id() == candidate.scope.id()) => {
                    run.push(candidate);
                }
                _ => by_tenant.push(vec![candidate]),
            }
        }
        let mut charges = Vec::new();
        for run in &by_tenant {
            if let Some(first) = run.first()
                && let Some(limit) = first.scope.record().daily_limit
                && let Ok(key) = MeterKey::new(&first.scope, "messages.day")
            {
                let tenant = first.scope.id();
                charges.push(Charge {
                    id: ChargeId::of(&[self.lease.token.as_bytes(), tenant.as_str().as_bytes()]),
                    meters: vec![Meter { key, window: Window::Day(first.scope.zone()), limit }],
                    units: run.len() as u64,
                    grant: Grant::Prefix,
                });
            }
        }
        let grants = if charges.is_empty() { Vec::new() } else { self.desk.quota.charge(&charges).await? };
        let mut grants = charges.into_iter().zip(grants).peekable();
        let mut ready = Vec::new();
        for run in by_tenant {
            let Some(first) = run.first() else { continue };
            let (tenant, limited) = (first.scope.id().clone(), first.scope.record().daily_limit.is_some());
            let granted = if limited { grants.next() } else { None };
            let room = granted
                .as_ref()
                .map_or(run.len(), |(_, granted)| usize::try_from(granted.units).unwrap_or(usize::MAX));
            if let Some((_, granted)) = &granted
                && let Some(refusal) = &granted.refused_by
            {
                tracing::info!(%tenant, limit = refusal.limit, "the tenant's messages of the day are used up");
                self.hold_numbers(&run, refusal.resets_at).await?;
            }
            let charge = granted.map(|(charge, _)| charge.id);
            for (index, candidate) in run.into_iter().enumerate() {
                if index < room {
                    ready.push(self.ready(candidate, charge));
                } else {
                    let charges = Charges { day: None, person: candidate.person_charge };
                    let back = Back { key: candidate.message.key, attempt: 0, charges };
                    let done = Done::settled(self.lease, candidate.receipt, Outcome::HandBack);
                    self.done.push(Done { refund: Some(back), ..done });
                }
            }
        }
        Ok(ready)
    }

    /// Keeps back what leaves through the candidates' numbers. Not the whole tenant: its webhooks
    /// come in all the same.
    async fn hold_numbers(
        &self,
        candidates: &[Candidate],
        until: Option<DateTime<Utc>>,
    ) -> Result<(), StoreError> {
        let mut holds: Vec<Hold> = Vec::new();
        for candidate in candidates {
            let Ok(outlet) = outlet(&candidate.scope, &candidate.campaign.record.definition.sender) else {
                continue;
            };
            let on = HoldOn::Outlet(outlet);
            if !holds.iter().any(|hold| hold.on == on) {
                holds.push(Hold { on, until, code: DAILY_EXCEEDED });
            }
        }
        self.desk.lanes.hold(&holds).await
    }
}
