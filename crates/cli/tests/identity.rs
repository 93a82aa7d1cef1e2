//! Rows keep their identity: `--id`, `--keep`, row numbers, and tables of results.

mod support;

use serde_json::{Value, json};
use std::fs;
use support::*;

/// A table with a record that has no text.
const TABLE: &str = "number,text,team\n\
    a7,When does the train to Hamburg depart?,rail\n\
    b1,,none\n\
    c3,The meeting is moved to Thursday.,\"office, ground floor\"\n\
    d4,The train to Hamburg leaves at nine.,rail\n\
    e5,THE MEETING IS MOVED TO THURSDAY.,office\n\
    f6,THE MEETING IS MOVED TO THURSDAY.,office\n";

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Files {
        let files = Files(tempfile::tempdir().expect("a directory"));
        fs::write(files.path("a.csv"), TABLE).expect("a file");
        files
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().expect("UTF-8").to_owned()
    }

    /// A command with the table and its columns.
    fn run(&self, command: &str, options: &[&str]) -> String {
        let table = self.path("a.csv");
        let kept = ["--missing", "skip", "--id", "number", "--keep", "team"];
        let all = [&[command, "-q", &table], &kept[..], options].concat();
        String::from_utf8(run(&all).ok()).expect("UTF-8")
    }
}

