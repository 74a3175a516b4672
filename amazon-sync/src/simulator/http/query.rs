use chrono::{DateTime, Utc};

use crate::simulator::amazon::Refusal;

/// The parameters of a request.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A list, divided by commas or by repetition. A comma within a value divides it too, as the
    /// real one does.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let values = self.0.iter().filter(|(key, _)| key == name);
        let parts = values.flat_map(|(_, value)| value.split(','));
        parts.filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    pub(super) fn instant(&self, name: &str) -> Result<Option<DateTime<Utc>>, Refusal> {
        let read = |text| DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc));
        self.text(name).map(read).transpose().map_err(|_| Refusal::invalid("Invalid Input"))
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Refusal> {
        self.text(name).map(str::parse).transpose().map_err(|_| Refusal::invalid("Invalid Input"))
    }

    /// Whether it names a marketplace of the seller's, and nothing else.
    pub(super) fn names_only(&self, name: &str, known: &[String]) -> bool {
        let asked = self.list(name);
        !asked.is_empty() && asked.iter().all(|one| known.contains(one))
    }
}
