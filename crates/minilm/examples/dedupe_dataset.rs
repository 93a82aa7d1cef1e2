//! Drops questions that were asked before:
//! `cargo run --release --example dedupe_dataset > unique.jsonl`
//!
//! Records go to standard output as they came. The dropped records go to standard error, each with
//! the reason.

use minilm::{SentenceEncoder, tasks::duplicates};
use std::{error::Error, fs};

/// Two questions with at least this cosine are one. The right value depends on the texts: look at
/// the records that are dropped.
const THRESHOLD: f32 = 0.9;

fn main() -> Result<(), Box<dyn Error>> {
    let file = fs::read_to_string("crates/minilm/examples/data/faq.jsonl")?;
    let records: Vec<&str> = file.lines().collect();
    let questions = records.iter().map(|record| {
        let record: serde_json::Value = serde_json::from_str(record)?;
        record["question"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| "a record without a question".into())
    });
    let questions = questions.collect::<Result<Vec<String>, Box<dyn Error>>>()?;

    let embeddings = SentenceEncoder::load("weights/all-MiniLM-L6-v2")?.encode(&questions)?;
    let found = duplicates::near(embeddings.view(), THRESHOLD)?;

    for &row in &found.keep {
        println!("{}", records[row]);
    }
    for drop in &found.drop {
        eprintln!(
            "{:.4}  {:?} repeats {:?}",
            drop.score, questions[drop.row], questions[drop.kept]
        );
    }
    Ok(())
}
