//! Amazon's payloads: models with the cases of their sandbox, JSON schemas with examples, and bare
//! ones. Which they are shows in their content, never in a file's name.

use serde_json::{Map, Value};

use super::{Line, Outcome, compare};

mod candidate;

use amazon_sync::wire::{ErrorBody, Nothing, Operation, Rewritten, carried};
use candidate::Candidate;

/// The lines of a file of Amazon's; `None` when it is none. `claims` takes what is only perhaps
/// Amazon's, too.
pub(super) fn lines(place: &str, value: &Value, claims: bool) -> Option<Vec<Line>> {
    if let Some(paths) = value.get("paths").and_then(Value::as_object)
        && (value.get("swagger").is_some() || value.get("openapi").is_some())
    {
        return Some(model(place, paths));
    }
    if value.get("$schema").is_some() {
        return Some(schema(place, value));
    }
    let is_empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
    if is_empty {
        let outcome = rewritten(value, Rewritten::of::<Nothing>);
        return Some(vec![line(place.to_owned(), Some("empty answer"), outcome)]);
    }
    bare(place, value, claims)
}

fn line(place: String, kind: Option<&'static str>, outcome: Outcome) -> Line {
    Line { place, kind, outcome }
}

/// The cases of a model's sandbox, wherever they stand below a path and a method.
fn model(place: &str, paths: &Map<String, Value>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let known = Operation::at(method, path);
            let name = operation.get("operationId").and_then(Value::as_str).unwrap_or(path);
            sandboxes(operation, None, &mut |status, case, number| {
                let place = format!("{place} {name} {} case {number}", status.unwrap_or("200"));
                lines.extend(static_case(&place, known, status, case));
            });
        }
    }
    if lines.is_empty() {
        let none = Outcome::NotOurs("a model without static cases");
        lines.push(line(place.to_owned(), Some("Amazon model"), none));
    }
    lines
}

/// Calls `each` with every static case below a value, with the status that it stands below.
fn sandboxes(value: &Value, status: Option<&str>, each: &mut impl FnMut(Option<&str>, &Value, usize)) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == "x-amzn-api-sandbox" {
                    let cases = member.get("static").and_then(Value::as_array);
                    for (number, case) in cases.into_iter().flatten().enumerate() {
                        each(status, case, number);
                    }
                } else {
                    let is_status = name.len() == 3 && name.bytes().all(|byte| byte.is_ascii_digit());
                    sandboxes(member, if is_status { Some(name) } else { status }, each);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| sandboxes(item, status, each)),
        _ => {}
    }
}

fn static_case(
    place: &str,
    operation: Option<&'static Operation>,
    status: Option<&str>,
    case: &Value,
) -> Vec<Line> {
    let mut lines = Vec::new();
    if let Some(request) = case.get("request") {
        let (kind, outcome) = match operation {
            Some(operation) => {
                (operation.name, rewritten(&parameters(request), |value| operation.rewrite_request(value)))
            }
            None => ("Amazon request", Outcome::NotOurs("an operation that we do not call")),
        };
        lines.push(line(format!("{place} request"), Some(kind), outcome));
    }
    let refused = status.is_some_and(|status| "400" <= status);
    let answer = case.get("response").cloned().unwrap_or_default();
    let (kind, outcome) = match operation {
        _ if refused && answer.get("errors").is_some() => {
            (candidate::ERROR, rewritten(&answer, Rewritten::of::<ErrorBody>))
        }
        Some(operation) if answer.is_null() => (operation.name, rewritten(&answer, Rewritten::of::<Nothing>)),
        Some(operation) if !refused => {
            (operation.name, rewritten(&answer, |value| operation.rewrite_answer(value)))
        }
        Some(_) => (candidate::ERROR, rewritten(&answer, Rewritten::of::<Nothing>)),
        None => ("Amazon answer", Outcome::NotOurs("an operation that we do not call")),
    };
    lines.push(line(format!("{place} response"), Some(kind), outcome));
    lines
}

