//! Who wins when Amazon's number and ours disagree and no order explains it, by class of drift and
//! by tenant.

use std::collections::BTreeMap;

use rules_core::judge::tenant::TenantId;
use serde::{Deserialize, Serialize};

/// Whose number wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// Ours is published, be it higher or lower.
    MerchantWins,
    /// Amazon's stays until both agree again: for listings that somebody keeps by hand.
    AmazonWins,
    /// Where somebody lowered Amazon's number it stays, unless ours is lower still; where somebody
    /// raised it, ours is published.
    LowerWins,
    /// Nothing is written to the listing until somebody has looked.
    FreezeAndAsk,
}

/// What follows when something does not get better by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Patience {
    /// It goes on.
    GoOn,
    /// Nothing is written to the listing until somebody has looked.
    FreezeAndAsk,
}

/// What is done about each class of drift in which there is a choice.
///
/// In the others there is none: a listing that flipped its channel is frozen, one that is not
/// mapped is never written, and an order that may be on its way is always held back for.
///
/// ```
/// use amazon_sync::policy::{DriftPolicy, Resolution};
/// let policy: DriftPolicy = serde_json::from_str(r#"{ "foreign_write": "freeze_and_ask" }"#)?;
/// assert_eq!(policy.foreign_write, Resolution::FreezeAndAsk);
/// assert_eq!(policy.late_cancel, Resolution::LowerWins);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DriftPolicy {
    /// Somebody else changed the number. `lower_wins`.
    pub foreign_write: Resolution,
    /// Amazon shows more than the orders that we know explain, and some may not be known yet.
    /// `lower_wins`.
    pub late_cancel: Resolution,
    /// Both never agreed on a number: a new listing, or a new seller. `merchant_wins`, because a
    /// new listing usually shows nothing yet; it raises a number only when all orders up to the
    /// read are known.
    pub first_sight: Resolution,
    /// A number was lost on its way twice. `go_on`: it is handed over again.
    pub lost_write: Patience,
    /// The listing was absent at two reads. `go_on`: nothing is written while it is, and it is
    /// taken up again when it is back.
    pub missing: Patience,
}

impl Default for DriftPolicy {
    fn default() -> Self {
        Self {
            foreign_write: Resolution::LowerWins,
            late_cancel: Resolution::LowerWins,
            first_sight: Resolution::MerchantWins,
            lost_write: Patience::GoOn,
            missing: Patience::GoOn,
        }
    }
}

/// The policies of a platform: one for everybody, and those of tenants that have their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DriftPolicies {
    /// For every tenant that has no policy of its own.
    pub everybody: DriftPolicy,
    /// Policies of tenants, each complete in itself: what one leaves out has this crate's default.
    pub tenants: BTreeMap<TenantId, DriftPolicy>,
}

impl DriftPolicies {
    /// The tenant's policy.
    pub fn of(&self, tenant: &TenantId) -> DriftPolicy {
        self.tenants.get(tenant).copied().unwrap_or(self.everybody)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read_from_toml_and_say_what_is_misspelt() {
        let text = r#"
            [everybody]
            foreign_write = "merchant_wins"
            missing = "freeze_and_ask"

            [tenants.acme]
            first_sight = "freeze_and_ask"
        "#;
        let policies: DriftPolicies = toml::from_str(text).unwrap();
        let other = policies.of(&TenantId::parse("other").unwrap());
        assert_eq!((other.foreign_write, other.missing), (Resolution::MerchantWins, Patience::FreezeAndAsk));
        let acme = policies.of(&TenantId::parse("acme").unwrap());
        assert_eq!((acme.foreign_write, acme.first_sight), (Resolution::LowerWins, Resolution::FreezeAndAsk));
        let written = toml::to_string(&policies).unwrap();
        assert_eq!(toml::from_str::<DriftPolicies>(&written).unwrap(), policies);

        let error =
            toml::from_str::<DriftPolicies>("[everybody]\nforeign_writes = \"lower_wins\"").unwrap_err();
        assert!(error.to_string().contains("unknown field `foreign_writes`"), "{error}");
        let error = toml::from_str::<DriftPolicies>("[everybody]\nmissing = \"lower_wins\"").unwrap_err();
        assert!(error.to_string().contains("expected `go_on` or `freeze_and_ask`"), "{error}");
    }
}
