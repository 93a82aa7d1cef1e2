//! `--precision`, `MINILM_PRECISION`, and the commands that measure and write rounded weights.

mod support;

use serde_json::Value;
use std::fs;
use support::*;

fn embedding(arguments: &[&str]) -> Vec<f32> {
    let all = [&["embed", "--format", "jsonl", "the cat"], arguments].concat();
    jsonl(&run(&all).ok()).remove(0).embedding
}

#[test]
fn the_option_and_the_variable_choose_the_precision() {
    let plain = embedding(&[]);
    assert_eq!(embedding(&["--precision", "f32"]), plain);
    let [int8, int16] = ["int8", "int16"].map(|name| embedding(&["--precision", name]));
    assert!(int8 != plain && int16 != plain && int8 != int16);
    let mut command = program(&["embed", "--format", "jsonl", "the cat"]);
    let by_variable = finish(command.env("MINILM_PRECISION", "int8"), b"").ok();
    assert_eq!(jsonl(&by_variable).remove(0).embedding, int8);

    let run = run(&["embed", "--precision", "int4", "the cat"]);
    let wanted = "--precision: no precision is called \"int4\"; there are: f32, int16, int8";
    assert_eq!(run.message(2), wanted);
}

#[test]
fn an_index_of_another_precision_is_refused_with_the_option_that_mends_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
    fs::write(path("notes.txt"), NOTES).expect("a file");
    let (notes, index) = (path("notes.txt"), path("notes.index"));
    let made = run(&["index", &notes, "-o", &index, "--precision", "int8", "--quiet"]);
    assert_eq!(made.status, Some(0), "{made:?}");
    let refused = run(&["search", &index, "trains"]);
    let message = refused.message(1);
    assert!(message.contains("precision: int8, not f32"), "{message}");
    assert!(message.ends_with("load the model with --precision int8"), "{message}");
    let found = run(&["search", &index, "trains", "--precision", "int8"]);
    assert_eq!(found.status, Some(0), "{found:?}");
}

#[test]
fn eval_precision_compares_each_with_f32() {
    let directory = tempfile::tempdir().expect("a directory");
    let notes = directory.path().join("notes.txt");
    fs::write(&notes, NOTES).expect("a file");
    let notes = notes.to_str().expect("UTF-8");
    let found: Value =
        serde_json::from_slice(&run(&["eval", "precision", notes, "--json"]).ok()).expect("JSON");
    assert_eq!((&found["texts"], &found["bytes"]), (&8.into(), &42_467_328.into()));
    let precisions = found["precisions"].as_array().expect("a list");
    assert_eq!(precisions.len(), 2);
    for (name, bytes, least) in [("int16", 21_233_664, 0.99998), ("int8", 10_616_832, 0.997)] {
        let one = precisions.iter().find(|one| one["precision"] == name).expect("the precision");
        assert_eq!(one["bytes"], bytes);
        let number = |key: &str| one[key].as_f64().expect("a number");
        assert!(number("least") > least && number("least") <= number("mean"), "{one}");
        assert_eq!(one["worst"].as_array().expect("a list").len(), 5);
        assert_eq!(number("least"), one["worst"][0]["cosine"].as_f64().expect("a number"));
        assert!(number("nearest") > 0.9 && number("speed") > 0.0, "{one}");
    }
    let page = run(&["eval", "precision", notes, "--precision", "int8"]).ok();
    let page = String::from_utf8(page).expect("UTF-8");
    assert!(page.starts_with("8 texts, compared with f32 (42.5 MB of weights)\n"), "{page}");
    assert!(page.contains("farthest from f32 in int8") && !page.contains("int16"), "{page}");
    let run = run(&["eval", "precision", notes, "--precision", "f32"]);
    assert!(run.message(2).starts_with("--precision f32 is compared with itself"), "{run:?}");
}

#[test]
fn a_rounded_directory_is_compared_with_the_original() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
    let (notes, small) = (path("notes.txt"), path("small"));
    fs::write(&notes, NOTES).expect("a file");
    run(&["quantize-model", "-o", &small, "--quiet"]).ok();
    let original = repository().join("weights/all-MiniLM-L6-v2");
    let original = original.to_str().expect("UTF-8");
    let compared = ["eval", "precision", &notes, "--json", "--model", &small];
    let found = run(&[&compared[..], &["--against", original]].concat()).ok();
    let found: Value = serde_json::from_slice(&found).expect("JSON");
    let [one] = &found["precisions"].as_array().expect("a list")[..] else { panic!("{found}") };
    assert_eq!((&one["precision"], &one["bytes"]), (&"int8".into(), &10_616_832.into()));
    let least = one["least"].as_f64().expect("a number");
    assert!(least > 0.997 && least < 1.0, "{one}");
    // By itself it has nothing to be compared with.
    let refused = run(&compared);
    assert!(refused.message(1).contains("quantize-model --dequantize"), "{refused:?}");
}

#[test]
fn quantize_model_writes_a_directory_that_loads() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
    let (small, wide) = (path("small"), path("wide"));
    let made = run(&["quantize-model", "-o", &small]);
    let (sizes, cosines) = made.message(0).split_once("; ").expect("what rounding costs");
    assert_eq!(sizes, format!("{small}: 23.5 MB of weights instead of 90.9 MB"));
    let cosines: Vec<f64> =
        cosines.split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    let &[mean, least] = &cosines[..] else { panic!("{made:?}") };
    assert!(0.9999 < mean && mean < 1.0 && 0.999 < least && least < mean, "{made:?}");
    assert!(made.stdout.is_empty());
    let found = embedding(&["--model", &small]);
    assert_eq!(found, embedding(&["--model", &small, "--precision", "int8"]));
    let refused = run(&["embed", "--model", &small, "--precision", "f32", "the cat"]);
    assert!(refused.message(1).contains("quantize-model --dequantize"), "{refused:?}");
    let made = run(&["quantize-model", &small, "-o", &wide, "--dequantize", "--quiet"]);
    made.ok();
    assert_eq!(embedding(&["--model", &wide]).len(), 384);
    // What is there is not overwritten.
    let again = run(&["quantize-model", "-o", &small]);
    assert!(again.message(1).starts_with(&format!("cannot write {small}")), "{again:?}");
}

#[test]
fn verify_checks_one_precision_alone() {
    let stdout = String::from_utf8(run(&["verify", "--precision", "int8"]).ok()).expect("UTF-8");
    for level in minilm::Level::available() {
        assert!(stdout.contains(&format!("{:<9} int8 ", level.name())), "{level}: {stdout}");
    }
    assert!(stdout.contains("same bits on every level: yes"), "{stdout}");
    assert!(!stdout.contains("int16") && !stdout.contains("Every step"), "{stdout}");
}
