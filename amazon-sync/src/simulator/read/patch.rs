//! `patchListingsItem`'s body and the patches of a feed.

use serde_json::Value;

use super::super::amazon::{Change, Entry, Issue, Patch};

const ATTRIBUTE: &str = "fulfillment_availability";

/// A body that does not even have the right shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Misshapen(pub(in super::super) String);

/// Reads the body of a patch: its patches, or what is wrong with them.
pub(in super::super) fn read_body(body: &[u8]) -> Result<Result<Vec<Patch>, Issue>, Misshapen> {
    let misshapen = |what: &str| Misshapen(what.to_owned());
    let body: Value =
        serde_json::from_slice(body).map_err(|_| misshapen("The request body is not valid JSON."))?;
    if body.get("productType").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err(misshapen("'productType' is missing from the request body."));
    }
    let patches = body.get("patches").and_then(Value::as_array).filter(|patches| !patches.is_empty());
    let patches = patches.ok_or_else(|| misshapen("'patches' is missing from the request body."))?;
    read_patches(patches)
}

/// Reads a list of patches.
pub(super) fn read_patches(patches: &[Value]) -> Result<Result<Vec<Patch>, Issue>, Misshapen> {
    let mut read = Vec::with_capacity(patches.len());
    for patch in patches {
        match read_patch(patch)? {
            Ok(Some(patch)) => read.push(patch),
            Ok(None) => {}
            Err(issue) => return Ok(Err(issue)),
        }
    }
    Ok(Ok(read))
}

/// `None` for one of an attribute that has nothing to do with stock.
fn read_patch(patch: &Value) -> Result<Result<Option<Patch>, Issue>, Misshapen> {
    let text = |name: &str| patch.get(name).and_then(Value::as_str).unwrap_or_default();
    let change = match text("op") {
        "merge" => Change::Merge,
        "replace" | "add" => Change::Replace,
        "delete" => Change::Delete,
        other => return Err(Misshapen(format!("'{other}' is not a valid patch operation."))),
    };
    let Some(attribute) = text("path").strip_prefix("/attributes/").filter(|name| !name.contains('/')) else {
        return Err(Misshapen(format!("'{}' is not a path to a top-level attribute.", text("path"))));
    };
    if attribute != ATTRIBUTE {
        return Ok(Ok(None));
    }
    let Some(values) = patch.get("value").and_then(Value::as_array) else {
        return Ok(Err(Issue::missing("value")));
    };
    Ok(read_entries(values).map(|entries| Some(Patch { change, entries })))
}

/// Reads the values of `fulfillment_availability`.
pub(super) fn read_entries(values: &[Value]) -> Result<Vec<Entry>, Issue> {
    values.iter().map(read_entry).collect()
}

fn read_entry(value: &Value) -> Result<Entry, Issue> {
    let number = |name: &'static str| match value.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(number) => {
            let number = number.as_u64().and_then(|number| u32::try_from(number).ok());
            number.map(Some).ok_or_else(|| Issue::wrong(name))
        }
    };
    let code = value.get("fulfillment_channel_code").and_then(Value::as_str);
    Ok(Entry {
        code: code.ok_or_else(|| Issue::missing("fulfillment_channel_code"))?.to_owned(),
        quantity: number("quantity")?,
        lead_time_days: number("lead_time_to_ship_max_days")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(patch: &Value) -> Result<Result<Vec<Patch>, Issue>, Misshapen> {
        read_body(json!({"productType": "PRODUCT", "patches": [patch]}).to_string().as_bytes())
    }

    #[test]
    fn a_merge_is_read_with_its_channel_and_number() {
        let patch = json!({"op": "merge", "path": "/attributes/fulfillment_availability",
            "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": 7}]});
        let entry = Entry { code: "DEFAULT".into(), quantity: Some(7), lead_time_days: None };
        assert_eq!(body(&patch), Ok(Ok(vec![Patch { change: Change::Merge, entries: vec![entry] }])));
    }

    #[test]
    fn a_quantity_without_a_channel_is_an_issue_and_not_a_status() {
        let patch = json!({"op": "merge", "path": "/attributes/fulfillment_availability", "value": [{"quantity": 7}]});
        assert_eq!(body(&patch), Ok(Err(Issue::missing("fulfillment_channel_code"))));
        let patch = json!({"op": "merge", "path": "/attributes/fulfillment_availability",
            "value": [{"fulfillment_channel_code": "DEFAULT", "quantity": -1}]});
        assert_eq!(body(&patch), Ok(Err(Issue::wrong("quantity"))));
    }

    #[test]
    fn a_body_of_another_shape_is_a_bad_request() {
        assert!(read_body(b"{").is_err());
        assert!(read_body(br#"{"patches": [{}]}"#).is_err());
        assert!(read_body(br#"{"productType": "PRODUCT", "patches": []}"#).is_err());
        let deep = json!({"op": "merge", "path": "/attributes/fulfillment_availability/0", "value": []});
        assert!(body(&deep).is_err());
        assert!(body(&json!({"op": "test", "path": "/attributes/x", "value": []})).is_err());
    }

    #[test]
    fn other_attributes_are_passed_over() {
        let patch = json!({"op": "replace", "path": "/attributes/item_name", "value": [{"value": "Mug"}]});
        assert_eq!(body(&patch), Ok(Ok(Vec::new())));
    }
}
