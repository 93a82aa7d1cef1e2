//! Index files that are damaged, of another version, or written by several programs at once.

mod support;

use std::{fs, path::Path, thread};
use support::*;

/// A directory with an index of [`NOTES`], and a path in it.
fn notes() -> (tempfile::TempDir, impl Fn(&str) -> String) {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().to_owned();
    let path = move |name: &str| root.join(name).to_str().expect("UTF-8").to_owned();
    run_with_input(&["index", "-q", "-", "-o", &path("notes.index")], NOTES.as_bytes()).ok();
    (directory, path)
}

/// The commands that open an index.
fn commands<'a>(index: &'a str, html: &'a str, csv: &'a str, npy: &'a str) -> [Vec<&'a str>; 7] {
    [
        vec!["search", index, "a"],
        vec!["pairs", index],
        vec!["cluster", index, "--kmeans", "2"],
        vec!["dedupe", index],
        vec!["map", index, "--html", html],
        vec!["convert", index, csv],
        vec!["quantize", index, "-o", npy],
    ]
}

#[test]
fn a_check_reads_all_of_an_index() {
    let (_directory, path) = notes();
    let index = path("notes.index");
    let whole = run(&["index", "--check", &index]);
    let is = "is as it was written: 8 texts, vectors of 384 dimensions by all-MiniLM-L6-v2 (";
    assert!(whole.message(0).starts_with(&format!("{index} {is}")), "{}", whole.stderr);
    assert_eq!(run(&["index", "-q", "--check", &index]).ok(), b"");
    for misuse in [
        &["-o", "x.index"][..],
        &["--append"],
        &["--truncate-dim", "8"],
        &["--precision", "int8"],
        &["--column", "body"],
        &["--missing", "skip"],
        &["--keep", "author"],
        &["file.txt"],
    ] {
        assert_eq!(run(&[&["index", "--check", &index], misuse].concat()).status, Some(2));
    }
    assert_eq!(run(&["index"]).status, Some(2));
}

#[test]
fn a_flipped_bit_is_found_by_every_command_before_it_prints_a_result() {
    let (_directory, path) = notes();
    let index = path("notes.index");
    let bytes = fs::read(&index).expect("the index");
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().expect("eight")) as usize;
    let vectors = header + 8 * 384 * 4;
    let fingerprint = bytes.windows(11).position(|part| part == b"fingerprint").expect("it") + 14;
    for (at, part) in [
        (fingerprint, "header's bytes"),
        (header + 5000, "vectors"),
        (vectors + 9, "offsets of texts"),
        (vectors + 9 * 8 + 1, "checksums"),
        (bytes.len() - 3, "texts"),
    ] {
        let mut broken = bytes.clone();
        broken[at] ^= 1;
        fs::write(&index, &broken).expect("a file");
        let damaged = format!("{index} is damaged: its {part} do not match their checksum; ");
        let (html, csv, npy) = (path("m.html"), path("v.csv"), path("v.npy"));
        let append = vec!["index", "--append", "-o", &index, "-"];
        let check = vec!["index", "--check", &index];
        for command in commands(&index, &html, &csv, &npy).into_iter().chain([append, check]) {
            // A clustering of vectors reads no damaged text before it prints one.
            let run = run_with_input(&command, b"more\n");
            assert!(run.message(1).starts_with(&damaged), "{command:?}: {}", run.stderr);
            assert_eq!(run.stdout, b"", "{command:?}");
        }
        assert!(fs::read(&index).expect("the index") == broken);
        assert_eq!(files(Path::new(&path(""))), ["notes.index"]);
    }
}

#[test]
fn an_index_of_another_version_is_refused_by_every_command() {
    let (_directory, path) = notes();
    let mut bytes = fs::read(path("notes.index")).expect("the index");
    let at = bytes.windows(14).position(|part| part == b"minilm-index-2").expect("it");
    bytes[at + 13] = b'1';
    for name in ["notes.index", "notes.safetensors"] {
        let index = path(name);
        fs::write(&index, &bytes).expect("a file");
        let is = format!("{index} is an index of version 1, but this minilm reads version 2; ");
        let (html, csv, npy) = (path("m.html"), path("v.csv"), path("v.npy"));
        for command in commands(&index, &html, &csv, &npy) {
            let run = run(&command);
            let message = run.message(1);
            assert!(message.starts_with(&is), "{command:?}: {message}");
            assert!(message.ends_with(&format!("`minilm index FILE… -o {index}`")), "{message}");
        }
    }
    assert_eq!(files(Path::new(&path(""))), ["notes.index", "notes.safetensors"]);
}

