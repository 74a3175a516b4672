//! The static sandbox cases of Amazon's own models: which answer belongs to which request.
//!
//! A model (Swagger 2) carries them under `x-amzn-api-sandbox` of each response: `static` cases,
//! each with the parameters that a request must have and the answer that it gets. Of the cases
//! that fit a request the one with the most parameters answers it, of several of those the one
//! that says most about their values, and then the first. No model is part of this crate: a host
//! names a folder.
//!
//! ```no_run
//! use amazon_sync::simulator::{SandboxCases, SandboxRequest};
//! let cases = SandboxCases::load("selling-partner-api-models/models")?;
//! let request = SandboxRequest::get("/orders/2026-01-01/orders").with("createdAfter", "TEST_CASE_400");
//! let answer = cases.answer(&request);
//! println!("{} {:?}", answer.status, answer.body);
//! # Ok::<(), amazon_sync::simulator::SandboxError>(())
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use rules_core::judge::fault::{Classify, Fault};
use serde_json::{Value, json};

mod door;
mod model;

pub use door::SandboxDoor;

/// The static cases of a folder's models.
#[derive(Clone, Debug, Default)]
pub struct SandboxCases {
    cases: Vec<SandboxCase>,
    skipped: Vec<(PathBuf, String)>,
}

/// One case: a request and its answer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SandboxCase {
    /// The model's file.
    pub file: PathBuf,
    /// Amazon's name of the operation.
    pub operation: String,
    /// The HTTP method in capitals.
    pub method: String,
    /// The path, with names in braces.
    pub path: String,
    /// Parameters that the request must have, by name; `None` for any value.
    pub parameters: BTreeMap<String, Option<Value>>,
    /// The status of the answer.
    pub status: u16,
    /// The answer's body; `None` for an answer without one.
    pub response: Option<Value>,
}

/// A request, as far as a case looks at it.
#[derive(Clone, Debug, PartialEq)]
pub struct SandboxRequest {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq)]
pub struct SandboxAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body, if there is one.
    pub body: Option<Value>,
}

impl SandboxRequest {
    /// A request with a method, and a path as it stands in a URL.
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_ascii_uppercase(), path: path.to_owned(), query: Vec::new(), body: None }
    }

    /// A GET request for a path as it stands in a URL.
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// One more parameter of the query, not encoded. Lists are divided by commas.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A body.
    #[must_use]
    pub fn with_body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    /// The HTTP method in capitals.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Path and query as they stand in a URL.
    pub fn path_and_query(&self) -> String {
        if self.query.is_empty() {
            return self.path.clone();
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.query).finish();
        format!("{}?{query}", self.path)
    }

    /// The body, if there is one.
    pub const fn body(&self) -> Option<&Value> {
        self.body.as_ref()
    }

    /// Whether the parameter has the value, or is there at all.
    fn has(&self, case: &SandboxCase, name: &str, value: Option<&Value>) -> bool {
        let in_path = self.path_parameters(&case.path).and_then(|mut found| found.remove(name));
        let in_query = self.query.iter().find(|(known, _)| known == name).map(|(_, text)| text.clone());
        match (in_path.or(in_query), value) {
            (Some(_), None) => true,
            (Some(text), Some(value)) => text == as_text(value),
            // What is neither in the path nor in the query is the body, whatever it is called.
            (None, None) => self.body.is_some(),
            (None, Some(value)) => self.body.as_ref().is_some_and(|body| holds(body, value)),
        }
    }

    /// The values of the names in braces; `None` when the path is another.
    fn path_parameters(&self, template: &str) -> Option<BTreeMap<String, String>> {
        let (ours, theirs): (Vec<_>, Vec<_>) =
            (self.path.split('/').collect(), template.split('/').collect());
        if ours.len() != theirs.len() {
            return None;
        }
        let mut values = BTreeMap::new();
        for (our, their) in ours.into_iter().zip(theirs) {
            let our = percent_decode_str(our).decode_utf8().ok()?.into_owned();
            match their.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
                Some(name) => drop(values.insert(name.to_owned(), our)),
                None if our == their => {}
                None => return None,
            }
        }
        Some(values)
    }
}

