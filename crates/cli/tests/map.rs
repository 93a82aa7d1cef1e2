//! `minilm map` and `minilm man`.

mod support;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use std::fs;
use support::*;

/// The page of texts, one per line.
fn page(options: &[&str], texts: &str) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("map.html");
    let html = ["--html", path.to_str().expect("UTF-8")];
    run_with_input(&[&["map", "-q", "-"], &html[..], options].concat(), texts.as_bytes()).ok();
    assert_eq!(files(directory.path()), ["map.html"]);
    fs::read_to_string(path).expect("the page")
}

/// Every part of the text between two words.
fn between<'a>(page: &'a str, before: &'a str, after: &'a str) -> Vec<&'a str> {
    page.split(before).skip(1).map(|rest| rest.split(after).next().expect("a part")).collect()
}

/// The row of each entry of the lists, group by group.
fn rows(page: &str) -> Vec<Vec<usize>> {
    let number = |number: &str| number.parse::<usize>().expect("a number");
    let group =
        |group: &str| between(group, "<li value=\"", "\"").into_iter().map(number).collect();
    between(page, "<details class=\"group\">", "</details>").into_iter().map(group).collect()
}

/// The places of all rows.
fn places(page: &str) -> Vec<[f64; 2]> {
    let numbers = between(page, "id=\"places\">", "<")[0]
        .split(' ')
        .map(|x| x.parse::<f64>().expect("a number"));
    let numbers: Vec<f64> = numbers.collect();
    let rows: Vec<usize> = rows(page).concat();
    assert_eq!(numbers.len(), 2 * rows.len());
    let mut places = vec![[f64::NAN; 2]; rows.len()];
    rows.iter().zip(numbers.chunks(2)).for_each(|(&row, place)| places[row] = [place[0], place[1]]);
    places
}

#[test]
fn every_text_is_on_the_page_once_with_a_place_and_its_cluster() {
    let page = page(&["--kmeans", "3"], NOTES);
    let mut groups = rows(&page);
    groups.iter_mut().for_each(|rows| rows.sort_unstable());
    groups.sort_unstable();
    assert_eq!(groups, [vec![0, 2, 5], vec![1, 4], vec![3, 6, 7]]);
    for text in NOTES.lines() {
        assert!(page.contains(&format!("<bdi>{text}</bdi></li>")), "{text}");
    }
    assert!(
        page.contains(
            "</b> <bdi>When does the train to Hamburg depart?</bdi> <small>3 texts</small>"
        )
    );
    let places = places(&page);
    assert!(places.iter().flatten().all(|x| (0.0..=9999.0).contains(x)));
    assert!(places.iter().flatten().any(|&x| x == 9999.0));
    assert!(!page.contains("{{"));
    assert_eq!(page.matches("<p>8 texts in 3 clusters.").count(), 1);
}

#[test]
fn texts_that_are_alike_lie_together() {
    let subjects = [
        ("bakes bread with flour", 12),
        ("takes the night train to Hamburg", 12),
        ("reads a book about stars", 12),
    ];
    let texts: Vec<String> = (0..36)
        .map(|i| {
            format!(
                "Person {} {}",
                ["A", "B", "C", "D", "E", "F", "G", "H", "I", "K", "L", "M"][i / 3],
                subjects[i % 3].0
            )
        })
        .collect();
    let places = places(&page(&[], &(texts.join("\n") + "\n")));
    let distance =
        |i: usize, j: usize| (places[i][0] - places[j][0]).hypot(places[i][1] - places[j][1]);
    for i in 0..36 {
        let nearest =
            (0..36).filter(|&j| j != i).min_by(|&a, &b| distance(i, a).total_cmp(&distance(i, b)));
        assert_eq!(nearest.map(|j| j % 3), Some(i % 3), "{i}");
    }
}

