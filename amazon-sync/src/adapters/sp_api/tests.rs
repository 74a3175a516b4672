use std::sync::Arc;
use std::time::Duration;

use rules_core::judge::tenant::{TenantId, TenantRecord, TenantScope};
use rules_core::work::clock::ManualClock;
use rules_core::work::pacer::MemoryPacer;
use rules_core::work::secrets::FixedSecrets;
use rules_core::work::tenants::{FixedTenants, Tenants};
use serde_json::json;

use self::stub::{Reply, Request, Stub};
use super::*;
use crate::listing::{Channel, ListingKey};
use crate::seller::{MarketplaceId, Region, SellerId};
use crate::sku::Sku;

mod calls;
mod login;
mod market;
mod reports;
mod sinks;
mod stub;

const GERMANY: &str = "A1PA6795UKMFR9";

/// An adapter before a far side of our own, for one seller.
pub(super) struct Rig {
    amazon: SpApi,
    account: SellerAccount,
    clock: Arc<ManualClock>,
    stub: Stub,
}

async fn scope() -> Arc<TenantScope> {
    let id = TenantId::parse("shop").unwrap();
    Tenants::new(FixedTenants::new([TenantRecord::new(id.clone())])).enter(&id).await.unwrap()
}

fn token(request: &Request) -> Option<Reply> {
    let answer = json!({"access_token": "Atza|one", "token_type": "bearer", "expires_in": 3600});
    request.is_for("/auth/o2/token").then(|| Reply::json(200, &answer))
}

impl Rig {
    /// `answer` answers everything but questions for tokens.
    async fn new(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::answering(move |request| token(request).unwrap_or_else(|| answer(request))).await
    }

    async fn answering(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let stub = Stub::start(answer).await;
        let clock = Arc::new(ManualClock::at("2026-11-02T12:00:00Z".parse().unwrap()));
        let config = SpApiConfig::new("shop-sync", "amzn1.client", "lwa")
            .unwrap()
            .with_base_url(&stub.url)
            .unwrap()
            .with_login_url(&format!("{}/auth/o2/token", stub.url))
            .unwrap()
            .with_timeouts(Duration::from_secs(3), Duration::from_millis(400))
            .with_patience(Duration::ZERO);
        let secrets = FixedSecrets::new().with("lwa", "hunter2").with("anna", "Atzr|hunter3");
        let pacer = Arc::new(MemoryPacer::new(Arc::<ManualClock>::clone(&clock)));
        let amazon = SpApi::new(config, Arc::new(secrets), pacer, Arc::<ManualClock>::clone(&clock)).unwrap();
        let access = SellerAccess::new(
            &*scope().await,
            SellerId::parse("A1TEST").unwrap(),
            Region::Europe,
            [MarketplaceId::parse(GERMANY).unwrap()],
            "anna",
        )
        .unwrap();
        let account = access.account().clone();
        amazon.authorise(access);
        Self { amazon, account, clock, stub }
    }

    /// What was asked apart from tokens.
    fn asked(&self) -> Vec<Request> {
        self.stub.seen().into_iter().filter(|request| !request.is_for("/auth/o2/token")).collect()
    }

    fn tokens_asked(&self) -> Vec<Request> {
        self.stub.seen().into_iter().filter(|request| request.is_for("/auth/o2/token")).collect()
    }

    fn listing(&self, sku: &str, channel: &str) -> ListingKey {
        ListingKey::new(self.account.clone(), Sku::parse(sku).unwrap(), Channel::of(channel))
    }
}

/// Everything that a log could show of an error.
fn shown(error: &MarketError) -> String {
    format!("{error} {error:?} {}", rules_core::judge::fault::chain(error))
}

fn errors(code: &str, message: &str) -> serde_json::Value {
    json!({"errors": [{"code": code, "message": message, "details": "hunter4"}]})
}
