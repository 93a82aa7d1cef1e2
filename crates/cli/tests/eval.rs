//! `minilm eval` prints the numbers of sentence-transformers.

mod support;

use serde_json::Value;
use support::*;

fn data(name: &str) -> String {
    repository().join("crates/cli/tests/data").join(name).to_str().expect("UTF-8").to_owned()
}

fn expected(task: &str) -> Value {
    let text = std::fs::read_to_string(data("expected.json")).expect("the file");
    serde_json::from_str::<Value>(&text).expect("JSON")[task].take()
}

fn results(arguments: &[&str]) -> Value {
    serde_json::from_slice(&run(arguments).ok()).expect("JSON")
}

/// The embeddings of PyTorch differ by about 1e-7.
#[track_caller]
fn assert_close(found: &Value, expected: &Value, tolerance: f64) {
    let (found, expected) =
        (found.as_f64().expect("a number"), expected.as_f64().expect("a number"));
    assert!((found - expected).abs() <= tolerance, "{found}, {expected}");
}

const SIMILARITIES: [&str; 4] = ["cosine", "dot", "euclidean", "manhattan"];

#[test]
fn sts() {
    let (found, expected) =
        (results(&["eval", "sts", &data("sts.tsv"), "--json"]), expected("sts"));
    assert_eq!(found["pairs"], 12);
    for name in SIMILARITIES {
        assert_close(&found[name]["pearson"], &expected[format!("pearson_{name}")], 1e-6);
        assert_close(&found[name]["spearman"], &expected[format!("spearman_{name}")], 1e-9);
    }
    let table = String::from_utf8(run(&["eval", "sts", &data("sts.tsv")]).ok()).expect("UTF-8");
    assert!(
        table.starts_with("12 pairs\n")
            && table.contains("cosine            96.38         94.41\n"),
        "{table}"
    );
}

#[test]
fn pairs() {
    let columns = "question1,question2,is_duplicate";
    let (found, expected) = (
        results(&["eval", "pairs", &data("pairs.csv"), "--columns", columns, "--json"]),
        expected("pairs"),
    );
    for name in SIMILARITIES {
        for measure in ["accuracy", "f1", "precision", "recall", "ap", "mcc"] {
            assert_close(&found[name][measure], &expected[format!("{name}_{measure}")], 1e-9);
        }
        for threshold in ["accuracy_threshold", "f1_threshold"] {
            assert_close(&found[name][threshold], &expected[format!("{name}_{threshold}")], 1e-5);
        }
    }
}

#[test]
fn triplets() {
    let (found, expected) =
        (results(&["eval", "triplets", &data("triplets.jsonl"), "--json"]), expected("triplets"));
    assert_eq!(found["triplets"], 4);
    SIMILARITIES.iter().for_each(|name| {
        assert_close(&found[name]["accuracy"], &expected[format!("{name}_accuracy")], 0.0)
    });
}

#[test]
fn retrieval() {
    let (found, expected) =
        (results(&["eval", "retrieval", &data("retrieval"), "--json"]), expected("retrieval"));
    let expected = expected.as_object().expect("an object");
    assert_eq!(expected.len(), 15);
    for (name, value) in expected {
        assert_close(&found[name.strip_prefix("cosine_").expect("a measure")], value, 1e-9);
    }
    assert_eq!((&found["queries"], &found["documents"]), (&4.into(), &8.into()));
}

#[test]
fn clusters() {
    let found = results(&["eval", "clusters", &data("clusters.tsv"), "--json"]);
    assert_close(&found["v_measure"], &expected("clusters")["v_measure"], 1e-9);
    let two = results(&["eval", "clusters", &data("clusters.tsv"), "--kmeans", "2", "--json"]);
    assert_eq!((&two["clusters"], &two["labels"]), (&2.into(), &3.into()));
    assert!(two["homogeneity"].as_f64() < Some(0.9), "{two}");
}