#[test]
fn a_seed_fixes_the_page_and_an_index_gives_the_same() {
    let first = page(&["--seed", "3"], NOTES);
    assert_eq!(page(&["--seed", "3", "--threads", "1", "--level", "portable"], NOTES), first);
    assert_ne!(places(&page(&["--seed", "4"], NOTES)), places(&first));
    let directory = tempfile::tempdir().expect("a directory");
    let [index, html] = ["notes.index", "map.html"].map(|name| directory.path().join(name));
    let [index_name, html_name] = [&index, &html].map(|path| path.to_str().expect("UTF-8"));
    run_with_input(&["index", "-q", "-", "-o", index_name], NOTES.as_bytes()).ok();
    run(&["map", "-q", "--seed", "3", index_name, "--html", html_name]).ok();
    assert_eq!(places(&fs::read_to_string(html).expect("the page")), places(&first));
}

#[test]
fn communities_leave_texts_without_a_cluster() {
    let page = page(&["--min-score", "0.9", "--min-size", "2"], NOTES);
    let groups = rows(&page);
    assert_eq!((groups.len(), groups[0].len(), groups[1].clone()), (2, 3, vec![0, 1, 2, 4, 5]));
    assert!(page.contains("<b class=\"mark\">–</b> <bdi>in no cluster</bdi> <small>5</small>"));
}

#[test]
fn one_two_and_three_texts_and_equal_ones_are_a_map_too() {
    for texts in
        ["one\n", "one\ntwo\n", "one\ntwo\nthree\n", "same\nsame\nsame\nsame\nsame\nsame\n", "\n"]
    {
        let places = places(&page(&[], texts));
        assert_eq!(places.len(), texts.lines().count());
        assert!(places.iter().flatten().all(|x| (0.0..=9999.0).contains(x)), "{places:?}");
    }
}

#[test]
fn nothing_of_a_text_is_markup() {
    let nasty = "</script><script>alert(1)</script>\n\"><img src=x onerror=alert(1)>\n\
        {{places}} </details>\n\u{7} \u{1b} </li>\n";
    let page = page(&["--kmeans", "2"], nasty);
    assert_eq!(
        (
            page.matches("<script").count(),
            page.matches("</details>").count(),
            page.matches("</li>").count()
        ),
        (2, 2, 4 + 2)
    );
    assert!(
        !page.contains("<img")
            && !page.contains('\u{7}')
            && page.contains("{{places}} &lt;/details&gt;")
    );
}

#[test]
fn mistakes_are_named_and_leave_an_old_page_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("map.html");
    fs::write(&path, "old").expect("a file");
    let run_in = |options: &[&str], texts: &str| {
        let html = ["map", "-", "--html", path.to_str().expect("UTF-8")];
        run_with_input(&[&html[..], options].concat(), texts.as_bytes())
    };
    assert_eq!(run_in(&[], "").message(1), "standard input holds no texts");
    assert_eq!(
        run_in(&["--kmeans", "9"], NOTES).message(1),
        "- has 8 texts, too few for 9 clusters"
    );
    assert_eq!(
        run_in(&["--perplexity", "0"], NOTES).message(2),
        "--perplexity: it is 0, but at least 1 is needed"
    );
    assert_eq!(run_in(&["--min-score", "nan"], NOTES).status, Some(2));
    for misuse in [
        &["--kmeans", "0"][..],
        &["--kmeans", "2", "--min-score", "0.5"],
        &["--min-size", "3"],
        &["--seed", "x"],
    ] {
        assert_eq!(run_in(misuse, NOTES).status, Some(2), "{misuse:?}");
    }
    assert_eq!(fs::read_to_string(&path).expect("the file"), "old");
    assert_eq!(files(directory.path()), ["map.html"]);
    let nowhere = run_with_input(&["map", "-", "--html", "/no/such/map.html"], NOTES.as_bytes());
    assert_eq!(
        nowhere.message(1),
        "cannot write /no/such/map.html: No such file or directory (os error 2)"
    );
    assert_eq!(run_with_input(&["map", "-"], NOTES.as_bytes()).status, Some(2));
    assert_eq!(run_in(&[], NOTES).message(0), "8 texts in 2 clusters");
}

