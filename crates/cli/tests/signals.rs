//! Signals and limits of the system: what is done is kept, nothing is left behind, and the reason
//! is said.
#![cfg(target_os = "linux")]

mod support;

use std::{
    fs,
    io::Write,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};
use support::*;

fn kill(child: &Child, signal: &str) {
    let kill = Command::new("sh").args(["-c", &format!("kill -{signal} {}", child.id())]).status();
    assert!(kill.expect("a shell").success());
}

fn wait_until(what: &str, is_true: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what} does not come");
        thread::sleep(Duration::from_millis(10));
    }
}

/// The end of a program that still waits for more input.
fn end(child: &mut Child) -> Output {
    let start = Instant::now();
    wait_until("the end", || Path::new(&format!("/proc/{}/fd/1", child.id())).read_link().is_err());
    assert!(start.elapsed() < Duration::from_secs(20), "it went on for {:?}", start.elapsed());
    let stdin = child.stdin.take();
    let status = child.wait().expect("it ends");
    let read = |from: &mut dyn std::io::Read| {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("a pipe");
        bytes
    };
    let stdout = read(child.stdout.as_mut().expect("a pipe"));
    let stderr = read(child.stderr.as_mut().expect("a pipe"));
    drop(stdin);
    Output { status, stdout, stderr }
}

/// `minilm index -` that has read [`NOTES`] and waits for more, with an index to be in `directory`.
fn waiting_index(command: &mut Command, directory: &Path) -> Child {
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the program starts");
    child.stdin.as_mut().expect("a pipe").write_all(NOTES.as_bytes()).expect("it reads");
    wait_until("the file", || !files(directory).is_empty()); // the model is loaded
    thread::sleep(Duration::from_millis(500));
    child
}

#[test]
fn a_request_to_stop_is_noticed_while_there_is_no_input() {
    for signal in ["INT", "TERM", "HUP"] {
        let directory = tempfile::tempdir().expect("a directory");
        let index = directory.path().join("notes.index");
        let index = index.to_str().expect("UTF-8");
        let mut child = waiting_index(&mut program(&["index", "-", "-o", index]), directory.path());
        kill(&child, signal);
        let output = end(&mut child);
        let message = String::from_utf8(output.stderr).expect("UTF-8");
        let done = message.trim_end().rsplit(' ').next().expect("words").to_owned();
        let kept =
            format!("stopped; {index} holds {done} texts; to go on, add --append --skip {done}");
        assert_eq!(message, format!("minilm: {kept}\n"), "{signal}");
        assert_eq!(output.status.code(), Some(130));
        assert_eq!(files(directory.path()), ["notes.index"]);
        let check = run(&["index", "--check", index]);
        assert!(check.message(0).contains(&format!(": {done} texts,")), "{}", check.stderr);
    }
}

#[test]
fn an_interrupted_run_says_how_to_keep_what_is_done() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut command = program(&["pairs", "-"]);
    let command = command.env("TMPDIR", directory.path()).stdin(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    child.stdin.as_mut().expect("a pipe").write_all(NOTES.as_bytes()).expect("it reads");
    let has_scratch = || {
        let open = fs::read_dir(format!("/proc/{}/fd", child.id())).expect("it runs");
        open.flatten().filter_map(|file| file.path().read_link().ok()).any(|path| {
            path.starts_with(directory.path()) // the model is loaded
        })
    };
    wait_until("the temporary index", has_scratch);
    assert_eq!(files(directory.path()), [""; 0], "it has no name");
    kill(&child, "INT");
    let output = end(&mut child);
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(
        message.starts_with("minilm: stopped after ") && message.contains("`minilm index`"),
        "{message}"
    );
    assert_eq!(files(directory.path()), [""; 0]);
}

#[test]
fn a_second_request_stops_at_once_and_leaves_nothing() {
    let directory = tempfile::tempdir().expect("a directory");
    let texts = directory.path().join("texts.txt");
    let line = |i: usize| format!("{i} {}\n", "a word or two ".repeat(60));
    fs::write(&texts, (0..4000).map(line).collect::<String>()).expect("a file");
    let index = directory.path().join("new.index");
    let arguments = [
        "index",
        texts.to_str().expect("UTF-8"),
        "-o",
        index.to_str().expect("UTF-8"),
        "--threads",
        "1",
    ];
    let mut child = program(&arguments).spawn().expect("the program starts");
    wait_until("the file", || files(directory.path()).len() == 2);
    thread::sleep(Duration::from_millis(100));
    kill(&child, "STOP"); // both arrive before it goes on
    kill(&child, "INT");
    kill(&child, "TERM");
    kill(&child, "CONT");
    assert_eq!(child.wait().expect("it ends").signal(), Some(15));
    assert_eq!(files(directory.path()), ["texts.txt"]);
}

#[test]
fn a_run_under_nohup_goes_on_when_the_terminal_is_closed() {
    let directory = tempfile::tempdir().expect("a directory");
    let index = directory.path().join("notes.index");
    let plain = program(&["index", "-", "-o", index.to_str().expect("UTF-8")]);
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]);
    command.arg(plain.get_program()).args(plain.get_args());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = waiting_index(&mut command, directory.path());
    kill(&child, "HUP");
    child.stdin.as_mut().expect("a pipe").write_all(b"one more\n").expect("it reads on");
    let output = child.wait_with_output().expect("it ends");
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(message.ends_with("notes.index holds 9 texts\n"), "{message}");
    assert!(output.status.success());
}

/// A file that is larger than the shell allows is an error, and its beginning is removed.
#[test]
fn a_limit_of_file_sizes_is_an_error() {
    let directory = tempfile::tempdir().expect("a directory");
    let out = directory.path().join("out.npy");
    let plain = program(&["embed", "-f", "npy", "-o", out.to_str().expect("UTF-8"), "a", "b", "c"]);
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 2; exec \"$0\" \"$@\""]); // 1 KiB
    command.arg(plain.get_program()).args(plain.get_args());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.output().expect("a shell");
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("out.npy: File too large"), "{message}");
    assert_eq!(files(directory.path()), [""; 0]);
}

/// A process may have so little memory that the packed weights do not fit beside the checkpoint.
/// The limit is lowered step by step. Where another allocation fails first, the standard library
/// aborts.
#[test]
fn too_little_memory_for_the_weights_is_an_error() {
    let embed = program(&["embed", "x", "--threads", "1"]);
    let limited = |megabytes: u32| {
        let line = format!("ulimit -v {}; exec timeout 60 \"$0\" \"$@\"", megabytes << 10);
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).arg(embed.get_program()).args(embed.get_args());
        shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A backtrace would ask for memory too.
        shell
            .env("RUST_BACKTRACE", "1")
            .env("MINILM_MODEL", repository().join("weights/all-MiniLM-L6-v2"));
        finish(&mut shell, b"")
    };
    let mut refused = 0;
    for run in (0..8).map(|step| limited(220 - 15 * step)) {
        match run.status {
            Some(0) => assert_eq!(run.stderr, ""),
            Some(1) => refused += usize::from(run.message(1).contains("there is no memory for")),
            _ => assert!(run.stderr.contains("memory allocation of"), "{run:?}"),
        }
    }
    assert!(refused > 0, "no limit was too low for the weights alone");
}