impl SandboxCase {
    /// A request that has every parameter of the case, and for which it was made. Names of the path
    /// that the case leaves open stand for themselves.
    pub fn request(&self) -> SandboxRequest {
        let mut path = self.path.clone();
        let mut request = SandboxRequest::new(&self.method, "");
        for (name, value) in &self.parameters {
            let slot = format!("{{{name}}}");
            let text = value.as_ref().map(as_text);
            if path.contains(&slot) {
                let text = text.unwrap_or_else(|| name.clone());
                path = path.replace(&slot, &utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string());
            } else if value.as_ref().is_none_or(Value::is_object) {
                request.body = Some(value.clone().unwrap_or_else(|| json!({})));
            } else if let Some(text) = text {
                request.query.push((name.clone(), text));
            }
        }
        request.path = path.replace(['{', '}'], "");
        request
    }

    /// How much it asks of a request.
    fn weight(&self) -> (usize, usize) {
        let said = self.parameters.values().flatten().map(n_values).sum();
        (self.parameters.len(), said)
    }

    fn fits(&self, request: &SandboxRequest) -> bool {
        self.method == request.method
            && request.path_parameters(&self.path).is_some()
            && self.parameters.iter().all(|(name, value)| request.has(self, name, value.as_ref()))
    }
}

impl SandboxCases {
    /// Reads all models of a folder and of those in it, in the order of their names. Files that are
    /// no models are skipped; [`SandboxCases::skipped`] says which and why.
    ///
    /// # Errors
    /// [`SandboxError`] when the folder or a file in it cannot be read.
    pub fn load(dir: impl AsRef<Path>) -> Result<Self, SandboxError> {
        let mut cases = Self::default();
        cases.read_folder(dir.as_ref())?;
        Ok(cases)
    }

    fn read_folder(&mut self, dir: &Path) -> Result<(), SandboxError> {
        let reading = |source| SandboxError::Read { path: dir.to_owned(), source };
        let entries = fs::read_dir(dir).map_err(reading)?;
        let mut paths: Vec<_> = entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(reading)?;
        paths.sort();
        for path in paths {
            if path.is_dir() {
                self.read_folder(&path)?;
            } else if path.extension().is_some_and(|extension| extension == "json") {
                let text =
                    fs::read(&path).map_err(|source| SandboxError::Read { path: path.clone(), source })?;
                self.read_model(&path, &text);
            }
        }
        Ok(())
    }

    /// Adds the cases of one model; `file` is only its name.
    pub fn read_model(&mut self, file: &Path, text: &[u8]) {
        match model::read(file, text) {
            Ok(cases) => self.cases.extend(cases),
            Err(reason) => self.skipped.push((file.to_owned(), reason)),
        }
    }

    /// All cases, in the order of their models.
    pub fn cases(&self) -> &[SandboxCase] {
        &self.cases
    }

    /// Files that are no models, each with the reason.
    pub fn skipped(&self) -> &[(PathBuf, String)] {
        &self.skipped
    }

    /// The answer to a request: that of the case that fits best, or 400 when none does, as the
    /// sandbox has it.
    pub fn answer(&self, request: &SandboxRequest) -> SandboxAnswer {
        let fitting = self.cases.iter().filter(|case| case.fits(request));
        // Of several greatest ones `max_by_key` takes the last.
        match fitting.rev().max_by_key(|case| case.weight()) {
            Some(case) => SandboxAnswer { status: case.status, body: case.response.clone() },
            None => SandboxAnswer {
                status: 400,
                body: Some(json!({"errors": [{"code": "InvalidInput",
                    "message": "Could not match input arguments", "details": ""}]})),
            },
        }
    }

    /// Serves the cases on a free port of 127.0.0.1 until the door is dropped.
    ///
    /// # Errors
    /// [`SandboxError::Port`] when no port can be had.
    ///
    /// # Cancel safety
    /// Dropping the future leaves nothing behind.
    pub async fn start(self) -> Result<SandboxDoor, SandboxError> {
        SandboxDoor::open(self).await
    }
}

/// A value as it stands in a URL, before it is encoded.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(as_text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// How many values there are in a value.
fn n_values(value: &Value) -> usize {
    match value {
        Value::Object(fields) => fields.values().map(n_values).sum::<usize>().max(1),
        _ => 1,
    }
}

/// Whether a body holds everything that a case names.
fn holds(body: &Value, wanted: &Value) -> bool {
    match (body, wanted) {
        (Value::Object(body), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| body.get(name).is_some_and(|found| holds(found, value)))
        }
        (body, wanted) => body == wanted,
    }
}

/// Why models cannot be read or served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// A folder or a file cannot be read.
    #[error("reading Amazon's models at {}; name the folder that holds them", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No port can be had.
    #[error("opening a port on 127.0.0.1 for the sandbox")]
    Port(#[source] io::Error),
}

impl Classify for SandboxError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}

#[cfg(test)]
mod tests;
