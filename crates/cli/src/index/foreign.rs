//! An index of vectors that are there already.

use super::Index;
use crate::{
    corpus::Corpus,
    error::Error,
    interrupt::Interrupt,
    model,
    notes::message,
    options::Common,
    sample::{self, Sample},
    show::count,
    vectors::Part,
};
use minilm::{
    Prompt, SentenceEncoder,
    tasks::index::{Space, Writer},
};
use std::path::Path;

/// Writes the vectors of a file with the texts of another.
pub(super) fn run(
    common: &Common,
    command: &Index,
    vectors: &Path,
    output: &Path,
) -> Result<(), Error> {
    let [file] = &command.files[..] else {
        return Err(Error::Usage("--vectors: its rows are the texts of one file".to_owned()));
    };
    let kept = command.keep.names();
    let records = command.input.open_with(file, &kept)?;
    let mut rows = Part::default().open(vectors)?;
    let columns = rows.columns()?;
    let interrupt = Interrupt::watch().map_err(|source| Error::Signals { source })?;
    let (space, encoder) = space(common, command)?;
    if let Some(encoder) = &encoder {
        sample::check_columns(rows.name(), columns, encoder)?;
    }
    let mut writer = match command.append {
        true => Writer::append_or_create_with(output, &space, columns, &kept)?,
        false => Writer::create_with(output, &space, columns, &kept)?,
    };
    let mut sample = Sample::default();
    let texts = Corpus::new(records, &interrupt).pair(rows, common.quiet, |of, vector| {
        sample.push(&of.text, vector);
        Ok(writer.push_with(vector, &of.text, &of.values)?)
    })?;
    if interrupt.asked() {
        let name = output.display();
        return Err(Error::Interrupted(format!(
            "stopped after {texts} texts; {name} is as it was"
        )));
    }
    if let Some(encoder) = &encoder {
        let remedy = "; --vectors-by NAME says that another model made them";
        sample.check(&vectors.display().to_string(), encoder, sample::NEAR, remedy)?;
    }
    let rows = count(writer.finish()?, "text");
    if !common.quiet {
        message(&format!("{} holds {rows}", output.display()));
    }
    Ok(())
}

/// The space of the vectors, and the encoder that they are compared with.
fn space(common: &Common, command: &Index) -> Result<(Space, Option<SentenceEncoder>), Error> {
    if let Some(name) = &command.vectors_by {
        if let Some(option) = command.encoding.given().next() {
            return Err(Error::Usage(format!("--{option}: with --vectors-by nothing is embedded")));
        }
        let fingerprint = Space::fingerprint([b"vectors by".as_slice(), name.as_bytes()]);
        return Ok((Space::new(name, &fingerprint), None));
    }
    let encoder = model::load_for(common, &command.encoding, Some(Prompt::Document))?;
    Ok((encoder.space(), Some(encoder)))
}
