//! The batch, and how it is cut for the work.
//!
//! ```text
//! batch    the sentences of a step: anchors and positives together, in the caller's order
//! chunk    whole sentences, at most CHUNK tokens    a constant of the arithmetic
//! pack     whole sentences of a chunk, some hundred tokens  what one thread works on
//! ```
//!
//! Gradients of weights are sums over the tokens of a chunk, in chains, and over the chunks. So the
//! chunks enter the bits, and depend on the batch alone. Packs do not: each row of an activation is
//! computed by itself, and a sentence's attention by itself.

use std::ops::Range;

/// The most tokens of a chunk, unless one sentence alone has more.
pub(super) const CHUNK: usize = 1024;

/// The tokens of a pack in the forward pass, roughly: few enough that its tensors stay in the
/// caches of a core.
pub(super) const PACK: usize = 128;

/// The token ids of a batch's sentences, end to end.
///
/// ```
/// use minilm_train::Tokens;
/// let tokens: Tokens = [vec![101, 7592, 102], vec![101, 102]].into_iter().collect();
/// assert_eq!((tokens.sentences(), tokens.len()), (2, 5));
/// assert_eq!(tokens.sentence(1), [101, 102]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    ids: Vec<u32>,      // [T]
    starts: Vec<usize>, // [sentences + 1]
}

impl Default for Tokens {
    /// No sentence.
    fn default() -> Tokens {
        Tokens { ids: Vec::new(), starts: vec![0] }
    }
}

impl<S: AsRef<[u32]>> FromIterator<S> for Tokens {
    fn from_iter<I: IntoIterator<Item = S>>(sentences: I) -> Tokens {
        let mut tokens = Tokens::default();
        sentences.into_iter().for_each(|ids| tokens.push(ids.as_ref()));
        tokens
    }
}

impl Tokens {
    /// Adds a sentence.
    pub fn push(&mut self, ids: &[u32]) {
        self.ids.extend_from_slice(ids);
        self.starts.push(self.ids.len());
    }

    /// T: the tokens of all sentences.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The number of sentences.
    pub fn sentences(&self) -> usize {
        self.starts.len() - 1
    }

    /// The ids of sentence `i`.
    ///
    /// # Panics
    /// If there is none.
    pub fn sentence(&self, i: usize) -> &[u32] {
        &self.ids[self.starts[i]..self.starts[i + 1]]
    }

    /// The chunks in order, as ranges of sentences.
    pub(super) fn chunks(&self) -> Vec<Range<usize>> {
        let mut chunks = Vec::new();
        let mut start = 0;
        for i in 0..self.sentences() {
            if i > start && self.starts[i + 1] - self.starts[start] > CHUNK {
                chunks.push(start..i);
                start = i;
            }
        }
        if start < self.sentences() {
            chunks.push(start..self.sentences());
        }
        chunks
    }

    /// Some sentences, as a chunk.
    pub(super) fn chunk(&self, sentences: Range<usize>) -> Chunk<'_> {
        let starts = &self.starts[sentences.start..=sentences.end];
        let (from, to) = (starts[0], starts[sentences.len()]);
        Chunk {
            first: sentences.start,
            ids: &self.ids[from..to],
            starts: starts.iter().map(|start| start - from).collect(),
        }
    }
}

/// Whole sentences of a batch.
#[derive(Debug)]
pub(super) struct Chunk<'a> {
    /// The place in the batch of the first one.
    pub first: usize,
    /// Their tokens `[T]`.
    pub ids: &'a [u32],
    /// The first row of each `[sentences + 1]`, from 0 to T.
    pub starts: Vec<usize>,
}

impl Chunk<'_> {
    /// T
    pub(super) fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// The sentences of its packs of about `size` tokens, of which there is at least one for each
    /// thread if there are enough sentences.
    pub(super) fn packs(&self, size: usize, threads: usize) -> Vec<Range<usize>> {
        let sentences = self.starts.len() - 1;
        let count = self.tokens().div_ceil(size).next_multiple_of(threads).min(sentences).max(1);
        let mut packs: Vec<Range<usize>> = Vec::with_capacity(count);
        let mut start = 0;
        for i in 1..=count {
            // The sentence at whose start i of `count` parts of the tokens are nearest.
            let wanted = self.tokens() * i / count;
            let end = self.starts.partition_point(|&row| row < wanted);
            let nearer_before =
                end > 0 && wanted - self.starts[end - 1] < self.starts[end] - wanted;
            let end = if i == count { sentences } else { end - usize::from(nearer_before) };
            if end > start {
                packs.push(start..end);
                start = end;
            }
        }
        packs
    }

    /// Some of its sentences.
    pub(super) fn pack(&self, sentences: &Range<usize>) -> Chunk<'_> {
        let starts = &self.starts[sentences.start..=sentences.end];
        let (from, to) = (starts[0], starts[sentences.len()]);
        Chunk {
            first: self.first + sentences.start,
            ids: &self.ids[from..to],
            starts: starts.iter().map(|start| start - from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(lengths: &[usize]) -> Tokens {
        lengths.iter().map(|&l| vec![7; l]).collect()
    }

    #[test]
    fn chunks_are_whole_sentences_and_no_longer_than_allowed() {
        let chunks = |lengths: &[usize]| batch(lengths).chunks();
        assert!(chunks(&[]).is_empty());
        assert_eq!(chunks(&[CHUNK]).len(), 1);
        assert_eq!(chunks(&[CHUNK, 1]), [0..1, 1..2]);
        assert_eq!(chunks(&[CHUNK + 1, 1, 2]), [0..1, 1..3]);
        assert_eq!(chunks(&[CHUNK / 2; 5]), [0..2, 2..4, 4..5]);
    }

    #[test]
    fn packs_cover_a_chunk_in_order_and_are_about_equal() {
        for lengths in [vec![1], vec![32; 32], vec![500, 1, 1], vec![3, 500], vec![9; 113]] {
            for threads in 1..5 {
                let batch = batch(&lengths);
                let chunk = batch.chunk(0..lengths.len());
                let packs = chunk.packs(PACK, threads);
                assert!(packs.iter().all(|pack| !pack.is_empty()), "{packs:?}");
                assert_eq!((packs[0].start, packs.last().map(|p| p.end)), (0, Some(lengths.len())));
                assert!(packs.windows(2).all(|w| w[0].end == w[1].start), "{packs:?}");
                if lengths == [32; 32] {
                    assert!(packs.iter().all(|p| p.len() == 4 || threads == 3), "{packs:?}");
                }
            }
        }
    }
}
