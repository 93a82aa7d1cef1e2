//! `minilm similarity`.

mod support;

use support::*;

const PAIR: [&str; 2] = ["A man is eating food.", "Someone has a meal."];

fn score(arguments: &[&str]) -> f64 {
    let stdout =
        String::from_utf8(run(&[&["similarity"], arguments].concat()).ok()).expect("UTF-8");
    let number = stdout.strip_suffix('\n').expect("a line");
    assert_eq!(number.split_once('.').map(|(_, decimals)| decimals.len()), Some(6), "{number}");
    number.parse().expect("a number")
}

#[test]
fn the_score_is_that_of_the_embeddings() {
    let rows = jsonl(&run(&["embed", "-f", "jsonl", PAIR[0], PAIR[1]]).ok());
    let pairs: Vec<_> = rows[0]
        .embedding
        .iter()
        .zip(&rows[1].embedding)
        .map(|(&a, &b)| (f64::from(a), f64::from(b)))
        .collect();
    let sum = |f: fn(f64, f64) -> f64| pairs.iter().map(|&(a, b)| f(a, b)).sum::<f64>();
    let dot = sum(|a, b| a * b);
    let near = |a: f64, b: f64| assert!((a - b).abs() < 2e-6, "{a} {b}");
    near(score(&PAIR), dot); // unit vectors
    near(score(&["--score", "cosine", PAIR[0], PAIR[1]]), dot);
    near(score(&["--score", "dot", PAIR[0], PAIR[1]]), dot);
    near(score(&["--score", "euclidean", PAIR[0], PAIR[1]]), -sum(|a, b| (a - b) * (a - b)).sqrt());
    near(score(&["--score", "manhattan", PAIR[0], PAIR[1]]), -sum(|a, b| (a - b).abs()));
}

#[test]
fn a_text_is_as_like_itself_as_can_be() {
    assert_eq!(score(&["the same", "the same"]), 1.0);
    assert!(
        score(&["--score", "euclidean", "the same", "the same"]).is_sign_positive(),
        "0, not -0"
    );
    assert_eq!(score(&["", ""]), 1.0);
}
