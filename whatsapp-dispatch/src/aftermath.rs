//! What follows from an error beyond its message: numbers slow down, campaigns and numbers wait,
//! and something is learned about the person.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rules_core::judge::code::Code;
use rules_core::work::StoreError;
use rules_core::work::clock::after;
use rules_core::work::pacer::Observation;

use crate::campaigns::CampaignRecord;
use crate::desk::{Desk, outlet};
use crate::gateway::Route;
use crate::message::MessageKey;
use crate::people::{ConsentChange, ConsentSource, Learned, Lesson, Who};
use crate::reaction::{Action, Reaction, Scope, deferral};
use crate::sender::Sender;
use crate::telemetry;

mod held;
mod holds;
mod lost;
mod signs;

pub(crate) use held::Whom;
pub(crate) use holds::{
    PAUSED, hold_campaign, hold_numbers, number, numbers, pause_campaign, release, release_campaign,
    release_lanes, release_numbers,
};
pub(crate) use lost::{Lost, find_lost, react_to_lost};
pub(crate) use signs::{Signs, Ticket};

/// What follows from an error beyond its message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// Nothing.
    #[default]
    Nothing,
    /// Numbers slow down, for so long if that was said.
    SlowDown(Scope, Option<Duration>),
    /// The campaign waits for a person.
    Pause(Code),
    /// The campaign's messages leave by another path, or wait for a person if it wants that path
    /// not, or has tried it.
    Reroute(Route, Code),
    /// The campaign was found paused, so its lane is held.
    HoldLane,
    /// Something waits, for so long or until somebody resumes it.
    Hold(Scope, Option<Duration>, Code),
}

impl Beyond {
    /// What follows from a reaction; whether a credential is to be held is decided before.
    pub(crate) fn of(reaction: &Reaction) -> Self {
        let scope = reaction.action.scope();
        let hold = |lasting| Self::Hold(scope, lasting, reaction.code.clone());
        match reaction.action {
            Action::Throttle | Action::ThrottleAccount | Action::ThrottleApp => {
                Self::SlowDown(scope, reaction.retry_after())
            }
            Action::PauseCampaign | Action::HoldCampaign { lasting: None } => {
                Self::Pause(reaction.code.clone())
            }
            Action::Route { to } => Self::Reroute(to, reaction.code.clone()),
            Action::HoldCampaign { lasting } | Action::PauseSender { lasting } => hold(lasting),
            Action::PausePortfolio | Action::RefreshCredential | Action::StopTenant => hold(None),
            _ if reaction.slows => Self::SlowDown(Scope::Sender, reaction.retry_after()),
            Action::Retry { .. }
            | Action::BackOffPair { .. }
            | Action::Defer { .. }
            | Action::Final
            | Action::FinalAndInvalid { .. }
            | Action::OptOut
            | Action::Suppress
            | Action::ByPhone
            | Action::Unknown => Self::Nothing,
        }
    }

    /// Does it. `sample` is the message whose error asked for it.
    pub(crate) async fn apply(
        &self,
        desk: &Desk,
        campaign: &CampaignRecord,
        sample: &MessageKey,
    ) -> Result<(), StoreError> {
        match self {
            Self::Nothing => Ok(()),
            Self::SlowDown(scope, retry_after) => slow_down(desk, campaign, *scope, *retry_after).await,
            Self::Pause(code) => pause(desk, campaign, code, sample).await,
            Self::Reroute(route, code) => {
                // Many answers of one moment ask for the same, and the first of them did it.
                let active = desk.campaign(&campaign.key).await?;
                if active.is_some_and(|active| active.content.reroute(*route)) {
                    tracing::info!(campaign = %campaign.key, %code, ?route, "the campaign leaves by another path");
                    return Ok(());
                }
                pause(desk, campaign, code, sample).await
            }
            Self::HoldLane => hold_campaign(desk, &campaign.key).await,
            Self::Hold(scope, lasting, code) => {
                let until = lasting.map(|lasting| after(desk.clock.now(), lasting));
                holds::hold(desk, campaign, *scope, until, code, sample).await
            }
        }
    }
}

async fn pause(
    desk: &Desk,
    campaign: &CampaignRecord,
    code: &Code,
    sample: &MessageKey,
) -> Result<(), StoreError> {
    desk.signs.note(Whom::Campaign(campaign.key.clone()), code, None, sample, desk.clock.now());
    pause_campaign(desk, &campaign.key, code).await
}

