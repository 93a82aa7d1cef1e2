//! One pack through the model: forward pass, pooling, normalisation.

use super::SentenceEncoder;
use crate::{Error, schedule};
use minilm_kernels::Rows;
use minilm_model::{Pack, Scratch};
use minilm_pooling::normalize;
use ndarray::{Array2, ArrayView1};
use std::{ops::Range, sync::PoisonError};

/// When an embedding is scaled to length 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Normalize {
    Never,
    BeforeTruncation,
    AfterTruncation,
}

impl Normalize {
    /// What the user wants comes before what the model's modules say.
    pub(super) fn of(wanted: Option<bool>, by_modules: bool) -> Normalize {
        match wanted {
            Some(true) => Normalize::AfterTruncation,
            Some(false) => Normalize::Never,
            None if by_modules => Normalize::BeforeTruncation,
            None => Normalize::Never,
        }
    }
}

/// What one thread needs for one pack.
#[derive(Default)]
pub(super) struct Workspace {
    pack: Pack,
    scratch: Scratch,
}

impl SentenceEncoder {
    /// Computes the embeddings of texts that come as token ids, and `take`s each with its index, in
    /// any order.
    ///
    /// `done` is called with the number of texts that have just been computed, on the thread that
    /// did it.
    pub(crate) fn encode_ids(
        &self,
        texts: &[&[u32]],
        done: impl Fn(usize) + Send + Sync,
        mut take: impl FnMut(usize, ArrayView1<f32>),
    ) -> Result<(), Error> {
        let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
        let (order, packs) = schedule::packs(&lengths, self.threads.count());
        let vectors = self.threads.map(&packs, |pack: &Range<usize>| {
            let vectors =
                self.encode_pack(order[pack.clone()].iter().map(|&i| texts[i]), packs.len() == 1);
            done(pack.len());
            vectors
        });
        for (pack, vectors) in packs.into_iter().zip(vectors) {
            for (&index, vector) in order[pack].iter().zip(vectors?.rows()) {
                if vector.iter().any(|x| !x.is_finite()) {
                    return Err(Error::NotFinite { index });
                }
                take(index, vector);
            }
        }
        Ok(())
    }

    /// Scales a vector that was made of embeddings to length 1, if embeddings are.
    pub(crate) fn scale(&self, v: &mut [f32]) {
        if self.normalize != Normalize::Never {
            normalize(v);
        }
    }

    /// The embeddings `[texts, dimension]` of texts that are computed together.
    ///
    /// `together`: there is no other pack, so the threads may share this one.
    pub(super) fn encode_pack<'t>(
        &self,
        texts: impl Iterator<Item = &'t [u32]>,
        together: bool,
    ) -> Result<Array2<f32>, Error> {
        self.forward(texts, together, |pack, hidden| {
            let mut embeddings = Array2::zeros((pack.sentences(), self.dimension));
            let mut pooled = vec![0.0; self.pooling.width(hidden.cols())];
            for (i, mut row) in embeddings.rows_mut().into_iter().enumerate() {
                self.pooling.pool(hidden.slice(pack.rows(i)), &mut pooled);
                row.iter_mut().zip(self.finish(&mut pooled)).for_each(|(to, x)| *to = *x);
            }
            embeddings
        })
    }

    /// A pooled vector, normalised and cut as the options say: `[dimension]`.
    pub(super) fn finish<'v>(&self, pooled: &'v mut [f32]) -> &'v [f32] {
        if self.normalize == Normalize::BeforeTruncation {
            normalize(pooled);
        }
        let kept = &mut pooled[..self.dimension];
        if self.normalize == Normalize::AfterTruncation {
            normalize(kept);
        }
        kept
    }

    /// Runs texts through the model as one pack, and `read`s the hidden state `[T, H]`.
    pub(super) fn forward<'t, R>(
        &self,
        texts: impl Iterator<Item = &'t [u32]>,
        together: bool,
        read: impl FnOnce(&Pack, Rows) -> R,
    ) -> Result<R, Error> {
        // The lock is held to take and to return a workspace, not while it is used.
        let free = || self.workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        let mut workspace = free().pop().unwrap_or_default();
        workspace.pack.clear();
        texts.for_each(|ids| workspace.pack.push(ids));
        let Workspace { pack, scratch } = &mut workspace;
        let result = self.crew.with(&self.threads, &self.bert, pack, together, |member| {
            let hidden = self.bert.forward_together(pack, scratch, member);
            hidden.map(|hidden| read(pack, hidden))
        });
        free().push(workspace);
        Ok(result?)
    }
}
