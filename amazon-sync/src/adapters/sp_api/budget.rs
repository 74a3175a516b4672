//! Budgets: a call needs a permit of every level that Amazon counts on, or it is not made.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use rules_core::judge::key::{KeyError, Outlet};
use rules_core::work::StoreError;
use rules_core::work::clock::{Clock, after};
use rules_core::work::pacer::{Ask, Observation, Pacer, Rate};

use super::access::SellerAccess;
use super::answer::Read;
use super::rates::{Budget, RatePlan, rate_plan};
use crate::marketplace::MarketError;

/// We ask a little slower than allowed and keep one of the burst back: calls do not arrive at the
/// distances at which they leave.
const SLOWER: f64 = 0.995;
/// The group whose tenants share an application's budgets.
const GROUP: &str = "sp-api";

/// The budgets of an application and its sellers.
#[derive(Debug)]
pub(super) struct Budgets {
    pacer: Arc<dyn Pacer>,
    clock: Arc<dyn Clock>,
    application: String,
    /// What answers said of a budget last, so that it is told to the pacer once.
    told: Mutex<HashMap<Outlet, f64>>,
}

/// What a call is paced by, the seller's budget first.
pub(super) struct Stack {
    operation: &'static str,
    levels: Vec<Level>,
}

struct Level {
    outlet: Outlet,
    rate: Rate,
    whose: Whose,
}

/// On what Amazon counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// On the operation, for a seller.
    Seller,
    /// On the operation, for all sellers.
    Application,
    /// On a kind of work, for a seller.
    Kind(&'static str),
}

impl Level {
    fn ask(&self, want: u32, unused: u32) -> Ask {
        Ask { outlet: self.outlet.clone(), rate: self.rate, want, unused }
    }
}

/// Permits that were granted, and when there may be more.
pub(super) struct Granted {
    pub(super) permits: u32,
    pub(super) again_at: Option<DateTime<Utc>>,
}

impl Budgets {
    pub(super) fn new(pacer: Arc<dyn Pacer>, clock: Arc<dyn Clock>, application: String) -> Self {
        Self { pacer, clock, application, told: Mutex::default() }
    }

