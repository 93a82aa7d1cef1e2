//! Sorts the hits of a keyword search by meaning: `cargo run --release --example rerank`
//!
//! A keyword search is quick and finds texts with the words of the question. The model sorts those
//! that answer it to the top.

use minilm::{
    SentenceEncoder,
    tasks::{evaluate::rerank_metrics, search::Search},
};
use std::error::Error;

const QUESTION: &str = "My laptop gets too hot, what can I do?";

/// The hits of a keyword search, in its order, and whether each is an answer.
const FOUND: [(&str, bool); 6] = [
    ("Hot offers: laptops that everybody can afford", false),
    ("Ten dishes that are too hot for most people", false),
    ("Cleaning the fan of an overheating notebook", true),
    ("What can I do in the city on a hot day?", false),
    ("An overheating computer may need a cooling pad or new thermal paste", true),
    ("Laptop bags that get you through the winter", false),
];

fn main() -> Result<(), Box<dyn Error>> {
    let encoder = SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    let question = encoder.encode(&[QUESTION])?;
    let found = encoder.encode(&FOUND.map(|(text, _)| text))?;
    let ranked = &Search::new().top_k(FOUND.len()).run(question.view(), found.view())?[0];

    println!("{QUESTION}");
    for hit in ranked {
        let (text, is_answer) = FOUND[hit.corpus_id];
        println!("{:7.4} {} {text}", hit.score, if is_answer { "*" } else { " " });
    }

    // The gain: the mean average precision of both orders.
    let answers = |order: Vec<usize>| order.iter().map(|&row| FOUND[row].1).collect::<Vec<bool>>();
    let falling = || (0..FOUND.len()).map(|place| -(place as f64)).collect::<Vec<f64>>();
    let before = rerank_metrics(&[(falling(), answers((0..FOUND.len()).collect()))], 10)?;
    let after = rerank_metrics(
        &[(falling(), answers(ranked.iter().map(|hit| hit.corpus_id).collect()))],
        10,
    )?;
    println!("mean average precision: {:.2} before, {:.2} after", before.map, after.map);
    Ok(())
}
