//! Input is what its name and its first bytes say, or an error: JSON, tables of other tools,
//! compressed files, other encodings, missing texts.

mod support;

use flate2::{Compression, write::GzEncoder};
use std::{fs, io::Write};
use support::*;

/// The texts that `minilm embed` reads from a file with this name and content, and its messages.
fn read(name: &str, content: &[u8], options: &[&str]) -> (Vec<String>, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join(name);
    fs::write(&path, content).expect("a file");
    let path = path.to_str().expect("UTF-8");
    let run = run(&[&["embed", "-f", "jsonl", "-i", path], options].concat());
    assert!(matches!(run.status, Some(0 | 1)), "{run:?}");
    let texts = jsonl(&run.stdout).into_iter().map(|row| row.text).collect();
    (texts, run.stderr.replace(path, "FILE"))
}

/// The texts of a file that is read without a message.
#[track_caller]
fn texts(name: &str, content: &[u8], options: &[&str]) -> Vec<String> {
    let (texts, messages) = read(name, content, options);
    assert_eq!(messages, "", "{name}");
    texts
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("so it does")
}

/// `printf 'one\ntwo\n' | zstd -c`, which writes a checksum.
const ZSTD: &[u8] = &[
    0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x41, 0x00, 0x00, 0x6f, 0x6e, 0x65, 0x0a, 0x74, 0x77, 0x6f,
    0x0a, 0xe6, 0xa6, 0x0e, 0x40,
];

fn utf_16le(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_le_bytes);
    [0xff, 0xfe].into_iter().chain(units).collect()
}

#[test]
fn embed_reads_records_by_the_name_of_the_file() {
    let two = ["one", "two"];
    assert_eq!(texts("a.jsonl", b"{\"text\": \"one\"}\n{\"text\": \"two\"}\n", &[]), two);
    assert_eq!(texts("a.csv", b"id,text\n1,one\n2,two\n", &[]), two);
    assert_eq!(texts("a.csv", b"id,body\n1,one\n2,two\n", &["--column", "body"]), two);
    assert_eq!(texts("a.tsv", b"id\ttext\n1\tone\n2\ttwo\n", &[]), two);
    assert_eq!(texts("a.txt", b"one\ntwo\n", &[]), two);
}

#[test]
fn json_is_lines_or_a_list() {
    let two = ["one", "two, [\"}"];
    let lines = br#"{"text": "one"}
{"text": "two, [\"}"}"#;
    assert_eq!(texts("a.json", lines, &[]), two);
    let list = br#"
[ {"text": "one", "more": [1, {"text": "]"}]},
  {
    "text":
      "two, [\"}"
  } ]
"#;
    assert_eq!(texts("a.json", list, &[]), two);
    assert_eq!(texts("a.json", b"\xef\xbb\xbf[]", &[]), [""; 0]);
    for (content, message) in [
        (&b"[{\"text\": \"a\"},\n 7]"[..], "line 2 of FILE: a number is no JSON object"),
        (b"[{\"text\": \"a\"}", "line 1 of FILE: the list has no end"),
        (b"[{\"text\": \"a\"},]", "line 1 of FILE: a value is missing before a comma or bracket"),
        (b"[]\n[]", "line 2 of FILE: there is more behind the end of the list"),
        (b"[{\"text\": tr ue}]", "line 1 of FILE: no JSON from column 12 on"),
        (b"plain text\n", "line 1 of FILE: no JSON from column 1 on"),
    ] {
        let (_, messages) = read("a.json", content, &[]);
        assert_eq!(messages, format!("minilm: {message}\n"));
    }
}

#[test]
fn a_field_may_be_inside_an_object() {
    let line = br#"{"doc": {"text": "one"}, "text": "two"}"#;
    assert_eq!(texts("a.jsonl", line, &["--field", "doc.text"]), ["one"]);
    let (_, message) = read("a.jsonl", line, &["--field", "doc.body"]);
    assert!(
        message.contains("there is no field \"doc.body\"; the fields are doc, text"),
        "{message}"
    );
}

#[test]
fn json_of_python_is_read_and_numbers_are_as_written() {
    let lines = br#"{"text": "cut \ud83d", "score": NaN}
{"text": 12345678901234567890123}
{"text": 1e5}
{"text": 1.0}
{"text": true}
"#;
    let expected = ["cut \u{fffd}", "12345678901234567890123", "1e5", "1.0", "true"];
    assert_eq!(texts("a.jsonl", lines, &[]), expected);
}

