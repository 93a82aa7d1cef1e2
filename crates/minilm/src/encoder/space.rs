//! What makes two embeddings comparable, as the index file keeps it.

use super::{Normalize, SentenceEncoder};
use crate::{Error, directory::Directory, files::Source};
use minilm_model::Mapped;
use minilm_tasks::index::Space;
use std::{fs, io, path::Path};

impl SentenceEncoder {
    /// The space of this encoder's embeddings: the directory's name, and a fingerprint of the
    /// weights, the tokenizer, the pooling, the normalisation, the precision and the number of
    /// dimensions.
    ///
    /// `directory` is where it was loaded from. All of the weights are read: 90 MB for
    /// all-MiniLM-L6-v2.
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
        let transformer = Directory::read(&Source::directory(root)?)?.transformer;
        let weights = Mapped::open(&transformer.join("model.safetensors"))?;
        let tokenizer = ["tokenizer.json", "vocab.txt"].map(|name| transformer.join(name));
        let tokenizer = read(tokenizer.iter().find(|path| path.exists()).unwrap_or(&tokenizer[0]))?;
        let normalize = match self.normalize {
            Normalize::Never => "as pooled",
            Normalize::BeforeTruncation => "normalised, then cut",
            Normalize::AfterTruncation => "cut, then normalised",
        };
        let made = format!("{:?}; {normalize}; {} dimensions; f32", self.pooling, self.dimension);
        let fingerprint =
            Space::fingerprint([weights.as_ref(), tokenizer.as_slice(), made.as_bytes()]);
        Ok(Space::new(&name(root), &fingerprint))
    }
}

/// The directory's name; that of the model if it is in the cache of Hugging Face,
/// `models--ORGANISATION--MODEL/snapshots/REVISION`.
fn name(root: &Path) -> String {
    let path = root.canonicalize().unwrap_or_else(|_| root.to_owned());
    let names = || path.iter().rev().map(|name| name.to_string_lossy());
    let cached = names()
        .nth(2)
        .and_then(|name| name.strip_prefix("models--").map(|name| name.replace("--", "/")));
    cached.or_else(|| names().next().map(|name| name.into_owned())).unwrap_or_default()
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|source: io::Error| Error::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::name;
    use std::path::Path;

    #[test]
    fn a_space_is_named_for_its_model() {
        assert_eq!(name(Path::new("none/all-MiniLM-L6-v2/")), "all-MiniLM-L6-v2");
        assert_eq!(name(Path::new("hub/models--some--model-x/snapshots/0123abcd")), "some/model-x");
    }
}
