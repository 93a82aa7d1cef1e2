//! Searches your notes: `cargo run --release --example search_notes -- "how do I remove stains"`
//!
//! The notes are embedded once and kept in an index. The next run only embeds the question.

use minilm::{
    SentenceEncoder,
    model::Mapped,
    tasks::{
        index::{self, Index},
        search::Search,
    },
};
use std::{env, error::Error, fs};

const MODEL: &str = "weights/all-MiniLM-L6-v2";
const NOTES: &str = "crates/minilm/examples/data/notes.txt";

fn main() -> Result<(), Box<dyn Error>> {
    let question = env::args().nth(1).unwrap_or_else(|| "how do I remove stains".to_owned());
    let encoder = SentenceEncoder::load(MODEL)?;
    let space = encoder.space();

    let path = env::temp_dir().join("minilm-example-notes.index");
    if !path.exists() {
        let text = fs::read_to_string(NOTES)?;
        let notes: Vec<&str> = text.lines().collect();
        index::write(&path, &space, encoder.encode(&notes)?.view(), &notes)?;
    }

    let index = Index::new(&path, Mapped::open(&path)?)?; // the file stays on the disk
    let query = encoder.encode(&[&question])?;
    // refused if another model made the index
    let hits = index.search(&space, query.view(), &Search::new().top_k(3))?;
    println!("{question}");
    for hit in &hits[0] {
        println!("{:7.4}  {}", hit.score, index.text(hit.corpus_id)?);
    }
    Ok(())
}
