use serde::Serialize;

use super::meta::Kind;
use crate::template::{Category, Template, TemplateDefinition, Variables};

/// An approved template.
#[derive(Clone, Debug)]
pub(super) struct Approved {
    pub(super) name: String,
    pub(super) language: String,
    category: String,
    body: String,
    placeholders: Vec<String>,
}

impl Approved {
    pub(super) fn new(name: &str, language: &str, category: &str, body: &str) -> Self {
        let [name, language, category, body] = [name, language, category, body].map(str::to_owned);
        let placeholders = placeholders(&body);
        Self { name, language, category, body, placeholders }
    }

    pub(super) fn of(definition: &TemplateDefinition) -> Self {
        let Template { name, language, category } = definition.template();
        let category = match category {
            Category::Marketing => "MARKETING",
            Category::Utility => "UTILITY",
            Category::Authentication => "AUTHENTICATION",
        };
        let names: Vec<_> = match definition.variables() {
            Variables::Positional(count) => (1..=*count).map(|number| format!("{{{{{number}}}}}")).collect(),
            Variables::Named(names) => names.iter().map(|name| format!("{{{{{name}}}}}")).collect(),
        };
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        Self::new(name, language, category, &definition.render(&names))
    }

    /// What is approved from the beginning.
    pub(super) fn defaults() -> Vec<Self> {
        let offer = "Hi {{1}}, enjoy {{2}} off this Diwali at our store!";
        let update = "Hi {{1}}, your order {{2}} is on its way.";
        let named = "Hi {{first_name}}, your visit on {{date}} is booked.";
        vec![
            Self::new("diwali_offer", "en_US", "MARKETING", offer),
            Self::new("order_update", "en_US", "UTILITY", update),
            Self::new("visit_booked", "en_US", "UTILITY", named),
            Self::new("hello_world", "en_US", "UTILITY", "Hello World"),
        ]
    }

    pub(super) fn kind(&self) -> Kind {
        match self.category.as_str() {
            "MARKETING" => Kind::Marketing,
            "AUTHENTICATION" => Kind::Authentication,
            _ => Kind::Utility,
        }
    }

    fn is_named(&self) -> bool {
        self.placeholders.iter().any(|name| name.parse::<u16>().is_err())
    }

    /// True when the parameters with these names (`None`: by position) fill the template.
    pub(super) fn takes(&self, names: &[Option<&str>]) -> bool {
        if self.placeholders.len() != names.len() {
            return false;
        }
        if !self.is_named() {
            return true;
        }
        self.placeholders.iter().all(|wanted| names.contains(&Some(wanted.as_str())))
    }
}

/// Each placeholder once, in order of appearance.
fn placeholders(body: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in body.split("{{").skip(1) {
        if let Some((name, _)) = part.split_once("}}") {
            let name = name.trim().to_owned();
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    found
}

/// The JSON in which the Graph API lists templates.
pub(super) fn listing<'a>(
    templates: impl Iterator<Item = &'a Approved>,
    is_paused: impl Fn(&str) -> bool,
) -> Vec<u8> {
    #[derive(Serialize)]
    struct List<'a> {
        data: Vec<Item<'a>>,
    }
    #[derive(Serialize)]
    struct Item<'a> {
        id: &'static str,
        name: &'a str,
        language: &'a str,
        category: &'a str,
        status: &'static str,
        parameter_format: &'static str,
        components: [Component<'a>; 1],
    }
    #[derive(Serialize)]
    struct Component<'a> {
        r#type: &'static str,
        text: &'a str,
    }
    let item = |template: &'a Approved| Item {
        id: "1000000000000001",
        name: &template.name,
        language: &template.language,
        category: &template.category,
        status: if is_paused(&template.name) { "PAUSED" } else { "APPROVED" },
        parameter_format: if template.is_named() { "NAMED" } else { "POSITIONAL" },
        components: [Component { r#type: "BODY", text: &template.body }],
    };
    serde_json::to_vec(&List { data: templates.map(item).collect() }).unwrap_or_default()
}
