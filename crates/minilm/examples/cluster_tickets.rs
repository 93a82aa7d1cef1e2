//! Groups support tickets that are about the same: `cargo run --release --example cluster_tickets`
//!
//! The number of groups is not known, so clusters are joined while their texts are alike enough, on
//! average.

use minilm::{
    SentenceEncoder, similarity,
    tasks::cluster::{Agglomerative, Distance, Linkage, members},
};
use std::{error::Error, fs};

/// A mean cosine of at least 0.35 between two clusters joins them. Try other values for other
/// texts.
const THRESHOLD: f64 = 0.65;

fn main() -> Result<(), Box<dyn Error>> {
    let text = fs::read_to_string("crates/minilm/examples/data/tickets.txt")?;
    let tickets: Vec<&str> = text.lines().collect();
    let embeddings = SentenceEncoder::load("weights/all-MiniLM-L6-v2")?.encode(&tickets)?;

    let clustering =
        Agglomerative::new(THRESHOLD).linkage(Linkage::Average).distance(Distance::Cosine);
    let mut clusters = members(&clustering.run(embeddings.view())?);
    clusters.sort_by_key(|rows| std::cmp::Reverse(rows.len()));

    for rows in clusters {
        // The ticket that stands for the others is the one most like them.
        let likeness = |&row: &usize| -> f32 {
            rows.iter()
                .map(|&other| similarity::cosine(embeddings.row(row), embeddings.row(other)))
                .sum()
        };
        let centre = rows.iter().copied().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
        println!("{} × {}", rows.len(), centre.map_or("", |row| tickets[row]));
        for &row in rows.iter().filter(|&&row| Some(row) != centre) {
            println!("    {}", tickets[row]);
        }
    }
    Ok(())
}
