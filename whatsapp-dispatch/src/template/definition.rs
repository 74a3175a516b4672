use std::fmt::{self, Display, Formatter};

use super::text::Text;
use super::{Body, Template, TemplateError};

/// The variables of a template's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variables {
    /// `{{1}}` up to this number; 0 when there are none.
    Positional(usize),
    /// Names, in the order in which they first occur.
    Named(Vec<String>),
}

impl Variables {
    pub(super) fn of(names: &[&str]) -> Result<Self, String> {
        let numbers = names.iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).count();
        if numbers == names.len() {
            for number in 1..=names.len() {
                if !names.iter().any(|name| name.parse() == Ok(number)) {
                    return Err(format!(
                        "the variables must be numbered from 1 without gaps; {{{{{number}}}}} is missing"
                    ));
                }
            }
            return Ok(Self::Positional(names.len()));
        }
        if numbers > 0 {
            return Err("it mixes numbered and named variables; use one kind".to_owned());
        }
        let is_name = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        };
        match names.iter().find(|name| !is_name(name)) {
            Some(name) => Err(format!("{name:?} cannot name a variable; use the characters a-z 0-9 _")),
            None => Ok(Self::Named(names.iter().map(|name| (*name).to_owned()).collect())),
        }
    }

    /// How many variables there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Positional(count) => *count,
            Self::Named(names) => names.len(),
        }
    }

    /// True when there is no variable.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// `no parameters`, `2 numbered parameters`, or the names.
impl Display for Variables {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Positional(0) => f.write_str("no parameters"),
            Self::Positional(1) => f.write_str("1 numbered parameter"),
            Self::Positional(count) => write!(f, "{count} numbered parameters"),
            Self::Named(names) => write!(f, "the named parameters {}", names.join(", ")),
        }
    }
}

/// The text of a template as Meta approved it.
///
/// Limits count characters: header 60, body 1,024, footer 60 (Template components, 2026).
///
/// ```
/// use whatsapp_dispatch::template::{Template, TemplateDefinition};
/// let definition = TemplateDefinition::new(
///     Template::marketing("diwali_offer", "en_US"),
///     "Hi {{1}}, {{2}} off until Sunday!",
/// )?;
/// assert_eq!(definition.render(&["Asha", "20 %"]), "Hi Asha, 20 % off until Sunday!");
/// # Ok::<(), whatsapp_dispatch::template::TemplateError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateDefinition {
    template: Template,
    header: Option<Text>,
    body: Text,
    footer: Option<String>,
}

impl TemplateDefinition {
    /// The most characters of a body, filled or not.
    pub const BODY_CHARS: usize = 1024;
    const HEADER_CHARS: usize = 60;
    const FOOTER_CHARS: usize = 60;

    /// A template with this body text.
    ///
    /// # Errors
    /// [`TemplateError`] when the template's name or the text breaks a rule of WhatsApp.
    pub fn new(template: Template, body: &str) -> Result<Self, TemplateError> {
        template.check()?;
        let refuse = |what: String| refused(&template, "body", what);
        within(body, Self::BODY_CHARS).map_err(refuse)?;
        let text = Text::parse(body).map_err(refuse)?;
        if text.begins_or_ends_with_variable() {
            return Err(refuse("it begins or ends with a variable; put words around it".to_owned()));
        }
        Ok(Self { template, header: None, body: text, footer: None })
    }

    /// The same template with this header text.
    ///
    /// # Errors
    /// [`TemplateError::Text`] when it is empty, longer than 60 characters or has two variables.
    pub fn with_header(self, header: &str) -> Result<Self, TemplateError> {
        let refuse = |what: String| refused(&self.template, "header", what);
        within(header, Self::HEADER_CHARS).map_err(refuse)?;
        let text = Text::parse(header).map_err(refuse)?;
        if text.variables.len() > 1 {
            return Err(refuse("it has more than one variable; WhatsApp allows one".to_owned()));
        }
        Ok(Self { header: Some(text), ..self })
    }

    /// The same template with this footer text.
    ///
    /// # Errors
    /// [`TemplateError::Text`] when it is empty, longer than 60 characters or has a variable.
    pub fn with_footer(self, footer: &str) -> Result<Self, TemplateError> {
        let refuse = |what: String| refused(&self.template, "footer", what);
        within(footer, Self::FOOTER_CHARS).map_err(refuse)?;
        if !Text::parse(footer).map_err(refuse)?.variables.is_empty() {
            return Err(refuse("it has a variable; WhatsApp allows none".to_owned()));
        }
        Ok(Self { footer: Some(footer.to_owned()), ..self })
    }

    /// Which template it is.
    pub const fn template(&self) -> &Template {
        &self.template
    }

    /// The variables of the body.
    pub const fn variables(&self) -> &Variables {
        &self.body.variables
    }

    /// The footer, if there is one.
    pub fn footer(&self) -> Option<&str> {
        self.footer.as_deref()
    }

    /// The body as a person sees it, with `values` in the order of [`Self::variables`].
    pub fn render(&self, values: &[&str]) -> String {
        self.body.render(values)
    }

    /// Whether a campaign's body gives exactly what this template wants.
    ///
    /// # Errors
    /// [`TemplateError::Mismatch`] says what the template has and what the campaign gives.
    pub fn check(&self, body: &Body) -> Result<(), TemplateError> {
        if self.header.as_ref().is_some_and(|header| !header.variables.is_empty()) {
            return Err(TemplateError::HeaderVariable { template: self.template.to_string() });
        }
        let given = body.variables();
        let same = match (given, self.variables()) {
            (Variables::Named(given), Variables::Named(wanted)) => {
                given.len() == wanted.len() && wanted.iter().all(|name| given.contains(name))
            }
            (given, wanted) => given == wanted || (given.is_empty() && wanted.is_empty()),
        };
        if same {
            return Ok(());
        }
        Err(TemplateError::Mismatch {
            template: self.template.to_string(),
            has: format!("has {}", self.variables()),
            gives: given.to_string(),
        })
    }

    pub(super) const fn body(&self) -> &Text {
        &self.body
    }
}

fn refused(template: &Template, part: &'static str, what: String) -> TemplateError {
    TemplateError::Text { template: template.to_string(), part, what }
}

fn within(text: &str, most: usize) -> Result<(), String> {
    match text.chars().count() {
        0 => Err("it is empty".to_owned()),
        count if count > most => Err(format!("it has {count} characters; WhatsApp allows {most}")),
        _ => Ok(()),
    }
}
