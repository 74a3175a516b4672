//! The ballot: how one rule votes on the rows of one batch.

use std::borrow::Cow;
use std::ops::Range;

use chrono::{DateTime, Utc};

use crate::judge::code::Code;
use crate::judge::explanation::{Finding, Note};
use crate::judge::registry::RULE_ERROR;
use crate::judge::rule::{Mode, RuleId};
use crate::judge::rule_set::Revision;
use crate::judge::verdict::{Decision, Verdict, Verdicts};

/// The votes of one rule. Rows are counted from 0 within the batch; a vote on a row that the
/// batch does not have is passed over.
///
/// Codes written down in source are cloned for nothing, so voting allocates only for rows that
/// may not go.
#[derive(Debug)]
pub struct Ballot<'a> {
    verdicts: &'a mut Verdicts,
    rule: &'a RuleId,
    revision: Revision,
    rows: Range<usize>,
    /// Where the findings of this ballot begin; `None` when nobody asked for an explanation.
    findings: Option<usize>,
}

impl<'a> Ballot<'a> {
    pub(crate) fn new(
        verdicts: &'a mut Verdicts,
        rule: &'a RuleId,
        revision: Revision,
        rows: Range<usize>,
        mode: Mode,
    ) -> Self {
        let findings = (mode == Mode::Explain).then_some(verdicts.findings.len());
        if findings.is_some() {
            let blank = |row| Finding { row, rule: rule.clone(), verdict: Verdict::Allow, notes: Vec::new() };
            verdicts.findings.extend(rows.clone().map(blank));
        }
        Self { verdicts, rule, revision, rows, findings }
    }

    /// This row may never go.
    pub fn deny(&mut self, row: usize, code: Code) {
        self.vote(row, Verdict::Deny(code));
    }

    /// This row may not go before `until`.
    pub fn defer(&mut self, row: usize, until: DateTime<Utc>, code: Code) {
        self.vote(row, Verdict::Defer { until, code });
    }

    /// No row of the batch may ever go.
    pub fn deny_all(&mut self, code: &Code) {
        for row in 0..self.rows.len() {
            self.deny(row, code.clone());
        }
    }

    /// No row of the batch may go before `until`.
    pub fn defer_all(&mut self, until: DateTime<Utc>, code: &Code) {
        for row in 0..self.rows.len() {
            self.defer(row, until, code.clone());
        }
    }

    /// The rule cannot judge this row: it is denied as `rule.error`. The reason is kept in an
    /// explanation only and holds no personal data.
    #[cold]
    pub fn fail(&mut self, row: usize, reason: impl Into<Cow<'static, str>>) {
        self.note(row, || Note::new("error", reason.into()));
        self.deny(row, RULE_ERROR);
    }

    /// Writes down what was read about a row and compared with what. The closure runs only in
    /// [`Mode::Explain`]; otherwise the call costs one comparison.
    pub fn note(&mut self, row: usize, note: impl FnOnce() -> Note) {
        if let Some(finding) = self.finding(row) {
            finding.notes.push(note());
        }
    }

    /// Writes down one note for every row of the batch, as [`Ballot::note`] does.
    pub fn note_all(&mut self, note: impl FnOnce() -> Note) {
        let Some(findings) = self.findings.and_then(|start| self.verdicts.findings.get_mut(start..)) else {
            return;
        };
        let note = note();
        for finding in findings {
            finding.notes.push(note.clone());
        }
    }

    #[cold]
    fn vote(&mut self, row: usize, verdict: Verdict) {
        if row >= self.rows.len() {
            return;
        }
        let rule = self.rule;
        if let Some(finding) = self.finding(row)
            && verdict.beats(rule, &finding.verdict, rule)
        {
            finding.verdict = verdict.clone();
        }
        let row = self.rows.start + row;
        self.verdicts.decide(Decision { row, verdict, rule: rule.clone(), revision: self.revision });
    }

    #[inline]
    fn finding(&mut self, row: usize) -> Option<&mut Finding> {
        let start = self.findings?;
        self.verdicts.findings.get_mut(start..)?.get_mut(row)
    }
}
