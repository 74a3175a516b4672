use std::sync::OnceLock;

/// A script that runs on the server as one step.
///
/// Its first argument is always the instant that counts, in microseconds; 0 lets the server's own
/// time count. The script finds it, resolved, as `now`. What it does must be bounded, and all its
/// keys must carry the store's tag.
#[derive(Debug)]
pub struct Script {
    name: &'static str,
    body: &'static str,
    text: OnceLock<Text>,
}

#[derive(Debug)]
pub(super) struct Text {
    pub(super) whole: String,
    pub(super) digest: String,
}

impl Script {
    /// A script by its name, which errors show, and its text in Lua.
    pub const fn new(name: &'static str, body: &'static str) -> Self {
        Self { name, body, text: OnceLock::new() }
    }

    /// What errors call it.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn text(&self) -> &Text {
        self.text.get_or_init(|| {
            let whole = format!("{}{}", include_str!("prelude.lua"), self.body);
            let digest = deadpool_redis::redis::Script::new(&whole).get_hash().to_owned();
            Text { whole, digest }
        })
    }
}
