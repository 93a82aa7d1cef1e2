//! The sources of texts, and the texts in them.

mod support;

use std::fs;
use support::*;

fn texts(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.text.as_str()).collect()
}

#[test]
fn the_texts_of_the_readme_have_their_published_embeddings() {
    let stdout = run(&["embed", "This is an example sentence", "Each sentence is converted"]).ok();
    let stdout = String::from_utf8(stdout).expect("UTF-8");
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("[0.0676569, 0.0634959, 0.0487131, "), "{}", &lines[0][..60]);
    assert!(lines[1].starts_with("[0.0864386, "), "{}", &lines[1][..60]);
}

#[test]
fn arguments_a_file_a_pipe_and_a_dash_give_the_same() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("notes.txt");
    let lines = "first note\nsecond note, the longer one\n";
    fs::write(&path, lines).expect("a file");
    let path = path.to_str().expect("UTF-8");

    let arguments =
        run(&["embed", "-f", "jsonl", "first note", "second note, the longer one"]).ok();
    assert_eq!(texts(&jsonl(&arguments)), ["first note", "second note, the longer one"]);
    assert_eq!(run(&["embed", "-f", "jsonl", "--input", path]).ok(), arguments);
    assert_eq!(run_with_input(&["embed", "-f", "jsonl"], lines.as_bytes()).ok(), arguments);
    assert_eq!(
        run_with_input(&["embed", "-f", "jsonl", "--input", "-"], lines.as_bytes()).ok(),
        arguments
    );
}

#[test]
fn every_line_is_a_text_whatever_is_in_it() {
    let input = "\nwindows\r\n\r\n  spaces  \nnul\0 bell\u{7} esc\u{1b}[0m\nquote\" comma, tab\t\n\
        \u{feff}\u{200d}\ncafé 東京 🛬\nno end";
    let expected = [
        "",
        "windows",
        "",
        "  spaces  ",
        "nul\0 bell\u{7} esc\u{1b}[0m",
        "quote\" comma, tab\t",
        "\u{feff}\u{200d}",
        "café 東京 🛬",
        "no end",
    ];
    let rows = jsonl(&run_with_input(&["embed", "-f", "jsonl"], input.as_bytes()).ok());
    assert_eq!(texts(&rows), expected);
    assert_eq!(rows[0].tokens, 2, "[CLS] [SEP]");
    assert_eq!(rows[0].embedding, rows[2].embedding);
    assert_eq!(csv(&run_with_input(&["embed", "-f", "csv"], input.as_bytes()).ok()), rows);
}

#[test]
fn a_line_of_ten_megabytes_and_a_word_of_a_million_letters_are_texts() {
    let line = "the quick brown fox ".repeat(10 << 20 >> 4).split_at(10 << 20).0.to_owned();
    let input = format!("{line}\n{}\nshort\n", "x".repeat(1_000_000));
    let run = run_with_input(&["embed", "-f", "jsonl"], input.as_bytes());
    assert_eq!(run.message(0), "1 text was longer than 256 tokens; the rest of it was not read");
    let rows = jsonl(&run.stdout);
    assert_eq!(rows.iter().map(|row| row.text.len()).collect::<Vec<_>>(), [10 << 20, 1_000_000, 5]);
    assert_eq!((rows[0].tokens, rows[0].dropped), (256, (10 << 20) / 5 + 2 - 256));
    assert_eq!((rows[1].tokens, rows[1].dropped), (3, 0), "[CLS] [UNK] [SEP]");
}

#[test]
fn bytes_that_are_not_utf8_are_named_by_file_and_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("latin.txt");
    fs::write(&path, b"fine\nna\xefve\nfine\n").expect("a file");
    let path = path.to_str().expect("UTF-8");
    let run = run(&["embed", "-i", path]);
    assert_eq!(
        run.message(1),
        format!("line 2 of {path} is not UTF-8 from byte 3 on; --encoding names another encoding")
    );
    assert_eq!(text(&run.stdout).len(), 1, "the lines before are embedded");
    let run = run_with_input(&["embed"], b"\xe9t\xe9\n");
    assert_eq!(
        run.message(1),
        "line 1 of standard input is not UTF-8 from byte 1 on; --encoding names another encoding"
    );
}

#[test]
fn an_input_that_cannot_be_read_is_named() {
    assert_eq!(
        run(&["embed", "-i", "no/such.txt"]).message(1),
        "cannot read no/such.txt: No such file or directory (os error 2)"
    );
    assert_eq!(run(&["embed", "-i", "src"]).message(1), "cannot read src: is a directory");
}

#[test]
fn a_text_that_is_too_long_is_named_by_its_line() {
    let input = format!("short\n{}\n", "many ".repeat(300));
    let run = run_with_input(&["embed", "--strict"], input.as_bytes());
    assert_eq!(run.message(1), "line 2 of standard input has 302 tokens, but the model reads 256");
    let run = support::run(&["embed", "--strict", "--max-tokens", "4", "one two", "one two three"]);
    assert_eq!(run.message(1), "text 2 has 5 tokens, but the model reads 4");
}

#[test]
fn the_end_of_the_input_is_found_once_and_order_is_kept_past_a_window() {
    let input: String = (0..1030).map(|i| format!("{}\n", i % 7)).collect();
    let rows = jsonl(
        &run_with_input(&["embed", "-f", "jsonl", "--truncate-dim", "2"], input.as_bytes()).ok(),
    );
    assert_eq!(rows.len(), 1030);
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(row.text, (i % 7).to_string());
        assert_eq!(row.embedding, rows[i % 7].embedding);
    }
}
