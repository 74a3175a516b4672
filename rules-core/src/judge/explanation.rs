//! Explanations: which rule read which fact, compared it with what, and what followed.
//!
//! They are made only in `Mode::Explain`. Notes are read by people and kept in reports, so a rule
//! puts no phone number, name or other personal data into one.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use crate::judge::registry::CodeTexts;
use crate::judge::rule::RuleId;
use crate::judge::verdict::{Verdict, Verdicts};

/// A fact that a rule read and what it compared it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What was read, such as `local time`.
    pub fact: Cow<'static, str>,
    /// What it was, such as `22:31`.
    pub found: String,
    /// What it was compared with, such as `quiet from 21:00 to 09:00`; may be empty.
    pub threshold: String,
}

impl Note {
    /// The fact and what it was.
    pub fn new(fact: impl Into<Cow<'static, str>>, found: impl Display) -> Self {
        Self { fact: fact.into(), found: found.to_string(), threshold: String::new() }
    }

    /// The same note with what the fact was compared with.
    #[must_use]
    pub fn against(self, threshold: impl Display) -> Self {
        Self { threshold: threshold.to_string(), ..self }
    }
}

impl Display for Note {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}", self.fact, self.found)?;
        if self.threshold.is_empty() { Ok(()) } else { write!(f, " (rule: {})", self.threshold) }
    }
}

/// What one rule said about one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The row, counted over all rows of the facts.
    pub row: usize,
    /// Which rule.
    pub rule: RuleId,
    /// What this rule alone would decide.
    pub verdict: Verdict,
    /// What it looked at.
    pub notes: Vec<Note>,
}

/// All that the rules said about one row.
///
/// `Display` and [`Explanation::render`] write one line for the verdict and one for each rule.
#[derive(Clone, Copy, Debug)]
pub struct Explanation<'a> {
    row: usize,
    verdicts: &'a Verdicts,
}

impl<'a> Explanation<'a> {
    pub(crate) const fn new(row: usize, verdicts: &'a Verdicts) -> Self {
        Self { row, verdicts }
    }

    /// What each rule said, in the order in which they were asked.
    pub fn findings(&self) -> impl Iterator<Item = &'a Finding> {
        let row = self.row;
        self.verdicts.findings.iter().filter(move |finding| finding.row == row)
    }

    /// The explanation as text for people, with the sentences that `texts` has for the codes.
    pub fn render(&self, texts: &CodeTexts) -> String {
        let mut text = String::new();
        // Writing into a String cannot fail.
        let _ = self.write(&mut text, texts);
        text
    }

    fn write(&self, out: &mut impl fmt::Write, texts: &CodeTexts) -> fmt::Result {
        match (self.verdicts.get(self.row), self.verdicts.decision(self.row)) {
            (_, Some(decision)) => {
                writeln!(
                    out,
                    "{} by rule {} (rules {})",
                    decision.verdict, decision.rule, decision.revision
                )?;
                if let Some(code) = decision.verdict.code().filter(|code| texts.text(code) != code.as_str()) {
                    writeln!(out, "  {}", texts.text(code))?;
                }
            }
            (Some(verdict), None) => writeln!(out, "{verdict}")?,
            (None, None) => writeln!(out, "not judged")?,
        }
        for finding in self.findings() {
            write!(out, "  {}: {}", finding.rule, finding.verdict)?;
            for (number, note) in finding.notes.iter().enumerate() {
                write!(out, "{} {note}", if number == 0 { "," } else { ";" })?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

impl Display for Explanation<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write(f, &CodeTexts::core())
    }
}
