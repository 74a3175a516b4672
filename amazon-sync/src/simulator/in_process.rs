//! The door without sockets: the ports themselves, for virtual time and for large runs.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::account::AmazonAccount;
use super::amazon::{Outcome, Refusal, Reply};
use super::plan::Operation;
use super::shared::Shared;
use crate::marketplace::MarketError;
use crate::seller::SellerAccount;

mod market;
mod sinks;

pub use sinks::{SimulatedFeeds, SimulatedPatches};

/// Amazon without sockets. Every call keeps within the budgets of the simulation or is refused.
#[derive(Clone, Debug)]
pub struct SimulatedMarketplace {
    pub(super) shared: Arc<Shared>,
}

/// What came of a call, with Amazon's clock.
struct Answer<T> {
    value: T,
    at: DateTime<Utc>,
}

/// The value of a reply, or the error that the adapter would make of it.
fn answered<T>(
    shared: &Shared,
    account: &SellerAccount,
    operation: Operation,
    reply: Reply<T>,
) -> Result<Answer<T>, MarketError> {
    let Reply { outcome, request, at, .. } = reply;
    let name = operation.as_str();
    match outcome {
        Outcome::Done(value) => Ok(Answer { value, at }),
        Outcome::Silence => Err(MarketError::InDoubt { operation: name, source: None }),
        Outcome::Refused(refusal) => Err(refused(shared, account, name, request, &refusal)),
    }
}

fn refused(
    shared: &Shared,
    account: &SellerAccount,
    operation: &'static str,
    request: String,
    refusal: &Refusal,
) -> MarketError {
    let seller = account.seller().as_str().to_owned();
    let request = Some(request);
    match refusal.status {
        429 => MarketError::Throttled { operation, retry_after: refusal.wait, request },
        403 if shared.world().amazon.tokens.is_revoked(&AmazonAccount::from(account)) => {
            MarketError::Revoked { seller }
        }
        403 => MarketError::Forbidden { operation, seller, reason: refusal.code.to_owned(), request },
        500.. => MarketError::Unavailable { operation, request, source: None },
        status => MarketError::Rejected { operation, status, code: refusal.code.to_owned(), request },
    }
}
