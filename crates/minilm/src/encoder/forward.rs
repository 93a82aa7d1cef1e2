//! Batches through the model, on all threads: forward pass, pooling, normalisation.

use super::{SentenceEncoder, settings::Settings};
use crate::{Error, helpers::Helpers, schedule};
use minilm_kernels::Rows;
use minilm_model::{Batch, Scratch};
use ndarray::{Array2, ArrayView1};
use std::{
    ops::{ControlFlow, Range},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// The memory of one thread for one batch.
#[derive(Default)]
pub(super) struct Workspace {
    batch: Batch,
    scratch: Scratch,
}

impl SentenceEncoder {
    /// Computes the embeddings of texts that come as token ids, and `take`s each with its index, in
    /// any order.
    ///
    /// `done` is called with the number of texts that have just been computed, on the thread that
    /// computed them. If it breaks, no further batch begins, and the result is
    /// [`Error::Stopped`].
    pub(crate) fn embed_ids(
        &self,
        settings: &Settings,
        texts: &[&[u32]],
        done: impl Fn(usize) -> ControlFlow<()> + Send + Sync,
        mut take: impl FnMut(usize, ArrayView1<f32>),
    ) -> Result<(), Error> {
        let read = |batch: &Batch, hidden: Rows| {
            let mut embeddings = Array2::zeros((batch.sentences(), settings.dimension));
            let mut vector = Vec::new();
            for (i, mut row) in embeddings.rows_mut().into_iter().enumerate() {
                let embedding = self.embed(settings, hidden.slice(batch.rows(i)), &mut vector);
                row.iter_mut().zip(embedding).for_each(|(to, x)| *to = *x);
            }
            embeddings
        };
        self.in_batches(texts, done, read, |indices, embeddings| {
            for (&index, vector) in indices.iter().zip(embeddings.rows()) {
                if vector.iter().any(|x| !x.is_finite()) {
                    return Err(Error::NotFinite { index });
                }
                take(index, vector);
            }
            Ok(())
        })
    }

    /// Computes the hidden states of texts that come as token ids, batch by batch: `read` gets the
    /// hidden state of a batch, on any thread, and `take` gets its result with the indices of the
    /// texts.
    pub(super) fn in_batches<R: Send>(
        &self,
        texts: &[&[u32]],
        done: impl Fn(usize) -> ControlFlow<()> + Send + Sync,
        read: impl Fn(&Batch, Rows) -> R + Send + Sync,
        mut take: impl FnMut(&[usize], R) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let lengths: Vec<usize> = texts.iter().map(|ids| ids.len()).collect();
        let (order, batches) = schedule::batches(&lengths, self.threads.count());
        // One batch alone is shared by the threads.
        let together = batches.len() == 1;
        let stopped = AtomicBool::new(false);
        let found = self.threads.map(&batches, |batch: &Range<usize>| {
            if stopped.load(Ordering::Relaxed) {
                return Err(Error::Stopped);
            }
            let ids = order[batch.clone()].iter().map(|&i| texts[i]);
            let found = self.forward(ids, together, &read);
            if done(batch.len()).is_break() {
                stopped.store(true, Ordering::Relaxed);
            }
            found
        });
        if stopped.into_inner() {
            return Err(Error::Stopped);
        }
        for (batch, found) in batches.into_iter().zip(found) {
            take(&order[batch], found?)?;
        }
        Ok(())
    }

    /// Runs texts through the model as one batch, and `read`s the hidden state `[T, H]`.
    fn forward<'t, R>(
        &self,
        texts: impl Iterator<Item = &'t [u32]>,
        together: bool,
        read: impl FnOnce(&Batch, Rows) -> R,
    ) -> Result<R, Error> {
        // The lock is held to take and to return a workspace, not while it is used.
        let workspaces = self.workspaces.get(Mutex::default);
        let free = || workspaces.lock().unwrap_or_else(PoisonError::into_inner);
        let mut workspace = free().pop().unwrap_or_default();
        workspace.batch.clear();
        texts.for_each(|ids| workspace.batch.push(ids));
        let Workspace { batch, scratch } = &mut workspace;
        let result = self.helpers.get(Helpers::new).with(
            &self.threads,
            &self.bert,
            batch,
            together,
            |rank| {
                let hidden = self.bert.forward_together(batch, scratch, rank);
                hidden.map(|hidden| read(batch, hidden))
            },
        );
        free().push(workspace);
        Ok(result?)
    }
}