/// The parameters of a case without what stands around their values. One without a value stands
/// for any; it becomes null.
fn parameters(request: &Value) -> Value {
    let parameters = request.get("parameters").and_then(Value::as_object);
    let value = |parameter: &Value| parameter.get("value").cloned().unwrap_or_default();
    parameters.into_iter().flatten().map(|(name, parameter)| (name.clone(), value(parameter))).collect()
}

/// The examples of a schema: those of all of it, or those of the payload that it wraps.
fn schema(place: &str, schema: &Value) -> Vec<Line> {
    let examples = |at: &str| {
        let examples = schema.pointer(at).and_then(Value::as_array);
        examples.into_iter().flatten().filter(|example| example.is_object()).collect::<Vec<_>>()
    };
    let mut found = examples("/examples");
    for payload in ["/properties/Payload/examples", "/properties/payload/examples"] {
        if found.is_empty() {
            found = examples(payload);
        }
    }
    if found.is_empty() {
        let none = Outcome::NotOurs("a schema without examples");
        return vec![line(place.to_owned(), Some("Amazon schema"), none)];
    }
    let each = |(number, example): (usize, &Value)| {
        let place = format!("{place} example {number}");
        bare(&place, example, true).unwrap_or_else(|| vec![not_known(place)])
    };
    found.into_iter().enumerate().flat_map(each).collect()
}

fn not_known(place: String) -> Line {
    line(place, Some("Amazon payload"), Outcome::NotOurs("a payload that we do not read"))
}

/// A payload, or one case of a sandbox, or several of them by name or in a row.
fn bare(place: &str, value: &Value, claims: bool) -> Option<Vec<Line>> {
    if value.pointer("/request/parameters").is_some() {
        return Some(lone_case(place, value));
    }
    if let Some(carried) = carried(value) {
        return bare(place, &carried, claims);
    }
    if let Some(found) = Candidate::of(value, claims) {
        let outcome = rewritten(value, |value| found.rewrite(value));
        return Some(vec![line(place.to_owned(), Some(found.name), outcome)]);
    }
    let parts: Vec<(String, &Value)> = match value {
        Value::Object(parts) => parts.iter().map(|(name, part)| (name.clone(), part)).collect(),
        Value::Array(parts) => parts.iter().enumerate().map(|(at, part)| (at.to_string(), part)).collect(),
        _ => Vec::new(),
    };
    let tried: Vec<_> = parts
        .into_iter()
        .map(|(name, part)| {
            let place = format!("{place} {name}");
            (bare(&place, part, false), place)
        })
        .collect();
    let any = tried.iter().any(|(lines, _)| lines.is_some());
    let each = |(lines, place): (Option<Vec<Line>>, _)| lines.unwrap_or_else(|| vec![not_known(place)]);
    any.then(|| tried.into_iter().flat_map(each).collect())
}

/// A case of a sandbox without the model around it: its operation shows in its parameters and in
/// its answer.
fn lone_case(place: &str, case: &Value) -> Vec<Line> {
    let answer = case.get("response").unwrap_or(&Value::Null);
    let refused = answer.get("errors").is_some_and(Value::is_array);
    let request = parameters(case.get("request").unwrap_or(&Value::Null));
    let operation = candidate::operation(&request, (!refused && !answer.is_null()).then_some(answer));
    static_case(place, operation, refused.then_some("400"), case)
}

fn rewritten(value: &Value, rewrite: impl Fn(&Value) -> Result<Rewritten, serde_json::Error>) -> Outcome {
    match rewrite(value) {
        Err(error) => Outcome::Undecoded(error.to_string()),
        Ok(Rewritten { written, kept }) => match compare::exact(value, &written) {
            paths if !paths.is_empty() => Outcome::Differs(paths),
            _ if kept.is_empty() => Outcome::Same,
            _ => Outcome::Kept(kept),
        },
    }
}

#[cfg(test)]
mod tests;