    /// The budgets of an operation, and of the kinds of work that have their own beside it.
    pub(super) fn stack(
        &self,
        access: &SellerAccess,
        operation: &'static str,
        kinds: &[&'static str],
    ) -> Result<Stack, MarketError> {
        let named = |error: KeyError| MarketError::Store {
            operation,
            source: StoreError::Refused { doing: "naming a budget".into(), reason: error.to_string().into() },
        };
        let mut levels = self.levels(access, rate_plan(operation)).map_err(named)?;
        for kind in kinds {
            let mut of_kind = self.levels(access, rate_plan(kind)).map_err(named)?;
            for level in &mut of_kind {
                level.whose = Whose::Kind(kind);
            }
            levels.extend(of_kind);
        }
        Ok(Stack { operation, levels })
    }

    fn levels(&self, access: &SellerAccess, plan: RatePlan) -> Result<Vec<Level>, KeyError> {
        let (account, application) = (&access.account, &self.application);
        let (region, operation) = (account.region(), plan.operation);
        let name = format!("{application}/{region}/{}/{operation}", account.seller());
        let outlet = Outlet::new(&access.scope, &name)?;
        let mut levels = vec![Level { outlet, rate: rate(plan.seller), whose: Whose::Seller }];
        if let Some(budget) = plan.application {
            let outlet =
                Outlet::shared(&access.scope, GROUP, &format!("{application}/{region}/{operation}"))?;
            levels.push(Level { outlet, rate: rate(budget), whose: Whose::Application });
        }
        Ok(levels)
    }

    /// Up to `want` permits of every level, without waiting. What one level grants beyond the
    /// least of them goes back.
    pub(super) async fn take(&self, stack: &Stack, want: u32) -> Result<Granted, MarketError> {
        let store = |source| MarketError::Store { operation: stack.operation, source };
        let asks: Vec<Ask> = stack.levels.iter().map(|level| level.ask(want, 0)).collect();
        let permits = self.pacer.take(&asks).await.map_err(store)?;
        let least = permits.iter().map(|permit| permit.granted).min().unwrap_or_default();
        let beyond = stack.levels.iter().zip(&permits).filter(|(_, permit)| least < permit.granted);
        let back: Vec<Ask> = beyond.map(|(level, permit)| level.ask(0, permit.granted - least)).collect();
        if !back.is_empty() {
            self.pacer.take(&back).await.map_err(store)?;
        }
        let again_at = permits.iter().filter_map(|permit| permit.next_at).max();
        Ok(Granted { permits: least, again_at: again_at.filter(|_| least < want) })
    }

    /// Gives permits of every level back that were not used.
    pub(super) async fn give_back(&self, stack: &Stack, permits: u32) -> Result<(), MarketError> {
        let back: Vec<Ask> = stack.levels.iter().map(|level| level.ask(0, permits)).collect();
        let store = |source| MarketError::Store { operation: stack.operation, source };
        self.pacer.take(&back).await.map_err(store).map(drop)
    }

    /// One permit of every level, after a wait of at most `patience`.
    pub(super) async fn permit(&self, stack: &Stack, patience: Duration) -> Result<(), MarketError> {
        let until = after(self.clock.now(), patience);
        loop {
            let Granted { permits, again_at } = self.take(stack, 1).await?;
            let now = self.clock.now();
            match again_at {
                _ if 0 < permits => return Ok(()),
                Some(at) if at <= until => self.clock.sleep_until(at).await,
                _ => {
                    return Err(MarketError::Throttled {
                        operation: stack.operation,
                        retry_after: again_at.and_then(|at| (at - now).to_std().ok()),
                        request: None,
                    });
                }
            }
        }
    }

    /// Tells the pacer what an answer says of the budgets: its rate for this seller, and that one
    /// of them is used up.
    pub(super) async fn learn(&self, stack: &Stack, read: &Read) {
        let mut observations = Vec::new();
        let seller = stack.levels.first().map(|level| &level.outlet);
        if let (Some(outlet), Some(per_second)) = (seller, read.limit)
            && self.is_news(outlet, per_second)
        {
            observations.push(Observation::Limit { outlet: outlet.clone(), per_second: per_second * SLOWER });
        }
        if read.status == StatusCode::TOO_MANY_REQUESTS {
            // The texts of a refusal say which budget it was, where it is not the seller's.
            let refusal = read.refusal();
            let named = stack.levels.iter().find(|level| match level.whose {
                Whose::Seller => false,
                Whose::Application => refusal.says("application"),
                Whose::Kind(kind) => refusal.says(kind),
            });
            if let Some(outlet) = named.map(|level| &level.outlet).or(seller) {
                let (outlet, retry_after) = (outlet.clone(), read.retry_after);
                observations.push(Observation::Throttled { outlet, retry_after });
            }
        }
        if observations.is_empty() {
            return;
        }
        if let Err(error) = self.pacer.observe(&observations).await {
            // The answer counts, whether or not something could be learnt from it.
            tracing::warn!(operation = stack.operation, %error, "a budget could not be learnt");
        }
    }

    /// The rate of a seller's operation in force, for tests.
    #[cfg(test)]
    pub(super) async fn rate(&self, access: &SellerAccess, operation: &'static str) -> f64 {
        let stack = self.stack(access, operation, &[]).unwrap();
        let outlets = [stack.levels.first().unwrap().outlet.clone()];
        self.pacer.rates(&outlets).await.unwrap().pop().flatten().unwrap().per_second
    }

    fn is_news(&self, outlet: &Outlet, per_second: f64) -> bool {
        if !(per_second.is_finite() && 0.0 < per_second) {
            return false;
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(outlet.clone(), per_second)
            .is_none_or(|before| (before - per_second).abs() > f64::EPSILON)
    }
}

fn rate(Budget { per_second, burst }: Budget) -> Rate {
    Rate::expected(per_second * SLOWER, burst.saturating_sub(1).max(1))
}
