//! Addresses: parameters into the path, the rest into the query.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::wire::Call;

/// Everything but letters, digits and `-._~` is written in percents, the comma of a SKU too.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A call, taken apart.
pub(super) struct Parts {
    /// The path with its parameters filled in, and the query.
    pub(super) path: String,
    /// The body, if the call has one.
    pub(super) body: Option<Vec<u8>>,
}

impl Parts {
    /// Takes a call apart; `Err` says what is wrong with a parameter.
    pub(super) fn of<C: Call>(call: &C) -> Result<Self, String> {
        let written = serde_json::to_value(call).map_err(|error| error.to_string())?;
        let Value::Object(mut parameters) = written else { return Err("no parameters".to_owned()) };
        // Only a body is an object; the FBA sandbox calls it otherwise than `body`.
        let name = parameters.iter().find(|(_, value)| value.is_object()).map(|(name, _)| name.clone());
        let body = name.and_then(|name| parameters.remove(&name));
        let body =
            body.map(|body| serde_json::to_vec(&body)).transpose().map_err(|error| error.to_string())?;
        let mut path = filled(C::PATH, &mut parameters)?;
        for (at, (name, value)) in parameters.iter().enumerate() {
            path.push(if at == 0 { '?' } else { '&' });
            path.push_str(name);
            path.push('=');
            path.push_str(&query_value(value)?);
        }
        Ok(Self { path, body })
    }
}

fn filled(template: &str, parameters: &mut Map<String, Value>) -> Result<String, String> {
    let mut path = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let value = parameters.remove(name).as_ref().and_then(Value::as_str).map(str::to_owned);
        let value = value.filter(|value| !value.is_empty()).ok_or_else(|| format!("{name} is missing"))?;
        // Every reader of URLs takes these for steps up and down, however they are written.
        if value == "." || value == ".." {
            return Err(format!("{name} cannot be {value:?} in an address"));
        }
        path.push_str(before);
        path.extend(utf8_percent_encode(&value, RESERVED));
        rest = after;
    }
    path.push_str(rest);
    Ok(path)
}

fn query_value(value: &Value) -> Result<String, String> {
    Ok(match value {
        Value::Array(items) => {
            let items: Result<Vec<String>, String> = items.iter().map(query_value).collect();
            items?.join(",")
        }
        Value::String(text) => utf8_percent_encode(text, RESERVED).to_string(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Null | Value::Object(_) => return Err("a parameter that no query can hold".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{
        CreateFeedDocument, FeedDocumentSpecification, GetOrder, PatchListingsItem, SearchListingsItems,
    };

    #[test]
    fn a_sku_cannot_leave_its_place_in_the_path() {
        let call = PatchListingsItem {
            seller_id: "A1TEST".into(),
            sku: "50% off/\u{e4}?#, +&=".into(),
            marketplace_ids: vec!["A1PA6795UKMFR9".to_owned()].into(),
            ..PatchListingsItem::default()
        };
        let parts = Parts::of(&call).unwrap();
        assert_eq!(
            parts.path,
            "/listings/2021-08-01/items/A1TEST/50%25%20off%2F%C3%A4%3F%23%2C%20%2B%26%3D?marketplaceIds=A1PA6795UKMFR9"
        );
        for sku in [".", "..", ""] {
            let call = PatchListingsItem { sku: sku.into(), ..call.clone() };
            assert!(Parts::of(&call).is_err(), "{sku:?}");
        }
    }

    #[test]
    fn lists_are_joined_by_commas_that_no_item_can_hold() {
        let call = SearchListingsItems {
            seller_id: "A1TEST".into(),
            identifiers: vec!["a,b".to_owned(), "c d".to_owned()].into(),
            page_size: 20.into(),
            page_token: "x/+==".into(),
            ..SearchListingsItems::default()
        };
        let path = Parts::of(&call).unwrap().path;
        assert!(path.contains("identifiers=a%2Cb,c%20d"), "{path}");
        assert!(path.contains("pageSize=20") && path.contains("pageToken=x%2F%2B%3D%3D"), "{path}");
    }

    #[test]
    fn a_body_is_no_parameter_and_a_missing_parameter_is_noticed() {
        let body =
            FeedDocumentSpecification { content_type: "application/json".into(), ..Default::default() };
        let parts = Parts::of(&CreateFeedDocument { body: body.into(), ..Default::default() }).unwrap();
        assert_eq!(parts.path, "/feeds/2021-06-30/documents");
        assert_eq!(parts.body.unwrap(), br#"{"contentType":"application/json"}"#);
        assert_eq!(Parts::of(&GetOrder::default()).err().unwrap(), "orderId is missing");
    }
}
