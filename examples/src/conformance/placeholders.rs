use serde_json::Value;

/// Stands for whatever is no number in `to`.
pub const NUMBER: &str = "+4915112345678";

/// What stands for a placeholder: the first row of which a word is in it, whatever its case.
pub const VALID: [(&str, &str); 12] = [
    ("phone", NUMBER),
    ("http(s)", "https://example.com/file"),
    ("url", "https://example.com/file"),
    ("link", "https://example.com/file"),
    ("header_type", "text"),
    ("language", "en_US"),
    ("category", "UTILITY"),
    ("country", "IN"),
    ("timestamp", "1790000000"),
    ("msgid", "wamid.HBgNNDkxNTExMjM0NTY3OBUC"),
    ("id", "1234567890"),
    ("", "text"),
];

/// The request with valid values instead of placeholders.
pub(super) fn filled(request: &Value) -> Value {
    let mut request = request.clone();
    fill(&mut request);
    let to_group = request.get("recipient_type").and_then(Value::as_str) == Some("group");
    if let Some(Value::String(to)) = request.get_mut("to")
        && !to_group
        && !to.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '(' | ')'))
    {
        NUMBER.clone_into(to);
    }
    request
}

fn fill(value: &mut Value) {
    match value {
        Value::String(text) if is_placeholder(text) => {
            let name = text.to_lowercase();
            if let Some((_, valid)) = VALID.iter().find(|(word, _)| name.contains(word)) {
                (*valid).clone_into(text);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(fill),
        Value::Object(members) => members.values_mut().for_each(fill),
        _ => {}
    }
}

/// `{{Flow-ID}}`, `<FLOW_ID>`, `http(s)://…`; not `{{1}}` or `{{first_name}}`, which are variables of
/// a template.
fn is_placeholder(text: &str) -> bool {
    let inside = |start, end| text.strip_prefix(start).and_then(|rest: &str| rest.strip_suffix(end));
    let curly =
        inside("{{", "}}").is_some_and(|name: &str| name.starts_with(|c: char| c.is_ascii_uppercase()));
    let angle = inside("<", ">").is_some_and(|name: &str| !name.contains(['<', '>']));
    curly || angle || text.contains("http(s)://")
}
