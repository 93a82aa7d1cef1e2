//! Panics of the parquet crate, as errors.
//!
//! The crate asserts what a file with another schema or broken pages can contradict. Such a file is
//! an error of the file, and no reason to end the program. The panic is reported on standard error
//! by the hook that the program has.

use parquet::errors::{ParquetError, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `read` returns, or an error if it panics. What it has borrowed is not used any more then.
pub(super) fn guard<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        Err(ParquetError::General("its schema or its pages contradict the format".to_owned()))
    })
}
