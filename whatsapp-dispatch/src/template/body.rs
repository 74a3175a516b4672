use std::collections::BTreeMap;

use rules_core::judge::code::Code;
use rules_core::judge::fault::{Classify, Fault};
use serde::{Deserialize, Serialize};

use super::expression::Expression;
use super::{FilledParameters, TemplateDefinition, TemplateError, Variables};
use crate::columns::{Cells, Columns};

/// What a campaign fills into a template's body, as its author wrote it.
///
/// Each parameter is text with columns in braces: `{first_name}`, `Hi {first_name|there}` with a
/// value for empty cells after the bar, `{{` and `}}` for the braces themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Parameters {
    /// For `{{1}}`, `{{2}}` and so on.
    Positional(Vec<String>),
    /// For `{{first_name}}` and the like, by name.
    Named(BTreeMap<String, String>),
}

impl Default for Parameters {
    fn default() -> Self {
        Self::Positional(Vec::new())
    }
}

impl<T: Into<String>> From<Vec<T>> for Parameters {
    fn from(expressions: Vec<T>) -> Self {
        Self::Positional(expressions.into_iter().map(Into::into).collect())
    }
}

impl<const N: usize> From<[&str; N]> for Parameters {
    fn from(expressions: [&str; N]) -> Self {
        Self::Positional(expressions.into_iter().map(Into::into).collect())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Parameters {
    fn from(expressions: [(&str, &str); N]) -> Self {
        Self::Named(expressions.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Parameters whose expressions have been read.
///
/// ```
/// use whatsapp_dispatch::columns::{Cells, Columns};
/// use whatsapp_dispatch::template::{Body, Template, TemplateDefinition};
///
/// let offer = Template::marketing("diwali_offer", "en_US");
/// let definition = TemplateDefinition::new(offer, "Hi {{1}}, {{2}} off today!")?;
/// let columns = Columns::new(["phone", "first_name", "discount"]).unwrap();
///
/// let body = Body::parse(["{first_name|friend}", "{discount} %"])?;
/// let plan = body.compile(&columns, &definition)?;
/// let filled = plan.fill(&Cells::from_iter(["+919876543210", "", "20"])).unwrap();
/// assert_eq!(filled.iter().collect::<Vec<_>>(), ["friend", "20 %"]);
/// # Ok::<(), whatsapp_dispatch::template::TemplateError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    variables: Variables,
    expressions: Vec<Expression>,
}

impl Body {
    /// Reads the expressions.
    ///
    /// # Errors
    /// [`TemplateError::Expression`] for the first that is none.
    pub fn parse(parameters: impl Into<Parameters>) -> Result<Self, TemplateError> {
        let read = |parameter: String, source: &str| {
            Expression::parse(source).map_err(|what| TemplateError::Expression { parameter, what })
        };
        match parameters.into() {
            Parameters::Positional(sources) => Ok(Self {
                variables: Variables::Positional(sources.len()),
                expressions: (1..)
                    .zip(&sources)
                    .map(|(number, source): (usize, _)| read(number.to_string(), source))
                    .collect::<Result<_, _>>()?,
            }),
            Parameters::Named(sources) => Ok(Self {
                expressions: sources
                    .iter()
                    .map(|(name, source)| read(name.clone(), source))
                    .collect::<Result<_, _>>()?,
                variables: Variables::Named(sources.into_keys().collect()),
            }),
        }
    }

    /// What the campaign gives: a number of parameters, or names.
    pub const fn variables(&self) -> &Variables {
        &self.variables
    }

    /// The columns that the expressions use; a column may come twice.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.expressions.iter().flat_map(Expression::columns)
    }

    /// Ties the expressions to the columns of a source, in the order of the template's variables.
    ///
    /// # Errors
    /// [`TemplateError`] when the parameters are not those of the template, or a column does not
    /// exist.
    pub fn compile(
        &self,
        columns: &Columns,
        definition: &TemplateDefinition,
    ) -> Result<BodyPlan, TemplateError> {
        definition.check(self)?;
        let names = match definition.variables() {
            Variables::Positional(_) => None,
            Variables::Named(names) => Some(names.clone()),
        };
        let expressions = (0..definition.variables().len())
            .filter_map(|place| {
                let name = names.as_ref().and_then(|names| names.get(place));
                let given = match (&self.variables, name) {
                    (Variables::Named(given), Some(name)) => given.iter().position(|other| other == name)?,
                    _ => place,
                };
                let parameter = name.cloned().unwrap_or_else(|| (place + 1).to_string());
                Some((parameter, self.expressions.get(given)?))
            })
            .map(|(parameter, expression)| match expression.compile(columns) {
                Ok(compiled) => Ok((parameter, compiled)),
                Err(source) => Err(TemplateError::Column { parameter, source: Box::new(source) }),
            })
            .collect::<Result<_, _>>()?;
        Ok(BodyPlan {
            names,
            expressions,
            uses: definition.body().uses(),
            literal_chars: definition.body().literal_chars(),
            columns: columns.clone(),
        })
    }
}

/// A body tied to the columns of one source: fills the variables of one record at a time.
#[derive(Clone, Debug)]
pub struct BodyPlan {
    names: Option<Vec<String>>,
    expressions: Vec<(String, Expression<usize>)>,
    uses: Vec<usize>,
    literal_chars: usize,
    columns: Columns,
}

impl BodyPlan {
    /// The names of the variables in the order in which they are filled; `None` when they are
    /// numbered.
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// The values for one record, in the order of the template's variables.
    ///
    /// Line breaks, tabs and long runs of spaces become single spaces, because WhatsApp refuses
    /// them in parameters.
    ///
    /// # Errors
    /// [`FillError`] when a value is empty or the message would be too long.
    pub fn fill(&self, cells: &Cells) -> Result<FilledParameters, FillError> {
        let mut chars = self.literal_chars;
        let mut values = Vec::with_capacity(self.expressions.len());
        for ((parameter, expression), uses) in self.expressions.iter().zip(&self.uses) {
            let mut value = String::new();
            expression.write(cells, &mut value).map_err(|column| FillError::Empty {
                parameter: parameter.clone(),
                column: self.columns.names().get(column).cloned(),
            })?;
            let value = on_one_line(value);
            if value.is_empty() {
                return Err(FillError::Empty { parameter: parameter.clone(), column: None });
            }
            chars += uses * value.chars().count();
            values.push(value);
        }
        if chars > TemplateDefinition::BODY_CHARS {
            return Err(FillError::TooLong { chars });
        }
        Ok(values.into_iter().collect())
    }
}

/// White space of a parameter as WhatsApp accepts it: no line break, no tab, no four spaces in a
/// row (error 132018), none at the ends.
fn on_one_line(value: String) -> String {
    let is_gap = |c: char| c.is_whitespace() || c.is_control();
    let trimmed = value.trim_matches(is_gap);
    if trimmed.len() == value.len() && !value.contains(|c: char| c.is_control()) && !value.contains("    ") {
        return value;
    }
    let mut line = String::with_capacity(trimmed.len());
    let mut gap = String::new();
    for c in trimmed.chars() {
        if is_gap(c) {
            gap.push(c);
            continue;
        }
        if gap.contains(char::is_control) || gap.chars().count() > 3 {
            line.push(' ');
        } else {
            line.push_str(&gap);
        }
        gap.clear();
        line.push(c);
    }
    line
}

/// Why one record gives no message.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FillError {
    /// A parameter would be empty, which WhatsApp refuses.
    #[error(
        "parameter {parameter} is empty{}: fill the cell, or give the column a default as in {{{}|friend}}",
        column.as_ref().map(|name| format!(" because column {name:?} is")).unwrap_or_default(),
        column.as_deref().unwrap_or("first_name")
    )]
    Empty {
        /// Its number or its name.
        parameter: String,
        /// The column that is empty, where it is one.
        column: Option<String>,
    },
    /// The filled body has more characters than WhatsApp allows.
    #[error("the filled body has {chars} characters, WhatsApp allows 1,024: shorten the cells that fill it")]
    TooLong {
        /// How many characters it would have.
        chars: usize,
    },
}

impl FillError {
    /// A parameter would be empty.
    pub const EMPTY: Code = Code::known("template.parameter_empty");
    /// The filled body would be too long.
    pub const TOO_LONG: Code = Code::known("template.too_long");

    /// The reason code that reports count.
    pub const fn code(&self) -> Code {
        match self {
            Self::Empty { .. } => Self::EMPTY,
            Self::TooLong { .. } => Self::TOO_LONG,
        }
    }
}

impl Classify for FillError {
    fn fault(&self) -> Fault {
        Fault::Rejected
    }
}
