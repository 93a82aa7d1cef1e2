//! An encoder from a model's files.

use super::{SentenceEncoder, forward::Normalize};
use crate::{
    Builder, Error,
    crew::Crew,
    directory::Directory,
    files::Source,
    threads::Threads,
    tokenize::{TextTokenizer, Vocabulary},
};
use std::sync::{Arc, Mutex};

impl SentenceEncoder {
    pub(crate) fn open(mut source: Source, options: Builder) -> Result<SentenceEncoder, Error> {
        let directory = Directory::read(&source)?;
        let threads = Threads::new(options.threads)?;
        let folder = &directory.transformer;
        let bert = source.take_bert(folder);
        let (bert, vocabulary) =
            threads.join(|| bert.load(options.level), || Vocabulary::read(&source, folder));
        let bert = bert?;
        let config = bert.config();

        if let Some((path, width)) = directory.pooling_width
            && width != config.hidden_size
        {
            let reason =
                format!("{width} is not hidden_size {} of config.json", config.hidden_size);
            return Err(Error::Field { path, field: "word_embedding_dimension", reason });
        }
        let positions = config.max_position_embeddings;
        if let Some(tokens) = options.max_tokens.filter(|&tokens| tokens > positions) {
            let reason = format!("{tokens} is more than the model's {positions} positions");
            return Err(Error::Option { option: "max_tokens", reason });
        }
        let limit = options
            .max_tokens
            .or(directory.max_tokens)
            .map_or(positions, |tokens| tokens.min(positions));
        let vocabulary = vocabulary?;
        let path = vocabulary.path().to_owned();
        let tokenizer =
            TextTokenizer::new(vocabulary, config.vocab_size, limit, directory.lowercase)?;
        if tokenizer.room(limit) == 0 {
            return Err(match options.max_tokens {
                Some(tokens) => Error::Option {
                    option: "max_tokens",
                    reason: format!("{tokens} leaves no room for a word"),
                },
                None => Error::Tokenizer {
                    path,
                    reason: format!("what it puts around each text is all of {limit} tokens"),
                },
            });
        }

        let width = directory.pooling.width(config.hidden_size);
        let dimension = options.truncate_dim.unwrap_or(width);
        if dimension == 0 || dimension > width {
            let reason = format!("{dimension} is not between 1 and the model's {width}");
            return Err(Error::Option { option: "truncate_dim", reason });
        }
        Ok(SentenceEncoder {
            bert: Arc::new(bert),
            tokenizer,
            pooling: directory.pooling,
            normalize: Normalize::of(options.normalize, directory.normalize),
            dimension,
            truncation: options.truncation,
            threads,
            on_progress: options.on_progress,
            workspaces: Mutex::default(),
            crew: Crew::new(),
        })
    }
}
