//! Files of texts: lines, JSON lines, tables; and their errors.

mod support;

use std::fs;
use support::*;

/// The texts that `minilm dedupe` keeps of a file with this name and content.
fn kept(name: &str, content: &[u8], options: &[&str]) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(name);
    fs::write(&path, content).expect("a file");
    let run = run(&[&["dedupe", "-q", path.to_str().expect("UTF-8")], options].concat());
    String::from_utf8(run.ok()).expect("UTF-8")
}

#[test]
fn a_record_is_kept_as_it_stands() {
    assert_eq!(kept("a.txt", b"one\nTwo\nONE\n\xc3\xa9t\xc3\xa9\n", &[]), "one\nTwo\nété\n");
    assert_eq!(kept("a.txt", b"\xef\xbb\xbfone\r\nTwo\r\n", &[]), "\u{feff}one\r\nTwo\r\n");
    let jsonl =
        "{\"id\": 1, \"text\": \"one\"}\n\n{\"text\":\"two\",  \"id\": 2}\n{\"text\": \"One\"}\n";
    assert_eq!(
        kept("a.jsonl", jsonl.as_bytes(), &[]),
        "{\"id\": 1, \"text\": \"one\"}\n{\"text\":\"two\",  \"id\": 2}\n"
    );
    assert_eq!(
        kept("a.json", b"\xef\xbb\xbf{\"body\": \"one\"}\n{\"body\": 2}\n", &["--field", "body"])
            .lines()
            .count(),
        2
    );
    let csv = b"\xef\xbb\xbfid,text\r\n1,\"one, \"\"quoted\"\"\"\r\n2,\"two\nlines\"\r\n\
        3,\"ONE, \"\"quoted\"\"\"\r\n";
    assert_eq!(
        kept("a.csv", csv, &[]),
        "\u{feff}id,text\r\n1,\"one, \"\"quoted\"\"\"\r\n2,\"two\nlines\"\r\n"
    );
    let tsv = b"id\tbody\n1\t\"one\n2\ttwo\n3\t\"One\n";
    assert_eq!(kept("a.tsv", tsv, &["--column", "body"]), "id\tbody\n1\t\"one\n2\ttwo\n");
    assert_eq!(kept("a.tsv", tsv, &["--column", "body", "--drop"]), "id\tbody\n3\t\"One\n");
}

/// The end of the message about a missing text.
const MISSING: &str =
    "; --missing skip leaves such records out, --missing empty reads an empty text";

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let cases: [(&str, &[u8], &[&str], &str); 15] = [
        ("a.txt", b"", &[], "FILE holds no texts"),
        (
            "a.txt",
            b"fine\nbad \xff\n",
            &[],
            "line 2 of FILE is not UTF-8 from byte 5 on; --encoding names another encoding",
        ),
        ("a.jsonl", b"\n\n", &[], "FILE holds no texts"),
        (
            "a.jsonl",
            b"{\"text\": \"a\"}\n{\"text\": \n",
            &[],
            "line 2 of FILE: no JSON from column 9 on",
        ),
        ("a.jsonl", b"[1]\n", &[], "line 1 of FILE: a list is no JSON object"),
        (
            "a.jsonl",
            b"{\"body\": \"a\", \"id\": 1}\n",
            &[],
            "line 1 of FILE: there is no field \"text\"; the fields are body, id MISSING",
        ),
        (
            "a.jsonl",
            b"{\"text\": [1]}\n",
            &[],
            "line 1 of FILE: the field \"text\" is a list, not a text",
        ),
        (
            "a.jsonl",
            b"{\"text\": null}\n",
            &[],
            "line 1 of FILE: the field \"text\" is null, not a text MISSING",
        ),
        ("a.csv", b"", &[], "FILE is empty, not even a header"),
        ("a.csv", b"text,id\n", &[], "FILE holds no texts"),
        ("a.csv", b"id,body\n1,a\n", &[], "FILE has no column \"text\"; its columns are id, body"),
        (
            "a.csv",
            b"id,text\n1,\"a\nb\"\n2\n",
            &[],
            "line 4 of FILE has 1 field, but the header has 2",
        ),
        (
            "a.csv",
            b"id,text\n1,a\n2,\"b\n3,c\n",
            &[],
            "line 3 of FILE begins a quoted field that has no end",
        ),
        ("a.tsv", b"id\ttext\n1\ta\tb\n", &[], "line 2 of FILE has 3 fields, but the header has 2"),
        (
            "a.csv",
            b"text\n\xff\n",
            &["--column", "text"],
            "line 2 of FILE is not UTF-8; --encoding names another encoding",
        ),
    ];
    for (name, content, options, message) in cases {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(name);
        fs::write(&path, content).expect("a file");
        let path = path.to_str().expect("UTF-8");
        let index = directory.path().join("x.index");
        let index = index.to_str().expect("UTF-8");
        for command in [
            &["index", path, "-o", index][..],
            &["pairs", path],
            &["cluster", path],
            &["dedupe", path],
        ] {
            let run = run(&[command, options].concat());
            assert_eq!(
                run.message(1),
                message.replace("FILE", path).replace(" MISSING", MISSING),
                "{command:?}"
            );
            assert_eq!(run.stdout, b"");
        }
        assert_eq!(files(directory.path()), [name], "no index and nothing else is left");
    }
}

