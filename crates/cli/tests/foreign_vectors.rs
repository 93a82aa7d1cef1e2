//! Vectors that are in files already, also quantised ones, in `minilm index` and `minilm search`.

mod support;

use serde_json::Value;
use std::fs;
use support::*;

/// A directory with notes, their vectors, and their index.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Files {
        let files = Files(tempfile::tempdir().expect("a directory"));
        let [texts, vectors, index] = ["t.txt", "v.npy", "t.index"].map(|name| files.path(name));
        fs::write(&texts, NOTES).expect("a file");
        run(&["embed", "-q", "-i", &texts, "-o", &vectors]).ok();
        run(&["index", "-q", &texts, "-o", &index]).ok();
        files
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// Writes a file.
    fn write(&self, name: &str, content: &str) -> String {
        fs::write(self.path(name), content).expect("a file");
        self.path(name)
    }

    /// Quantises the vectors.
    fn quantize(&self, precision: &str) -> String {
        let (vectors, bytes) = (self.path("v.npy"), self.path(&format!("{precision}.npy")));
        run(&["quantize", "-q", &vectors, "-p", precision, "-o", &bytes]).ok();
        bytes
    }
}

/// The rows and scores of a search.
fn hits(arguments: &[&str]) -> Vec<(u64, f64)> {
    let output = run(&[&["search", "--json"], arguments].concat()).ok();
    let lines = std::str::from_utf8(&output).expect("UTF-8").lines();
    let hit = |line| {
        let hit: Value = serde_json::from_str(line).expect("JSON");
        (hit["row"].as_u64().expect("a row"), hit["score"].as_f64().expect("a score"))
    };
    lines.map(hit).collect()
}

fn rows(hits: &[(u64, f64)]) -> Vec<u64> {
    hits.iter().map(|(row, _)| *row).collect()
}

#[test]
fn an_index_of_the_models_vectors_is_that_of_the_texts() {
    let files = Files::new();
    let [texts, vectors, index] = ["t.txt", "v.npy", "x.index"].map(|name| files.path(name));
    let made = run(&["index", &texts, "--vectors", &vectors, "-o", &index]);
    assert_eq!(made.message(0), format!("{index} holds 8 texts"));
    let same =
        fs::read(&index).expect("a file") == fs::read(files.path("t.index")).expect("a file");
    assert!(same, "the same bytes");
    let search = ["baking", "-k", "3"];
    let by_vectors = hits(&[&[texts.as_str(), "--vectors", &vectors], &search[..]].concat());
    assert_eq!(by_vectors, hits(&[&[index.as_str()], &search[..]].concat()));
}

#[test]
fn vectors_that_are_not_the_models_are_refused() {
    let files = Files::new();
    let reversed: Vec<&str> = NOTES.lines().rev().collect();
    let reversed = files.write("r.txt", &(reversed.join("\n") + "\n"));
    let (vectors, index) = (files.path("v.npy"), files.path("x.index"));
    let few = files.write("few.jsonl", "[1,0]\n[0,1]\n");
    let two = files.write("two.txt", "east\nnorth\n");
    for (command, part) in [
        (&["index", &reversed, "--vectors", &vectors, "-o", &index][..], "the mean cosine of the"),
        (
            &["search", &reversed, "--vectors", &vectors, "a"],
            "the mean cosine of the first 8 texts",
        ),
        (&["index", &two, "--vectors", &few, "-o", &index], "few.jsonl holds vectors of 2 dimen"),
        (
            &["search", &two, "--vectors", &few, "a"],
            "few.jsonl holds vectors of 2 dimensions; thos",
        ),
        (&["index", &two, "--vectors", &vectors, "-o", &index], "two.txt has 2 texts, but"),
    ] {
        let refused = run(command);
        assert!(refused.message(1).contains(part), "{refused:?}");
        assert!(!files.0.path().join("x.index").exists(), "{command:?}");
    }
    let index = files.path("t.index");
    let twice = run(&["search", &index, "--vectors", &vectors, "a"]);
    assert!(twice.message(2).starts_with("--vectors: "), "{twice:?}");
}

