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
        Ok(if modes.is_empty() { Pooling::new(&[Mode::Mean]) } else { Pooling::new(&modes) })
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
        Mode::ALL
            .into_iter()
            .zip(wanted)
            .filter_map(|(mode, wanted)| wanted.then_some(mode))
            .collect()
    }
}

fn mode(name: &str) -> Result<Mode, UnknownMode> {
    let found = Mode::ALL.into_iter().find(|mode| mode.name() == name);
    found.ok_or_else(|| UnknownMode { name: name.to_owned() })
}

/// A name in `pooling_mode` that is no pooling mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownMode {
    /// The name.
    pub name: String,
}

impl fmt::Display for UnknownMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Mode::ALL.map(Mode::name).join(", ");
        write!(f, "no pooling mode is called {:?}; the modes are: {known}", self.name)
    }
}

impl std::error::Error for UnknownMode {}