#[test]
fn there_is_one_rule_for_missing_texts() {
    let cases: [(&str, &[u8], &str); 4] = [
        (
            "a.jsonl",
            b"{\"text\": \"one\"}\n{\"text\": null}\n{\"id\": 1}\n{\"text\": \"two\"}\n",
            "line 2 of FILE: the field \"text\" is null, not a text",
        ),
        (
            "a.json",
            b"[{\"text\": \"one\"},\n{\"text\": NaN}, {}, {\"text\": \"two\"}]",
            "line 2 of FILE: the field \"text\" is NaN, not a text",
        ),
        (
            "a.csv",
            b"id,text\n1,one\n2,\n3,\n4,two\n",
            "line 3 of FILE: the column \"text\" is empty",
        ),
        (
            "a.tsv",
            b"text\tid\none\t1\n\t2\n\t3\ntwo\t4\n",
            "line 3 of FILE: the column \"text\" is empty",
        ),
    ];
    for (name, content, reason) in cases {
        let remedy = "--missing skip leaves such records out, --missing empty reads an empty text";
        let fails = format!("minilm: {reason}; {remedy}\n");
        assert_eq!(read(name, content, &[]).1, fails);
        assert_eq!(read(name, content, &["--missing", "fail"]).1, fails);
        assert_eq!(texts(name, content, &["--missing", "empty"]), ["one", "", "", "two"]);
        let (kept, note) = read(name, content, &["--missing", "skip"]);
        assert_eq!(kept, ["one", "two"]);
        assert_eq!(note, "minilm: 2 records of FILE without a text left out\n");
    }
}

#[test]
fn an_empty_text_is_no_missing_text() {
    assert_eq!(texts("a.txt", b"one\n\ntwo\n", &[]), ["one", "", "two"]);
    assert_eq!(texts("a.jsonl", b"{\"text\": \"\"}\n", &[]), [""]);
}

#[test]
fn tables_of_spreadsheets_are_read() {
    let two = ["one, a", "two"];
    for (content, note) in [
        (&b"id;text\n1;one, a\n2;two\n"[..], "columns separated by ';'"),
        (b"\xef\xbb\xbfid\ttext\r\n1\t\"one, a\"\r\n2\ttwo\r\n", "columns separated by tabs"),
        (b"sep=;\r\nid;text\r\n1;\"one, a\"\r\n2;two\r\n", "columns separated by ';'"),
    ] {
        let (found, messages) = read("a.csv", content, &[]);
        assert_eq!(found, two);
        assert_eq!(messages, format!("minilm: FILE is a table with {note}\n"));
    }
    assert_eq!(texts("a.csv", b"text:id\none, a:1\ntwo:2\n", &["--delimiter", ":", "-q"]), two);
    let (_, message) = read("a.csv", b"id;body\n1;one\n", &[]);
    assert!(message.contains("no column \"text\"; its columns are id, body"), "{message}");
    let (_, message) = read("a.csv", b"sep=;\nid;text\n1\n", &[]);
    assert!(message.starts_with("minilm: line 3 of FILE has 1 field"), "{message}");
    assert_eq!(run(&["embed", "-i", "a.txt", "--delimiter", "x"]).status, Some(2));
}

#[test]
fn compressed_files_are_unpacked() {
    let two = ["one", "two"];
    let (found, note) = read("a.txt.gz", &gzip(b"one\ntwo\n"), &[]);
    assert_eq!(
        (found, note.as_str()),
        (two.map(str::to_owned).to_vec(), "minilm: FILE is compressed with gzip\n")
    );
    let twice = [gzip(b"text\none\n"), gzip(b"two\n")].concat();
    assert_eq!(read("a.csv.gz", &twice, &[]).0, two);
    let (found, note) = read("a.txt", ZSTD, &[]);
    assert_eq!(
        (found, note.as_str()),
        (two.map(str::to_owned).to_vec(), "minilm: FILE is compressed with zstd\n")
    );
    assert_eq!(read("a.txt.zst", &[ZSTD, ZSTD].concat(), &[]).0, ["one", "two", "one", "two"]);
    let (found, note) = read("a.txt", &gzip(&utf_16le("one\r\ntwo\r\n")), &[]);
    assert_eq!(found, two);
    assert_eq!(note, "minilm: FILE is compressed with gzip, in UTF-16LE\n");
}

