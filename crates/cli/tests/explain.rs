//! `minilm explain`.

mod support;

use serde_json::Value;
use std::{fs, path::Path};
use support::*;

const PAIR: [&str; 2] = ["A man is eating food.", "Someone has a meal."];

fn explain(arguments: &[&str]) -> String {
    String::from_utf8(run(&[&["explain"], arguments].concat()).ok()).expect("UTF-8")
}

fn cosine(a: &str, b: &str) -> f64 {
    let stdout = String::from_utf8(run(&["similarity", a, b]).ok()).expect("UTF-8");
    stdout.trim().parse().expect("a number")
}

/// The pairs of the JSON, its cosine checked against all of its sums.
fn pairs(a: &str, b: &str) -> Vec<Vec<f64>> {
    let json: Value = serde_json::from_str(&explain(&["--json", a, b])).expect("JSON");
    let row = |row: &Value| {
        row.as_array()
            .expect("a row")
            .iter()
            .map(|x| x.as_f64().expect("a number"))
            .collect::<Vec<_>>()
    };
    let pairs: Vec<Vec<f64>> = json["pairs"].as_array().expect("rows").iter().map(row).collect();
    let (of_a, of_b) = (row(&json["of_a"]), row(&json["of_b"]));
    let total = cosine(a, b);
    for sum in [
        json["cosine"].as_f64().expect("a number"),
        of_a.iter().sum(),
        of_b.iter().sum(),
        pairs.iter().flatten().sum(),
    ] {
        assert!((sum - total).abs() < 1e-6, "{sum} {total}");
    }
    for (i, row) in pairs.iter().enumerate() {
        assert!((row.iter().sum::<f64>() - of_a[i]).abs() < 1e-12);
    }
    for j in 0..of_b.len() {
        assert!((pairs.iter().map(|row| row[j]).sum::<f64>() - of_b[j]).abs() < 1e-12);
    }
    assert_eq!(json["a"].as_array().map(Vec::len), Some(of_a.len()));
    assert_eq!(json["b"].as_array().map(Vec::len), Some(of_b.len()));
    pairs
}

/// The numbers of the grid: for each token of A, one for each of B and the sum, wherever the lines
/// are broken.
fn numbers(grid: &str) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = Vec::new();
    for block in grid.split("\n\n").skip(1) {
        let lines = block.lines().skip(1); // the tokens of B
        for (i, line) in lines
            .filter(|line| !line.starts_with("most:") && !line.starts_with("least:"))
            .enumerate()
        {
            rows.resize(rows.len().max(i + 1), Vec::new());
            rows[i].extend(line.split_whitespace().filter_map(|x| x.parse::<f64>().ok()));
        }
    }
    rows
}

#[test]
fn the_json_adds_up_to_the_similarity() {
    for [a, b] in [PAIR, ["", "東京 🛬"], ["word", "word"], ["<script>", "?"]] {
        pairs(a, b);
    }
}

#[test]
fn the_grid_is_the_json_in_thousandths_at_any_width() {
    let json = pairs(PAIR[0], PAIR[1]);
    for columns in ["1", "20", "40", "80", "1000", "0", "wide"] {
        let mut command = program(&["explain", PAIR[0], PAIR[1]]);
        let grid =
            String::from_utf8(finish(command.env("COLUMNS", columns), b"").ok()).expect("UTF-8");
        assert!(
            grid.starts_with(&format!(
                "cosine {:.6}, the sum of 8 × 7 pairs",
                cosine(PAIR[0], PAIR[1])
            )),
            "{grid}"
        );
        let width: usize = columns.parse().ok().filter(|&n| n > 0).unwrap_or(80);
        let table = grid.split("\n\n").filter(|block| block.starts_with(' ')).flat_map(str::lines);
        assert!(table.clone().count() >= 10);
        assert!(
            table.clone().all(|line| line.chars().count() <= width.max(20)),
            "{columns}: {grid}"
        );
        let rows = numbers(&grid);
        assert_eq!(rows.len(), 8 + 1);
        for (shown, row) in rows.iter().zip(&json) {
            let expected = row.iter().copied().chain([row.iter().sum()]);
            assert!(
                shown
                    .iter()
                    .zip(expected)
                    .all(|(shown, x)| (shown - 1000.0 * x).abs() <= 0.5 + 1e-9),
                "{shown:?} {row:?}"
            );
            assert_eq!(shown.len(), 7 + 1);
        }
    }
}

#[test]
fn long_texts_are_condensed_and_still_add_up() {
    let long = (0..60)
        .map(|i| ["river", "bank", "money", "water", "loan"][i % 5])
        .collect::<Vec<_>>()
        .join(" ");
    let grid = explain(&[&long, PAIR[1], "--tokens", "3"]);
    assert!(grid.contains("\n(59 others)"), "{grid}");
    assert!(grid.contains("(4 others)"), "{grid}");
    let rows = numbers(&grid);
    assert_eq!((rows.len(), rows[0].len()), (3 + 1 + 1, 3 + 1 + 1));
    let unit: f64 = grid
        .split("in units of ")
        .nth(1)
        .and_then(|rest| rest.split(':').next())
        .expect("a unit")
        .parse()
        .expect("a number");
    let total = rows[4][4] * unit;
    assert!((total - cosine(&long, PAIR[1])).abs() <= unit, "{grid}");
    assert_eq!(numbers(&explain(&[&long, PAIR[1], "--tokens", "0"])).len(), 62 + 1);
    assert_eq!(numbers(&explain(&[&long, PAIR[1]])).len(), 24 + 1 + 1);
}

