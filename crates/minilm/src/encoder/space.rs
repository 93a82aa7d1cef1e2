//! What makes two embeddings comparable, as the index file keeps it.

use super::{Normalize, SentenceEncoder};
use crate::{Error, directory::Directory};
use minilm_model::Mapped;
use minilm_tasks::index::Space;
use std::{fs, io, path::Path};

impl SentenceEncoder {
    /// The space of this encoder's embeddings: the directory's name, and a fingerprint of the weights, the tokenizer, the pooling, the
    /// normalisation, the precision and the number of dimensions.
    ///
    /// `directory` is where it was loaded from. All of the weights are read: 90 MB for all-MiniLM-L6-v2.
    ///
    /// # Errors
    /// A file that cannot be read.
    ///
    /// ```
    /// # fn main() -> Result<(), minilm::Error> {
    /// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
    /// let space = encoder.space("weights/all-MiniLM-L6-v2")?;
    /// assert!(space.to_string().starts_with("all-MiniLM-L6-v2 ("));
    /// # Ok(())
    /// # }
    /// ```
    pub fn space(&self, directory: impl AsRef<Path>) -> Result<Space, Error> {
        let root = directory.as_ref();
        let transformer = Directory::read(root)?.transformer;
        let weights = Mapped::open(&transformer.join("model.safetensors"))?;
        let tokenizer = ["tokenizer.json", "vocab.txt"].map(|name| transformer.join(name));
        let tokenizer = read(tokenizer.iter().find(|path| path.exists()).unwrap_or(&tokenizer[0]))?;
        let normalize = match self.normalize {
            Normalize::Never => "as pooled",
            Normalize::BeforeTruncation => "normalised, then cut",
            Normalize::AfterTruncation => "cut, then normalised",
        };
        let made = format!("{:?}; {normalize}; {} dimensions; f32", self.pooling, self.dimension);
        let fingerprint = Space::fingerprint([weights.as_ref(), tokenizer.as_slice(), made.as_bytes()]);
        let name = root.canonicalize().ok().and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        Ok(Space::new(&name.unwrap_or_else(|| root.display().to_string()), &fingerprint))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source: io::Error| Error::Read { path: path.to_owned(), source })
}
