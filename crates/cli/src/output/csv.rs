//! A table with a header (RFC 4180); each value in the fewest digits that give back the same `f32`.

use super::{Format, Target};
use minilm::SentenceEmbedding;
use std::io;

pub(super) struct Csv(csv::Writer<Target>);

impl Csv {
    pub(super) fn begin(target: Target, dimension: usize) -> io::Result<Csv> {
        let mut writer = csv::Writer::from_writer(target);
        let columns = ["text", "tokens", "dropped"].map(str::to_owned).into_iter();
        writer.write_record(columns.chain((0..dimension).map(|i| format!("e{i}"))))?;
        Ok(Csv(writer))
    }
}

impl Format for Csv {
    fn row(&mut self, sentence: &SentenceEmbedding<String>) -> io::Result<()> {
        self.0.write_field(&sentence.text)?;
        self.0.write_field(sentence.tokens.to_string())?;
        self.0.write_field(sentence.dropped.to_string())?;
        for x in &sentence.embedding {
            self.0.write_field(x.to_string())?;
        }
        self.0.write_record(None::<&[u8]>)?; // ends the row
        if self.0.get_ref().is_live() {
            self.0.flush()?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        let target = self.0.into_inner().map_err(csv::IntoInnerError::into_error)?;
        target.finish()
    }
}