#[test]
fn bad_labels_and_folders_are_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path().to_str().expect("UTF-8");
    let write = |name: &str, text: &str| {
        std::fs::write(directory.path().join(name), text).expect("a file");
        directory.path().join(name).to_str().expect("UTF-8").to_owned()
    };
    let header = "score\tsentence1\tsentence2\n";
    let scores = write("scores.tsv", &format!("{header}1\ta\tb\nmuch\tc\td\n"));
    let one = write("one.tsv", &format!("{header}1\ta\tb\n"));
    let empty = write("header.tsv", header);
    let alike = write("alike.tsv", &format!("{header}3\ta\tb\n3\tc\td\n"));
    let same = write("same.tsv", &format!("{header}1\ta\ta\n3\ta\ta\n"));
    let labels = write("labels.csv", "sentence1,sentence2,label\na,b,1\nc,d,maybe\n");
    write("corpus.jsonl", "{\"_id\": \"d\", \"text\": \"x\"}\n");
    let queries = write("queries.jsonl", "{\"_id\": \"q\", \"text\": \"x\"}\n");
    std::fs::create_dir(directory.path().join("qrels")).expect("a directory");
    let judged = write("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq\td\t1\nother\td\t1\n");
    let nothing = write("qrels/dev.tsv", "query-id\tcorpus-id\tscore\nq\td\t0\n");
    for (arguments, message) in [
        (&["sts", &scores][..], format!("line 3 of {scores}: the score \"much\" is no number")),
        (&["sts", &one], format!("{one}: there are 1 labels, but at least 2 are needed")),
        (&["sts", &empty], format!("{empty} holds no texts")),
        (
            &["sts", &alike],
            format!("{alike}: nothing correlates with a score that is 3 for every pair"),
        ),
        (
            &["sts", &same],
            format!("{same}: nothing correlates with a cosine that is 1 for every pair"),
        ),
        (
            &["pairs", &labels],
            format!("line 3 of {labels}: the label \"maybe\" is neither 0, 1, true nor false"),
        ),
        (
            &["pairs", &one],
            format!("{one} has no column \"label\"; its columns are score, sentence1, sentence2"),
        ),
        (&["retrieval", folder], format!("{queries} has 1 of the 2 queries that are judged")),
        (&["retrieval", folder, "--split", "dev"], format!("{nothing} names no relevant document")),
        (
            &["retrieval", &judged],
            format!("cannot read {judged}/qrels/test.tsv: Not a directory (os error 20)"),
        ),
    ] {
        let run = run(&[&["eval"], arguments].concat());
        assert_eq!(run.message(1), message);
        assert_eq!(run.stdout, b"");
    }
    let run = run(&["eval", "triplets", &one, "--columns", "a,b"]);
    assert_eq!(
        run.message(2),
        "--columns: 2 names were given, but 3 are needed: anchor,positive,negative"
    );
}

#[test]
fn no_document_and_no_query_counts_twice() {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path().to_str().expect("UTF-8");
    let write = |name: &str, content: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path.to_str().expect("UTF-8").to_owned()
    };
    std::fs::create_dir(directory.path().join("qrels")).expect("a directory");
    write("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq\td\t1\n");
    let (one, two) = (
        "{\"_id\": \"q\", \"text\": \"x\"}\n",
        "{\"_id\": \"d\", \"text\": \"x\"}\n{\"_id\": \"d\", \"text\": \"y\"}\n",
    );
    let corpus = write("corpus.jsonl", two);
    write("queries.jsonl", one);
    assert_eq!(
        run(&["eval", "retrieval", folder]).message(1),
        format!("line 2 of {corpus}: a line before has the _id \"d\" too")
    );
    let queries = write("queries.jsonl", &one.repeat(2));
    assert_eq!(
        run(&["eval", "retrieval", folder]).message(1),
        format!("line 2 of {queries}: a line before has the _id \"q\" too")
    );
}
