//! What is wrong with listings.

use super::Timestamp;

objects! { "camelCase"
    /// Something that is wrong with a listing.
    pub struct Issue {
        /// Amazon's code.
        code: String,
        /// For people.
        message: String,
        /// How bad it is.
        severity: IssueSeverity,
        /// The attributes.
        attribute_names: Vec<String>,
        /// Such as `MISSING_ATTRIBUTE`.
        categories: Vec<String>,
        /// What Amazon does about it.
        enforcements: IssueEnforcements,
        /// Where.
        marketplace_ids: Vec<String>,
    }

    /// What Amazon does about an issue.
    pub struct IssueEnforcements {
        /// One by one.
        actions: Vec<IssueAction>,
        /// Whether the listing is spared.
        exemption: IssueExemption,
    }

    /// One thing that Amazon does about an issue.
    pub struct IssueAction {
        /// Such as `LISTING_SUPPRESSED`.
        action: String,
    }

    /// Whether a listing is spared.
    pub struct IssueExemption {
        /// `EXEMPT`, `EXEMPT_UNTIL_EXPIRY_DATE` or `NOT_EXEMPT`.
        status: String,
        /// Until when.
        expiry_date: Timestamp,
    }
}

words! {
    /// How bad an issue is.
    pub enum IssueSeverity {
        /// It stops the listing, or the change.
        Error = "ERROR",
        /// It should be looked at.
        Warning = "WARNING",
        /// Good to know.
        Info = "INFO",
    }
}
