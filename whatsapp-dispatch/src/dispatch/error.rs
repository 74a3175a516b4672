use std::error::Error;

use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, Fault};
use rules_core::judge::rule_set::RuleSetError;
use rules_core::judge::tenant::TenantIdError;
use rules_core::work::StoreError;
use rules_core::work::tenants::TenantError;

use crate::campaign::{CampaignError, CampaignName};
use crate::gateway::GatewayError;
use crate::media::MediaError;
use crate::recipients::{MappingError, RecipientsError};
use crate::template::TemplateError;

/// Why a dispatcher cannot be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The rules do not fit together.
    #[error("building the rules")]
    Rules {
        /// Why.
        #[source]
        source: RuleSetError,
    },
    /// The only tenant has no name.
    #[error("naming the only tenant")]
    Tenant {
        /// Why.
        #[source]
        source: TenantIdError,
    },
    /// The store keeps no evidence.
    #[error(
        "this store keeps no evidence; name an event log: builder(..).events(Segments::new(archive, secret))"
    )]
    NoEvents,
}

impl Classify for BuildError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

/// Why a campaign cannot be planned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The campaign itself is incomplete.
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    /// The template or its parameters.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The mapping of columns.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// The source of recipients.
    #[error(transparent)]
    Recipients(#[from] RecipientsError),
    /// The tenant is not let in.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file that belongs to the template.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// WhatsApp did not take a file.
    #[error("uploading a file for the campaign")]
    Upload {
        /// Why.
        #[source]
        source: GatewayError,
    },
    /// WhatsApp did not say what the template looks like.
    #[error("asking WhatsApp for the template {template}")]
    Gateway {
        /// Which template.
        template: String,
        /// Why.
        #[source]
        source: GatewayError,
    },
    /// The account has no such template.
    #[error(
        "the account {waba} has no approved template {template}: check its name and language in WhatsApp Manager"
    )]
    NoTemplate {
        /// Which template.
        template: String,
        /// Which WhatsApp business account.
        waba: String,
    },
    /// The tenant has a campaign of this name that asks for something else.
    #[error(
        "campaign.differs: there is a campaign {campaign} with another {what}; give this one another name, or plan it again as it was"
    )]
    Differs {
        /// Its name.
        campaign: CampaignName,
        /// What differs: `definition` or `recipients`.
        what: &'static str,
    },
    /// Somebody else plans, released or cancelled the campaign at the same time.
    #[error("the campaign {campaign} is being changed by somebody else; plan it again")]
    Elsewhere {
        /// Its name.
        campaign: CampaignName,
    },
    /// The stored position in the source cannot be read.
    #[error("reading where planning stopped")]
    Cursor {
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

impl Classify for PlanError {
    fn fault(&self) -> Fault {
        match self {
            Self::Campaign(_)
            | Self::Template(_)
            | Self::Mapping(_)
            | Self::Media(_)
            | Self::NoTemplate { .. }
            | Self::Differs { .. }
            | Self::Cursor { .. } => Fault::Rejected,
            Self::Recipients(error) => error.fault(),
            Self::Tenant(error) => error.fault(),
            Self::Store(error) => error.fault(),
            // Nothing is sent while planning, so doubt does no harm: ask again.
            Self::Gateway { source, .. } | Self::Upload { source } => match source.fault() {
                Fault::InDoubt => Fault::Transient,
                other => other,
            },
            Self::Elsewhere { .. } => Fault::Transient,
        }
    }
}

/// Why a campaign cannot be changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The campaign's status does not allow it.
    #[error("the campaign {campaign} is {status} and cannot become {wanted}")]
    NotAllowed {
        /// Its name.
        campaign: CampaignName,
        /// Where it stands.
        status: &'static str,
        /// Where it should stand.
        wanted: &'static str,
    },
    /// There is no such campaign.
    #[error("there is no campaign {campaign}")]
    Missing {
        /// Its key.
        campaign: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Classify for ChangeError {
    fn fault(&self) -> Fault {
        match self {
            Self::NotAllowed { .. } | Self::Missing { .. } => Fault::Rejected,
            Self::Store(error) => error.fault(),
        }
    }
}

/// Bytes of a caller's key.
pub(super) const LONGEST_KEY: usize = 256;
/// People that a test is sent to.
pub(super) const TESTERS: usize = 10;

/// Why a single message was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The key cannot name a message.
    #[error("the key of a message has {bytes} bytes; use 1 to {LONGEST_KEY}")]
    Key {
        /// How long it is.
        bytes: usize,
    },
    /// A rule says no.
    #[error("a rule denies the message: {code}")]
    Denied {
        /// Why.
        code: Code,
    },
    /// Somebody cancelled the messages of this kind.
    #[error("the stream {stream} was cancelled; send from another number or wait for the next month")]
    Cancelled {
        /// The name of the campaign that holds them.
        stream: CampaignName,
    },
    /// A test goes to a few people.
    #[error("a test goes to at most {TESTERS} people and {people} were named")]
    Testers {
        /// How many were named.
        people: usize,
    },
    /// The tenant is not let in.
    #[error(transparent)]
    Tenant(#[from] TenantError),
    /// The number cannot be used.
    #[error(transparent)]
    Campaign(#[from] CampaignError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Classify for SendError {
    fn fault(&self) -> Fault {
        match self {
            Self::Key { .. } | Self::Denied { .. } | Self::Cancelled { .. } | Self::Testers { .. } => {
                Fault::Rejected
            }
            Self::Tenant(error) => error.fault(),
            Self::Campaign(error) => error.fault(),
            Self::Store(error) => error.fault(),
        }
    }
}
