//! Embeds a stream of texts that need not fit in memory, into an index on the disk:
//! `cat huge.txt | cargo run --release --example embed_stream`
//!
//! Texts are read ahead by a window, so that all CPUs have work; memory stays the same for any
//! number of them.

use minilm::{SentenceEncoder, tasks::index::Writer};
use std::{
    env,
    error::Error,
    io::{self, BufRead, IsTerminal},
};

const MODEL: &str = "weights/all-MiniLM-L6-v2";

/// Lines of standard input, or a thousand texts if there is nothing to read. A line that cannot be
/// read ends them.
fn texts(failure: &mut Option<io::Error>) -> Box<dyn Iterator<Item = String> + '_> {
    if io::stdin().is_terminal() {
        return Box::new(
            (0..1000).map(|i| format!("Sensor {} reports {} degrees.", i % 20, i % 35)),
        );
    }
    Box::new(
        io::stdin()
            .lock()
            .lines()
            .map_while(move |line| line.map_err(|error| *failure = Some(error)).ok()),
    )
}

fn main() -> Result<(), Box<dyn Error>> {
    let encoder = SentenceEncoder::load(MODEL)?;
    let path = env::temp_dir().join("minilm-example-stream.index");
    let mut writer = Writer::create(&path, &encoder.space(), encoder.dimension())?;
    let (mut cut, mut failure) = (0, None);
    for result in encoder.encode_iter(texts(&mut failure)) {
        let sentence = result?;
        cut += usize::from(sentence.dropped > 0);
        writer.push(&sentence.embedding.to_vec(), &sentence.text)?;
        if writer.rows().is_multiple_of(10_000) {
            eprintln!("{} texts", writer.rows());
        }
    }
    if let Some(error) = failure {
        return Err(error.into());
    }
    let rows = writer.finish()?; // only now the file appears
    println!(
        "{rows} texts, {cut} of them longer than {} tokens, in {}",
        encoder.max_tokens(),
        path.display()
    );
    Ok(())
}
