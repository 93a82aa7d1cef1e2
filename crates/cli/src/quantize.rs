//! `minilm quantize`: vectors in a byte, or a bit, for each dimension.

use crate::{
    error::Error,
    notes::message,
    options::Common,
    progress::Progress,
    progress::Size,
    show::count,
    vectors::{Bytes, Kind, Part, Reader},
};
use clap::{Args, ValueEnum};
use minilm::{
    ndarray::{Array1, Array2, Axis, Slice},
    tasks::{
        quantize::{QuantizedSearch, Ranges, overlap, to_binary, to_ubinary},
        search::Search,
    },
};
use std::path::{Path, PathBuf};

/// Rows that are quantised together.
const TOGETHER: usize = 4096;

/// Rows that a report takes: as corpus, and the first of them as queries.
const SAMPLE: (usize, usize) = (100_000, 100);

/// Store vectors in a byte, or a bit, for each dimension
///
/// The values are those of quantize_embeddings of sentence-transformers, as a NumPy array. int8 and
/// uint8 need the range of each dimension: that of these vectors, or of others (--calibration).
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Quantize {
    #[arg(value_name = "FILE", help = files_help())]
    pub file: PathBuf,

    /// The *.npy file to write
    #[arg(long, short, value_name = "FILE", required_unless_present = "report")]
    pub output: Option<PathBuf>,

    /// The type of a dimension's value
    #[arg(long, short, value_enum, default_value_t = Precision::Int8)]
    pub precision: Precision,

    /// Take the ranges from the vectors of this file
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,

    /// Print the part of the ten nearest rows that a search among quantised rows still finds
    #[arg(long)]
    pub report: bool,

    #[command(flatten)]
    pub part: Part,
}

/// The type of a dimension's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Precision {
    /// -128 … 127: its step, of 256 steps of its range
    Int8,
    /// 0 … 255: the same
    Uint8,
    /// A bit: whether it is positive; bytes less 128
    Binary,
    /// A bit: whether it is positive
    Ubinary,
}

const EXAMPLES: &str = "\
Examples:
  minilm quantize vectors.npy -o vectors.int8.npy
  minilm quantize notes.index -p ubinary -o notes.bits.npy --report
  minilm quantize today.npy --calibration all.npy -o today.int8.npy";

pub(crate) fn run(common: &Common, command: &Quantize) -> Result<(), Error> {
    crate::model::share_threads(common);
    if let Some(output) = &command.output
        && !matches!(Kind::of(output), Ok(Kind::Npy))
    {
        return Err(Error::Usage(format!("--output: {} does not end in .npy", output.display())));
    }
    let needs_ranges = matches!(command.precision, Precision::Int8 | Precision::Uint8);
    let ranges = match (needs_ranges, &command.calibration) {
        (false, None) => None,
        (false, Some(_)) => {
            return Err(Error::Usage("--calibration: bits need no ranges".to_owned()));
        }
        (true, Some(file)) => {
            Some(ranges(file, &Part { opening: command.part.opening, ..Part::default() })?)
        }
        (true, None) => Some(ranges(&command.file, &command.part)?),
    };
    if let Some(output) = &command.output {
        let rows = write(command, output, ranges.as_ref(), !common.quiet)?;
        if !common.quiet {
            message(&format!("{} holds {}", output.display(), count(rows, "vector")));
        }
    }
    if command.report { report(command, ranges.as_ref()) } else { Ok(()) }
}

fn failed(file: &Path) -> impl Fn(minilm::tasks::Error) -> Error {
    let name = file.display().to_string();
    move |source| Error::Task { name: name.clone(), source }
}

/// The range of each dimension.
fn ranges(file: &Path, part: &Part) -> Result<Ranges, Error> {
    let mut rows = part.open(file)?;
    let mut ends: Option<(Array1<f32>, Array1<f32>)> = None;
    let mut seen = 0;
    while let Some(row) = rows.advance()? {
        seen += 1;
        let (min, max) =
            ends.get_or_insert_with(|| (row.values.clone().into(), row.values.clone().into()));
        for ((min, max), &x) in min.iter_mut().zip(max).zip(&row.values) {
            (*min, *max) = (min.min(x), max.max(x));
        }
    }
    match ends {
        Some((min, max)) if seen > 1 => Ranges::new(min.view(), max.view()).map_err(failed(file)),
        _ => Err(Error::Input(format!(
            "{} holds one vector, which has no ranges; pass --calibration",
            rows.name()
        ))),
    }
}

