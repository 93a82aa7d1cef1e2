//! # minilm-readers
//!
//! Files of texts and of vectors, record by record, in memory that does not grow with them.
//!
//! | module | content |
//! |---|---|
//! | [`text`] | files and pipes as UTF-8: gzip and zstd are unpacked, other encodings decoded |
//! | [`records`] | texts in lines, JSON, csv, tsv and Parquet |
//! | [`vectors`] | vectors in npy, npz, JSON lines, csv, safetensors, Parquet and indices |
//!
//! The readers make no difference between what the program `minilm` has written and what other
//! tools have: NumPy, pandas, Polars, `json` of Python, spreadsheets. A file that cannot be read is
//! an [`Error`] that names the file and the line, row or column. No input makes a reader panic, and
//! the memory that one record may take has a limit ([`ReadOptions::longest`]); `tests/fuzz` in the
//! repository tries both.
//!
//! ```
//! use minilm_readers::{ReadOptions, records::{Kind, Name, Records}};
//!
//! let table = b"id;text\n7;A man eats.\n8;A dog runs.\n".to_vec();
//! let names = [Name::Needed("text")];
//! let records = Records::from_bytes("it.csv", table, Kind::Csv, &names, &ReadOptions::new())?;
//! let mut texts = Vec::new();
//! for record in records {
//!     texts.extend(record?.fields);
//! }
//! assert_eq!(texts, ["A man eats.", "A dog runs."]);
//! # Ok::<(), minilm_readers::Error>(())
//! ```
//!
//! Columns and vectors in Parquet need the feature `parquet`.
#![forbid(unsafe_code)]

mod error;
mod options;
pub mod records;
pub mod text;
pub mod vectors;

pub use error::Error;
pub use options::{Missing, ReadOptions};

/// `a, b, c`, or the first of many.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = names.collect();
    let more = names.len() > 12;
    names.truncate(12);
    names.join(", ") + if more { ", …" } else { "" }
}

/// `1 field`, `2 fields`.
fn fields(n: usize) -> String {
    if n == 1 { "1 field".to_owned() } else { format!("{n} fields") }
}
