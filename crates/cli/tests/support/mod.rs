//! Runs the program, and reads what it writes.
#![allow(dead_code, reason = "each test file uses a part")]

use std::{
    ffi::OsStr,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Eight short texts, one per line: trains, bread, and a meeting that is moved in three ways of
/// writing.
pub const NOTES: &str = "The train to Hamburg leaves at nine.
Bread needs flour, water, salt and time.
When does the train to Hamburg depart?
The meeting is moved to Thursday.
How to bake bread at home
Hamburg trains are late again this morning.
The meeting was moved to Thursday!
THE MEETING IS MOVED TO THURSDAY.
";

/// The output and the status of a run of the program.
#[derive(Debug)]
pub struct Run {
    pub status: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Run {
    /// The standard output of a run that went well and had nothing to say.
    #[track_caller]
    pub fn ok(self) -> Vec<u8> {
        assert_eq!((self.status, self.stderr.as_str()), (Some(0), ""));
        self.stdout
    }

    /// The message of a run that ended with `status` and printed one line on standard error.
    #[track_caller]
    pub fn message(&self, status: i32) -> &str {
        assert_eq!(self.status, Some(status), "{self:?}");
        let line = self.stderr.strip_suffix('\n').expect("a whole line");
        assert!(!line.contains('\n'), "{line}");
        line.strip_prefix("minilm: ").unwrap_or_else(|| panic!("{line}"))
    }
}

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("crates/cli is two levels down")
        .to_owned()
}

/// The program with the model of the repository, whatever the environment says.
pub fn program<S: AsRef<OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_minilm"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
        .env("MINILM_MODEL", repository().join("weights/all-MiniLM-L6-v2"))
        .env_remove("MINILM_LEVEL")
        .env_remove("MINILM_PRECISION");
    command
}

pub fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Run {
    finish(&mut program(arguments), b"")
}

pub fn run_with_input<S: AsRef<OsStr>>(arguments: &[S], input: &[u8]) -> Run {
    finish(program(arguments).stdin(Stdio::piped()), input)
}

pub fn finish(command: &mut Command, input: &[u8]) -> Run {
    let mut child = command.spawn().expect("the program starts");
    if let Some(mut stdin) = child.stdin.take() {
        let input = input.to_vec();
        std::thread::spawn(move || stdin.write_all(&input)); // the program need not read all of it
    }
    let output = child.wait_with_output().expect("the program ends");
    Run {
        status: output.status.code(),
        stdout: output.stdout,
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// A row of any format.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub text: String,
    pub tokens: u64,
    pub dropped: u64,
    pub embedding: Vec<f32>,
}

pub fn jsonl(bytes: &[u8]) -> Vec<Row> {
    let lines = std::str::from_utf8(bytes).expect("UTF-8").lines();
    let row = |line| {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let embedding = value["embedding"].as_array().expect("an array").iter();
        Row {
            text: value["text"].as_str().expect("a string").to_owned(),
            tokens: value["tokens"].as_u64().expect("a number"),
            dropped: value["dropped"].as_u64().expect("a number"),
            embedding: embedding.map(|x| x.to_string().parse().expect("a number")).collect(),
        }
    };
    lines.map(row).collect()
}

pub fn csv(bytes: &[u8]) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header: Vec<String> =
        reader.headers().expect("a header").iter().map(str::to_owned).collect();
    assert_eq!(header[..3], ["text", "tokens", "dropped"]);
    assert!(header[3..].iter().enumerate().all(|(i, name)| *name == format!("e{i}")), "{header:?}");
    let row = |record: csv::StringRecord| Row {
        text: record[0].to_owned(),
        tokens: record[1].parse().expect("a number"),
        dropped: record[2].parse().expect("a number"),
        embedding: record.iter().skip(3).map(|x| x.parse().expect("a number")).collect(),
    };
    reader.records().map(|record| row(record.expect("a row"))).collect()
}

/// The embeddings of the text format, seven decimals.
pub fn text(bytes: &[u8]) -> Vec<Vec<f32>> {
    let lines = std::str::from_utf8(bytes).expect("UTF-8").lines();
    let values = |line: &str| {
        let inside =
            line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).expect("brackets");
        inside.split(", ").map(|x| x.parse().expect("a number")).collect()
    };
    lines.map(values).collect()
}

/// An array file by the letter of its specification: its rows, and their length.
pub fn npy(bytes: &[u8]) -> (Vec<Vec<f32>>, usize) {
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let (header, values) = bytes[10..].split_at(length);
    assert!((10 + length).is_multiple_of(64), "the values are aligned");
    let header =
        std::str::from_utf8(header).expect("ASCII").strip_suffix('\n').expect("a line").trim_end();
    let shape = header
        .strip_prefix("{'descr': '<f4', 'fortran_order': False, 'shape': (")
        .expect("float32, row-major");
    let (rows, width) = shape
        .strip_suffix("), }")
        .and_then(|shape| shape.split_once(", "))
        .expect("two dimensions");
    let (rows, width): (usize, usize) =
        (rows.parse().expect("a number"), width.parse().expect("a number"));
    assert_eq!(values.len(), 4 * rows * width);
    let values: Vec<f32> = values.as_chunks().0.iter().map(|&x| f32::from_le_bytes(x)).collect();
    (values.chunks(width).map(<[f32]>::to_vec).collect(), width)
}

/// The names of the files in `directory`.
pub fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    entries
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect()
}
