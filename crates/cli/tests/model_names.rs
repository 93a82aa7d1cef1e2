//! `--model` with a name instead of a directory.

mod support;

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};
use support::*;

const COMMIT: &str = "8b3219a92973c328a8e22fadcfa821b5dc75636a";
const NAME: &str = "sentence-transformers/all-MiniLM-L6-v2";

/// The program in an environment of its own, without a home.
fn alone(directory: &Path, model: &str) -> Command {
    let mut command = program(&["embed", "x", "--model", model]);
    command.env_clear().env("HF_HUB_OFFLINE", "1").current_dir(directory);
    command
}

/// Copies the repository's model into the cache at `directory`.
fn fill(directory: &Path) {
    let weights = repository().join("weights/all-MiniLM-L6-v2");
    let root = directory.join("models--sentence-transformers--all-MiniLM-L6-v2");
    for file in [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "modules.json",
        "1_Pooling/config.json",
        "sentence_bert_config.json",
    ] {
        let to = root.join("snapshots").join(COMMIT).join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(weights.join(file), to).unwrap();
    }
    fs::create_dir_all(root.join("refs")).unwrap();
    fs::write(root.join("refs/main"), COMMIT).unwrap();
}

#[test]
fn a_name_is_looked_up_where_the_environment_says() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    fill(&place.join("home/hub"));
    let expected = run(&["embed", "x"]).ok();
    for (variable, value) in
        [("HF_HUB_CACHE", "home/hub"), ("HF_HOME", "home"), ("HF_HOME", "~/home")]
    {
        let run = finish(alone(place, NAME).env(variable, value).env("HOME", place), b"");
        assert_eq!(run.ok(), expected, "{variable}={value}");
    }
    let run =
        |model: &str| finish(alone(place, model).env("HF_HUB_CACHE", place.join("home/hub")), b"");
    assert_eq!(run(&format!("{NAME}@{COMMIT}")).ok(), expected);
    assert_eq!(run("all-MiniLM-L6-v2").ok(), expected);
    let other = run(&format!("{NAME}@v9"));
    assert!(
        other.message(1).contains(&format!("hf download {NAME} --revision v9")),
        "{}",
        other.stderr
    );
}

#[test]
fn the_cache_of_sentence_transformers_comes_first_and_an_installed_program_looks_there() {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path();
    fill(&place.join("cache"));
    let expected = run(&["embed", "x"]).ok();
    let mut named = alone(place, "all-MiniLM-L6-v2");
    named.env("SENTENCE_TRANSFORMERS_HOME", "cache").env("HF_HUB_CACHE", "none");
    assert_eq!(finish(&mut named, b"").ok(), expected);

    let installed = place.join("bin").join("minilm");
    fs::create_dir(place.join("bin")).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_minilm"), &installed).unwrap();
    let mut alone = Command::new(&installed);
    alone.args(["embed", "x"]).env_clear().current_dir(place);
    alone.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let run = finish(alone.env("HF_HUB_CACHE", place.join("cache")), b"");
    assert_eq!(run.ok(), expected);
    let run = finish(alone.env("HF_HUB_CACHE", place.join("none")), b"");
    assert!(run.message(1).contains("nor is sentence-transformers/all-MiniLM-L6-v2 in the cache"));
}

/// Only the administrator may give a directory away, so other users skip this test.
#[cfg(unix)]
#[test]
fn weights_of_another_user_above_the_directory_are_passed_over() {
    use std::os::unix::fs::{chown, symlink};
    let directory = tempfile::tempdir().unwrap();
    let (weights, below) = (directory.path().join("weights"), directory.path().join("below"));
    let model = weights.join("all-MiniLM-L6-v2");
    fs::create_dir_all(&model).unwrap();
    fs::create_dir(&below).unwrap();
    for file in fs::read_dir(repository().join("weights/all-MiniLM-L6-v2")).unwrap() {
        let file = file.unwrap();
        symlink(file.path(), model.join(file.file_name())).unwrap();
    }
    let installed = directory.path().join("minilm");
    fs::copy(env!("CARGO_BIN_EXE_minilm"), &installed).unwrap();
    let embed = || {
        let mut command = Command::new(&installed);
        command.args(["embed", "x"]).env_clear().current_dir(&below);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(&mut command, b"")
    };
    let expected = run(&["embed", "x"]).ok();
    assert_eq!(embed().ok(), expected);
    if chown(&model, Some(4242), None).is_err() {
        eprintln!("skipped: only the administrator may change an owner");
        return;
    }
    let refused = embed();
    let message = refused.message(1);
    assert!(message.contains("is passed over: it is another user's"), "{message}");
    assert!(message.contains(model.to_str().unwrap()), "{message}");
    // The owner of the current directory is trusted, also if another user runs the program.
    chown(&below, Some(4242), None).unwrap();
    assert_eq!(embed().ok(), expected);
}

#[test]
fn what_is_nowhere_names_every_place() {
    let directory = tempfile::tempdir().unwrap();
    let run = finish(alone(directory.path(), NAME).env("XDG_CACHE_HOME", "xdg"), b"");
    let message = run.message(1);
    assert!(message.starts_with(&format!("there is no directory {NAME}, and ")), "{message}");
    assert!(
        message.contains("xdg/huggingface/hub/models--sentence-transformers--all-MiniLM-L6-v2"),
        "{message}"
    );
}

#[test]
fn no_home_is_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    for home in ["", "no/such/home"] {
        let run = finish(alone(directory.path(), NAME).env("HOME", home), b"");
        let message = run.message(1);
        assert!(message.starts_with(&format!("there is no directory {NAME}, and ")), "{message}");
    }
    let run = finish(&mut alone(directory.path(), NAME), b"");
    assert!(run.message(1).starts_with("there is no directory"), "{}", run.stderr);
}
