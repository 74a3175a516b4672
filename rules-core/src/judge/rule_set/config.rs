//! Rule sets from configuration.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::kinds::Builder;
use super::{OnMissing, RuleEntry, RuleKinds, RulePlace, RuleSet, RuleSetBuilder, RuleSetError};
use crate::judge::tenant::TenantId;

impl RuleSet {
    /// Rules from an object with a list `rule`. Each has a `kind`, perhaps an `id` (the kind's
    /// name otherwise) and `on_missing` (`deny`, `defer` or `allow`), and the options of its kind.
    ///
    /// # Errors
    /// [`RuleSetError`] names the rule and what to correct.
    pub fn from_json(value: &Value, kinds: &RuleKinds) -> Result<Self, RuleSetError> {
        let sections = sections(value, &["rule"])?;
        entries(sections.get("rule"), None, kinds)
    }

    /// Rules from TOML, each under a `[[rule]]`; otherwise like [`RuleSet::from_json`].
    ///
    /// ```
    /// use rules_core::judge::rule_set::{RuleKinds, RuleSet};
    /// let text = r#"
    ///     [[rule]]
    ///     kind = "entitlement"
    ///     feature = "campaigns"
    /// "#;
    /// assert_eq!(RuleSet::from_toml(text, &RuleKinds::core())?.ids().count(), 1);
    /// # Ok::<(), rules_core::judge::rule_set::RuleSetError>(())
    /// ```
    ///
    /// # Errors
    /// [`RuleSetError`] names the line or the rule, and what to correct.
    #[cfg(feature = "toml")]
    pub fn from_toml(text: &str, kinds: &RuleKinds) -> Result<Self, RuleSetError> {
        Self::from_json(&toml_to_json(text)?, kinds)
    }
}

/// The object's keys, when it has no others than `known`.
pub(crate) fn sections<'a>(value: &'a Value, known: &[&str]) -> Result<&'a Map<String, Value>, RuleSetError> {
    let wrong = |section: &str, reason| RuleSetError::Section { section: section.to_owned(), reason };
    let known_keys = || known.join(", ");
    let Value::Object(sections) = value else {
        return Err(wrong("rules", format!("write an object with {}", known_keys())));
    };
    match sections.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(wrong(key, format!("unknown key; use one of {}", known_keys()))),
        None => Ok(sections),
    }
}

/// The rules of one list, which may be left out.
pub(crate) fn entries(
    list: Option<&Value>,
    tenant: Option<&TenantId>,
    kinds: &RuleKinds,
) -> Result<RuleSet, RuleSetError> {
    let rules = match list {
        None => &[][..],
        Some(Value::Array(rules)) => rules,
        Some(_) => {
            let section =
                tenant.map_or_else(|| "rule".to_owned(), |tenant| format!("rules of tenant {tenant}"));
            let reason = "write a list of rules, in TOML with [[double brackets]]".to_owned();
            return Err(RuleSetError::Section { section, reason });
        }
    };
    let builder = rules.iter().enumerate().try_fold(RuleSetBuilder::default(), |builder, (index, rule)| {
        Ok::<_, RuleSetError>(builder.with(entry(rule, tenant, index + 1, kinds)?))
    });
    builder?.build()
}

fn entry(
    rule: &Value,
    tenant: Option<&TenantId>,
    number: usize,
    kinds: &RuleKinds,
) -> Result<RuleEntry, RuleSetError> {
    let malformed = |name: &str, reason: &str| RuleSetError::Malformed {
        place: RulePlace::new(tenant, number, name),
        reason: reason.to_owned(),
    };
    let Value::Object(rule) = rule else {
        return Err(malformed("", "write a table with `kind` and the options of that kind"));
    };
    let mut options = rule.clone();
    let Some(Value::String(kind)) = options.remove("kind") else {
        return Err(malformed("", "`kind` is missing or not a text; name the kind of rule"));
    };
    let place = RulePlace::new(tenant, number, &kind);
    let id = match options.remove("id") {
        None => kind.clone(),
        Some(Value::String(id)) => id,
        Some(_) => return Err(malformed(&kind, "`id` is not a text; name the rule or leave it out")),
    };
    let on_missing = match options.remove("on_missing") {
        None => OnMissing::default(),
        Some(text) => serde_json::from_value(text)
            .map_err(|_| malformed(&kind, "`on_missing` must be \"deny\", \"defer\" or \"allow\""))?,
    };
    let Some(build) = kinds.builder(&kind) else {
        let known = kinds.names().collect::<Vec<_>>().join(", ");
        return Err(RuleSetError::UnknownKind { place, kind, known });
    };
    let mut written = kind;
    canonical(&Value::Object(options.clone()), &mut written);
    match build(Value::Object(options.clone())) {
        Ok(rule) => {
            Ok(RuleEntry { rule, id: Some(id), on_missing, written: Some(written), place: Some(place) })
        }
        Err(source) => {
            let key = refused_key(&options, &source.to_string(), build);
            Err(RuleSetError::Options { place, key, source })
        }
    }
}

/// The key that a builder stumbled over: without it, it has nothing or something else to say.
/// serde names an unknown key but not the key of a value that it refuses.
fn refused_key(options: &Map<String, Value>, complaint: &str, build: &Builder) -> Option<String> {
    if complaint.starts_with("missing field") {
        return None;
    }
    let matters = |key: &&String| {
        let mut fewer = options.clone();
        fewer.remove(*key);
        build(Value::Object(fewer)).err().is_none_or(|error| error.to_string() != complaint)
    };
    options.keys().find(matters).cloned()
}

/// The value as JSON with sorted keys, whatever order they were written in.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            keys.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (key, value) in keys {
                // Writing into a String cannot fail.
                let _ = write!(out, "{key:?}:");
                canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(values) => {
            out.push('[');
            for value in values {
                canonical(value, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            let _ = write!(out, "{value}");
        }
    }
}

/// TOML as JSON; a date or time becomes its text.
#[cfg(feature = "toml")]
pub(crate) fn toml_to_json(text: &str) -> Result<Value, RuleSetError> {
    fn json(value: toml::Value) -> Value {
        match value {
            toml::Value::String(text) => Value::String(text),
            toml::Value::Integer(number) => number.into(),
            toml::Value::Float(number) => number.into(),
            toml::Value::Boolean(truth) => Value::Bool(truth),
            toml::Value::Datetime(instant) => Value::String(instant.to_string()),
            toml::Value::Array(values) => values.into_iter().map(json).collect(),
            toml::Value::Table(table) => table.into_iter().map(|(key, value)| (key, json(value))).collect(),
        }
    }
    match text.parse::<toml::Table>() {
        Ok(table) => Ok(json(toml::Value::Table(table))),
        Err(source) => Err(RuleSetError::Syntax { source: Box::new(source) }),
    }
}