async fn slow_down(
    desk: &Desk,
    campaign: &CampaignRecord,
    scope: Scope,
    retry_after: Option<Duration>,
) -> Result<(), StoreError> {
    let sender = &campaign.definition.sender;
    let mut slowed = vec![sender.clone()];
    if scope != Scope::Sender {
        let others = desk.known_senders().into_iter().filter(|other| shares(sender, other, scope));
        slowed
            .extend(others.filter(|other| other.number_id != sender.number_id).map(|other| (*other).clone()));
    }
    let mut observations = Vec::with_capacity(slowed.len());
    for sender in slowed {
        let Ok(tenant) = desk.tenants.enter(&sender.tenant).await else { continue };
        let Ok(outlet) = outlet(&tenant, &sender) else { continue };
        observations.push(Observation::Throttled { outlet, retry_after });
    }
    desk.pacer.observe(&observations).await
}

/// Whether what befell one number reaches another.
fn shares(one: &Sender, other: &Sender, scope: Scope) -> bool {
    match scope {
        Scope::Sender => one.number_id == other.number_id,
        Scope::Account => one.waba == other.waba,
        Scope::Portfolio => one.portfolio == other.portfolio,
        Scope::Credential => one.secret == other.secret,
        Scope::Tenant => one.tenant == other.tenant,
        Scope::Message | Scope::Person | Scope::Campaign => false,
    }
}

/// Something that WhatsApp's word on a message tells about its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AboutPerson {
    /// The person asked WhatsApp to stop our marketing.
    OptedOutOfMarketing,
    /// The business has blocked the person.
    Suppressed,
    /// Perhaps not to be reached: so many thousandths speak for it.
    NotReachable {
        /// At 1,000 the person counts as not reachable.
        weight_milli: u16,
    },
    /// WhatsApp shows the person no more marketing before this instant.
    MarketingRefusedUntil(DateTime<Utc>),
}

impl AboutPerson {
    /// What a reaction tells; `deferrals` of the message came before.
    pub(crate) fn of(reaction: &Reaction, deferrals: u8, at: DateTime<Utc>) -> Option<Self> {
        match reaction.action {
            Action::OptOut => Some(Self::OptedOutOfMarketing),
            Action::Suppress => Some(Self::Suppressed),
            Action::FinalAndInvalid { weight_milli } => Some(Self::NotReachable { weight_milli }),
            Action::Defer { .. } => Some(Self::MarketingRefusedUntil(after(at, deferral(deferrals)))),
            _ => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::OptedOutOfMarketing => "opted_out",
            Self::Suppressed => "suppressed",
            Self::NotReachable { .. } => "not_reachable",
            Self::MarketingRefusedUntil(_) => "marketing_refused",
        }
    }

    /// True for what must not be lost, however often it is told.
    const fn binds(self) -> bool {
        matches!(self, Self::OptedOutOfMarketing | Self::Suppressed)
    }
}

/// Somebody, and what was learned about them when.
pub(crate) type News = (Who, AboutPerson, DateTime<Utc>);

impl Desk {
    /// Notes what was learned about people. Repeating it changes nothing.
    pub(crate) async fn about_people(&self, news: &[News]) -> Result<(), StoreError> {
        let (mut said, mut learned) = (Vec::new(), Vec::new());
        for (who, about, at) in news {
            let lesson = match about {
                AboutPerson::OptedOutOfMarketing => {
                    let source = ConsentSource::Error131050;
                    said.push(ConsentChange::opt_out(who.clone(), source, *at).of_marketing());
                    continue;
                }
                AboutPerson::Suppressed => Lesson::Suppressed(true),
                AboutPerson::NotReachable { weight_milli } => {
                    Lesson::NotReached { weight_milli: u32::from(*weight_milli) }
                }
                AboutPerson::MarketingRefusedUntil(until) => Lesson::MarketingRefusedUntil(*until),
            };
            learned.push(Learned::new(who.clone(), *at, lesson));
        }
        if !said.is_empty() {
            self.people.consent(&said).await?;
        }
        if !learned.is_empty() {
            self.people.learn(&learned).await?;
        }
        for (_, about, _) in news {
            telemetry::count("dispatch_people_total", Some(("news", about.word())), 1);
        }
        Ok(())
    }
}
