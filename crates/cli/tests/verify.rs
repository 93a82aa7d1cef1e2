//! `minilm verify` accepts PyTorch's tensors, and nothing else.

mod support;

use safetensors::SafeTensors;
use std::{fs, path::Path};
use support::*;
use tempfile::TempDir;

const FILES: [&str; 4] =
    ["stages.json", "stages.safetensors", "texts.json", "embeddings.safetensors"];

/// A copy of the golden files.
fn copy() -> TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    for file in FILES {
        fs::copy(repository().join("tests/golden").join(file), directory.path().join(file))
            .expect("a copy");
    }
    directory
}

/// Verifies against `directory` on the fastest level.
fn verify(directory: &Path) -> Run {
    run(&["verify", "--golden", directory.to_str().expect("UTF-8")])
}

/// Gives value `i` of `tensor` in `file` another value.
fn tamper(directory: &Path, file: &str, tensor: &str, i: usize, change: impl Fn(f32) -> f32) {
    let path = directory.join(file);
    let mut bytes = fs::read(&path).expect("the file");
    let start = {
        let tensors = SafeTensors::deserialize(&bytes).expect("safetensors");
        let data = tensors.tensor(tensor).expect("the tensor").data();
        data.as_ptr() as usize - bytes.as_ptr() as usize + 4 * i
    };
    let value = f32::from_le_bytes(bytes[start..start + 4].try_into().expect("four bytes"));
    bytes[start..start + 4].copy_from_slice(&change(value).to_le_bytes());
    fs::write(&path, bytes).expect("the file");
}

#[test]
fn every_level_of_this_cpu_is_verified() {
    let stdout = String::from_utf8(run(&["verify"]).ok()).expect("UTF-8");
    for stage in [
        "embeddings",
        "attention.self",
        "attention.output",
        "intermediate",
        "output",
        "pooled",
        "sentence_embedding",
    ] {
        for level in minilm::Level::available() {
            assert!(
                stdout.contains(&format!("{:<9} {stage:<18} ", level.name())),
                "{level} {stage}: {stdout}"
            );
        }
    }
    assert!(stdout.contains("token ids equal: yes, of 312 texts"), "{stdout}");
    assert!(stdout.contains("same bits on every level: yes"), "{stdout}");
}

#[test]
fn a_changed_step_is_found_and_named_with_level_text_and_element() {
    let golden = copy();
    tamper(
        golden.path(),
        "stages.safetensors",
        "f32.03.encoder.layer.4.intermediate",
        1536 + 7,
        |x| x + 1e-3,
    );
    let run = verify(golden.path());
    let message = run.message(1);
    let level = minilm::Level::detect().name();
    assert!(message.starts_with(&format!("{level}, text 03 \"Crème brûlée,")), "{message}");
    assert!(message.contains(": f32.03.encoder.layer.4.intermediate[1, 7] (token "), "{message}");
    assert!(message.ends_with("the difference 1.0e-3 is more than 2e-5"), "{message}");
}

#[test]
fn values_that_are_not_numbers_are_found() {
    let golden = copy();
    tamper(golden.path(), "stages.safetensors", "f32.00.embeddings", 0, |_| f32::NAN);
    let run = verify(golden.path());
    assert!(run.message(1).contains("f32.00.embeddings[0, 0] (token 0) is "), "{}", run.stderr);
}

#[test]
fn a_changed_embedding_is_found() {
    let golden = copy();
    tamper(
        golden.path(),
        "embeddings.safetensors",
        "f32.sentence_embedding",
        299 * 384 + 383,
        |x| x + 2e-6,
    );
    // The fastest level comes first, and the other levels have no part in this.
    let path = golden.path().to_str().expect("UTF-8");
    let run = run(&["verify", "--golden", path, "--level", minilm::Level::detect().name()]);
    assert!(run.message(1).contains("f32.sentence_embedding[299][383] is "), "{}", run.stderr);
}

#[test]
fn a_changed_token_id_is_found() {
    let golden = copy();
    let path = golden.path().join("stages.json");
    let json = fs::read_to_string(&path).expect("the file").replacen("7592", "7593", 1);
    fs::write(&path, json).expect("the file");
    assert_eq!(
        verify(golden.path()).message(1),
        "text 00 \"Hello\": token id 1 is 7592 here, but 7593 in PyTorch"
    );
}

#[test]
fn golden_files_that_are_missing_or_broken_are_named() {
    let golden = copy();
    let broken = golden.path().join("stages.safetensors");
    fs::write(&broken, b"nonsense").expect("the file");
    assert!(
        verify(golden.path())
            .message(1)
            .starts_with(&format!("{} is not a golden file: ", broken.display()))
    );
    fs::write(golden.path().join("stages.json"), "[]").expect("the file");
    assert!(verify(golden.path()).message(1).ends_with("stages.json: there are no texts"));
    fs::remove_file(golden.path().join("texts.json")).expect("the file");
    fs::write(
        golden.path().join("stages.json"),
        r#"[{"text": "", "ids": [101, 102], "rows": [2]}]"#,
    )
    .expect("the file");
    assert!(verify(golden.path()).message(1).ends_with("text 00 \"\" has no token 2"));
    let run = verify(Path::new("no/golden"));
    assert_eq!(
        run.message(1),
        "cannot read no/golden/stages.json: No such file or directory (os error 2)"
    );
}
