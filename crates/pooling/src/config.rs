//! `1_Pooling/config.json` in both of its forms.
//!
//! In the book: `docs/01-model.md`.

use crate::{Mode, Pooling};
use serde::Deserialize;
use std::fmt;

/// The file as it is written: classic booleans, or the `pooling_mode` of sentence-transformers 5.4
/// and later.
///
/// ```
/// use minilm_pooling::{Mode, PoolingConfig};
/// let classic = r#"{"word_embedding_dimension": 384, "pooling_mode_cls_token": true,
///     "pooling_mode_max_tokens": true}"#;
/// let recent = r#"{"embedding_dimension": 384, "pooling_mode": ["cls", "max"]}"#;
/// for json in [classic, recent] {
///     let config: PoolingConfig = serde_json::from_str(json)?;
///     assert_eq!(config.pooling()?.modes(), [Mode::Cls, Mode::Max]);
///     assert_eq!(config.embedding_dimension, Some(384));
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct PoolingConfig {
    /// H, the width of the token vectors.
    #[serde(alias = "word_embedding_dimension")]
    pub embedding_dimension: Option<usize>,
    pooling_mode: Option<OneOrMore>,
    include_prompt: Option<bool>,
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_max_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_sqrt_len_tokens: bool,
    #[serde(default)]
    pooling_mode_weightedmean_tokens: bool,
    #[serde(default)]
    pooling_mode_lasttoken: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl PoolingConfig {
    /// The pooling that the file asks for; `pooling_mode` comes before the booleans, and mean is
    /// the default.
    ///
    /// # Errors
    /// A name in `pooling_mode` that is no mode.
    pub fn pooling(&self) -> Result<Pooling, UnknownMode> {
        let modes = match &self.pooling_mode {
            Some(OneOrMore::One(name)) => vec![mode(name)?],
            Some(OneOrMore::More(names)) => {
                names.iter().map(|name| mode(name)).collect::<Result<_, _>>()?
            }
            None => self.classic(),
        };
        let modes = if modes.is_empty() { &[Mode::Mean] } else { modes.as_slice() };
        Ok(Pooling::new(modes).with_include_prompt(self.include_prompt.unwrap_or(true)))
    }

    fn classic(&self) -> Vec<Mode> {
        let wanted = [
            self.pooling_mode_cls_token,
            self.pooling_mode_max_tokens,
            self.pooling_mode_mean_tokens,
            self.pooling_mode_mean_sqrt_len_tokens,
            self.pooling_mode_weightedmean_tokens,
            self.pooling_mode_lasttoken,
        ];
        let wanted = Mode::ALL.iter().zip(wanted).filter(|(_, wanted)| *wanted);
        wanted.map(|(mode, _)| *mode).collect()
    }
}

fn mode(name: &str) -> Result<Mode, UnknownMode> {
    let found = Mode::ALL.iter().copied().find(|mode| mode.name() == name);
    found.ok_or_else(|| UnknownMode { name: name.to_owned() })
}

/// A name in `pooling_mode` that is no pooling mode.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownMode {
    /// The name.
    pub name: String,
}

impl fmt::Display for UnknownMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<&str> = Mode::ALL.iter().map(|mode| mode.name()).collect();
        let known = known.join(", ");
        write!(f, "no pooling mode is called {:?}; the modes are: {known}", self.name)
    }
}

impl std::error::Error for UnknownMode {}
