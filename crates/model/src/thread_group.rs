//! The thread group: threads that take one batch through the model together, for a single text.
//!
//! ```text
//! each thread    has the whole residual stream x, and computes some columns of each product
//! all-gather     after a product: publish the own share, wait for the others, copy theirs
//! ```
//!
//! No memory is written by two threads, each weight is read by one thread, and the arithmetic is
//! that of a single thread, because a share of the columns changes no element. Each thread computes
//! the LayerNorms, a hundredth of the work, for itself.
//!
//! A layer has three all-gathers and one for each chunk of the feed-forward. Some tens of
//! microseconds lie between two products, less than it takes to wake a thread. So threads wait by
//! polling, and yield the processor only after a while.
//!
//! In the book: `docs/08-threads.md`.

use std::{
    cell::Cell,
    hint,
    ops::Range,
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Set in [`ThreadGroup::state`], beside the number of threads that joined, when no more may join.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// Polls before a thread calls `yield_now` on every further one: long enough to cover the skew
/// between threads with equal work. A thread that is later than this has probably been descheduled,
/// perhaps in favour of the one that polls.
const POLLS: u32 = 1 << 12;

/// Threads for one forward pass. One thread leads the group; others may join until it starts.
///
/// ```
/// use minilm_model::ThreadGroup;
/// use std::time::Duration;
/// let group = ThreadGroup::new(2);
/// std::thread::scope(|scope| {
///     scope.spawn(|| assert_eq!(group.join().map(|rank| rank.size()), Some(2)));
///     let leader = group.lead(Duration::from_secs(60));
///     assert_eq!(leader.size(), 2);
/// });
/// assert!(group.join().is_none(), "too late");
/// ```
#[derive(Debug)]
pub struct ThreadGroup {
    most: usize,
    state: AtomicUsize,
    /// The columns that each rank publishes, alternately in the first and the second buffer: a fast
    /// rank may be one all-gather ahead.
    buffers: Vec<[RwLock<Vec<f32>>; 2]>,
    arrived: AtomicUsize,
    gathers: AtomicUsize,
    broken: AtomicBool,
}

impl ThreadGroup {
    /// A thread group of up to `most` threads, the leader among them.
    pub fn new(most: usize) -> ThreadGroup {
        ThreadGroup {
            most,
            state: AtomicUsize::new(0),
            buffers: (0..most).map(|_| Default::default()).collect(),
            arrived: AtomicUsize::new(0),
            gathers: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
        }
    }

    /// Waits until the group is complete, or for `patience`, and starts with the threads that have
    /// joined.
    pub fn lead(&self, patience: Duration) -> Rank<'_> {
        let start = Instant::now();
        while self.state.load(Ordering::Acquire) + 1 < self.most && start.elapsed() < patience {
            hint::spin_loop();
        }
        let joined = self.state.fetch_or(CLOSED, Ordering::AcqRel);
        self.rank(0, joined + 1)
    }

    /// Joins, if the group has not started and is not complete, and waits for the start.
    pub fn join(&self) -> Option<Rank<'_>> {
        let room = |state| (state < CLOSED && state + 1 < self.most).then_some(state + 1);
        let before = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, room).ok()?;
        self.wait(|| self.state.load(Ordering::Acquire) >= CLOSED);
        Some(self.rank(before + 1, self.state.load(Ordering::Acquire) - CLOSED + 1))
    }

    fn rank(&self, index: usize, size: usize) -> Rank<'_> {
        Rank { group: Some(self), index, size, gathers: Cell::new(0) }
    }

    fn wait(&self, done: impl Fn() -> bool) {
        let mut polls = 0_u32;
        while !done() {
            assert!(
                !self.broken.load(Ordering::Relaxed),
                "another thread of this forward pass panicked"
            );
            polls = POLLS.min(polls + 1);
            if polls == POLLS { thread::yield_now() } else { hint::spin_loop() }
        }
    }
}

/// One thread's place in a group, and its part in the forward pass.
#[derive(Debug)]
pub struct Rank<'t> {
    group: Option<&'t ThreadGroup>,
    index: usize,
    size: usize,
    gathers: Cell<usize>,
}