#[test]
fn a_file_named_as_an_index_is_never_read_as_texts() {
    let directory = tempfile::tempdir().expect("a directory");
    let index = directory.path().join("notes.index").to_str().expect("UTF-8").to_owned();
    fs::write(&index, "some text\n").expect("a file");
    for command in ["pairs", "cluster", "dedupe"] {
        let run = run(&[command, &index]);
        let message = format!("{index} is not an index: it does not begin as one");
        assert_eq!(run.message(1), message, "{command}");
    }
}

/// No row, and so many columns that a shape of them overflows.
#[test]
fn an_index_of_no_rows_and_endless_columns_is_an_error() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
    let header = concat!(
        r#"{"__metadata__":{"format":"minilm-index-2","name":"m","fingerprint":"f"},"#,
        r#""vectors":{"dtype":"F32","shape":[0,9223372036854775808],"data_offsets":[0,0]},"#,
        r#""offsets":{"dtype":"U64","shape":[1],"data_offsets":[0,8]},"#,
        r#""checksums":{"dtype":"U32","shape":[5],"data_offsets":[8,28]},"#,
        r#""texts":{"dtype":"U8","shape":[0],"data_offsets":[28,28]}}"#
    );
    let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 28]].concat();
    let index = path("huge.index");
    fs::write(&index, bytes).expect("a file");
    let (html, csv, npy) = (path("m.html"), path("v.csv"), path("v.npy"));
    for command in commands(&index, &html, &csv, &npy) {
        let run = run(&command);
        let message =
            format!("{index} is not an index: its vectors have 9223372036854775808 columns");
        assert_eq!(run.message(1), message, "{command:?}");
    }
}

#[test]
fn programs_that_begin_an_index_at_once_lose_no_text() {
    let directory = tempfile::tempdir().expect("a directory");
    let index = directory.path().join("new.index").to_str().expect("UTF-8").to_owned();
    let add = |program: usize| {
        let texts = format!("text {program}.1\ntext {program}.2\n");
        run_with_input(&["index", "-q", "-", "-o", &index, "--append"], texts.as_bytes()).ok()
    };
    thread::scope(|scope| (0..4).for_each(|program| drop(scope.spawn(move || add(program)))));
    let found = String::from_utf8(run(&["dedupe", "-q", &index, "--threshold", "1"]).ok());
    let found = found.expect("UTF-8");
    let mut texts: Vec<&str> = found.lines().collect();
    texts.sort_unstable();
    let all: Vec<String> =
        (0..4).flat_map(|i| [1, 2].map(|text| format!("text {i}.{text}"))).collect();
    assert_eq!(texts, all);
    assert_eq!(files(directory.path()), ["new.index"]);
}

#[test]
fn an_index_in_memory_gives_what_a_mapped_one_gives() {
    let (_directory, path) = notes();
    let index = path("notes.index");
    for command in [
        &["search", &index, "baking"][..],
        &["pairs", &index],
        &["cluster", &index, "--kmeans", "2"],
        &["dedupe", "-q", &index],
    ] {
        let mapped = run(command);
        let read = run(&[command, &["--no-map"]].concat());
        assert_eq!((read.status, read.stdout), (Some(0), mapped.stdout), "{command:?}");
    }
}

#[test]
fn a_name_in_an_index_cannot_disturb_a_terminal() {
    let directory = tempfile::tempdir().expect("a directory");
    let index = directory.path().join("foreign\u{7}.index");
    let name = "\u{1b}]0;pwn\u{7}\u{202e}model";
    let (vector, text) = (minilm::ndarray::Array2::ones((1, 384)), ["text"]);
    let space = minilm::tasks::index::Space::new(name, "0");
    minilm::tasks::index::write(&index, &space, vector.view(), &text).expect("an index");
    let run = run(&["search", index.to_str().expect("UTF-8"), "a"]);
    let message = run.message(1);
    assert!(
        message.contains("foreign .index holds vectors of  ]0;pwn \\u{202e}model"),
        "{message}"
    );
    assert!(!message.contains(|letter: char| letter.is_control()), "{message:?}");
}
