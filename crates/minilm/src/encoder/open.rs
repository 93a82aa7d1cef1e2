//! An encoder from a model's files.

use super::{
    SentenceEncoder,
    head::Head,
    settings::{Normalize, Settings},
};
use crate::{
    EncodeOptions, Error, Prompt, SentenceEncoderBuilder,
    directory::Directory,
    files::Source,
    helpers::Helpers,
    process::PerProcess,
    threads::Threads,
    tokenize::{TextTokenizer, Vocabulary},
};
use minilm_model::Bert;
use std::sync::Arc;

impl SentenceEncoder {
    pub(crate) fn open(
        mut source: Source,
        options: SentenceEncoderBuilder,
    ) -> Result<SentenceEncoder, Error> {
        let directory = Directory::read(&source)?;
        let threads = Threads::new(options.threads)?;
        let folder = &directory.transformer;
        let checkpoint = source.take_weights(folder)?;
        let config = directory.config.clone();
        let precision = match options.precision {
            Some(precision) => precision,
            None => checkpoint.precision()?.unwrap_or_default(),
        };
        #[cfg(feature = "tasks")]
        let origin = super::space::Origin::new(&source, checkpoint.clone());
        let pack = || {
            // The memory of WebAssembly never shrinks, and nothing in it is mapped.
            if cfg!(target_family = "wasm") {
                return Bert::packed(config, checkpoint, options.level, precision);
            }
            Bert::with_precision(config, &checkpoint, options.level, precision)
        };
        let (bert, vocabulary) =
            threads.join(pack, || Vocabulary::read(&source, folder, &directory.tokenizer));
        let bert = bert?;
        let config = bert.config();

        if let Some((path, width)) = directory.pooling_width
            && width != config.hidden_size
        {
            let reason =
                format!("{width} is not hidden_size {} of config.json", config.hidden_size);
            return Err(Error::Field { path, field: "word_embedding_dimension", reason });
        }
        let width = directory.pooling.width(config.hidden_size);
        let head = Head::read(&mut source, &directory.steps, width, options.level)?;
        let positions = config.max_position_embeddings;
        if let Some(tokens) = options.max_tokens {
            check_positions(tokens, positions)?;
        }
        let limit = options
            .max_tokens
            .or(directory.max_tokens)
            .map_or(positions, |tokens| tokens.min(positions));
        let vocabulary = vocabulary?;
        let path = vocabulary.path().to_owned();
        let tokenizer = TextTokenizer::new(vocabulary, config.vocab_size, limit)?;
        if tokenizer.room(limit) == 0 {
            return Err(match options.max_tokens {
                Some(tokens) => no_room(tokens),
                None => Error::Tokenizer {
                    path,
                    reason: format!("what it puts around each text is all of {limit} tokens"),
                },
            });
        }

        let width = head.width();
        let mut encoder = SentenceEncoder {
            bert: Arc::new(bert),
            tokenizer: Arc::new(tokenizer),
            pooling: directory.pooling,
            head: Arc::new(head),
            prompts: Arc::new(directory.prompts),
            defaults: Settings {
                normalize: Normalize::of(options.normalize, directory.normalize),
                dimension: directory.truncate_dim.unwrap_or(width).min(width),
                prompt: String::new(),
                unpooled: 0,
            },
            truncation: options.truncation,
            threads: Arc::new(threads),
            on_progress: options.on_progress,
            workspaces: Arc::default(),
            helpers: Arc::new(PerProcess::new(Helpers::new())),
            #[cfg(feature = "tasks")]
            origin: Arc::new(origin),
        };
        let prompt = match options.prompt {
            Some(prompt) => prompt,
            None => Prompt::Text(encoder.prompts.default_text()?.to_owned()),
        };
        let options = EncodeOptions {
            prompt: Some(prompt),
            truncate_dim: options.truncate_dim,
            normalize: None,
        };
        encoder.defaults = encoder.settings(&options)?;
        Ok(encoder)
    }
}

/// The most tokens that a user asks for are positions of the model.
pub(super) fn check_positions(tokens: usize, positions: usize) -> Result<(), Error> {
    if tokens <= positions {
        return Ok(());
    }
    let reason = format!("{tokens} is more than the model's {positions} positions");
    Err(Error::Option { option: "max_tokens", reason })
}

/// The error of a limit that the tokens around every text fill.
pub(super) fn no_room(tokens: usize) -> Error {
    Error::Option { option: "max_tokens", reason: format!("{tokens} leaves no room for a word") }
}