impl Rank<'_> {
    /// A thread without a group: each share is the whole.
    pub fn alone() -> Rank<'static> {
        Rank { group: None, index: 0, size: 1, gathers: Cell::new(0) }
    }

    /// Threads in the group.
    pub fn size(&self) -> usize {
        self.size
    }

    /// This rank's share of `count` things.
    pub(crate) fn share(&self, count: usize) -> Range<usize> {
        self.share_of(self.index, count)
    }

    /// This rank's share of `columns`, in parts of `part`.
    pub(crate) fn columns(&self, columns: usize, part: usize) -> Range<usize> {
        self.columns_of(self.index, columns, part)
    }

    fn share_of(&self, rank: usize, count: usize) -> Range<usize> {
        count * rank / self.size..count * (rank + 1) / self.size
    }

    fn columns_of(&self, rank: usize, columns: usize, part: usize) -> Range<usize> {
        let parts = self.share_of(rank, columns.div_ceil(part));
        columns.min(parts.start * part)..columns.min(parts.end * part)
    }

    /// Completes `matrix` `[T, columns]`, of which each rank has filled its share of the columns
    /// in parts of `part`.
    pub(crate) fn all_gather(&self, matrix: &mut [f32], columns: usize, part: usize) {
        let Some(group) = self.group.filter(|_| self.size > 1) else { return };
        let number = self.gathers.get() + 1;
        self.gathers.set(number);

        let own = self.columns(columns, part);
        let mut buffer =
            group.buffers[self.index][number % 2].write().unwrap_or_else(PoisonError::into_inner);
        buffer.clear();
        matrix.chunks_exact(columns).for_each(|row| buffer.extend_from_slice(&row[own.clone()]));
        drop(buffer);

        if group.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.size * number {
            group.gathers.store(number, Ordering::Release);
        }
        group.wait(|| group.gathers.load(Ordering::Acquire) >= number);

        for other in (0..self.size).filter(|&other| other != self.index) {
            let share = self.columns_of(other, columns, part);
            if share.is_empty() {
                continue;
            }
            let buffer =
                group.buffers[other][number % 2].read().unwrap_or_else(PoisonError::into_inner);
            for (row, theirs) in
                matrix.chunks_exact_mut(columns).zip(buffer.chunks_exact(share.len()))
            {
                row[share.clone()].copy_from_slice(theirs);
            }
        }
    }
}

impl Drop for Rank<'_> {
    /// A rank that panics releases the others.
    fn drop(&mut self) {
        if let Some(group) = self.group.filter(|_| thread::panicking()) {
            group.broken.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every rank fills its share of a matrix with its own numbers; after the all-gather each has
    /// the whole.
    #[test]
    fn every_rank_gets_every_share() {
        for size in 1..=4 {
            let group = ThreadGroup::new(size);
            let work = |rank: Rank| {
                for round in 0..100 {
                    let (rows, columns) = (3, 40);
                    let value = |i: usize, j: usize| (round * 1000 + i * columns + j) as f32;
                    let mut matrix = vec![f32::NAN; rows * columns];
                    for i in 0..rows {
                        rank.columns(columns, 16)
                            .for_each(|j| matrix[i * columns + j] = value(i, j));
                    }
                    rank.all_gather(&mut matrix, columns, 16);
                    assert!(
                        (0..rows * columns)
                            .all(|at| matrix[at] == value(at / columns, at % columns))
                    );
                }
                rank.size()
            };
            thread::scope(|scope| {
                let others: Vec<_> = (1..size)
                    .map(|_| scope.spawn(|| work(group.join().expect("there is room"))))
                    .collect();
                assert_eq!(work(group.lead(Duration::from_secs(60))), size);
                others
                    .into_iter()
                    .for_each(|other| assert_eq!(other.join().expect("no panic"), size));
            });
        }
    }

    #[test]
    fn a_leader_starts_alone_if_no_thread_joins() {
        let group = ThreadGroup::new(3);
        assert_eq!(group.lead(Duration::ZERO).size(), 1);
        assert!(group.join().is_none());
    }

    #[test]
    fn a_panic_releases_the_others() {
        let group = ThreadGroup::new(2);
        thread::scope(|scope| {
            let other = scope.spawn(|| {
                let _rank = group.join();
                panic!("on purpose");
            });
            let leader = group.lead(Duration::from_secs(60));
            let waits = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                leader.all_gather(&mut [0.0; 4], 4, 1)
            }));
            assert!(waits.is_err());
            assert!(other.join().is_err());
        });
    }
}