#[test]
fn a_text_that_is_too_long_is_named_with_its_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.csv");
    fs::write(&path, "text\nshort\n\"two\nlines\"\none two three\n").expect("a file");
    let path = path.to_str().expect("UTF-8");
    let run = run(&["pairs", path, "--strict", "--max-tokens", "4"]);
    assert_eq!(run.message(1), format!("line 5 of {path} has 5 tokens, but the model reads 4"));
}

#[test]
fn standard_input_is_a_file_too() {
    let run = run_with_input(&["dedupe", "-", "--column", "body", "-q"], b"body\none\nOne\n");
    assert_eq!(run.ok(), b"body\none\n");
    let run = run_with_input(&["pairs", "-"], b"");
    assert_eq!(run.message(1), "standard input holds no texts");
}

#[cfg(unix)]
#[test]
fn a_pipe_that_is_named_is_read_from_its_beginning() {
    let texts: String = (0..200).map(|i| format!("text number {i}\n")).collect();
    for command in
        [&["dedupe"][..], &["pairs", "-n", "1000"], &["cluster", "--kmeans", "9", "--json"]]
    {
        let read =
            |file: &str| run_with_input(&[command, &["-q", file]].concat(), texts.as_bytes()).ok();
        assert!(read("/dev/stdin") == read("-"), "{command:?}");
    }
}

#[test]
fn a_name_may_end_in_a_question_mark() {
    let jsonl = b"{\"urgent?\": \"one\", \"urgent\": \"same\"}\n\
        {\"urgent?\": \"two\", \"urgent\": \"same\"}\n";
    assert_eq!(kept("a.jsonl", jsonl, &["--field", "urgent?"]).lines().count(), 2);
    assert_eq!(
        kept("a.csv", b"urgent?\none\ntwo\n", &["--column", "urgent?"]),
        "urgent?\none\ntwo\n"
    );
    let run = run_with_input(&["pairs", "-", "--field", "urgent?"], b"{\"text\": \"one\"}\n");
    assert_eq!(
        run.message(1),
        format!(
            "line 1 of standard input: there is no field \"urgent?\"; the fields are text{MISSING}"
        )
    );
}

#[test]
fn field_and_column_exclude_each_other() {
    assert_eq!(run(&["pairs", "x", "--field", "a", "--column", "b"]).status, Some(2));
}

#[test]
fn a_record_has_a_longest_length() {
    let long = "longer than ten";
    for (options, input, place) in [
        (&["--missing", "fail"][..], format!("short\n{long}\n"), "line 2 of standard input"),
        (&["--field", "t"], format!("{{\"t\": \"{long}\"}}\n"), "line 1 of standard input"),
        (&["--column", "t"], format!("t\na\n{long}\n"), "cannot read standard input: a record"),
    ] {
        let command = [&["embed", "-q", "--max-record", "10"], options].concat();
        let run = run_with_input(&command, input.as_bytes());
        let message = "is longer than 10 bytes; --max-record allows longer ones";
        assert_eq!(run.message(1), format!("{place} {message}"), "{options:?}");
        let command = [&["embed", "-q", "--max-record", "1K"], options].concat();
        assert_eq!(run_with_input(&command, input.as_bytes()).status, Some(0), "{options:?}");
    }
}
