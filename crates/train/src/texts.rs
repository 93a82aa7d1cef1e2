//! The texts of a dataset as token ids.

use crate::{Dataset, Error, Network, Tokens};
use minilm::SentenceEncoder;
use ndarray::Array2;

/// Texts that are embedded at a time, outside of training.
const WINDOW: usize = 1024;

/// The ids of each text of a dataset, by number.
pub(crate) struct Texts {
    ids: Vec<Box<[u32]>>,
    /// Texts of which the model does not read all.
    pub truncated: usize,
}

impl Texts {
    /// Tokenises the texts, with the model's default prompt before each.
    pub(crate) fn new(encoder: &SentenceEncoder, data: &Dataset) -> Result<Texts, Error> {
        let mut truncated = 0;
        let tokenize = |text: &String| {
            let found = encoder.tokenize(text)?;
            truncated += usize::from(found.dropped > 0);
            Ok(found.ids.into_boxed_slice())
        };
        let ids = data.texts().iter().map(tokenize).collect::<Result<_, minilm::Error>>()?;
        Ok(Texts { ids, truncated })
    }

    /// The ids of some texts.
    pub(crate) fn tokens(&self, texts: impl IntoIterator<Item = u32>) -> Tokens {
        texts.into_iter().map(|text| &self.ids[text as usize]).collect()
    }

    /// The tokens of each text.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = usize> {
        self.ids.iter().map(|ids| ids.len())
    }

    /// The embeddings of all texts, without dropout: `[texts, H]`.
    pub(crate) fn embed(&self, network: &Network) -> Result<Array2<f32>, Error> {
        let mut all = Vec::with_capacity(self.ids.len() * network.dimension());
        for window in self.ids.chunks(WINDOW) {
            let tokens: Tokens = window.iter().collect();
            all.extend(network.embed(&tokens, None)?);
        }
        let shape = (self.ids.len(), network.dimension());
        Ok(Array2::from_shape_vec(shape, all).expect("a row for each text"))
    }
}
