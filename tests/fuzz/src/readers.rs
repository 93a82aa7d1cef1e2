//! Readers of files: whatever is in them, rows and records are as promised, or there is an error.

use super::{only_uncaught_panics, split};
use minilm_readers::{
    Error, Missing, ReadOptions, records,
    records::{Name, Records},
    vectors,
    vectors::{Part, Reader},
};

/// The longest record of the fuzz targets: short, so that the limit is met.
const LONGEST: usize = 2048;

/// Reads all rows.
fn vectors(data: &[u8], kind: vectors::Kind) {
    let part = Part::new().longest(LONGEST);
    let opened = Reader::from_bytes("it", data.to_vec(), kind, &part);
    let Ok(mut rows) = opened else { return check(&opened.expect_err("an error")) };
    let mut columns = None;
    loop {
        match rows.advance() {
            Ok(Some(row)) => {
                let columns = *columns.get_or_insert(row.values.len());
                assert!(columns > 0 && row.values.len() == columns);
                assert!(row.values.iter().all(|value| value.is_finite()));
            }
            Ok(None) => return assert!(columns.is_some(), "a file without rows is an error"),
            Err(error) => return check(&error),
        }
    }
}

/// An error says something, and names the file.
fn check(error: &Error) {
    let message = error.to_string();
    assert!(message.contains("it"), "{message}");
}

/// A NumPy array.
pub fn npy(data: &[u8]) {
    vectors(data, vectors::Kind::Npy);
}

/// NumPy arrays in a zip archive.
pub fn npz(data: &[u8]) {
    vectors(data, vectors::Kind::Npz);
}

/// A matrix in a safetensors file.
pub fn safetensors_vectors(data: &[u8]) {
    vectors(data, vectors::Kind::Safetensors);
}

/// Vectors in lines of JSON.
pub fn jsonl(data: &[u8]) {
    vectors(data, vectors::Kind::Jsonl);
}

/// Vectors in a table.
pub fn csv(data: &[u8]) {
    vectors(data, vectors::Kind::Csv);
}

/// Texts and vectors in columns.
pub fn parquet(data: &[u8]) {
    only_uncaught_panics();
    texts(data, records::Kind::Parquet, &ReadOptions::new().longest(LONGEST));
    vectors(data, vectors::Kind::Parquet);
}

/// Texts: the first byte tells the kind of file and the options.
pub fn records(data: &[u8]) {
    use records::Kind;
    let Some((choice, data)) = split(data) else { return };
    let kind = [Kind::Lines, Kind::Jsonl, Kind::Json, Kind::Csv, Kind::Tsv, Kind::Lines]
        [usize::from(choice & 7) % 6];
    let missing =
        [Missing::Fail, Missing::Empty, Missing::Skip, Missing::Skip][usize::from(choice >> 3 & 3)];
    let mut options = ReadOptions::new().longest(LONGEST).missing(missing);
    if choice & 0x20 != 0
        && let Some(other) = options.clone().encoding("shift_jis")
    {
        options = other;
    }
    if choice & 0x40 != 0 && kind == Kind::Csv {
        options = options.delimiter(b';');
    }
    texts(data, kind, &options);
}

/// Reads all records, and puts the lines of a file together again.
fn texts(data: &[u8], kind: records::Kind, options: &ReadOptions) {
    let names: &[Name] = match kind {
        records::Kind::Lines => &[Name::Needed("text")],
        _ => &[Name::Needed("text"), Name::Optional("a.b")],
    };
    let opened = Records::from_bytes("it", data.to_vec(), kind, names, options);
    let Ok(mut records) = opened else { return check(&opened.expect_err("an error")) };
    let (mut whole, mut rows, mut line) = (String::new(), 0, 0);
    let has_lines = matches!(kind, records::Kind::Lines | records::Kind::Jsonl);
    let shared = u64::from(!has_lines); // lines may hold several records
    for record in records.by_ref() {
        let Ok(record) = record else { return check(&record.expect_err("an error")) };
        assert_eq!(record.fields.len(), names.len());
        // A carriage return ends a row of a table, and no line.
        assert!(record.row >= rows && record.line + shared > line, "{record:?}");
        assert!(record.raw.len() <= LONGEST + 2 || kind != records::Kind::Lines);
        (rows, line) = (record.row + 1, record.line);
        whole.push_str(&record.raw);
    }
    assert!(records.next().is_none());
    if kind == records::Kind::Lines && records.found().is_empty() {
        // Of another encoding it is the text that is read, not these bytes.
        if let Ok(text) = str::from_utf8(data) {
            assert!(whole == text || !data.is_ascii(), "lines are as they stand in the file");
        }
    }
}
