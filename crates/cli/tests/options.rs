//! Options, and their misuse.

mod support;

use support::*;

fn embedding(arguments: &[&str]) -> Vec<f32> {
    jsonl(&run(&[&["embed", "-f", "jsonl", "an ordinary text"], arguments].concat()).ok())
        .remove(0)
        .embedding
}

fn length(v: &[f32]) -> f32 {
    v.iter().map(|x| x * x).sum::<f32>().sqrt()
}

#[test]
fn threads_and_levels_do_not_change_a_bit() {
    let expected = embedding(&[]);
    for arguments in
        [["--threads", "1"], ["--threads", "3"], ["--level", "portable"], ["--level", "auto"]]
    {
        assert_eq!(embedding(&arguments), expected, "{arguments:?}");
    }
}

#[test]
fn more_threads_than_can_be_of_use_are_misuse_at_once() {
    for threads in ["1000000", "18446744073709551615", "-1", "two"] {
        for command in [&["similarity", "a", "b"][..], &["search", "x.index", "a"]] {
            let start = std::time::Instant::now();
            let run = run(&[command, &[&format!("--threads={threads}")]].concat());
            assert_eq!(run.status, Some(2), "{run:?}");
            assert!(run.stderr.contains("it has to be a whole number, at most "), "{run:?}");
            assert!(start.elapsed().as_secs() < 5);
        }
    }
}

#[test]
fn an_option_may_stand_before_the_command() {
    assert_eq!(
        run(&["--threads", "1", "embed", "x"]).ok(),
        run(&["embed", "x", "--threads", "1"]).ok()
    );
}

#[test]
fn dimensions_and_length_are_as_asked_for() {
    let whole = embedding(&[]);
    let first = embedding(&["--truncate-dim", "8"]);
    assert_eq!(first, whole[..8]);
    let scaled = embedding(&["--truncate-dim", "8", "--normalize"]);
    assert!((length(&scaled) - 1.0).abs() < 1e-6);
    let raw = embedding(&["--no-normalize"]);
    assert!(length(&raw) > 1.5, "{}", length(&raw));
    assert!(raw.iter().zip(&whole).all(|(x, unit)| (x / length(&raw) - unit).abs() < 1e-6));
}

#[test]
fn texts_that_were_cut_are_mentioned_once() {
    let arguments =
        ["embed", "--max-tokens", "4", "one two", "one two three", "one two three four"];
    assert_eq!(
        run(&arguments).message(0),
        "2 texts were longer than 4 tokens; the rest was not read"
    );
    run(&[&arguments[..], &["--quiet"]].concat()).ok();
    let run = run(&["similarity", "--max-tokens", "4", "one two", "one two three"]);
    assert_eq!(run.message(0), "1 text was longer than 4 tokens; the rest of it was not read");
    assert_eq!(run.stdout, b"1.000000\n");
}

#[test]
fn a_level_that_is_not_there_is_misuse_and_its_origin_is_named() {
    let message = "no level is called \"avx9\"; this CPU has: auto";
    let by_option = run(&["embed", "--level", "avx9", "x"]);
    assert!(
        by_option.message(2).starts_with(&format!("--level: {message}")),
        "{}",
        by_option.stderr
    );
    let by_variable = finish(program(&["embed", "x"]).env("MINILM_LEVEL", "avx9"), b"");
    assert!(
        by_variable.message(2).starts_with(&format!("MINILM_LEVEL: {message}")),
        "{}",
        by_variable.stderr
    );
    let both =
        finish(program(&["embed", "x", "--level", "portable"]).env("MINILM_LEVEL", "avx9"), b"");
    assert_eq!(both.status, Some(0), "the option wins");
    let empty = finish(program(&["embed", "x"]).env("MINILM_LEVEL", ""), b"");
    assert_eq!(empty.status, Some(0), "an empty variable is none");
}

#[test]
fn values_that_do_not_fit_the_model_are_misuse() {
    let cases = [
        (["--truncate-dim", "385"], "--truncate-dim: 385 is not between 1 and the model's 384"),
        (["--truncate-dim", "0"], "--truncate-dim: 0 is not between 1 and the model's 384"),
        (["--max-tokens", "513"], "--max-tokens: 513 is more than the model's 512 positions"),
        (["--max-tokens", "2"], "--max-tokens: 2 leaves no room for a word"),
    ];
    for (arguments, message) in cases {
        assert_eq!(run(&[&["embed", "x"], &arguments[..]].concat()).message(2), message);
    }
}