#[test]
fn vectors_of_another_model_are_searched_by_vectors() {
    let files = Files::new();
    let texts = files.write("t.txt", "east\nnorth\nalso east\n");
    let vectors = files.write("v.jsonl", "[1,0]\n[0,1]\n[1,0.01]\n");
    let queries = files.write("q.jsonl", "[0,2]\n[1,0]\n");
    let index = files.path("compass.index");
    let made = [&texts, "--vectors", &vectors, "--vectors-by", "compass", "--model", "no-model"];
    run(&[&["index", "-q", "-o", &index], &made[..]].concat()).ok();
    let found = hits(&[&index, "--query-vectors", &queries, "-k", "1", "--model", "no-model"]);
    assert_eq!(found, [(1, 1.0), (0, 1.0)]);
    let alone = ["--query-vectors", &queries, "-k", "1", "--model", "no-model"];
    assert_eq!(hits(&[&[texts.as_str(), "--vectors", &vectors], &alone[..]].concat()), found);
    let named = files.write("q.txt", "up\nright\n");
    let table = run(&["search", &index, "--queries", &named, "--query-vectors", &queries, "--csv"]);
    let table = String::from_utf8(table.ok()).expect("UTF-8");
    assert!(table.contains("up,1,1,1,north\n") && table.contains("right,1,1,0,east\n"), "{table}");
    let one = files.write("one.txt", "up\n");
    let uneven = run(&["search", &index, "--queries", &one, "--query-vectors", &queries]);
    assert!(uneven.message(1).ends_with("have different numbers of queries"), "{uneven:?}");
    let text = run(&["search", &index, "up"]);
    assert!(text.message(1).contains("compass.index holds vectors of compass"), "{text:?}");
}

#[test]
fn quantised_vectors_are_searched_and_the_best_scored_again() {
    let files = Files::new();
    let (texts, index) = (files.path("t.txt"), files.path("t.index"));
    let exact = hits(&[&index, "baking", "-k", "2"]);
    let ranges = files.path("ranges.npy");
    let vectors = files.path("v.npy");
    let save = ["quantize", "-q", &vectors, "-o", &files.path("x.npy"), "--save-ranges", &ranges];
    run(&save).ok();
    for precision in ["int8", "uint8", "binary", "ubinary"] {
        let bytes = files.quantize(precision);
        let quantized = ["--vectors", &bytes, "--quantized", precision, "baking", "-k", "2"];
        let again = hits(&[&[index.as_str()], &quantized[..]].concat());
        assert_eq!(again, exact, "{precision}: scored by the vectors of the index");
        let has_ranges = precision.ends_with("int8");
        let given: &[&str] = if has_ranges { &["--ranges", &ranges] } else { &[] };
        let alone = hits(&[&[texts.as_str()], &quantized[..], given].concat());
        assert_eq!(rows(&alone), rows(&exact), "{precision}");
        assert!(alone != exact, "{precision}: scored by the bytes");
        if has_ranges {
            let without = run(&[&["search", &texts], &quantized[..]].concat());
            assert!(without.message(2).starts_with("--ranges: the values of"), "{without:?}");
            let later = ["quantize", "-q", &vectors, "-p", precision, "--ranges", &ranges, "-o"];
            run(&[&later[..], &[&files.path("y.npy")]].concat()).ok();
            let written = fs::read(files.path("y.npy")).expect("a file");
            assert!(written == fs::read(&bytes).expect("a file"), "{precision}: the same ranges");
        }
    }
}

#[test]
fn bytes_that_are_not_those_of_the_texts_are_refused() {
    let files = Files::new();
    let (texts, index, bits) =
        (files.path("t.txt"), files.path("t.index"), files.quantize("ubinary"));
    let wrong = |file: &str, vectors: &str, precision: &str| {
        run(&["search", file, "--vectors", vectors, "--quantized", precision, "baking"])
    };
    let other = wrong(&index, &bits, "binary");
    assert!(other.message(1).contains("no binary value"), "{other:?}");
    let other = wrong(&index, &bits, "uint8");
    assert!(other.message(1).contains("has 48 columns; uint8 of 384 dimensions"), "{other:?}");
    let other = wrong(&index, &files.path("v.npy"), "int8");
    assert!(other.message(1).contains("no int8 value"), "{other:?}");
    let reversed: Vec<&str> = NOTES.lines().rev().collect();
    let reversed = files.write("r.txt", &(reversed.join("\n") + "\n"));
    let other = wrong(&reversed, &bits, "ubinary");
    assert!(other.message(1).contains("the mean cosine of the first 8 texts is"), "{other:?}");
    let fewer = files.write("two.txt", "east\nnorth\n");
    let other = wrong(&fewer, &bits, "ubinary");
    assert!(other.message(1).contains("has 8 rows, but"), "{other:?}");
    let ranges = run(&["search", &texts, "--vectors", &bits, "--ranges", "r.npy", "baking"]);
    assert_eq!(ranges.status, Some(2), "ranges belong to --quantized");
}
