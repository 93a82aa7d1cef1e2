//! Quantised vectors, which are compared with what they are said to be.

use super::Search;
use crate::{
    corpus::failed,
    error::Error,
    quantize::{Precision, read_ranges},
    sample::{self, Sample},
    show::count,
    vectors::Part,
};
use minilm::{
    model::Mapped,
    ndarray::{Array2, ArrayView2},
    tasks::{
        index::Index,
        quantize::{QuantizedSearch, Ranges, signs},
        search::Hit,
    },
};
use std::path::Path;

/// Quantised vectors.
pub(super) struct Quantized {
    name: String,
    precision: Precision,
    rows: Array2<u8>,
    ranges: Option<Ranges>,
}

impl Quantized {
    /// Reads the rows of a file, which belong to so many texts, perhaps of an index.
    pub(super) fn read(
        command: &Search,
        file: &Path,
        precision: Precision,
        texts: usize,
        index: Option<&Index<Mapped>>,
    ) -> Result<Quantized, Error> {
        let part = Part { opening: command.opening, ..Part::default() };
        let (mut from, mut bytes) = (part.open(file)?, Vec::new());
        let name = file.display().to_string();
        let (columns, mut rows) = (from.columns()?, 0);
        while let Some(row) = from.advance()? {
            for value in row.values {
                bytes.push(precision.byte(value).ok_or_else(|| {
                    Error::Input(format!("row {rows} of {name}: {value} is no {precision} value"))
                })?);
            }
            rows += 1;
        }
        if rows != texts {
            let (rows, texts) = (count(rows, "row"), count(texts, "text"));
            let of = command.index.display();
            return Err(Error::Input(format!("{name} has {rows}, but {of} has {texts}")));
        }
        let rows = Array2::from_shape_vec((rows, columns), bytes).expect("whole rows");
        let ranges = match (precision.has_ranges(), &command.ranges) {
            (true, Some(file)) => Some(read_ranges(file)?),
            (true, None) => Some(ranges_of(index, &name)?),
            (false, None) => None,
            (false, Some(_)) => {
                return Err(Error::Usage("--ranges: bits need no ranges".to_owned()));
            }
        };
        let quantized = Quantized { name, precision, rows, ranges };
        if let Some(index) = index {
            quantized.check_index(index, &command.index)?;
        }
        Ok(quantized)
    }

    /// The bytes are those of the index's vectors, as far as some of them tell.
    fn check_index(&self, index: &Index<Mapped>, path: &Path) -> Result<(), Error> {
        self.check_dimensions(index.dimensions())?;
        let (vectors, mut sample) = (index.vectors()?, Sample::default());
        for row in 0..index.len() {
            if sample.is_full() {
                break;
            }
            sample.push("", &self.restored(row, index.dimensions()));
        }
        let near = sample.cosine(vectors.rows().into_iter().map(|row| row.to_vec()));
        if near >= self.least() {
            return Ok(());
        }
        let (name, path) = (&self.name, path.display());
        Err(Error::Input(format!(
            "{name} does not hold the vectors of {path}: the mean cosine of the first is {near:.3}"
        )))
    }

    /// The bytes fit vectors of so many dimensions.
    pub(super) fn check_dimensions(&self, dimensions: usize) -> Result<(), Error> {
        let (name, found) = (&self.name, self.rows.ncols());
        let expected = if self.ranges.is_some() { dimensions } else { dimensions.div_ceil(8) };
        if found != expected {
            return Err(Error::Input(format!(
                "{name} has {found} columns; {} of {dimensions} dimensions has {expected}",
                self.precision
            )));
        }
        match &self.ranges {
            Some(ranges) if ranges.min().len() != dimensions => Err(Error::Input(format!(
                "{} ranges for vectors of {dimensions} dimensions",
                ranges.min().len()
            ))),
            _ => Ok(()),
        }
    }

    /// The least mean cosine with what the row was.
    pub(super) fn least(&self) -> f64 {
        if self.ranges.is_some() { sample::NEAR } else { sample::NEAR_SIGNS }
    }

    /// About what a row was before it was quantised.
    pub(super) fn restored(&self, row: usize, dimensions: usize) -> Vec<f32> {
        let row = self.rows.row(row);
        let (bytes, mut restored) = (row.iter().copied(), vec![0.0; dimensions]);
        match &self.ranges {
            Some(ranges) => ranges.restore(bytes, &mut restored),
            None => signs(bytes, &mut restored),
        }
        restored
    }

    pub(super) fn search(
        &self,
        queries: ArrayView2<f32>,
        options: QuantizedSearch,
        vectors: Option<ArrayView2<f32>>,
    ) -> Result<Vec<Vec<Hit>>, Error> {
        let rows = self.rows.view();
        let found = match &self.ranges {
            Some(ranges) => options.scalar(queries, rows, ranges, vectors),
            None => options.binary(queries, rows, vectors),
        };
        found.map_err(failed(&self.name))
    }
}

/// The ranges of an index's vectors.
fn ranges_of(index: Option<&Index<Mapped>>, name: &str) -> Result<Ranges, Error> {
    let Some(index) = index else {
        return Err(Error::Usage(format!(
            "--ranges: the values of {name} are steps of ranges, which `quantize --save-ranges` \
             writes"
        )));
    };
    Ranges::of(index.vectors()?.view()).map_err(failed(name))
}
