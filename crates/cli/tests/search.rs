//! `minilm index` and `minilm search`.

mod support;

use serde_json::Value;
use std::{fs, path::Path};
use support::*;

const NOTES: &str = "The train to Hamburg leaves at nine.\n\
    Bread needs flour, water, salt and time.\nHow to bake bread at home\n";

/// A directory with notes and an index of them, and a path in it.
fn notes() -> (tempfile::TempDir, impl Fn(&str) -> String) {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().to_owned();
    let path = move |name: &str| root.join(name).to_str().expect("UTF-8").to_owned();
    fs::write(path("notes.txt"), NOTES).expect("a file");
    let run = run(&["index", &path("notes.txt"), "-o", &path("notes.index")]);
    assert_eq!(run.message(0), format!("{} holds 3 texts", path("notes.index")));
    (directory, path)
}

fn hits(arguments: &[&str]) -> Vec<Value> {
    let output = run(&[&["search", "--json"], arguments].concat()).ok();
    let lines = std::str::from_utf8(&output).expect("UTF-8").lines();
    lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn the_nearest_text_is_found_with_the_score_of_similarity() {
    let (_directory, path) = notes();
    let found = hits(&[&path("notes.index"), "baking", "-k", "2"]);
    assert_eq!(found.len(), 2);
    assert_eq!(
        (&found[0]["row"], &found[0]["text"], &found[0]["rank"]),
        (&2.into(), &"How to bake bread at home".into(), &1.into())
    );
    let score: f64 =
        String::from_utf8(run(&["similarity", "baking", "How to bake bread at home"]).ok())
            .unwrap()
            .trim()
            .parse()
            .unwrap();
    assert!((found[0]["score"].as_f64().expect("a number") - score).abs() < 2e-6);
    let text = String::from_utf8(run(&["search", &path("notes.index"), "baking", "-k", "1"]).ok())
        .expect("UTF-8");
    assert_eq!(text, " 0.6236 ██████▎    How to bake bread at home\n", "no colours in a pipe");
}

#[test]
fn several_queries_are_answered_in_order_from_arguments_and_files() {
    let (_directory, path) = notes();
    let index = path("notes.index");
    let by_argument = hits(&[&index, "baking", "railway", "-k", "1"]);
    assert_eq!((&by_argument[0]["query"], &by_argument[1]["row"]), (&"baking".into(), &0.into()));
    fs::write(
        path("queries.jsonl"),
        "{\"text\": \"baking\"}\n\n{\"text\": \"railway\", \"id\": 3}\n",
    )
    .expect("a file");
    assert_eq!(hits(&[&index, "--queries", &path("queries.jsonl"), "-k", "1"]), by_argument);
    let text =
        String::from_utf8(run(&["search", &index, "baking", "railway", "--min-score", "0.6"]).ok())
            .expect("UTF-8");
    assert_eq!(
        text,
        "baking\n 0.6236 ██████▎    How to bake bread at home\n\nrailway\nnothing found\n"
    );
}

#[test]
fn appending_and_several_files_give_the_index_of_all_texts() {
    let (_directory, path) = notes();
    fs::write(path("more.csv"), "id,text\n1,\"a, b\"\n2,\"two\nlines\"\n").expect("a file");
    let append = run(&["index", &path("more.csv"), "-o", &path("notes.index"), "--append"]);
    assert_eq!(append.message(0), format!("{} holds 5 texts", path("notes.index")));
    run(&["index", "-q", &path("notes.txt"), &path("more.csv"), "-o", &path("both.index")]).ok();
    assert!(fs::read(path("notes.index")).unwrap() == fs::read(path("both.index")).unwrap());
    let skip = [
        "index",
        "-q",
        &path("notes.txt"),
        &path("more.csv"),
        "-o",
        &path("new.index"),
        "--append",
    ];
    run(&[&skip[..], &["--skip", "4"]].concat()).ok();
    assert_eq!(hits(&[&path("new.index"), "x"]), hits(&[&path("new.index"), "x", "-k", "1"]));
    assert_eq!(hits(&[&path("new.index"), "x"])[0]["text"], "two\nlines");
    let none = run(&["index", &path("notes.txt"), "-o", &path("none.index"), "--skip", "4"]);
    assert_eq!(none.message(2), "--skip: there are only 3 texts");
    assert_eq!(files(Path::new(&path(""))).len(), 5, "nothing else is left");
}

#[test]
fn long_texts_are_cut_into_windows_if_asked() {
    let (_directory, path) = notes();
    let long = format!(
        "{}the treasure is under the old oak tree.\nshort\n",
        "The weather was dull and nothing happened. ".repeat(60)
    );
    fs::write(path("long.txt"), long).expect("a file");
    let index = |options: &[&str]| {
        run(&[&["index", &path("long.txt"), "-o", &path("long.index")], options].concat())
    };
    let message = index(&[]).stderr;
    assert!(
        message.starts_with(
            "minilm: 1 text was longer than 256 tokens; the rest of it was not read\n"
        ),
        "{message}"
    );
    let cut = hits(&[&path("long.index"), "where is the treasure?", "-k", "1"]);
    assert_eq!(index(&["--windows"]).message(0), format!("{} holds 3 windows", path("long.index")));
    let found = hits(&[&path("long.index"), "where is the treasure?"]);
    assert!(found[0]["score"].as_f64() > cut[0]["score"].as_f64());
    let text = found[0]["text"].as_str().expect("a text");
    assert!(text.ends_with("under the old oak tree.") && text.len() < 1600, "{text}");
    assert!(found.iter().any(|hit| hit["text"] == "short"));
    assert_eq!(
        index(&["--windows", "--stride", "127"]).message(0),
        format!("{} holds 4 windows", path("long.index"))
    );
    assert_eq!(index(&["--stride", "127"]).status, Some(2));
    assert_eq!(index(&["--windows", "--strict"]).status, Some(2));
}

#[test]
fn another_model_is_refused_and_nothing_is_lost() {
    let (_directory, path) = notes();
    let index = path("notes.index");
    let before = fs::read(&index).expect("the index");
    for other in [["--truncate-dim", "8"].as_slice(), &["--no-normalize"]] {
        let search = run(&[&["search", &index, "baking"], other].concat());
        let message = search.message(1).to_owned();
        assert!(
            message.starts_with(&format!("{index} holds vectors of all-MiniLM-L6-v2 (")),
            "{message}"
        );
        assert!(
            message.contains("which cannot be compared with those of all-MiniLM-L6-v2 ("),
            "{message}"
        );
        assert_eq!(search.stdout, b"");
        let append =
            run(&[&["index", &path("notes.txt"), "-o", &index, "--append"], other].concat());
        assert_eq!(append.message(1), message);
    }
    assert!(fs::read(&index).expect("the index") == before);
}

#[test]
fn what_is_no_index_is_an_error_that_names_it() {
    let (_directory, path) = notes();
    let text = path("notes.txt");
    let remedy = format!("`minilm index {text} -o NAME.index` makes one of the texts in it");
    assert_eq!(
        run(&["search", &text, "x"]).message(1),
        format!("{text} is not an index; {remedy}")
    );
    let append = run(&["index", &text, "-o", &text, "--append"]);
    assert_eq!(append.message(1), format!("{text} is not an index: it does not begin as one"));
    let replace = run(&["index", &text, "-o", &path("./notes.txt")]);
    assert!(replace.message(2).ends_with("notes.txt, of which it is made"), "{}", replace.stderr);
    assert_eq!(fs::read_to_string(&text).expect("the file"), NOTES);
    let bytes = fs::read(path("notes.index")).expect("the index");
    fs::write(path("cut.index"), &bytes[..bytes.len() - 1]).expect("a file");
    let cut = run(&["search", &path("cut.index"), "x"]);
    assert!(
        cut.message(1).starts_with(&format!("{} is not an index: it has ", path("cut.index"))),
        "{}",
        cut.stderr
    );
    let folder = run(&["search", &path(""), "x"]);
    assert_eq!(folder.message(1), format!("cannot read {}: is a directory", path("")));
    let missing = path("missing.index");
    assert_eq!(
        run(&["search", &missing, "x"]).message(1),
        format!("cannot read {missing}: No such file or directory (os error 2)")
    );
}

#[cfg(unix)]
#[test]
fn a_place_that_cannot_be_written_to_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, path) = notes();
    let nowhere = path("missing/x.index");
    let expected = format!("cannot write {nowhere}: No such file or directory (os error 2)");
    assert_eq!(run(&["index", &path("notes.txt"), "-o", &nowhere]).message(1), expected);
    let folder = run(&["index", &path("notes.txt"), "-o", &path("")]);
    assert!(
        folder.message(1).starts_with("cannot write ")
            && folder.message(1).contains("is a directory"),
        "{}",
        folder.stderr
    );
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o555)).expect("permissions");
    // the superuser may write anywhere but where the kernel makes the files
    let root = fs::write(path("probe"), "").is_ok();
    let target = if root { "/proc/x.index".to_owned() } else { path("x.index") };
    let read_only = run(&["index", &path("notes.txt"), "-o", &target]);
    assert!(
        read_only.message(1).starts_with(&format!("cannot write {target}: ")),
        "{}",
        read_only.stderr
    );
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_keeps_what_is_done_and_can_go_on() {
    use std::{
        io::Write,
        process::{Command, Stdio},
        time::{Duration, Instant},
    };
    let directory = tempfile::tempdir().expect("a directory");
    let index = directory.path().join("notes.index");
    let arguments = ["index", "-", "-o", index.to_str().expect("UTF-8")];
    let mut child = program(&arguments).stdin(Stdio::piped()).spawn().expect("the program starts");
    let texts: String = (0..3000).map(|i| format!("text {}\n", i % 50)).collect();
    child.stdin.as_mut().expect("a pipe").write_all(texts.as_bytes()).expect("it reads");
    let start = Instant::now();
    let written = || {
        fs::read_dir(directory.path())
            .expect("it")
            .any(|e| e.is_ok_and(|e| e.metadata().is_ok_and(|m| m.len() > 0)))
    };
    while !written() {
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is written");
        std::thread::sleep(Duration::from_millis(10));
    }
    let kill = Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status();
    assert!(kill.expect("a shell").success());
    std::thread::sleep(Duration::from_millis(100));
    // it may have ended
    let _ = child.stdin.as_mut().expect("a pipe").write_all(b"too late\ntoo late\n");
    let output = child.wait_with_output().expect("it ends");
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(130), "{message}");
    let start = format!("minilm: stopped; {} holds ", index.display());
    let rest = message.strip_prefix(&start).unwrap_or_else(|| panic!("{message}"));
    let done: usize = rest.split(' ').next().unwrap().parse().expect("a number");
    assert!((600..=3001).contains(&done), "{message}");
    assert_eq!(rest, format!("{done} texts; to go on, add --append --skip {done}\n"));
    assert_eq!(files(directory.path()), ["notes.index"]);

    let skip = done.to_string();
    let go_on = [&arguments[..], &["-q", "--append", "--skip", &skip]].concat();
    run_with_input(&go_on, texts.as_bytes()).ok();
    let whole = directory.path().join("whole.index");
    run_with_input(&["index", "-q", "-", "-o", whole.to_str().expect("UTF-8")], texts.as_bytes())
        .ok();
    if done <= 3000 {
        assert!(fs::read(&index).unwrap() == fs::read(&whole).unwrap());
    }
}
