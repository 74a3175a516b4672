use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::field::Kept;
use super::{feed, listing, order, report, seller, subscription};

/// A question to Amazon, and what it answers.
///
/// The question is an object of its parameters: those that the path names stand in the path,
/// `body` is the body, all others are the query.
pub trait Call: Serialize + DeserializeOwned + Kept + Send + Sync {
    /// What it answers.
    type Answer: Serialize + DeserializeOwned + Kept + Send;

    /// Amazon's name of the operation.
    const NAME: &'static str;
    /// How it is asked.
    const METHOD: Method;
    /// The path, with the names of parameters in braces.
    const PATH: &'static str;
}

/// How something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Takes away.
    Delete,
}

impl Method {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// True when asking changes nothing at Amazon.
    pub const fn only_reads(self) -> bool {
        matches!(self, Self::Get)
    }
}

/// An operation that has its types here.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Amazon's name of it.
    pub name: &'static str,
    /// How it is asked.
    pub method: Method,
    /// The path, with the names of parameters in braces.
    pub path: &'static str,
    request: fn(&Value) -> Result<Rewritten, serde_json::Error>,
    answer: fn(&Value) -> Result<Rewritten, serde_json::Error>,
}

/// Something that was read into our types and written again.
#[derive(Clone, Debug, PartialEq)]
pub struct Rewritten {
    /// What was written.
    pub written: Value,
    /// The paths of what was kept without being understood.
    pub kept: Vec<String>,
}

impl Rewritten {
    /// Reads a value as a `T` and writes it again.
    ///
    /// # Errors
    /// When it is no `T` at all.
    pub fn of<T: Serialize + DeserializeOwned + Kept>(value: &Value) -> Result<Self, serde_json::Error> {
        let read = T::deserialize(value)?;
        Ok(Self { written: serde_json::to_value(&read)?, kept: super::kept(&read) })
    }
}

impl Operation {
    const fn of<C: Call>() -> Self {
        Self {
            name: C::NAME,
            method: C::METHOD,
            path: C::PATH,
            request: Rewritten::of::<C>,
            answer: Rewritten::of::<C::Answer>,
        }
    }

    /// The operation that is asked with this word at this path, with parameters in braces.
    pub fn at(method: &str, path: &str) -> Option<&'static Self> {
        OPERATIONS.iter().find(|operation| {
            operation.path == path && operation.method.as_str().eq_ignore_ascii_case(method)
        })
    }

    /// Reads an object of its parameters, and writes it again.
    ///
    /// # Errors
    /// When it is no object.
    pub fn rewrite_request(&self, request: &Value) -> Result<Rewritten, serde_json::Error> {
        (self.request)(request)
    }

    /// Reads an answer that is no refusal, and writes it again.
    ///
    /// # Errors
    /// When it is no object, where one is answered.
    pub fn rewrite_answer(&self, answer: &Value) -> Result<Rewritten, serde_json::Error> {
        (self.answer)(answer)
    }
}

/// Every operation that has its types here.
pub static OPERATIONS: [Operation; 39] = [
    Operation::of::<order::SearchOrders>(),
    Operation::of::<order::GetOrder>(),
    Operation::of::<listing::GetListingsItem>(),
    Operation::of::<listing::SearchListingsItems>(),
    Operation::of::<listing::PatchListingsItem>(),
    Operation::of::<listing::PutListingsItem>(),
    Operation::of::<listing::DeleteListingsItem>(),
    Operation::of::<feed::CreateFeedDocument>(),
    Operation::of::<feed::CreateFeed>(),
    Operation::of::<feed::GetFeed>(),
    Operation::of::<feed::GetFeeds>(),
    Operation::of::<feed::GetFeedDocument>(),
    Operation::of::<feed::CancelFeed>(),
    Operation::of::<report::CreateReport>(),
    Operation::of::<report::GetReport>(),
    Operation::of::<report::GetReports>(),
    Operation::of::<report::GetReportDocument>(),
    Operation::of::<report::CancelReport>(),
    Operation::of::<report::CreateReportSchedule>(),
    Operation::of::<report::GetReportSchedule>(),
    Operation::of::<report::GetReportSchedules>(),
    Operation::of::<report::CancelReportSchedule>(),
    Operation::of::<super::fba::GetInventorySummaries>(),
    Operation::of::<super::fba::CreateInventoryItem>(),
    Operation::of::<super::fba::DeleteInventoryItem>(),
    Operation::of::<super::fba::AddInventory>(),
    Operation::of::<subscription::GetSubscriptions>(),
    Operation::of::<subscription::GetSubscription>(),
    Operation::of::<subscription::CreateSubscription>(),
    Operation::of::<subscription::GetSubscriptionById>(),
    Operation::of::<subscription::DeleteSubscriptionById>(),
    Operation::of::<subscription::SendTestNotification>(),
    Operation::of::<subscription::GetDestinations>(),
    Operation::of::<subscription::CreateDestination>(),
    Operation::of::<subscription::GetDestination>(),
    Operation::of::<subscription::DeleteDestination>(),
    Operation::of::<seller::GetMarketplaceParticipations>(),
    Operation::of::<seller::GetAccount>(),
    Operation::of::<seller::CreateRestrictedDataToken>(),
];