#[test]
fn colours_are_only_where_they_are_wanted_and_change_no_number() {
    let plain = explain(&PAIR);
    assert!(!plain.contains('\u{1b}'), "a pipe is no terminal");
    let coloured = explain(&["--color", "always", PAIR[0], PAIR[1]]);
    assert!(coloured.contains("\u{1b}[48;5;"));
    let mut parts = coloured.split('\u{1b}');
    let rest = parts.next().expect("a beginning").to_owned();
    let stripped =
        parts.fold(rest, |text, part| text + part.split_once('m').expect("an escape ends").1);
    assert_eq!(stripped, plain);
    assert_eq!(explain(&["--color", "never", PAIR[0], PAIR[1]]), plain);
}

#[test]
fn a_terminal_is_not_sent_what_it_would_obey() {
    let grid = explain(&["\u{1b}[31m red \u{7}", "\u{9b}31m"]);
    assert!(grid.chars().all(|c| c == '\n' || !c.is_control()), "{grid:?}");
}

fn page(a: &str, b: &str) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("why.html");
    explain(&["--html", path.to_str().expect("UTF-8"), a, b]);
    assert_eq!(files(directory.path()), ["why.html"]);
    fs::read_to_string(path).expect("the page")
}

#[test]
fn the_page_has_every_pair_and_their_sum() {
    let html = page(PAIR[0], PAIR[1]);
    let table = html
        .split("<table id=\"pairs\">")
        .nth(1)
        .and_then(|rest| rest.split("</table>").next())
        .expect("a table");
    assert_eq!(table.matches("<td").count(), 8 * 7 + 8 + 7 + 1);
    assert!(table.contains("<th scope=\"row\"><bdi>eating</bdi></th>"));
    assert!(html.contains(&format!("<b id=\"cosine\">{:.4}</b>", cosine(PAIR[0], PAIR[1]))));
    assert!(!html.contains("{{") && !html.contains("<script"));
}

#[test]
fn nothing_of_a_text_is_markup() {
    for nasty in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "{{cosine}} </blockquote>",
        "&lt;b&gt; \u{7} \u{1b}",
    ] {
        for html in [page(nasty, "a text"), page("a text", nasty)] {
            assert!(
                !html.contains("<script") && !html.contains("<img") && !html.contains('\u{7}'),
                "{nasty}"
            );
            assert_eq!(html.matches("</blockquote>").count(), 2, "{nasty}");
        }
    }
    assert!(page("{{cosine}}", "x").contains("id=\"a\">{{cosine}}</blockquote>"));
}

#[test]
fn misuse_and_places_that_cannot_be_written_to_are_named() {
    assert_eq!(run(&["explain", "only one"]).status, Some(2));
    assert_eq!(run(&["explain", "--json", "--tokens", "3", "a", "b"]).status, Some(2));
    assert_eq!(run(&["explain", "--tokens", "-1", "a", "b"]).status, Some(2));
    let nowhere = run(&["explain", "--html", "/no/such/place.html", "a", "b"]);
    assert_eq!(
        nowhere.message(1),
        "cannot write /no/such/place.html: No such file or directory (os error 2)"
    );
    let strict = run(&["explain", "--strict", "--max-tokens", "4", "one", "one two three"]);
    assert_eq!(strict.message(1), "text 2 has 5 tokens, but the model reads 4");
    let cut = run(&["explain", "--max-tokens", "4", "one", "one two three"]);
    assert_eq!(cut.message(0), "1 text was longer than 4 tokens; the rest of it was not read");
}

#[test]
fn an_existing_page_is_replaced_only_by_a_complete_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("why.html");
    fs::write(&path, "old").expect("a file");
    let arguments = [
        "explain",
        "--strict",
        "--max-tokens",
        "3",
        "--html",
        path.to_str().expect("UTF-8"),
        "one two",
        "three",
    ];
    run(&arguments).message(1);
    assert_eq!(fs::read_to_string(&path).expect("the file"), "old");
    assert_eq!(files(directory.path()), ["why.html"]);
}

#[test]
fn a_model_that_does_not_pool_by_the_mean_is_refused() {
    let model = repository().join("weights/all-MiniLM-L6-v2");
    let copy = tempfile::tempdir().expect("a directory");
    for name in [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "modules.json",
        "sentence_bert_config.json",
    ] {
        link(&model.join(name), &copy.path().join(name));
    }
    fs::create_dir(copy.path().join("1_Pooling")).expect("a directory");
    fs::write(copy.path().join("1_Pooling/config.json"), r#"{"pooling_mode": "cls"}"#)
        .expect("a file");
    let run = run(&["--model", copy.path().to_str().expect("UTF-8"), "explain", "a", "b"]);
    assert_eq!(run.message(1), "only mean pooling can be explained, but this model has cls");
}

/// The same file under another name, without copying where that is possible.
fn link(from: &Path, to: &Path) {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to).expect("a copy");
    }
}
