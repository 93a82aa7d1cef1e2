//! Vectors as other tools write them.

mod support;

use std::{
    fs,
    io::{Cursor, Write},
};
use support::*;

/// An array file with this header and these bytes of values.
fn array(descr: &str, by_column: bool, shape: &str, values: &[u8]) -> Vec<u8> {
    let order = if by_column { "True" } else { "False" };
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let length = u16::try_from(header.len()).expect("short");
    [b"\x93NUMPY\x01\x00", &length.to_le_bytes()[..], header.as_bytes(), values].concat()
}

/// The rows of a file of vectors with this name and content.
fn rows(name: &str, content: &[u8], options: &[&str]) -> Result<Vec<Vec<f32>>, String> {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
    fs::write(path(name), content).expect("a file");
    let run = run(&[&["convert", "-q", &path(name), &path("to.npy")], options].concat());
    match run.status {
        Some(0) => Ok(npy(&fs::read(path("to.npy")).expect("the file")).0),
        _ => Err(run.message(1).replace(&path(name), "FILE")),
    }
}

#[test]
fn arrays_of_any_type_of_number_are_read() {
    let expected = Ok(vec![vec![1.0, 0.0], vec![0.0, 1.0], vec![1.0, 1.0]]);
    fn bytes<const N: usize>(number: impl Fn(u8) -> [u8; N]) -> Vec<u8> {
        [1, 0, 0, 1, 1, 1].into_iter().flat_map(number).collect()
    }
    let half = |x: u8| if x == 1 { 0x3c00_u16 } else { 0 };
    for (descr, values) in [
        ("|b1", bytes(|x| [x])),
        ("|i1", bytes(|x| [x])),
        ("|u1", bytes(|x| [x])),
        ("<i2", bytes(|x| i16::from(x).to_le_bytes())),
        (">u2", bytes(|x| u16::from(x).to_be_bytes())),
        (">i4", bytes(|x| i32::from(x).to_be_bytes())),
        ("<u4", bytes(|x| u32::from(x).to_le_bytes())),
        ("<i8", bytes(|x| i64::from(x).to_le_bytes())),
        (">u8", bytes(|x| u64::from(x).to_be_bytes())),
        ("<f2", bytes(|x| half(x).to_le_bytes())),
        (">f2", bytes(|x| half(x).to_be_bytes())),
        (">f4", bytes(|x| f32::from(x).to_be_bytes())),
        ("<f8", bytes(|x| f64::from(x).to_le_bytes())),
    ] {
        assert_eq!(
            rows("a.npy", &array(descr, false, "(3, 2)", &values), &[]),
            expected,
            "{descr}"
        );
    }
    let complex = array("<c8", false, "(1, 1)", &[0; 8]);
    assert!(rows("a.npy", &complex, &[]).unwrap_err().contains("\"<c8\", not numbers"));
}

#[test]
fn an_array_that_is_stored_by_columns_is_read_by_rows() {
    // More than one block of rows.
    let (many, columns) = (3_000_000_u32, 5_u32);
    let value = |row: u32, column: u32| (row * columns + column) as f32;
    let values: Vec<u8> = (0..columns)
        .flat_map(|column| (0..many).flat_map(move |row| value(row, column).to_le_bytes()))
        .collect();
    let found = rows("a.npy", &array("<f4", true, &format!("({many}, {columns})"), &values), &[]);
    let found = found.expect("an array");
    assert_eq!(found.len(), many as usize);
    let is_right = |(row, values): (u32, &Vec<f32>)| {
        (0..columns).all(|column| values[column as usize] == value(row, column))
    };
    assert!((0..many).zip(&found).all(is_right));
    let short = array("<f4", true, "(3, 2)", &[0; 20]);
    assert!(rows("a.npy", &short, &[]).unwrap_err().contains("its size is not that of its shape"));
}

#[test]
fn an_array_of_an_npz_file_is_named_or_the_only_one() {
    let file = |names: &[&str], method| {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, value) in names.iter().zip(1_u8..) {
            let options = zip::write::SimpleFileOptions::default().compression_method(method);
            writer.start_file(format!("{name}.npy"), options).expect("memory");
            let values = array("|u1", true, "(2, 1)", &[value, value]);
            Write::write_all(&mut writer, &values).expect("memory");
        }
        writer.finish().expect("memory").into_inner()
    };
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        let (one, two) = (file(&["arr_0"], method), file(&["a", "b"], method));
        assert_eq!(rows("x.npz", &one, &[]), Ok(vec![vec![1.0], vec![1.0]]));
        assert_eq!(rows("x.npz", &two, &["--tensor", "b"]), Ok(vec![vec![2.0], vec![2.0]]));
        let error = rows("x.npz", &two, &[]).unwrap_err();
        assert_eq!(error, "FILE: --tensor has to name one of a, b");
        let error = rows("x.npz", &two, &["--tensor", "c"]).unwrap_err();
        assert_eq!(error, "FILE: there is no array \"c\"; it has a, b");
    }
    assert!(rows("x.npz", b"no zip", &[]).unwrap_err().starts_with("FILE: no npz file"));
}

#[test]
fn vectors_may_be_in_any_field_of_json() {
    let lines = b"{\"vector\": [1, 2], \"text\": \"a\"}\n\
        {\"doc\": {\"e\": [0.5, 3]}, \"vector\": [3, 4]}\n";
    let expected = Ok(vec![vec![1.0, 2.0], vec![3.0, 4.0]]);
    assert_eq!(rows("a.jsonl", lines, &["--field", "vector"]), expected);
    let nested = b"{\"doc\": {\"e\": [0.5, 3]}}\n";
    assert_eq!(rows("a.jsonl", nested, &["--column", "doc.e"]), Ok(vec![vec![0.5, 3.0]]));
    assert_eq!(
        rows("a.jsonl", lines, &[]).unwrap_err(),
        "line 1 of FILE: there is no field \"embedding\"; the fields are text, vector"
    );
    for value in ["[1, NaN]", "[Infinity]", "null", "[\"1\"]"] {
        let line = format!("{{\"embedding\": {value}}}\n");
        assert_eq!(
            rows("a.jsonl", line.as_bytes(), &[]).unwrap_err(),
            "line 1 of FILE: the field \"embedding\" is no list of finite numbers"
        );
    }
}
