//! The rule book: the platform's rules, what tenants add to them, and the swap to a new edition.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;

use crate::judge::rule_set::{RuleKinds, RuleSet, RuleSetError, entries, sections};
use crate::judge::tenant::TenantId;

/// The rules of every tenant: the platform's, and each tenant's own beside them. A tenant's rules
/// can only forbid more, because the stronger verdict wins.
///
/// The whole book is swapped at once. A batch keeps the set that it began with, and a new
/// configuration that is wrong never gets as far as [`RuleBook::replace`].
#[derive(Debug, Default)]
pub struct RuleBook {
    pages: RwLock<Arc<Pages>>,
}

#[derive(Debug, Default)]
struct Pages {
    platform: Arc<RuleSet>,
    /// Per tenant the platform's rules and its own, in one set.
    tenants: HashMap<TenantId, Arc<RuleSet>>,
}

impl RuleBook {
    /// The platform's rules, and those that tenants add.
    ///
    /// # Errors
    /// [`RuleSetError::DuplicateId`] when a tenant's rule has the name of a platform's.
    pub fn new(
        platform: RuleSet,
        tenants: impl IntoIterator<Item = (TenantId, RuleSet)>,
    ) -> Result<Self, RuleSetError> {
        let whole = |(tenant, own)| Ok((tenant, Arc::new(platform.and(&own)?)));
        let tenants = tenants.into_iter().map(whole).collect::<Result<_, RuleSetError>>()?;
        Ok(Self { pages: RwLock::new(Arc::new(Pages { platform: Arc::new(platform), tenants })) })
    }

    /// A book from an object: `rule` lists the platform's rules, `tenant` holds those of tenants,
    /// either as `{ "acme": { "rule": [...] } }` or as `[{ "id": "acme", "rule": [...] }]`. In the
    /// second form a tenant's other keys belong to whoever reads tenants from the same file.
    ///
    /// # Errors
    /// [`RuleSetError`] names the rule and what to correct.
    pub fn from_json(value: &Value, kinds: &RuleKinds) -> Result<Self, RuleSetError> {
        let book = sections(value, &["rule", "tenant"])?;
        let platform = entries(book.get("rule"), None, kinds)?;
        let mut tenants = Vec::new();
        match book.get("tenant") {
            None => {}
            Some(Value::Object(by_name)) => {
                for (name, tenant) in by_name {
                    let id = tenant_id(Some(name.as_str()))?;
                    let rules = sections(tenant, &["rule"])?.get("rule");
                    tenants.push((id.clone(), entries(rules, Some(&id), kinds)?));
                }
            }
            Some(Value::Array(records)) => {
                for record in records {
                    let id = tenant_id(record.get("id").and_then(Value::as_str))?;
                    tenants.push((id.clone(), entries(record.get("rule"), Some(&id), kinds)?));
                }
            }
            Some(_) => return Err(wrong_tenant("write a table of tenants".to_owned())),
        }
        Self::new(platform, tenants)
    }

    /// A book from TOML: `[[rule]]` for the platform and `[[tenant.NAME.rule]]` for a tenant, or
    /// `[[tenant.rule]]` below the `[[tenant]]` that it belongs to.
    ///
    /// ```
    /// use rules_core::judge::rule_book::RuleBook;
    /// use rules_core::judge::rule_set::RuleKinds;
    /// use rules_core::judge::tenant::TenantId;
    /// let book = RuleBook::from_toml(r#"
    ///     [[rule]]
    ///     kind = "subscription"
    ///
    ///     [[tenant.acme.rule]]
    ///     kind = "entitlement"
    ///     feature = "campaigns"
    /// "#, &RuleKinds::core())?;
    /// assert_eq!(book.rules_of(&TenantId::parse("acme")?).ids().count(), 2);
    /// assert_eq!(book.rules_of(&TenantId::parse("other")?).ids().count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RuleSetError`] names the line or the rule, and what to correct.
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str, kinds: &RuleKinds) -> Result<Self, RuleSetError> {
        Self::from_json(&crate::judge::rule_set::toml_to_json(text)?, kinds)
    }

    /// All rules that hold for a tenant. Take them once per batch, and keep them for the batch.
    pub fn rules_of(&self, tenant: &TenantId) -> Arc<RuleSet> {
        let pages = self.pages.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(pages.tenants.get(tenant).unwrap_or(&pages.platform))
    }

    /// Swaps the whole book for another. Batches that began with the old rules end with them.
    pub fn replace(&self, book: Self) {
        let fresh = book.pages.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.pages.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }
}

/// The platform's rules for everybody.
impl From<RuleSet> for RuleBook {
    fn from(platform: RuleSet) -> Self {
        let pages = Pages { platform: Arc::new(platform), tenants: HashMap::new() };
        Self { pages: RwLock::new(Arc::new(pages)) }
    }
}

fn tenant_id(name: Option<&str>) -> Result<TenantId, RuleSetError> {
    let name = name.ok_or_else(|| wrong_tenant("each needs an `id`".to_owned()))?;
    TenantId::parse(name).map_err(|error| wrong_tenant(error.to_string()))
}

fn wrong_tenant(reason: String) -> RuleSetError {
    RuleSetError::Section { section: "tenant".to_owned(), reason }
}
