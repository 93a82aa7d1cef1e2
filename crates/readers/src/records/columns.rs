//! Tables in columns: Parquet, if this build reads it.

#[cfg(feature = "parquet")]
use super::parquet;
use super::{Name, Source};
use crate::{Error, ReadOptions};
use std::path::Path;

#[cfg(feature = "parquet")]
pub(super) fn columns_of_file(
    path: &Path,
    name: &str,
    names: &[Name],
    options: &ReadOptions,
) -> Result<Source, Error> {
    let file = parquet::Columns::open(path, name, options.longest)?;
    file.rows(names).map(Source::Parquet)
}

#[cfg(feature = "parquet")]
pub(super) fn columns_of_bytes(
    bytes: Vec<u8>,
    name: &str,
    names: &[Name],
    options: &ReadOptions,
) -> Result<Source, Error> {
    let file = parquet::Columns::new(bytes::Bytes::from(bytes), name, options.longest)?;
    file.rows(names).map(Source::Parquet)
}

#[cfg(feature = "parquet")]
pub(super) fn names_of_columns(path: &Path, options: &ReadOptions) -> Result<Vec<String>, Error> {
    let name = path.display().to_string();
    Ok(parquet::Columns::open(path, &name, options.longest)?.names())
}

#[cfg(not(feature = "parquet"))]
pub(super) fn names_of_columns(path: &Path, _options: &ReadOptions) -> Result<Vec<String>, Error> {
    Err(without_parquet(&path.display().to_string()))
}

#[cfg(not(feature = "parquet"))]
pub(super) fn columns_of_file(
    _path: &Path,
    name: &str,
    _names: &[Name],
    _options: &ReadOptions,
) -> Result<Source, Error> {
    Err(without_parquet(name))
}

#[cfg(not(feature = "parquet"))]
pub(super) fn columns_of_bytes(
    _bytes: Vec<u8>,
    name: &str,
    _names: &[Name],
    _options: &ReadOptions,
) -> Result<Source, Error> {
    Err(without_parquet(name))
}

/// What a program that was built without Parquet says.
#[cfg(not(feature = "parquet"))]
pub(crate) fn without_parquet(name: &str) -> Error {
    Error::Kind(format!("{name}: this build reads no Parquet; build it with --features parquet"))
}
