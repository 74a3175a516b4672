use rules_core::judge::tenant::TenantScope;
use rules_core::work::secrets::SecretRef;

use super::SpApiError;
use super::config::SecretName;
use crate::seller::{MarketplaceId, Region, SellerAccount, SellerId};

/// What is needed to act for a seller in one region: the tenant's scope, the marketplaces and the
/// name of the refresh token that the seller gave the application.
#[derive(Clone, Debug)]
pub struct SellerAccess {
    pub(super) scope: TenantScope,
    pub(super) account: SellerAccount,
    pub(super) marketplaces: Vec<MarketplaceId>,
    pub(super) refresh_token: SecretRef,
}

impl SellerAccess {
    /// The tenant's seller in a region. The first marketplace is the one that changes to listings
    /// name: a merchant's quantity is one number for all that share it.
    ///
    /// # Errors
    /// [`SpApiError`] for no marketplace, or one of another region.
    pub fn new(
        scope: &TenantScope,
        seller: SellerId,
        region: Region,
        marketplaces: impl IntoIterator<Item = MarketplaceId>,
        refresh_token: impl Into<SecretName>,
    ) -> Result<Self, SpApiError> {
        let marketplaces: Vec<_> = marketplaces.into_iter().collect();
        if marketplaces.is_empty() {
            return Err(SpApiError::NoMarketplace { seller: seller.as_str().to_owned() });
        }
        let elsewhere = |id: &&MarketplaceId| id.region().is_some_and(|there| there != region);
        if let Some(marketplace) = marketplaces.iter().find(elsewhere) {
            return Err(SpApiError::OtherRegion { marketplace: marketplace.clone(), region });
        }
        Ok(Self {
            account: SellerAccount::new(scope, seller, region),
            scope: scope.clone(),
            marketplaces,
            refresh_token: refresh_token.into().into(),
        })
    }

    /// The account that it opens.
    pub const fn account(&self) -> &SellerAccount {
        &self.account
    }

    pub(super) fn marketplace_names(&self) -> Vec<String> {
        self.marketplaces.iter().map(|marketplace| marketplace.as_str().to_owned()).collect()
    }

    /// The marketplace that a change names.
    pub(super) fn home(&self) -> Vec<String> {
        self.marketplace_names().into_iter().take(1).collect()
    }
}
