//! A panic of the tokenizer as an error.
//!
//! The library `tokenizers` does not check its file everywhere: a merge of a token that is not in
//! the vocabulary, or a character map that ends too early, makes it panic. A file may come from
//! anywhere, so such a panic is not a bug of this program, and must not end it.

use std::{
    any::Any,
    fmt::Display,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// The result of `work`, with its error, or its panic, as text.
pub(super) fn guard<T, E: Display>(work: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    // A tokenizer that panics is either dropped at once, or its caches are behind locks that know
    // of panics.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(payload) => Err(format!("the tokenizer panicked: {}", message(payload.as_ref()))),
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no reason is given")
}
