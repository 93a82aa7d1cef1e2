//! Arguments of Python's calls as what the library takes.

use minilm::{EncodeOptions, Prompt, Windows};
use pyo3::{PyResult, exceptions::PyValueError};
use std::str::FromStr;

/// The options of a call.
pub(crate) fn options(
    prompt: Option<String>,
    normalize: Option<bool>,
    truncate_dim: Option<usize>,
) -> EncodeOptions {
    let mut options = EncodeOptions::new();
    options.prompt = prompt.map(Prompt::Text);
    options.normalize = normalize;
    options.truncate_dim = truncate_dim;
    options
}

/// What has that name.
pub(crate) fn named<T: FromStr<Err: std::fmt::Display>>(name: &str) -> PyResult<T> {
    name.parse().map_err(|error: T::Err| PyValueError::new_err(error.to_string()))
}

/// Windows of that many tokens that many apart; the library's defaults without.
pub(crate) fn windows(tokens: Option<usize>, stride: Option<usize>) -> Windows {
    let mut windows = Windows::new();
    if let Some(tokens) = tokens {
        windows = windows.tokens(tokens);
    }
    if let Some(stride) = stride {
        windows = windows.stride(stride);
    }
    windows
}
