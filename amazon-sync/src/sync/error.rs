use rules_core::judge::fault::{Classify, Fault};
use rules_core::judge::key::KeyError;
use rules_core::judge::tenant::TenantIdError;
use rules_core::work::StoreError;
use rules_core::work::tenants::TenantError;

use crate::marketplace::MarketError;
use crate::seller::SellerError;

/// Why a synchroniser cannot be put together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No seller account was named.
    #[error(
        "no seller account sells from the shelf: name one, builder(..).account(Account::new(seller, region, map))"
    )]
    NoAccount,
    /// One seller account was named twice.
    #[error("the account {account} was named twice; name it once, with one SKU map")]
    AccountTwice {
        /// Which.
        account: String,
    },
    /// The only tenant has no name.
    #[error("naming the only tenant")]
    Tenant {
        /// Why.
        #[source]
        source: TenantIdError,
    },
    /// The tenant is not let in.
    #[error(transparent)]
    NotLetIn(#[from] TenantError),
    /// The shelf has no name.
    #[error(transparent)]
    Shelf(#[from] SellerError),
    /// The lane of notifications has no name.
    #[error("naming the lane of notifications")]
    Lane {
        /// Why.
        #[source]
        source: KeyError,
    },
}

impl Classify for BuildError {
    fn fault(&self) -> Fault {
        match self {
            Self::NotLetIn(error) => error.fault(),
            Self::NoAccount
            | Self::AccountTwice { .. }
            | Self::Tenant { .. }
            | Self::Shelf(_)
            | Self::Lane { .. } => Fault::Rejected,
        }
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Amazon did not tell what is needed.
    #[error("reading {what} of {account} for the plan")]
    Market {
        /// What was being read.
        what: &'static str,
        /// Whose.
        account: String,
        /// Why.
        #[source]
        source: MarketError,
    },
    /// The host's stock, or the store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Classify for PlanError {
    fn fault(&self) -> Fault {
        match self {
            Self::Market { source, .. } => match source.fault() {
                // Nothing is written while planning, so doubt does no harm: ask again.
                Fault::InDoubt => Fault::Transient,
                other => other,
            },
            Self::Store(error) => error.fault(),
        }
    }
}

/// Why a plan was not applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The plan is another shelf's.
    #[error("the plan is about the shelf {theirs:?}, and this is {ours:?}; make a plan of this one")]
    OtherShelf {
        /// Which one it is about.
        theirs: String,
        /// Which one this is.
        ours: String,
    },
    /// Some of it rests on what is no more so.
    #[error(
        "the world moved: {moved} of {rows} listings are not as the plan found them, the first is {first}; make a new plan, or apply it without them"
    )]
    Moved {
        /// How many.
        moved: usize,
        /// Of how many.
        rows: usize,
        /// The first, and why.
        first: String,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Classify for ApplyError {
    fn fault(&self) -> Fault {
        match self {
            Self::OtherShelf { .. } | Self::Moved { .. } => Fault::Rejected,
            Self::Store(error) => error.fault(),
        }
    }
}
