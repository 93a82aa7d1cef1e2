//! For people: one line a text, rounded to seven decimals.

use super::{Format, Target};
use minilm::SentenceEmbedding;
use std::io::{self, Write};

pub(super) struct Text(pub(super) Target);

impl Format for Text {
    fn row(&mut self, sentence: &SentenceEmbedding<String>) -> io::Result<()> {
        let values: Vec<_> = sentence.embedding.iter().map(|x| format!("{x:.7}")).collect();
        writeln!(self.0, "[{}]", values.join(", "))?;
        self.0.end_of_row()
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.0.finish()
    }
}
