//! The prompts of a model, as `config_sentence_transformers.json` has them.
//!
//! ```text
//! { "prompts": { "query": "query: ", "document": "passage: " },
//!   "default_prompt_name": "query",
//!   "truncate_dim": 128 }
//! ```
//!
//! As in sentence-transformers, the prompts `query` and `document` are always there, and empty if
//! the file does not name them.

use crate::{Error, Prompt};
use std::collections::BTreeMap;

/// Prompts by name, and the one that is put before texts if a call asks for no other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Prompts {
    by_name: BTreeMap<String, String>,
    default: Option<String>,
}

impl Prompts {
    /// # Errors
    /// [`Error::Prompt`] if there is no prompt of the default's name.
    pub(crate) fn new(
        given: BTreeMap<String, Option<String>>,
        default: Option<String>,
    ) -> Result<Prompts, Error> {
        let mut by_name: BTreeMap<String, String> =
            given.into_iter().map(|(name, text)| (name, text.unwrap_or_default())).collect();
        for name in ["query", "document"] {
            by_name.entry(name.to_owned()).or_default();
        }
        let prompts = Prompts { by_name, default };
        prompts.default_text()?;
        Ok(prompts)
    }

    /// Names and texts.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_name.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// The prompt that is put before texts if a call asks for no other; empty if there is none.
    pub(crate) fn default_text(&self) -> Result<&str, Error> {
        self.default.as_deref().map_or(Ok(""), |name| self.named(name))
    }

    /// The text of a prompt; empty is none.
    pub(crate) fn text<'p>(&'p self, prompt: &'p Prompt) -> Result<&'p str, Error> {
        match prompt {
            Prompt::Query => self.named("query"),
            Prompt::Document => self.named("document"),
            Prompt::Named(name) => self.named(name),
            Prompt::Text(text) => Ok(text),
        }
    }

    fn named(&self, name: &str) -> Result<&str, Error> {
        self.by_name.get(name).map(String::as_str).ok_or_else(|| Error::Prompt {
            name: name.to_owned(),
            known: self.by_name.keys().cloned().collect(),
        })
    }
}
