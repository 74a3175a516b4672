//! The configuration file: the campaign, how the columns are read, the tenant, the rules.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use toml::{Table, Value};
use whatsapp_dispatch::campaign::Campaign;
use whatsapp_dispatch::recipients::Mapping;
use whatsapp_dispatch::rule;
use whatsapp_dispatch::rules_core::judge::rule_book::RuleBook;
use whatsapp_dispatch::rules_core::judge::tenant::TenantId;
use whatsapp_dispatch::rules_core::work::tenants::toml::TomlTenants;
use whatsapp_dispatch::sender::Sender;
use whatsapp_dispatch::template::{Category, Parameters, Template};

/// The configuration file, read.
#[derive(Debug)]
pub struct FileConfig {
    /// The section `[campaign]`.
    pub campaign: CampaignSection,
    /// The sections `[[tenant]]`.
    pub tenants: TomlTenants,
}

/// The section `[campaign]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignSection {
    /// Unique within the tenant.
    pub name: String,
    /// Whose campaign.
    pub tenant: TenantId,
    /// The template's name.
    pub template: String,
    /// The template's language, such as `en_US`.
    pub language: String,
    /// `marketing`, `utility` or `authentication`.
    pub category: Category,
    /// The template's text, for the simulator; the real Cloud API has its own.
    #[serde(default)]
    pub text: Option<String>,
    /// What goes into the template's parameters.
    #[serde(default)]
    pub body: Parameters,
    /// Vouches for the consent of everybody who did not opt out.
    #[serde(default)]
    pub assume_consent: bool,
    /// After so many hours from the release nothing more is sent.
    #[serde(default)]
    pub expires_after_hours: Option<u64>,
    /// What the number may send.
    #[serde(default = "default_rate")]
    pub messages_per_second: u32,
    /// Which columns mean what.
    #[serde(default)]
    pub columns: Mapping,
}

const fn default_rate() -> u32 {
    70
}

impl FileConfig {
    /// Reads a file: campaign and tenants, and the rules of the sections `[[rule]]`.
    ///
    /// # Errors
    /// Names the file, the place and what to do about it.
    pub fn open(path: &Path) -> Result<(Self, RuleBook)> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("reading the configuration {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("in the configuration {}", path.display()))
    }

    /// Reads a text, as [`FileConfig::open`].
    ///
    /// # Errors
    /// Names the place and what to do about it.
    pub fn parse(text: &str) -> Result<(Self, RuleBook)> {
        let mut table: Table = toml::from_str(text)?;
        let Some(campaign) = table.remove("campaign") else {
            bail!("there is no section [campaign]; it names the campaign, its tenant and its template");
        };
        let campaign = CampaignSection::deserialize(campaign)
            .map_err(|error| anyhow::anyhow!("section [campaign]: {}", error.message()))?;
        for section in table.keys() {
            if !matches!(section.as_str(), "tenant" | "rule") {
                bail!(
                    "there is no section [{section}]; the sections are [campaign], [[tenant]] and [[rule]]"
                );
            }
        }
        let known = |wanted: &str| match table.get("tenant") {
            Some(Value::Array(tenants)) => {
                tenants.iter().any(|tenant| tenant.get("id").and_then(Value::as_str) == Some(wanted))
            }
            _ => false,
        };
        if !known(campaign.tenant.as_str()) {
            bail!(
                "the campaign's tenant {} is not among the sections [[tenant]]; add one with id = {:?}",
                campaign.tenant,
                campaign.tenant.as_str()
            );
        }
        let rest = toml::to_string(&table)?;
        let rules = RuleBook::from_toml(&rest, &rule::kinds())?;
        Ok((Self { campaign, tenants: TomlTenants::parse(&rest)? }, rules))
    }

    /// The template that the campaign names.
    pub fn template(&self) -> Template {
        let section = &self.campaign;
        Template {
            name: section.template.clone(),
            language: section.language.clone(),
            category: section.category,
        }
    }

    /// The campaign, from a number of the tenant's.
    pub fn campaign(&self, sender: Sender) -> Campaign {
        let section = &self.campaign;
        let campaign =
            Campaign::new(&section.name, sender).template(self.template()).mapping(section.columns.clone());
        let campaign = match &section.body {
            Parameters::Positional(body) => campaign.body(body.clone()),
            Parameters::Named(body) => campaign.named_body(body.clone()),
        };
        let campaign = if section.assume_consent { campaign.assume_consent() } else { campaign };
        match section.expires_after_hours {
            Some(hours) => campaign.expires_after(Duration::from_secs(hours * 3_600)),
            None => campaign,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../data/campaign.toml");

    fn mistake(from: &str, to: &str) -> String {
        assert!(GOOD.contains(from), "{from}");
        format!("{:#}", FileConfig::parse(&GOOD.replacen(from, to, 1)).unwrap_err())
    }

    #[test]
    fn the_file_that_comes_along_is_right() {
        let (config, _) = FileConfig::parse(GOOD).unwrap();
        assert_eq!(config.campaign.messages_per_second, 1_000);
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        assert!(mistake("messages_per_second", "mesages_per_second").contains("mesages_per_second"));
        assert!(mistake("kind = \"opt_out\"", "kind = \"optout\"").contains("optout"));
        assert!(mistake("tenant = \"sparkle\"", "tenant = \"sprakle\"").contains("sprakle"));
        assert!(mistake("[campaign]", "[campain]").contains("[campaign]"));
        assert!(mistake("name = \"diwali-2026\"", "name = ").contains("line"));
    }
}
