//! Reading a model: Swagger 2 with Amazon's extension.

use std::path::Path;

use serde_json::{Map, Value};

use super::SandboxCase;

const SANDBOX: &str = "x-amzn-api-sandbox";
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];

/// The static cases of a model, or why the file is none.
pub(super) fn read(file: &Path, text: &[u8]) -> Result<Vec<SandboxCase>, String> {
    let model: Value = serde_json::from_slice(text).map_err(|error| format!("no JSON: {error}"))?;
    let paths = model.get("paths").and_then(Value::as_object).ok_or("no model: it has no paths")?;
    let base = model.get("basePath").and_then(Value::as_str).unwrap_or_default().trim_end_matches('/');
    let mut cases = Vec::new();
    for (path, operations) in paths {
        for method in METHODS {
            let Some(operation) = operations.get(method) else { continue };
            let name = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
            let responses = operation.get("responses").and_then(Value::as_object);
            for (status, response) in responses.into_iter().flatten() {
                let Ok(status) = status.parse() else { continue };
                for case in static_cases(response) {
                    cases.push(SandboxCase {
                        file: file.to_owned(),
                        operation: name.to_owned(),
                        method: method.to_ascii_uppercase(),
                        path: format!("{base}{path}"),
                        parameters: parameters(case),
                        status,
                        response: case.get("response").filter(|response| !response.is_null()).cloned(),
                    });
                }
            }
        }
    }
    Ok(cases)
}

fn static_cases(response: &Value) -> impl Iterator<Item = &Map<String, Value>> {
    let cases = response.get(SANDBOX).and_then(|sandbox| sandbox.get("static")).and_then(Value::as_array);
    cases.into_iter().flatten().filter_map(Value::as_object)
}

fn parameters(case: &Map<String, Value>) -> std::collections::BTreeMap<String, Option<Value>> {
    let named = case.get("request").and_then(|request| request.get("parameters")).and_then(Value::as_object);
    let named = named.into_iter().flatten();
    named.map(|(name, parameter)| (name.clone(), parameter.get("value").cloned())).collect()
}