#[test]
fn misspellings_are_answered_with_the_right_spelling() {
    let cases = [
        (&["embed", "--formta", "csv", "x"][..], "--format"),
        (&["embde", "x"], "embed"),
        (&["embed", "--format", "jsnol", "x"], "jsonl"),
        (&["similarity", "--score", "cosin", "x", "y"], "cosine"),
    ];
    for (arguments, suggestion) in cases {
        let run = run(arguments);
        assert_eq!(run.status, Some(2), "{run:?}");
        assert!(run.stderr.contains(&format!("'{suggestion}'")), "{}", run.stderr);
        assert_eq!(run.stdout, b"");
    }
}

#[test]
fn contradictions_are_misuse() {
    let cases = [
        &["embed", "a text", "--input", "-"][..],
        &["embed", "--normalize", "--no-normalize", "x"],
        &["similarity", "only one"],
        &["verify", "--strict"],
        &[],
    ];
    for arguments in cases {
        assert_eq!(run(arguments).status, Some(2), "{arguments:?}");
    }
}

#[test]
fn a_missing_model_is_named_or_the_places_where_it_was_looked_for() {
    let run = run(&["--model", "no/such/model", "embed", "x"]);
    assert_eq!(run.message(1), "cannot read no/such/model: No such file or directory (os error 2)");

    let directory = tempfile::tempdir().expect("a directory");
    let program_copy = directory.path().join("minilm"); // not below the repository
    std::fs::copy(env!("CARGO_BIN_EXE_minilm"), &program_copy).expect("a copy");
    let mut command = std::process::Command::new(&program_copy);
    command.args(["embed", "x"]).env_remove("MINILM_MODEL").current_dir(directory.path());
    command.env("SENTENCE_TRANSFORMERS_HOME", directory.path());
    let output = command.output().expect("it runs");
    let message = String::from_utf8(output.stderr).expect("UTF-8");
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.starts_with("minilm: there is no weights/all-MiniLM-L6-v2 in any of "),
        "{message}"
    );
    assert!(message.contains(directory.path().to_str().expect("UTF-8")), "{message}");
    assert!(
        message.contains("nor is sentence-transformers/all-MiniLM-L6-v2 in the cache"),
        "{message}"
    );
    assert!(
        message.ends_with("; pass --model DIR or --model NAME, or set MINILM_MODEL\n"),
        "{message}"
    );
}

#[test]
fn the_model_of_the_repository_is_found_from_below() {
    let mut command = program(&["embed", "-f", "npy"]);
    command.env_remove("MINILM_MODEL").current_dir(repository().join("crates/cli/src"));
    assert_eq!(npy(&finish(&mut command, b"").ok()), (vec![], 384));
}

#[test]
fn help_and_version_are_results() {
    for arguments in [
        &["--help"][..],
        &["embed", "--help"],
        &["similarity", "-h"],
        &["explain", "-h"],
        &["trace", "--help"],
        &["verify", "--help"],
        &["--version"],
    ] {
        let stdout = String::from_utf8(run(arguments).ok()).expect("UTF-8");
        assert!(stdout.contains("minilm"), "{stdout}");
    }
}

#[test]
fn the_model_is_named_with_its_place_and_its_limits() {
    let text = String::from_utf8(run(&["model"]).ok()).expect("UTF-8");
    let directory = repository().join("weights/all-MiniLM-L6-v2");
    for part in ["all-MiniLM-L6-v2 (", "384", "at most 256 of a text", "\"\""] {
        assert!(text.contains(part), "{text}");
    }
    assert!(text.contains(directory.to_str().expect("UTF-8")), "{text}");
    let json = run(&["model", "--json", "--truncate-dim", "64", "--max-tokens", "99"]).ok();
    let facts: serde_json::Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!((&facts["dimensions"], &facts["max_tokens"]), (&64.into(), &99.into()));
}

#[test]
fn shells_complete_the_names_of_levels() {
    for shell in ["bash", "zsh", "fish"] {
        let script = String::from_utf8(run(&["completions", shell]).ok()).expect("UTF-8");
        assert!(script.contains("avx512") && script.contains("portable"), "{shell}");
    }
}

#[test]
fn manual_pages_tell_of_status_environment_and_files() {
    let directory = tempfile::tempdir().expect("a directory");
    run(&["man", directory.path().to_str().expect("UTF-8")]).ok();
    for name in ["minilm.1", "minilm-index.1", "minilm-eval-sts.1"] {
        let page = std::fs::read_to_string(directory.path().join(name)).expect(name);
        for part in [".SH \"EXIT STATUS\"", ".SH ENVIRONMENT", ".SH FILES", "MINILM_MODEL"] {
            assert!(page.contains(part), "{name} {part}");
        }
    }
    assert!(!directory.path().join("minilm-man.1").exists());
}
