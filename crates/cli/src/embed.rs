//! `minilm embed`: texts in, embeddings out, in memory that does not grow with the number of texts.

use crate::{
    args::{Common, Embed},
    error::Error,
    input::Texts,
    model, note_truncated, output,
    progress::Progress,
};
use std::io::{self, IsTerminal};

pub(crate) fn run(common: &Common, command: &Embed) -> Result<(), Error> {
    let mut texts = Texts::open(command)?;
    let output = output::Plan::open(command)?;
    let encoder = model::load(common, &command.encoding)?;
    let mut output = output.begin(encoder.dimension())?;

    // Rows that scroll by on the same terminal are progress enough.
    let bar_is_alone = command.output.is_some() || !io::stdout().is_terminal();
    let mut progress = Progress::new(bar_is_alone && !common.quiet, texts.size());
    let mut truncated = 0;
    let mut failure = None;
    for result in encoder.encode_iter(texts.by_ref()) {
        match result {
            Ok(sentence) => {
                output.row(&sentence)?;
                truncated += usize::from(sentence.dropped > 0);
                progress.advance(&sentence.text);
            }
            Err(error) => failure = Some(error),
        }
    }
    progress.finish();
    if let Some(error) = failure {
        return Err(Error::in_text(error, |index| texts.place(index)));
    }
    texts.finish()?;
    output.finish()?;
    note_truncated(common.quiet, truncated, encoder.max_tokens());
    Ok(())
}
