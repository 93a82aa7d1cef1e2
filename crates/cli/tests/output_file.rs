//! `--output`, and outputs that go away.

mod support;

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};
use support::*;

fn embed_to(path: &Path) -> Run {
    run(&["embed", "-f", "jsonl", "-o", path.to_str().expect("UTF-8"), "a text"])
}

#[test]
fn the_file_is_what_standard_output_would_be_and_nothing_else_is_left() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("out.jsonl");
    assert_eq!(embed_to(&path).ok(), b"");
    assert_eq!(files(directory.path()), ["out.jsonl"]);
    assert_eq!(fs::read(&path).expect("the file"), run(&["embed", "-f", "jsonl", "a text"]).ok());
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_permissions_and_a_link_stays_a_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let directory = tempfile::tempdir().expect("a directory");
    let (path, link) = (directory.path().join("real"), directory.path().join("link"));
    fs::write(&path, "old").expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).expect("permissions");
    symlink("real", &link).expect("a link");
    embed_to(&link).ok();
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    assert_eq!(jsonl(&fs::read(&path).expect("the file")).len(), 1);
    assert_eq!(fs::metadata(&path).expect("the file").permissions().mode() & 0o777, 0o604);
}

#[cfg(unix)]
#[test]
fn a_device_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    embed_to(Path::new("/dev/null")).ok();
    assert!(fs::metadata("/dev/null").expect("the device").file_type().is_char_device());
}

#[test]
fn a_place_that_cannot_be_written_to_is_named_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let nowhere = directory.path().join("missing/out.jsonl");
    let expected =
        format!("cannot write {}: No such file or directory (os error 2)", nowhere.display());
    assert_eq!(embed_to(&nowhere).message(1), expected);
    let file = directory.path().join("file");
    fs::write(&file, "").expect("a file");
    let within = file.join("out.jsonl");
    let message = embed_to(&within).message(1).to_owned();
    assert!(
        message.starts_with(&format!("cannot write {}: ", within.display()))
            && !message.contains(".out.jsonl."),
        "{message}"
    );
    let expected = format!("cannot write {}: is a directory", directory.path().display());
    assert_eq!(embed_to(directory.path()).message(1), expected);
}

#[cfg(unix)]
#[test]
fn a_directory_that_is_read_only_is_an_error() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().expect("a directory");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o555)).expect("permissions");
    // The superuser may write anywhere but where the kernel makes the files.
    let root = fs::write(directory.path().join("probe"), "").is_ok();
    let directory = if root { Path::new("/proc") } else { directory.path() };
    if directory.is_dir() {
        let run = embed_to(&directory.join("out.jsonl"));
        assert!(
            run.message(1)
                .starts_with(&format!("cannot write {}/out.jsonl: ", directory.display())),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_failed_run_leaves_the_old_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("out.jsonl");
    fs::write(&path, "old").expect("a file");
    let run = run_with_input(&["embed", "-o", path.to_str().expect("UTF-8")], b"fine\n\xff\n");
    run.message(1);
    assert_eq!(fs::read(&path).expect("the file"), b"old");
    assert_eq!(files(directory.path()), ["out.jsonl"]);
}

/// A run that has written something to its temporary file in `directory` and waits for more texts.
fn half_way(directory: &Path) -> Child {
    let path = directory.join("out.jsonl");
    let arguments =
        ["embed", "-f", "jsonl", "--truncate-dim", "2", "-o", path.to_str().expect("UTF-8")];
    let mut child = program(&arguments).stdin(Stdio::piped()).spawn().expect("the program starts");
    let texts = format!("{}\n", "x".repeat(100)).repeat(2000); // more than a window and a buffer
    child.stdin.as_mut().expect("a pipe").write_all(texts.as_bytes()).expect("it reads");
    let start = Instant::now();
    let written = || {
        fs::read_dir(directory)
            .expect("it")
            .any(|entry| entry.is_ok_and(|e| e.metadata().is_ok_and(|m| m.len() > 0)))
    };
    while !written() {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is written");
        thread::sleep(Duration::from_millis(10));
    }
    child
}

#[test]
fn a_killed_run_leaves_no_file_under_the_final_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut child = half_way(directory.path());
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let left = files(directory.path());
    assert!(
        left.len() == 1 && left[0].starts_with(".out.jsonl.") && left[0].ends_with(".tmp"),
        "{left:?}"
    );
    let path = directory.path().join("out.jsonl");
    run(&["embed", "a", "-f", "jsonl", "-o", path.to_str().expect("UTF-8")]).ok();
    assert_eq!(files(directory.path()), ["out.jsonl"], "the next run removes what is left");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing() {
    use std::{os::unix::process::ExitStatusExt, process::Command};
    for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1), ("QUIT", 3), ("XCPU", 24)] {
        let directory = tempfile::tempdir().expect("a directory");
        let mut child = half_way(directory.path());
        let kill =
            Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status();
        assert!(kill.expect("a shell").success());
        assert_eq!(child.wait().expect("it ends").signal(), Some(number));
        assert_eq!(files(directory.path()), [""; 0]);
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_run_quietly() {
    for arguments in [
        &["embed", "a text"][..],
        &["embed", "-f", "npy", "a text"],
        &["similarity", "a", "b"],
        &["verify"],
    ] {
        let mut command = program(arguments);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        command.stdout(writer);
        drop(reader);
        let run = finish(&mut command, b"");
        assert_eq!((run.status, run.stderr.as_str()), (Some(0), ""), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let mut command = program(&["embed", "a text"]);
    command.stdout(fs::OpenOptions::new().write(true).open("/dev/full").expect("the device"));
    let run = finish(&mut command, b"");
    assert_eq!(
        run.message(1),
        "cannot write standard output: No space left on device (os error 28)"
    );
}
