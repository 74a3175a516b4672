//! To how many different people a portfolio writes in 24 hours: admitted before anything is
//! begun, so that the limit is never exceeded.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::judge::id::ChargeId;
use rules_core::work::StoreError;
use rules_core::work::clock::after;
use rules_core::work::lanes::{Hold, HoldOn};
use rules_core::work::queue::Outcome;
use rules_core::work::quota::{Admission, Admitted, Crowd};

use super::batch::{Candidate, Sorter};
use crate::desk::lane;
use crate::fact::What;
use crate::people::PersonKey;
use crate::sender::NumberId;

/// The portfolio has written to as many people as it may in 24 hours.
pub(crate) const PEOPLE_EXCEEDED: Code = Code::known("quota.people_exceeded");

/// A full portfolio is left alone for so long at least: one place that becomes free is not worth
/// a lease.
const LEFT_ALONE: Duration = Duration::from_secs(60);

impl Sorter<'_> {
    /// Keeps those whom their portfolio may write to; the others go back, and their campaign is
    /// held until there is room. Single messages wait each by itself: the next one of the stream
    /// may go to somebody who counts already.
    pub(super) async fn admit(&mut self, mut allowed: Vec<Candidate>) -> Result<Vec<Candidate>, StoreError> {
        let limited = self.limited(&allowed).await?;
        let (places, admissions): (Vec<usize>, Vec<Admission>) =
            self.admissions(&allowed, limited).await?.into_iter().unzip();
        if admissions.is_empty() {
            return Ok(allowed);
        }
        let answers = self.desk.quota.admit(&admissions).await?;
        let mut full = Vec::new();
        for ((place, admission), answer) in places.into_iter().zip(admissions).zip(answers) {
            let Some(candidate) = allowed.get_mut(place) else { continue };
            match answer {
                Admitted::In => candidate.person_charge = Some(admission.id),
                Admitted::Full { frees_at } => {
                    full.push((candidate.receipt, frees_at, admission.crowd.limit));
                }
            }
        }
        let mut kept = Vec::with_capacity(allowed.len());
        for candidate in allowed {
            match full.iter().find(|(receipt, ..)| *receipt == candidate.receipt) {
                None => kept.push(candidate),
                Some((_, frees_at, limit)) => self.wait_for_room(&candidate, *frees_at, *limit).await?,
            }
        }
        Ok(kept)
    }

    /// Those whose portfolio is limited, by their place, with its crowd.
    async fn limited(&self, allowed: &[Candidate]) -> Result<Vec<(usize, Crowd)>, StoreError> {
        let mut crowds: Vec<(NumberId, Option<Crowd>)> = Vec::new();
        let mut limited = Vec::new();
        for (place, candidate) in allowed.iter().enumerate() {
            let sender = &candidate.campaign.record.definition.sender;
            let known = crowds.iter().find(|(number, _)| *number == sender.number_id);
            let crowd = if let Some((_, crowd)) = known {
                crowd.clone()
            } else {
                let crowd = self.desk.crowd(&candidate.scope, sender).await?;
                crowds.push((sender.number_id.clone(), crowd.clone()));
                crowd
            };
            limited.extend(crowd.map(|crowd| (place, crowd)));
        }
        Ok(limited)
    }

    /// A wish for each person without an open window: a message into one counts for nothing.
    async fn admissions(
        &self,
        allowed: &[Candidate],
        limited: Vec<(usize, Crowd)>,
    ) -> Result<Vec<(usize, Admission)>, StoreError> {
        if limited.is_empty() {
            return Ok(Vec::new());
        }
        let person = |(place, _): &(usize, Crowd)| allowed.get(*place).map(Candidate::person);
        let people: Vec<PersonKey> = limited.iter().filter_map(person).collect();
        let standings = self.desk.people.standing(&people).await?;
        let now = self.desk.clock.now();
        let mut admissions = Vec::with_capacity(limited.len());
        for ((place, crowd), standing) in limited.into_iter().zip(standings) {
            let Some(candidate) = allowed.get(place) else { continue };
            let sender = &candidate.campaign.record.definition.sender;
            if standing.window_until(&sender.number_id).is_some_and(|until| now < until) {
                continue;
            }
            let number = candidate.to.number;
            let member = self.desk.member(&candidate.scope, &sender.portfolio, number).await?;
            let parts: [&[u8]; 3] =
                [b"person", self.lease.token.as_bytes(), &candidate.receipt.to_be_bytes()];
            admissions.push((place, Admission { id: ChargeId::of(&parts), crowd, member }));
        }
        Ok(admissions)
    }

    async fn wait_for_room(
        &mut self,
        candidate: &Candidate,
        frees_at: Option<DateTime<Utc>>,
        limit: u64,
    ) -> Result<(), StoreError> {
        let now = self.desk.clock.now();
        let soonest = after(now, LEFT_ALONE);
        let at = frees_at.map_or(soonest, |at| at.max(soonest));
        let record = &candidate.campaign.record;
        if record.is_stream() {
            let what = What::Deferred { until: at, code: PEOPLE_EXCEEDED };
            self.conclude(candidate, now, what, Outcome::Retry { at, code: PEOPLE_EXCEEDED });
            return Ok(());
        }
        self.settle(candidate.receipt, Outcome::HandBack);
        if self.held.contains(&record.key) {
            return Ok(());
        }
        self.held.push(record.key.clone());
        let portfolio = &record.definition.sender.portfolio;
        tracing::info!(portfolio, limit, "the portfolio has written to as many people as it may");
        let Ok(lane) = lane(&candidate.scope, record) else { return Ok(()) };
        let hold = Hold { on: HoldOn::Lane(lane), until: Some(at), code: PEOPLE_EXCEEDED };
        self.desk.lanes.hold(&[hold]).await
    }
}
