//! `minilm pairs`, `cluster` and `dedupe`.

mod support;

use serde_json::Value;
use support::*;

fn text(arguments: &[&str]) -> String {
    String::from_utf8(run_with_input(&[arguments, &["-q", "-"]].concat(), NOTES.as_bytes()).ok())
        .expect("UTF-8")
}

fn json(arguments: &[&str]) -> Vec<Value> {
    text(&[arguments, &["--json"]].concat())
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn rows(value: &Value) -> Vec<u64> {
    let mut rows: Vec<u64> =
        value["rows"].as_array().expect("a list").iter().filter_map(Value::as_u64).collect();
    rows.sort_unstable();
    rows
}

#[test]
fn pairs_come_best_first() {
    let found = json(&["pairs", "-n", "3"]);
    assert_eq!(found.iter().map(rows).collect::<Vec<_>>(), [[3, 7], [3, 6], [6, 7]]);
    assert_eq!(found[0]["score"], 1.0);
    assert!(json(&["pairs", "--min-score", "0.8"]).len() == 3);
    let expected = " 1.0000 ██████████ The meeting is moved to Thursday.\n                   THE \
        MEETING IS MOVED TO THURSDAY.\n";
    assert_eq!(text(&["pairs", "-n", "1"]), expected);
}

#[test]
fn each_way_finds_the_three_subjects() {
    for options in [
        &["--min-score", "0.5", "--min-size", "2"][..],
        &["--kmeans", "3"],
        &["--threshold", "0.4"],
    ] {
        let found = json(&[&["cluster"], options].concat());
        let mut groups: Vec<_> = found.iter().map(rows).collect();
        groups.sort_unstable();
        assert_eq!(groups, [vec![0, 2, 5], vec![1, 4], vec![3, 6, 7]], "{options:?}");
        for (place, cluster) in found.iter().enumerate() {
            assert_eq!(
                (&cluster["cluster"], &cluster["size"]),
                (&place.into(), &rows(cluster).len().into())
            );
        }
    }
}

#[test]
fn a_summary_tells_size_centre_and_examples() {
    let found = text(&["cluster", "--kmeans", "3", "--examples", "2"]);
    let trains = "    3 texts  When does the train to Hamburg depart?\n     0.7170  The train to \
        Hamburg leaves at nine.\n";
    assert!(found.contains(&format!("{trains}             and 1 more\n")), "{found}");
    assert_eq!(
        text(&["cluster", "--kmeans", "3"]),
        text(&["cluster", "--kmeans", "3", "--threads", "1", "--level", "portable"])
    );
    let run = run_with_input(
        &["cluster", "-", "--min-score", "0.99", "--min-size", "3"],
        NOTES.as_bytes(),
    );
    assert_eq!((run.message(0), run.stdout.as_slice()), ("0 clusters with 0 of 8 texts", &b""[..]));
}

/// Seven questions, whose community sentence-transformers 6.2.0 orders as below.
const RICE: &str = "how do I cook rice and beans
How do I cook rice?
how do I cook rice
how do i cook rice!
How do I cook rice
HOW DO I COOK RICE
how do I cook beans
";

#[test]
fn a_community_begins_with_its_centre_and_none_is_below_the_least_score() {
    let cluster = |texts: &str, options: &[&str]| {
        let run = run_with_input(
            &[&["cluster", "-q", "--json", "-"], options].concat(),
            texts.as_bytes(),
        );
        let found = String::from_utf8(run.ok()).expect("UTF-8");
        serde_json::from_str::<Value>(&found).expect("one cluster")
    };
    let found = cluster(RICE, &["--min-size", "3", "--min-score", "0.72"]);
    assert_eq!(found["rows"], serde_json::json!([0, 2, 4, 5, 1, 3, 6]));
    assert_eq!(found["texts"][0], "how do I cook rice and beans");
    let scores = found["scores"].as_array().expect("a list").iter();
    let original = [1.0, 0.8492, 0.8492, 0.8492, 0.8452, 0.8330, 0.8264];
    assert_eq!(scores.len(), original.len());
    for (score, original) in scores.zip(original) {
        let score = score.as_f64().expect("a number");
        assert!((score - original).abs() < 1e-4, "{score} is not {original}");
    }
    let two = "how to cook bun bo hue\nhow to cook my quang\n";
    let found = cluster(two, &["--min-size", "2", "--min-score", "0.4"]);
    assert_eq!(found["rows"], serde_json::json!([0, 1]));
}

#[test]
fn a_community_on_a_map_has_the_name_of_its_centre() {
    let directory = tempfile::tempdir().expect("a directory");
    let html = directory.path().join("map.html");
    let page = html.to_str().expect("UTF-8");
    let options = ["--min-size", "3", "--min-score", "0.72", "--html", page];
    run_with_input(&[&["map", "-q", "-"][..], &options].concat(), RICE.as_bytes()).ok();
    let page = std::fs::read_to_string(&html).expect("the page");
    assert!(page.contains("</b> <bdi>how do I cook rice and beans</bdi> <small>7</small>"));
}

#[test]
fn duplicates_are_dropped_and_told() {
    let run = run_with_input(&["dedupe", "-"], NOTES.as_bytes());
    assert_eq!(run.message(0), "7 texts to keep, 1 to drop");
    assert_eq!(
        String::from_utf8(run.stdout).expect("UTF-8"),
        NOTES.replace("THE MEETING IS MOVED TO THURSDAY.\n", "")
    );
    assert_eq!(text(&["dedupe", "--drop"]), "THE MEETING IS MOVED TO THURSDAY.\n");
    let dropped = json(&["dedupe", "--threshold", "0.7"]);
    let pairs: Vec<_> =
        dropped.iter().map(|drop| (drop["row"].as_u64(), drop["kept"].as_u64())).collect();
    assert_eq!(pairs, [(Some(2), Some(0)), (Some(6), Some(3)), (Some(7), Some(3))]);
}

#[test]
fn an_index_is_taken_as_it_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let index = directory.path().join("notes.index");
    let index = index.to_str().expect("UTF-8");
    run_with_input(&["index", "-q", "-", "-o", index], NOTES.as_bytes()).ok();
    for command in [&["pairs"][..], &["cluster", "--kmeans", "3"], &["dedupe"]] {
        assert_eq!(
            run(&[command, &["-q", index]].concat()).ok(),
            text(command).as_bytes(),
            "{command:?}"
        );
    }
}

