//! `minilm quantize`: vectors in a byte, or a bit, for each dimension.

use crate::{
    error::Error,
    notes::message,
    options::Common,
    progress::Progress,
    progress::Size,
    show::count,
    vectors::{Bytes, Kind, Part, Reader, Row, Writer},
};
use clap::{Args, ValueEnum, builder::PossibleValue};
use minilm::{
    ndarray::{Array1, Array2, Axis, Slice},
    tasks::{
        quantize::{QuantizedSearch, Ranges, overlap, to_binary, to_ubinary},
        search::Search,
    },
};
use std::{
    fmt,
    path::{Path, PathBuf},
};

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

    /// Take the ranges from this file, as --save-ranges has written them: two rows, the lower ends
    /// and the upper ends
    #[arg(long, value_name = "FILE", conflicts_with = "calibration")]
    pub ranges: Option<PathBuf>,

    /// Write the ranges to this file, for search and for vectors that come later
    #[arg(long, value_name = "FILE")]
    pub save_ranges: Option<PathBuf>,

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

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", PossibleValue::get_name))
    }
}

impl Precision {
    /// Whether values are steps of a range.
    pub(crate) fn has_ranges(self) -> bool {
        matches!(self, Precision::Int8 | Precision::Uint8)
    }

    /// Whether bytes count from -128.
    fn is_signed(self) -> bool {
        matches!(self, Precision::Int8 | Precision::Binary)
    }

    /// The byte that a value of this precision stands for, from 0.
    pub(crate) fn byte(self, value: f32) -> Option<u8> {
        let byte = if self.is_signed() { value + 128.0 } else { value };
        (byte.fract() == 0.0 && (0.0..=255.0).contains(&byte)).then_some(byte as u8)
    }
}

const EXAMPLES: &str = "\
Examples:
  minilm quantize vectors.npy -o vectors.int8.npy
  minilm quantize notes.index -p ubinary -o notes.bits.npy --report
  minilm quantize all.npy -o all.int8.npy --save-ranges ranges.npy
  minilm quantize today.npy --ranges ranges.npy -o today.int8.npy";

pub(crate) fn run(common: &Common, command: &Quantize) -> Result<(), Error> {
    crate::model::share_threads(common);
    if let Some(output) = &command.output
        && !matches!(Kind::of(output), Ok(Kind::Npy))
    {
        return Err(Error::Usage(format!("--output: {} does not end in .npy", output.display())));
    }
    let ranges = ranges_for(command)?;
    if let (Some(file), Some(ranges)) = (&command.save_ranges, &ranges) {
        save_ranges(file, ranges)?;
    }
    if let Some(output) = &command.output {
        let rows = write(command, output, ranges.as_ref(), !common.quiet)?;
        if !common.quiet {
            message(&format!("{} holds {}", output.display(), count(rows, "vector")));
        }
    }
    if command.report { report(command, ranges.as_ref()) } else { Ok(()) }
}

/// The ranges that the precision needs.
fn ranges_for(command: &Quantize) -> Result<Option<Ranges>, Error> {
    let Quantize { calibration, ranges: file, save_ranges, .. } = command;
    let given = [
        ("calibration", calibration.is_some()),
        ("ranges", file.is_some()),
        ("save-ranges", save_ranges.is_some()),
    ];
    match (command.precision.has_ranges(), given.iter().find(|(_, is_given)| *is_given)) {
        (false, None) => return Ok(None),
        (false, Some((option, _))) => {
            return Err(Error::Usage(format!("--{option}: bits need no ranges")));
        }
        _ => {}
    }
    if let Some(file) = file {
        return read_ranges(file).map(Some);
    }
    let part = Part { opening: command.part.opening, ..Part::default() };
    match calibration {
        Some(file) => ranges(file, &part).map(Some),
        None => ranges(&command.file, &command.part).map(Some),
    }
}

/// Writes ranges in two rows.
fn save_ranges(file: &Path, ranges: &Ranges) -> Result<(), Error> {
    let mut writer = Writer::create(file)?;
    for ends in [ranges.min(), ranges.max()] {
        let mut row = Row::default();
        row.values = ends.to_vec();
        writer.push(&row)?;
    }
    writer.finish().map(drop)
}

/// Reads ranges from two rows.
pub(crate) fn read_ranges(file: &Path) -> Result<Ranges, Error> {
    let mut rows = Part::default().open(file)?;
    let mut ends = Vec::new();
    while let Some(row) = rows.advance()? {
        ends.push(Array1::from(row.values));
        if ends.len() > 2 {
            break;
        }
    }
    match &ends[..] {
        [min, max] => Ranges::new(min.view(), max.view()).map_err(failed(file)),
        _ => Err(Error::Input(format!(
            "{} holds no ranges: they are two rows, the lower ends and the upper ends",
            rows.name()
        ))),
    }
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
    let descr = if command.precision.is_signed() { "|i1" } else { "|u1" };
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