fn objects(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn pairs_name_their_records_also_behind_one_that_is_left_out() {
    let files = Files::new();
    let found = objects(&files.run("pairs", &["--min-score", "0.99", "--json", "--distinct"]));
    let rows: Vec<&Value> = found.iter().map(|pair| &pair["rows"]).collect();
    assert_eq!(rows, [&json!([2, 4]), &json!([2, 5])]); // 4 and 5 are equal
    let fields = json!([
        {"number": "c3", "team": "office, ground floor"},
        {"number": "e5", "team": "office"}
    ]);
    assert_eq!(found[0]["fields"], fields);
    let table = files.run("pairs", &["-n", "1", "--csv"]);
    let mut lines = table.lines();
    let header = "score,row_1,row_2,number_1,number_2,team_1,team_2,text_1,text_2";
    assert_eq!(lines.next(), Some(header));
    let pair = lines.next().expect("a pair");
    assert!(pair.contains(",2,4,c3,e5,\"office, ground floor\",office,The meeting"), "{pair}");
    let text = files.run("pairs", &["-n", "1"]);
    assert!(text.contains("Thursday.  number=c3 team=office, ground floor\n"), "{text}");
}

#[test]
fn pairs_leave_out_what_is_too_alike_and_say_when_nothing_is_left() {
    let files = Files::new();
    let all = objects(&files.run("pairs", &["--json"]));
    let less = objects(&files.run("pairs", &["--json", "--max-score", "0.99"]));
    assert!(!less.is_empty() && less.len() < all.len());
    assert!(less.iter().all(|pair| pair["score"].as_f64() <= Some(0.99)));
    let most = objects(&files.run("pairs", &["--json", "--max-score", "0.99", "-n", "1"]));
    assert_eq!(most, less[..1]);
    let table = files.path("a.csv");
    let run =
        run(&["pairs", &table, "--missing", "empty", "--max-score", "-0.99", "--min-score", "-1"]);
    let message = "no pair of 6 texts has a cosine of at least -1 and at most -0.99";
    assert_eq!(run.message(0), message);
}

#[test]
fn clusters_and_duplicates_join_back() {
    let files = Files::new();
    let table = files.run("cluster", &["--threshold", "0.5", "--csv"]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines[0], "cluster,row,score,number,team,text");
    assert_eq!(lines.len(), 6);
    assert!(lines.iter().any(|line| line.contains(",c3,\"office, ground floor\",The meeting")));
    let clusters = objects(&files.run("cluster", &["--threshold", "0.5", "--json"]));
    assert_eq!(clusters[1]["fields"][0]["team"], "rail");
    let dropped = objects(&files.run("dedupe", &["--json"]));
    assert_eq!((&dropped[0]["row"], &dropped[0]["kept"]), (&json!(4), &json!(2)));
    assert_eq!(dropped[0]["kept_fields"]["number"], "c3");
}

#[test]
fn an_index_holds_the_fields_and_a_search_shows_them() {
    let files = Files::new();
    let index = files.path("a.index");
    files.run("index", &["-o", &index]);
    let search = |options: &[&str]| {
        let all = [&["search", "-q", &index, "-k", "1", "trains to Hamburg"], options].concat();
        String::from_utf8(run(&all).ok()).expect("UTF-8")
    };
    let hit = &objects(&search(&["--json"]))[0];
    assert_eq!(hit["fields"]["team"], "rail");
    let table = search(&["--csv"]);
    assert!(table.starts_with("query,rank,score,row,number,team,text\ntrains to Hamburg,1,0."));
    assert!(search(&[]).contains(" team=rail\n"));
    // The commands that take an index have its fields.
    let pairs = String::from_utf8(run(&["pairs", "-q", &index, "-n", "1", "--csv"]).ok());
    assert!(pairs.expect("UTF-8").contains(",c3,e5,\"office, ground floor\",office,"));
    // Rows with other fields are not added, and the same ones are.
    let table = files.path("a.csv");
    let append = ["index", "-q", &table, "-o", &index, "--append", "--missing", "skip"];
    let message = run(&append).message(1).to_owned();
    assert!(message.ends_with("holds rows with the fields number, team, not with no fields"));
    run(&[&append[..], &["--id", "number", "--keep", "team"]].concat()).ok();
    assert!(run(&["index", "--check", &index]).message(0).contains("10 texts"));
}

#[test]
fn names_that_are_not_there_are_errors() {
    let files = Files::new();
    let table = files.path("a.csv");
    let message = run(&["pairs", &table, "--id", "nummer"]).message(1).to_owned();
    assert!(message.ends_with("has no column \"nummer\"; its columns are number, text, team"));
    let lines = run_with_input(&["pairs", "-", "--id", "x"], NOTES.as_bytes());
    assert!(lines.message(2).contains("is read as lines, which have no columns"));
    let object = b"{\"text\": \"a\", \"id\": 7}\n{\"text\": \"b\"}\n";
    let json = run_with_input(&["pairs", "-", "--field", "text", "--id", "id"], object);
    assert_eq!(
        json.message(1),
        "line 2 of standard input: there is no field \"id\"; the fields are text"
    );
}

#[test]
fn vectors_from_elsewhere_take_the_place_of_the_model() {
    let files = Files::new();
    fs::write(files.path("t.txt"), "east\nnorth\nalso east\n").expect("a file");
    fs::write(files.path("v.jsonl"), "[1,0]\n[0,1]\n[1,0.01]\n").expect("a file");
    let (texts, vectors) = (files.path("t.txt"), files.path("v.jsonl"));
    let command = ["pairs", &texts, "--vectors", &vectors, "--model", "no-model", "-n", "1"];
    let pairs = String::from_utf8(run(&command).ok()).expect("UTF-8");
    assert!(pairs.contains(" east\n") && pairs.contains(" also east\n"), "{pairs}");
    fs::write(files.path("w.jsonl"), "[1,0]\n[0,1]\n").expect("a file");
    let few = run(&["pairs", &texts, "--vectors", &files.path("w.jsonl")]);
    assert!(few.message(1).contains("t.txt has more texts than"), "{few:?}");
    fs::write(files.path("w.jsonl"), "[1,0]\n[0,1]\n[1,1]\n[2,2]\n").expect("a file");
    let many = run(&["pairs", &texts, "--vectors", &files.path("w.jsonl")]);
    assert!(many.message(1).contains("t.txt has 3 texts, but"), "{many:?}");
    let both = run(&["pairs", &texts, "--vectors", &vectors, "--normalize"]);
    assert_eq!(both.message(2), "--normalize: with --vectors nothing is embedded");
}

#[test]
fn a_map_is_a_table_and_its_colours_are_a_column() {
    let files = Files::new();
    let (csv, html) = (files.path("m.csv"), files.path("m.html"));
    files.run("map", &["--csv", &csv, "--html", &html, "--color", "team"]);
    let table = fs::read_to_string(&csv).expect("the table");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!((lines[0], lines.len()), ("row,x,y,cluster,number,team,text", 6));
    assert!(lines[1].starts_with("0,") && lines[2].starts_with("2,"), "{table}");
    assert!(lines[1].contains(",rail,a7,rail,When does"));
    let page = fs::read_to_string(&html).expect("the page");
    for part in ["<bdi>office, ground floor</bdi>", "<li value=\"5\">", "<small>number=f6"] {
        assert!(page.contains(part), "{part}");
    }
    let wrong = run(&["map", &files.path("a.csv"), "--csv", &csv, "--color", "colour"]);
    assert!(wrong.message(1).contains("has no column \"colour\""));
}