#[test]
fn what_an_index_cannot_be_asked_for_is_misuse() {
    let directory = tempfile::tempdir().expect("a directory");
    let index = directory.path().join("notes.index");
    let index = index.to_str().expect("UTF-8");
    run_with_input(&["index", "-q", "-", "-o", index], NOTES.as_bytes()).ok();
    let given = [
        &["--column", "a"][..],
        &["--field", "a"],
        &["--truncate-dim", "8"],
        &["--max-tokens", "9"],
        &["--normalize"],
    ];
    for options in given.into_iter().chain([&["--no-normalize"][..], &["--strict"]]) {
        for command in [
            &["pairs", index][..],
            &["cluster", index],
            &["dedupe", index],
            &["map", index, "--html", "x.html"],
        ] {
            let message =
                format!("{}: {index} is an index, with texts and vectors as they are", options[0]);
            assert_eq!(run(&[command, options].concat()).message(2), message);
        }
    }
}

#[test]
fn vectors_that_find_no_room_say_where_and_how_to_have_them_elsewhere() {
    let directory = tempfile::tempdir().expect("a directory");
    let missing = directory.path().join("missing");
    let labels = "text\tlabel\na\tx\nb\ty\n";
    for (command, input) in [(&["dedupe", "-"][..], NOTES), (&["eval", "clusters", "-"], labels)] {
        let run = finish(
            program(command).env("TMPDIR", &missing).stdin(std::process::Stdio::piped()),
            input.as_bytes(),
        );
        let place = format!(
            "cannot write the vectors to {} (TMPDIR names another place)",
            missing.display()
        );
        assert_eq!(run.message(1), format!("{place}: No such file or directory (os error 2)"));
    }
}

#[test]
fn options_that_make_no_sense_are_misuse() {
    let run = |options: &[&str]| run_with_input(&[options, &["-"]].concat(), NOTES.as_bytes());
    assert_eq!(run(&["dedupe", "--threshold", "nan"]).message(2), "--threshold: it is NaN");
    assert_eq!(run(&["cluster", "--threshold", "nan"]).message(2), "--threshold: it is NaN");
    assert_eq!(
        run(&["cluster", "--kmeans", "9"]).message(1),
        "- has 8 texts, too few for 9 clusters"
    );
    for misuse in [
        &["cluster", "--kmeans", "0"][..],
        &["cluster", "--kmeans", "2", "--threshold", "0.5"],
        &["pairs", "-n", "0"],
        &["pairs", "--min-score", "5"],
        &["dedupe", "--threshold", "2"],
        &["cluster", "--threshold", "-1.5"],
    ] {
        assert_eq!(run(misuse).status, Some(2), "{misuse:?}");
    }
}
