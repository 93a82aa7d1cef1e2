//! The memory that a thread works in.
//!
//! It is kept from one piece of work to the next: the system clears fresh memory page by page,
//! which takes longer than some of the work.

use minilm_kernels::{
    AlignedVec,
    attention::{BackwardScratch, Scratch},
};
use std::cell::RefCell;

/// What the passes of a pack and the gradients of weights use, each its own part.
#[derive(Default)]
pub(super) struct Work {
    pub x: AlignedVec,     // [T, H]
    pub y: AlignedVec,     // [T, H]
    pub inner: AlignedVec, // [T, F]
    pub scores: Scratch,
    pub backward: BackwardScratch,
    pub panels: AlignedVec, // the operand of a product
}

thread_local! {
    static WORK: RefCell<Work> = RefCell::default();
}

/// Lends `task` the memory of this thread. The task gives nothing to other threads, so it cannot
/// meet itself here.
pub(super) fn with<T>(task: impl FnOnce(&mut Work) -> T) -> T {
    WORK.with_borrow_mut(task)
}
