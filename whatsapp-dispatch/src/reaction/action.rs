use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use crate::gateway::Route;

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Try this message again, counted, up to `max` attempts.
    Retry {
        /// Attempts in all, fewer than the campaign's cap if that is lower.
        max: u16,
    },
    /// Slow the number down.
    Throttle,
    /// Slow every number of the business account down.
    ThrottleAccount,
    /// Slow every number down that sends with the app's credential.
    ThrottleApp,
    /// Leave this person alone for a while: the pair of number and person has a rate of its own.
    BackOffPair {
        /// Refusals in all.
        max: u8,
    },
    /// Leave this person alone for a day or more: WhatsApp shows nobody too much marketing.
    Defer {
        /// Deferrals at most.
        max: u8,
    },
    /// This message will never be sent.
    Final,
    /// This message will never be sent, and the person can perhaps not be reached at all.
    FinalAndInvalid {
        /// How much it speaks for that, in thousandths; at 1,000 the person counts as not
        /// reachable.
        weight_milli: u16,
    },
    /// The person wants no marketing of this business.
    OptOut,
    /// The business itself has blocked the person.
    Suppress,
    /// The campaign waits for a person.
    PauseCampaign,
    /// The campaign waits for a while, or until WhatsApp says that its template is back.
    HoldCampaign {
        /// How long; `None` until WhatsApp says so.
        lasting: Option<Duration>,
    },
    /// Everything that leaves from the number waits.
    PauseSender {
        /// How long; `None` until somebody resumes it.
        lasting: Option<Duration>,
    },
    /// Everything that leaves from a number of the business portfolio waits until somebody
    /// resumes it.
    PausePortfolio,
    /// Fetch the credential once more; if that is refused as well, everything that needs it waits
    /// until somebody resumes it.
    RefreshCredential,
    /// The same, but all numbers of the tenant wait.
    StopTenant,
    /// The campaign has to leave by another path.
    Route {
        /// Which one.
        to: Route,
    },
    /// Address the person by phone number. A message that was is never sent.
    ByPhone,
    /// It is unknown whether the message was taken.
    Unknown,
}

/// What becomes of the message itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    /// Another attempt soon, counted, up to `max` in all.
    Again {
        /// Attempts in all.
        max: u16,
    },
    /// It goes back and uses up no attempt.
    Back,
    /// It goes back until the pair may exchange messages again.
    BackedOff {
        /// Refusals in all.
        max: u8,
    },
    /// It goes back for a day or more.
    Deferred {
        /// Deferrals at most.
        max: u8,
    },
    /// It will never be sent.
    Final,
    /// Nobody knows whether it was taken.
    Unknown,
}

/// How far the news of an error reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// This message.
    Message,
    /// This person.
    Person,
    /// The campaign.
    Campaign,
    /// The sending number.
    Sender,
    /// All numbers of the business account.
    Account,
    /// All numbers of the business portfolio.
    Portfolio,
    /// All numbers that send with one credential.
    Credential,
    /// Everything of the tenant.
    Tenant,
}

impl Action {
    /// What becomes of a message whose answer asks for this.
    pub const fn fate(self) -> Fate {
        match self {
            Self::Retry { max } => Fate::Again { max },
            Self::BackOffPair { max } => Fate::BackedOff { max },
            Self::Defer { max } => Fate::Deferred { max },
            Self::Final
            | Self::FinalAndInvalid { .. }
            | Self::OptOut
            | Self::Suppress
            // Every message is addressed by phone number.
            | Self::ByPhone => Fate::Final,
            Self::Throttle
            | Self::ThrottleAccount
            | Self::ThrottleApp
            | Self::PauseCampaign
            | Self::HoldCampaign { .. }
            | Self::PauseSender { .. }
            | Self::PausePortfolio
            | Self::RefreshCredential
            | Self::StopTenant
            | Self::Route { .. } => Fate::Back,
            Self::Unknown => Fate::Unknown,
        }
    }

    /// How far it reaches.
    pub const fn scope(self) -> Scope {
        match self {
            Self::Retry { .. } | Self::Final | Self::ByPhone | Self::Unknown => Scope::Message,
            Self::BackOffPair { .. }
            | Self::Defer { .. }
            | Self::FinalAndInvalid { .. }
            | Self::OptOut
            | Self::Suppress => Scope::Person,
            Self::PauseCampaign | Self::HoldCampaign { .. } | Self::Route { .. } => Scope::Campaign,
            Self::Throttle | Self::PauseSender { .. } => Scope::Sender,
            Self::ThrottleAccount => Scope::Account,
            Self::PausePortfolio => Scope::Portfolio,
            Self::ThrottleApp | Self::RefreshCredential => Scope::Credential,
            Self::StopTenant => Scope::Tenant,
        }
    }

    /// True when something slows down.
    pub const fn is_throttle(self) -> bool {
        matches!(self, Self::Throttle | Self::ThrottleAccount | Self::ThrottleApp)
    }
}

/// As the documentation says it.
impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry { max } => write!(f, "retry up to {max}"),
            Self::Throttle => f.write_str("throttle the number"),
            Self::ThrottleAccount => f.write_str("throttle the account"),
            Self::ThrottleApp => f.write_str("throttle the app"),
            Self::BackOffPair { max } => write!(f, "back off the pair up to {max}"),
            Self::Defer { max } => write!(f, "defer the person up to {max}"),
            Self::Final => f.write_str("final"),
            Self::FinalAndInvalid { weight_milli } => {
                write!(f, "final, invalid +{}.{}", weight_milli / 1_000, weight_milli % 1_000 / 100)
            }
            Self::OptOut => f.write_str("final, opt out"),
            Self::Suppress => f.write_str("final, suppress"),
            Self::PauseCampaign => f.write_str("pause the campaign"),
            Self::HoldCampaign { lasting: Some(lasting) } => {
                write!(f, "hold the campaign for {} s", lasting.as_secs())
            }
            Self::HoldCampaign { lasting: None } => {
                f.write_str("hold the campaign until the template is back")
            }
            Self::PauseSender { lasting: Some(lasting) } => {
                write!(f, "pause the number for {} s", lasting.as_secs())
            }
            Self::PauseSender { lasting: None } => f.write_str("pause the number"),
            Self::PausePortfolio => f.write_str("pause the portfolio"),
            Self::RefreshCredential => f.write_str("refresh the credential, else pause it"),
            Self::StopTenant => f.write_str("refresh the credential, else stop the tenant"),
            Self::Route { to: Route::Messages } => f.write_str("route to `/messages`"),
            Self::Route { to: Route::Marketing } => f.write_str("route to `/marketing_messages`"),
            Self::ByPhone => f.write_str("address by phone, else final"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}