#[test]
fn broken_and_foreign_files_are_named() {
    let mut wrong_sum = ZSTD.to_vec();
    *wrong_sum.last_mut().expect("a checksum") ^= 1;
    let half = &gzip(&[b'a'; 1000])[..20];
    for (content, message) in [
        (&wrong_sum[..], "its zstd is broken: its checksum is another"),
        (half, "cannot read FILE"),
        (b"PK\x03\x04", "it is a zip archive, as spreadsheets are (*.xlsx, *.ods)"),
        (b"BZh91AY&SY", "it is compressed with bzip2; unpack it first"),
        (b"PAR1", "it is a Parquet file; its name has to end in .parquet"),
        (b"caf\xe9\n", "is not UTF-8 from byte 4 on; --encoding names another encoding"),
        (b"\xff\xfea", "it is not UTF-16LE before byte"),
    ] {
        let (_, messages) = read("a.txt", content, &[]);
        assert!(messages.contains(message), "{messages}");
    }
}

#[test]
fn an_encoding_can_be_declared() {
    assert_eq!(texts("a.txt", b"caf\xe9 \x80\n", &["--encoding", "windows-1252"]), ["café €"]);
    let csv = b"text\n\"caf\xe9\"\n";
    assert_eq!(texts("a.csv", csv, &["--encoding", "latin1"]), ["café"]);
    assert_eq!(run(&["embed", "-i", "a", "--encoding", "nonsense"]).status, Some(2));
}

#[test]
fn the_name_of_the_output_tells_the_format() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
    run(&["embed", "one", "-o", &path("x.npy")]).ok();
    run(&["embed", "one", "-o", &path("x.jsonl")]).ok();
    run(&["embed", "one", "-o", &path("x.csv")]).ok();
    let read = |name: &str| fs::read(path(name)).expect("the file");
    let row = &jsonl(&read("x.jsonl"))[0];
    assert_eq!(npy(&read("x.npy")), (vec![row.embedding.clone()], 384));
    assert_eq!(csv(&read("x.csv"))[0], *row);
    for arguments in [["-f", "text", "-o", &path("y.npy")], ["-f", "npy", "-o", &path("y.csv")]] {
        let run = run(&[&["embed", "one"], &arguments[..]].concat());
        assert!(run.message(2).contains("the name of another format"), "{run:?}");
    }
    for name in ["y.parquet", "y.safetensors", "y.index"] {
        assert_eq!(run(&["embed", "one", "-o", &path(name)]).status, Some(2));
    }
    assert!(!files(directory.path()).iter().any(|name| name.starts_with('y')));
}

#[test]
fn queries_are_read_like_texts() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
    fs::write(path("a.csv"), "id;body\n1;a train\n2;\n3;some bread\n").expect("a file");
    fs::write(path("a.txt"), "a train\nsome bread\n").expect("a file");
    run(&["index", "-q", &path("a.txt"), "-o", &path("a.index")]).ok();
    let common = ["search", "-q", "--json", "-k", "1", &path("a.index"), "--queries"];
    let file = path("a.csv");
    let table = [&file[..], "--column", "body", "--missing", "skip"];
    let lines = run(&[&common[..], &[&path("a.txt")[..]]].concat()).ok();
    assert_eq!(run(&[&common[..], &table[..]].concat()).ok(), lines);
}

#[test]
fn dedupe_keeps_the_bytes_of_what_it_keeps() {
    let kept = |name: &str, content: &[u8], options: &[&str]| {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(name);
        fs::write(&path, content).expect("a file");
        let path = path.to_str().expect("UTF-8");
        run(&[&["dedupe", "-q", path], options].concat()).ok()
    };
    let csv = b"\xef\xbb\xbf\"id\";text\r\n1;\"one\"\r\n\r\n2;\"two\nlines\"\r\n3;ONE\r\n";
    let expected = b"\xef\xbb\xbf\"id\";text\r\n1;\"one\"\r\n2;\"two\nlines\"\r\n";
    assert_eq!(kept("a.csv", csv, &[]), expected);
    assert_eq!(kept("a.txt", b"\xef\xbb\xbfone\r\nOne\r\ntwo", &[]), b"\xef\xbb\xbfone\r\ntwo\n");
    assert_eq!(kept("a.csv", b"text\rone\rOne\rtwo\r", &[]), b"text\rone\rtwo\r");
    let lines = b"{\"text\":  \"one\"}\r\n{\"text\": \"One\"}\r\n";
    assert_eq!(kept("a.jsonl", lines, &[]), b"{\"text\":  \"one\"}\r\n");
    let json = kept("a.csv", b"id,text\n1,one\n2,One\n", &["--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!((&json["text"], &json["kept_text"]), (&"One".into(), &"one".into()));
}
