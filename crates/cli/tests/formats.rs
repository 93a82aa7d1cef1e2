//! The four formats, read back.

mod support;

use support::*;

const INPUT: &[u8] = b"A man is eating food.\n\nquote \" and, comma\n";

fn embed(format: &str, input: &[u8]) -> Vec<u8> {
    run_with_input(&["embed", "--format", format], input).ok()
}

#[test]
fn all_formats_agree() {
    let rows = jsonl(&embed("jsonl", INPUT));
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.embedding.len() == 384));
    assert_eq!(csv(&embed("csv", INPUT)), rows);

    let exact: Vec<_> = rows.iter().map(|row| row.embedding.clone()).collect();
    assert_eq!(npy(&embed("npy", INPUT)), (exact.clone(), 384));
    for (rounded, exact) in text(&embed("text", INPUT)).iter().zip(&exact) {
        assert_eq!(rounded.len(), 384);
        assert!(rounded.iter().zip(exact).all(|(a, b)| (a - b).abs() <= 0.6e-7));
    }
}

#[test]
fn the_default_is_text() {
    let texts = ["one text", "and another"];
    assert_eq!(
        run(&[&["embed"], &texts[..]].concat()).ok(),
        run(&[&["embed", "-f", "text"], &texts[..]].concat()).ok()
    );
}

#[test]
fn no_texts_give_no_rows() {
    assert_eq!(embed("text", b""), b"");
    assert_eq!(embed("jsonl", b""), b"");
    assert_eq!(csv(&embed("csv", b"")), []);
    assert_eq!(npy(&embed("npy", b"")), (vec![], 384));
}

#[test]
fn a_text_of_several_lines_is_one_row() {
    let text = "two\nlines\r\nand \"more\"";
    for rows in [
        jsonl(&run(&["embed", "-f", "jsonl", text]).ok()),
        csv(&run(&["embed", "-f", "csv", text]).ok()),
    ] {
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].text, text);
    }
}

#[test]
fn an_array_to_a_file_is_the_array_to_standard_output() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("notes.npy");
    let run = run_with_input(&["embed", "-f", "npy", "-o", path.to_str().expect("UTF-8")], INPUT);
    assert_eq!(run.ok(), b"");
    assert_eq!(std::fs::read(path).expect("the file"), embed("npy", INPUT));
}