/// Reads up to `most` rows.
fn block(rows: &mut Reader, most: usize) -> Result<Array2<f32>, Error> {
    let (mut values, mut count) = (Vec::new(), 0);
    while count < most
        && let Some(row) = rows.advance()?
    {
        values.extend(row.values);
        count += 1;
    }
    let columns = values.len().checked_div(count).unwrap_or(1);
    Ok(Array2::from_shape_vec((count, columns), values).expect("whole rows"))
}

/// The bytes of some rows.
fn quantize(
    precision: Precision,
    ranges: Option<&Ranges>,
    rows: &Array2<f32>,
) -> Result<Array2<u8>, minilm::tasks::Error> {
    let rows = rows.view();
    match (precision, ranges) {
        (Precision::Int8, Some(ranges)) => {
            ranges.to_i8(rows).map(|bytes| bytes.mapv(i8::cast_unsigned))
        }
        (Precision::Binary, _) => to_binary(rows).map(|bytes| bytes.mapv(i8::cast_unsigned)),
        (_, Some(ranges)) => ranges.to_u8(rows),
        (_, None) => to_ubinary(rows),
    }
}

/// Writes all rows, with progress if that is wanted, and returns how many there were.
fn write(
    command: &Quantize,
    output: &Path,
    ranges: Option<&Ranges>,
    wanted: bool,
) -> Result<usize, Error> {
    let mut rows = command.part.open(&command.file)?;
    let descr = if matches!(command.precision, Precision::Int8 | Precision::Binary) {
        "|i1"
    } else {
        "|u1"
    };
    let (mut writer, mut written) = (None, 0);
    let progress = Progress::new(wanted, Size::Unknown);
    loop {
        let some = block(&mut rows, TOGETHER)?;
        if some.nrows() == 0 {
            break;
        }
        let bytes = quantize(command.precision, ranges, &some).map_err(failed(&command.file))?;
        if writer.is_none() {
            writer = Some(Bytes::create(output, descr, bytes.ncols())?);
        }
        if let Some(writer) = &mut writer {
            writer.push(bytes.as_slice().expect("a new array is in standard layout"))?;
        }
        written += some.nrows();
        progress.note(|| count(written, "vector"));
    }
    progress.finish();
    writer.map_or(Ok(()), Bytes::finish)?;
    Ok(written)
}

/// Searches a sample among itself, exactly and quantised.
fn report(command: &Quantize, ranges: Option<&Ranges>) -> Result<(), Error> {
    let sample = block(&mut command.part.open(&command.file)?, SAMPLE.0)?;
    let queries = sample.slice_axis(Axis(0), Slice::from(..sample.nrows().min(SAMPLE.1)));
    let failed = failed(&command.file);
    let exact = Search::new().run(queries, sample.view()).map_err(&failed)?;
    let bytes = match command.precision {
        Precision::Int8 | Precision::Uint8 => quantize(Precision::Uint8, ranges, &sample),
        Precision::Binary | Precision::Ubinary => quantize(Precision::Ubinary, None, &sample),
    };
    let bytes = bytes.map_err(&failed)?;
    let mut page = crate::show::Page::new();
    page.line(&format!(
        "{} queries among {} rows, the ten nearest",
        queries.nrows(),
        sample.nrows()
    ))?;
    for again in [0, 1, 2, 4, 10] {
        let search = QuantizedSearch::new().multiplier(again.max(1));
        let embeddings = (again > 0).then(|| sample.view());
        let found = match ranges {
            Some(ranges) => search.scalar(queries, bytes.view(), ranges, embeddings),
            None => search.binary(queries, bytes.view(), embeddings),
        };
        let share = overlap(&exact, &found.map_err(&failed)?).map_err(&failed)?;
        let how = match again {
            0 => "by the bytes alone".to_owned(),
            n => format!("{} scored again in f32", 10 * n),
        };
        page.line(&format!("{:6.2} % found, {how}", 100.0 * share))?;
    }
    page.finish()
}

fn files_help() -> String {
    format!("The vectors: {}", crate::vectors::files())
}
