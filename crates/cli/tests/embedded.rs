//! The program with the model inside: `--features embedded`.
#![cfg(feature = "embedded")]

mod support;

use std::{fs, path::Path, process::Command};
use support::{Run, finish, program, repository};

const TEXT: &str = "This is an example sentence";

/// The program in `directory`, with nothing in its environment.
fn alone(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = program(arguments);
    command.env_clear().current_dir(directory);
    command
}

fn run(directory: &Path, arguments: &[&str]) -> Run {
    finish(&mut alone(directory, arguments), b"")
}

#[test]
fn it_gives_the_vectors_of_the_rounded_directory() {
    let place = tempfile::tempdir().unwrap();
    let weights = repository().join("weights/all-MiniLM-L6-v2");
    let weights = weights.to_str().unwrap();
    let here = place.path();
    run(here, &["quantize-model", weights, "-o", "small", "--quiet"]).ok();

    let embed = ["embed", TEXT, "An ähnlicher Satz.", "", "--format", "npy"];
    let inside = run(here, &embed).ok();
    let named = |model| run(here, &[&embed[..], &["--model", model]].concat()).ok();
    assert_eq!(inside, named("small"));
    assert_ne!(inside, named(weights), "--model names f32, whose vectors are others");
    let by_variable = finish(alone(here, &embed).env("MINILM_MODEL", weights), b"").ok();
    assert_eq!(by_variable, named(weights));

    // Whichever of the two made an index, the other searches it.
    fs::write(here.join("notes.txt"), support::NOTES).unwrap();
    run(here, &["index", "notes.txt", "-o", "notes.index", "--quiet"]).ok();
    let search = ["search", "notes.index", "how is bread made", "--json"];
    let found = run(here, &search).ok();
    assert_eq!(run(here, &[&search[..], &["--model", "small"]].concat()).ok(), found);
    assert!(String::from_utf8(found).unwrap().contains("How to bake bread at home"));
}

#[test]
fn the_command_model_says_that_it_is_built_in() {
    let place = tempfile::tempdir().unwrap();
    let page = String::from_utf8(run(place.path(), &["model"]).ok()).unwrap();
    assert!(page.starts_with("model        all-MiniLM-L6-v2 ("), "{page}");
    assert!(page.contains("none: the model is built into this program"), "{page}");
    let json = run(place.path(), &["model", "--json"]).ok();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert!(json["directory"].is_null());
    assert_eq!((&json["dimensions"], &json["max_tokens"]), (&384.into(), &256.into()));
    let help = String::from_utf8(run(place.path(), &["embed", "--help"]).ok()).unwrap();
    assert!(help.contains("built into the program"), "{help}");
}

#[test]
fn f32_is_asked_of_another_model() {
    let place = tempfile::tempdir().unwrap();
    let f32 = run(place.path(), &["embed", TEXT, "--precision", "f32"]);
    let message = f32.message(1);
    assert!(message.contains("model.safetensors") && message.contains("int8"), "{message}");
}

#[test]
fn a_place_for_temporary_files_that_is_named_is_not_passed_over() {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("notes.txt"), support::NOTES).unwrap();
    let pairs = run(place.path(), &["pairs", "notes.txt", "--quiet", "--json"]).ok();
    assert!(!pairs.is_empty());
    let mut elsewhere = alone(place.path(), &["pairs", "notes.txt", "--quiet"]);
    let elsewhere = finish(elsewhere.env("TMPDIR", "/nowhere"), b"");
    assert!(elsewhere.message(1).contains("/nowhere"), "{elsewhere:?}");
}
