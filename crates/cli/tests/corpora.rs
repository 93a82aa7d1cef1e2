//! The targets of `tests/fuzz` without libFuzzer: each over its corpus, and over random changes of
//! it, the same in each run. One target reads Parquet, so the test needs that feature.
#![cfg(feature = "parquet")]

#[path = "../../../tests/fuzz/src/lib.rs"]
mod targets;

use minilm_testing::Random;
use std::{
    fs,
    panic::catch_unwind,
    path::Path,
    time::{Duration, Instant},
};

/// The time for the changed inputs of a target.
const BEYOND: Duration = Duration::from_secs(2);

/// The most that are tried in this time.
const MOST: usize = 20_000;

macro_rules! targets {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            let corpus = corpus(stringify!($name));
            corpus.iter().for_each(|input| try_out(stringify!($name), targets::$name, input));
            let (mut random, start) = (Random(1), Instant::now());
            for _ in 0..MOST {
                if start.elapsed() > BEYOND {
                    break;
                }
                let input = changed(&mut random, &corpus);
                try_out(stringify!($name), targets::$name, &input);
            }
        }
    )*};
}
targets! {
    config_json csv index jsonl npy npz parquet records safetensors safetensors_vectors text
    tokenizer_json vocab windows
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz")
}

/// The inputs of a target, in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = folder().join("corpus").join(target);
    let files = fs::read_dir(&folder).expect("a corpus").map(|file| file.expect("a file").path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.iter().map(|file| fs::read(file).expect("an input")).collect()
}

/// Runs the target; an input that makes it panic is kept.
fn try_out(name: &str, target: fn(&[u8]), input: &[u8]) {
    if catch_unwind(|| target(input)).is_err() {
        let kept = std::env::temp_dir().join(format!("minilm-{name}-{}", std::process::id()));
        fs::write(&kept, input).expect("the input is written");
        panic!("the target {name} panics with the input in {}", kept.display());
    }
}

/// An input of the corpus with a few changes.
fn changed(random: &mut Random, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(input.len() + 1);
        let len = random.below(16).min(input.len() - at);
        match random.below(5) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => {
                input[at] = [0, 1, 0x7f, 0x80, 0xff, b'"', b'\n'][random.below(7)]
            }
            2 => drop(input.drain(at..at + len)),
            3 => {
                let again = input[at..at + len].to_vec();
                input.splice(at..at, again);
            }
            _ => {
                let other = &corpus[random.below(corpus.len())];
                let from = random.below(other.len() + 1);
                let part = &other[from..other.len().min(from + 16)];
                input.splice(at..at + len.min(part.len()), part.iter().copied());
            }
        }
    }
    input
}

#[test]
fn a_panic_is_found_and_its_input_kept() {
    let found = catch_unwind(|| try_out("made-up", |input| assert!(input.is_empty()), b"x"));
    let message = *found.expect_err("it panics").downcast::<String>().expect("a message");
    let (_, kept) = message.split_once("the input in ").expect("the file's name");
    assert_eq!(fs::read(kept).expect("the file"), b"x");
    fs::remove_file(kept).expect("it is removed");
    try_out("made-up", |input| assert!(input.is_empty()), b"");
}

/// A target that is not tested here would be left out in silence.
#[test]
fn every_target_is_tested() {
    let mut found: Vec<String> = fs::read_dir(folder().join("fuzz_targets"))
        .expect("the targets")
        .map(|file| file.expect("a file").path())
        .map(|file| file.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    found.sort();
    let source = include_str!("corpora.rs");
    let (_, listed) = source.split_once("\ntargets! {").expect("the list");
    let listed: Vec<&str> = listed.split('}').next().expect("its end").split_whitespace().collect();
    assert_eq!(found, listed);
}
