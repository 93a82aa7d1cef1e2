//! Rows of an index with fields beside their text.

use minilm_tasks::index::{Index, IndexError, Part, Space, Writer};
use std::path::{Path, PathBuf};

fn space() -> Space {
    Space::new("model", "0")
}

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn write(path: &Path, rows: &[(&str, [&str; 2])]) {
    let fields = strings(&["id", "team"]);
    let mut writer = Writer::append_or_create_with(path, &space(), 2, &fields).unwrap();
    for (text, values) in rows {
        writer.push_with(&[1.0, 0.5], text, &strings(values)).unwrap();
    }
    writer.finish().unwrap();
}

fn place() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("it.index");
    (directory, path)
}

#[test]
fn fields_come_back_also_after_rows_are_added() {
    let (_directory, path) = place();
    write(&path, &[("east", ["7", "é \"quoted\""]), ("", ["", ""])]);
    write(&path, &[("north", ["8", "[]"])]);
    let index = Index::read(&path).unwrap();
    index.check().unwrap();
    assert_eq!(index.fields(), strings(&["id", "team"]));
    let rows: Vec<(&str, Vec<String>)> =
        (0..3).map(|row| (index.text(row).unwrap(), index.values(row).unwrap())).collect();
    assert_eq!(rows[0], ("east", strings(&["7", "é \"quoted\""])));
    assert_eq!(rows[1], ("", strings(&["", ""])));
    assert_eq!(rows[2], ("north", strings(&["8", "[]"])));
    assert!(matches!(index.values(3), Err(IndexError::Text { row: 3, rows: 3, .. })));
}

#[test]
fn rows_with_other_fields_are_refused() {
    let (_directory, path) = place();
    write(&path, &[("east", ["7", "a"])]);
    let refused = |fields: &[&str]| {
        let writer = Writer::append_or_create_with(&path, &space(), 2, &strings(fields));
        matches!(writer, Err(IndexError::Fields { .. }))
    };
    assert!(refused(&[]) && refused(&["id"]) && refused(&["team", "id"]));
    let mut writer = Writer::create(&path, &space(), 2).unwrap();
    let pushed = writer.push_with(&[1.0, 0.0], "a", &strings(&["7"]));
    assert!(matches!(pushed, Err(IndexError::Fields { .. })));
}

#[test]
fn several_writers_add_all_their_rows() {
    let (_directory, path) = place();
    let fields = strings(&["id"]);
    let begin = || Writer::append_or_create_with(&path, &space(), 1, &fields).unwrap();
    let (mut first, mut second) = (begin(), begin());
    first.push_with(&[1.0], "one", &strings(&["1"])).unwrap();
    second.push_with(&[2.0], "two", &strings(&["2"])).unwrap();
    first.finish().unwrap();
    assert_eq!(second.finish().unwrap(), 2);
    let index = Index::read(&path).unwrap();
    index.check().unwrap();
    let ids: Vec<String> = (0..2).flat_map(|row| index.values(row).unwrap()).collect();
    assert_eq!(ids, ["1", "2"]);
}

#[test]
fn a_flipped_bit_of_a_field_is_found() {
    let (_directory, path) = place();
    write(&path, &[("east", ["7", "a"])]);
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    let index = Index::new(&path, bytes).unwrap();
    assert!(matches!(index.values(0), Err(IndexError::Damaged { part: Part::Texts, .. })));
}
