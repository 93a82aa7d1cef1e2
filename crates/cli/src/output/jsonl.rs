//! One JSON object a text; each value in the fewest digits that give back the same `f32`.

use super::{Format, Target};
use minilm::SentenceEmbedding;
use serde::Serialize;
use std::io::{self, Write};

pub(super) struct Jsonl(pub(super) Target);

#[derive(Serialize)]
struct Row<'a> {
    text: &'a str,
    tokens: usize,
    dropped: usize,
    embedding: &'a [f32],
}

impl Format for Jsonl {
    fn row(&mut self, sentence: &SentenceEmbedding<String>) -> io::Result<()> {
        let embedding = sentence.embedding.as_slice().expect("an owned vector is contiguous");
        let row = Row {
            text: &sentence.text,
            tokens: sentence.tokens,
            dropped: sentence.dropped,
            embedding,
        };
        serde_json::to_writer(&mut self.0, &row)?;
        self.0.write_all(b"\n")?;
        self.0.end_of_row()
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.0.finish()
    }
}