#[test]
fn the_page_contains_the_package_and_the_model_to_search_by_meaning() {
    let package = tempfile::tempdir().expect("a directory");
    let folder = package.path().to_str().expect("UTF-8");
    let misuse = run_with_input(&["map", "-", "--html", "x", "--search", folder], b"one\ntwo\n");
    assert!(misuse.message(2).contains("minilm.wasm; DIR is the npm package"));
    let scripts = [("index.js", "import { x } from \"./other.js\";"), ("other.js", "x")];
    for (name, content) in [("minilm.wasm", "module")].into_iter().chain(scripts) {
        fs::write(package.path().join(name), content).expect("a file");
    }

    let page = page(&["--kmeans", "3", "--search", folder], NOTES);
    assert!(page.contains("'wasm-unsafe-eval' data:") && page.contains("id=\"by-meaning\""));
    let decode = |text: &str| BASE64_STANDARD.decode(text).expect("base64");
    let map: Value = serde_json::from_str(between(&page, "\"importmap\">", "<")[0]).expect("JSON");
    let index = map["imports"]["minilm/index.js"].as_str().expect("an address");
    let script = decode(index.strip_prefix("data:text/javascript;base64,").expect("a script"));
    assert_eq!(script, b"import { x } from \"minilm/other.js\";");
    assert!(map["imports"]["minilm/other.js"].is_string());
    assert_eq!(decode(between(&page, "id=\"module\">", "<")[0]), b"module");
    let files = between(&page, "data-file=\"", "\"");
    for file in ["config.json", "tokenizer.json", "1_Pooling/config.json", "model.safetensors"] {
        assert!(files.contains(&file), "{file} is not among {files:?}");
    }

    let vectors = decode(between(&page, "data-dimensions=\"384\" data-prompt=\"\">", "<")[0]);
    let texts: Vec<&str> = NOTES.lines().collect();
    let embed = [&["embed", "-q", "--format", "jsonl"], &texts[..]].concat();
    let expected = String::from_utf8(run(&embed).ok()).expect("UTF-8");
    let expected: Vec<Value> =
        expected.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let rows: Vec<usize> = rows(&page).concat();
    assert_eq!(vectors.len(), 384 * rows.len());
    for (&row, bytes) in rows.iter().zip(vectors.chunks(384)) {
        let vector = expected[row]["embedding"].as_array().expect("a vector");
        let vector: Vec<f32> = vector.iter().map(|x| x.as_f64().expect("x") as f32).collect();
        let bytes: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte as i8)).collect();
        let cosine = minilm::similarity::cosine_f64(&vector, &bytes);
        assert!(cosine > 0.9999, "row {row}: {cosine}");
    }
}

#[test]
fn vectors_that_are_not_the_models_are_not_searched_by_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
    for name in ["minilm.wasm", "index.js"] {
        fs::write(path(name), "").expect("a file");
    }
    fs::write(path("texts.txt"), "one\ntwo\nthree\n").expect("a file");
    let vectors = path("others.npy");
    run(&["embed", "-q", "--output", &vectors, "A man eats.", "The sky", "Trains"]).ok();
    let html = path("map.html");
    let map = ["map", "-q", &path("texts.txt"), "--vectors", &vectors, "--html", &html];
    let package = directory.path().to_str().expect("UTF-8");
    let result = run(&[&map[..], &["--search", package]].concat());
    assert!(result.message(1).contains("does not hold the vectors of"), "{result:?}");
    assert!(!files(directory.path()).contains(&"map.html".to_owned()));
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let directory = tempfile::tempdir().expect("a directory");
    let man = directory.path().join("man/man1");
    run(&["man", man.to_str().expect("UTF-8")]).ok();
    let help = String::from_utf8(run(&["--help"]).ok()).expect("UTF-8");
    let commands = between(&help, "Commands:\n", "\n\n")[0]
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let commands: Vec<&str> = commands.filter(|&command| command != "help").collect();
    assert!(commands.contains(&"map") && !commands.contains(&"man"), "{help}");
    for command in commands {
        let page = fs::read_to_string(man.join(format!("minilm-{command}.1"))).expect("a page");
        assert!(page.contains(".SH DESCRIPTION") && page.contains(".SH OPTIONS"), "{command}");
    }
    assert!(
        fs::read_to_string(man.join("minilm-map.1"))
            .expect("a page")
            .contains("minilm map notes.index")
    );
    assert!(fs::read_to_string(man.join("minilm.1")).expect("a page").contains("minilm\\-map(1)"));
}
