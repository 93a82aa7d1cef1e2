//! The batch: sentences end to end, without padding.
//!
//! In the book: `docs/06-attention.md`.

/// Token ids of several sentences, one after the other, without padding.
///
/// ```
/// let mut batch = minilm_model::Batch::default();
/// batch.push(&[101, 7592, 102]);
/// batch.push(&[101, 102]);
/// assert_eq!(batch.tokens(), 5);
/// assert_eq!(batch.sentences(), 2);
/// assert_eq!(batch.rows(1), 3..5);
/// ```
#[derive(Debug, Clone)]
pub struct Batch {
    ids: Vec<u32>,      // [T]
    starts: Vec<usize>, // [sentences + 1], first 0, last T
}

impl Default for Batch {
    /// A batch of no sentences.
    fn default() -> Batch {
        Batch { ids: Vec::new(), starts: vec![0] }
    }
}

impl Batch {
    /// Adds a sentence.
    pub fn push(&mut self, ids: &[u32]) {
        self.ids.extend_from_slice(ids);
        self.starts.push(self.ids.len());
    }

    /// Removes all sentences and keeps the memory.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.starts.truncate(1);
    }

    /// T: tokens of all sentences.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Number of sentences.
    pub fn sentences(&self) -> usize {
        self.starts.len() - 1
    }

    /// The rows of sentence `i` in every tensor `[T, ..]`.
    ///
    /// # Panics
    /// If there is no sentence `i`.
    pub fn rows(&self, i: usize) -> std::ops::Range<usize> {
        self.starts[i]..self.starts[i + 1]
    }

    /// The ids `[T]`.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The first row of each sentence `[sentences + 1]`; the last entry is T.
    pub fn starts(&self) -> &[usize] {
        &self.starts
    }
}
