//! Files of vectors, in and out.

#[cfg(feature = "parquet")]
mod parquet;
mod write;

pub(crate) use minilm_readers::vectors::{Kind, Reader, Row};
pub(crate) use write::{Bytes, Writer};

use crate::{corpus::Opening, error::Error, records::bytes};
use clap::Args;
use minilm_readers::vectors;
use std::path::Path;

/// What files of vectors may be, for help.
pub(crate) fn files() -> String {
    let parquet = if cfg!(feature = "parquet") { "*.parquet, " } else { "" };
    format!("*.npy, *.npz, *.jsonl, *.csv, {parquet}*.safetensors or *.index")
}

/// Where in a file the vectors are.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Part {
    /// Which tensor to read of a safetensors file, or which array of an npz file, with several
    /// matrices
    #[arg(long, value_name = "NAME")]
    pub tensor: Option<String>,

    #[arg(long, value_name = "NAME", visible_alias = "field", help = column_help())]
    pub column: Option<String>,

    /// The most bytes that one row may have in its file; K, M and G are 2^10, 2^20 and 2^30
    /// [default: 16M]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_record: Option<usize>,

    #[command(flatten)]
    pub opening: Opening,
}

impl Part {
    /// Opens a file of vectors.
    pub(crate) fn open(&self, path: &Path) -> Result<Reader, Error> {
        let part = vectors::Part::new().no_map(self.opening.no_map);
        let part = self.tensor.iter().fold(part, |part, name| part.tensor(name));
        let part = self.column.iter().fold(part, |part, name| part.column(name));
        let part = self.max_record.iter().fold(part, |part, &longest| part.longest(longest));
        Ok(Reader::open(path, &part)?)
    }
}

fn column_help() -> &'static str {
    if cfg!(feature = "parquet") {
        "Which field of a *.jsonl file, or column of a *.parquet file, holds the vectors [default: \
         embedding, or the only column with lists of numbers]"
    } else {
        "Which field of a *.jsonl file holds the vectors [default: embedding]"
    }
}
