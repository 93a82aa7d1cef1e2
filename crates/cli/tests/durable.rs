//! Outputs are on the disk before they have their names, and the names before the program ends.
#![cfg(target_os = "linux")]

mod support;

use std::{fs, path::Path, process::Command};
use support::*;

/// Takes the place of the C library's `fsync`, and writes down what it is called with: the path,
/// and for a directory the names in it at that time.
const SHIM: &str = r#"
use std::{fs, io::Write};
#[unsafe(no_mangle)]
pub extern "C" fn fsync(file: i32) -> i32 {
    let path = fs::read_link(format!("/proc/self/fd/{file}")).unwrap();
    let mut line = format!("{}:", path.display());
    if let Ok(names) = fs::read_dir(&path) {
        let mut names: Vec<_> = names.map(|name| name.unwrap().file_name()).collect();
        names.sort();
        names.iter().for_each(|name| line += &format!(" {}", name.display()));
    }
    let log = std::env::var("FSYNC_LOG").unwrap();
    let mut log = fs::OpenOptions::new().append(true).create(true).open(log).unwrap();
    writeln!(log, "{line}").unwrap();
    0
}
"#;

/// The files that a run has synchronised, in order, with random letters as `*`.
fn synchronised(shim: &Path, log: &Path, arguments: &[&str]) -> Vec<String> {
    let _ = fs::remove_file(log);
    let mut command = program(arguments);
    finish(command.env("LD_PRELOAD", shim).env("FSYNC_LOG", log), b"").ok();
    let log = fs::read_to_string(log).unwrap_or_default();
    let hide = |line: &str| match line.find(".tmp:").or_else(|| line.find(".tmp/")) {
        Some(end) => format!("{}*{}", &line[..end - 6], &line[end..]),
        None => line.to_owned(),
    };
    log.lines().map(hide).collect()
}

#[test]
fn every_output_is_on_the_disk_before_it_has_its_name() {
    let tools = tempfile::tempdir().expect("a directory");
    let [source, shim, log] = ["shim.rs", "shim.so", "log"].map(|name| tools.path().join(name));
    fs::write(&source, SHIM).expect("a file");
    let rustc = std::env::var_os("RUSTC").unwrap_or("rustc".into());
    let mut compile = Command::new(rustc);
    compile.args(["--edition", "2024", "--crate-type", "cdylib", "-o"]).arg(&shim).arg(&source);
    assert!(compile.status().expect("rustc").success());

    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().canonicalize().expect("a directory");
    let path = |name: &str| root.join(name).to_str().expect("UTF-8").to_owned();
    let root = root.to_str().expect("UTF-8");
    let (npy, jsonl, html) = (path("a.npy"), path("b.jsonl"), path("e.html"));
    let (index, bits) = (path("c.index"), path("d.npy"));
    fs::write(path("texts.txt"), NOTES).expect("a file");
    let texts = path("texts.txt");
    let mut there = vec!["texts.txt"];
    for (name, arguments) in [
        ("a.npy", &["embed", "-q", "a", "-f", "npy", "-o", &npy][..]),
        ("b.jsonl", &["convert", "-q", &npy, &jsonl]),
        ("c.index", &["index", "-q", &texts, "-o", &index]),
        ("c.index", &["index", "-q", &texts, "-o", &index, "--append"]),
        ("d.npy", &["quantize", "-q", &npy, "-p", "ubinary", "-o", &bits]),
        ("e.html", &["map", "-q", &index, "--html", &html]),
    ] {
        let found = synchronised(&shim, &log, arguments);
        if !there.contains(&name) {
            there.push(name);
            there.sort_unstable();
        }
        let file = format!("{root}/.{name}.*.tmp:");
        let name = format!("{root}: {}", there.join(" "));
        assert_eq!(found, [file, name], "{arguments:?}");
    }
    let arrays = path("arrays");
    let found = synchronised(&shim, &log, &["trace", "-q", "a", "--npy", &arrays]);
    let folder = format!("{root}/.arrays.*.tmp");
    let (last, files) = found.split_last().expect("calls");
    let (names, files) = files.split_last().expect("calls");
    assert!(!files.is_empty() && files.iter().all(|file| file.starts_with(&folder)), "{files:?}");
    assert!(names.starts_with(&format!("{folder}: ")), "{names}");
    there.push("arrays");
    there.sort_unstable();
    assert_eq!(*last, format!("{root}: {}", there.join(" ")));
}
