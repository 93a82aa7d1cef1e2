//! Threads that take one pack through the model together: for a text that comes alone.
//!
//! ```text
//! every member   has the whole residual stream x, and computes a share of the columns of each product
//! exchange       after a product: publish one's share, wait for the others, copy theirs
//! ```
//!
//! So no memory is written by two threads, each weight is read by one thread, and the arithmetic is
//! the same as alone: a share of the columns changes no element. LayerNorm, a hundredth of the
//! work, every member does for itself.
//!
//! A layer waits three times and once for each chunk of the feed-forward. Between two products lie
//! some tens of microseconds, less than it takes to wake a thread, so members wait by looking again
//! and again, and yield the processor only after a while.
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

/// In [`Team::state`], beside the number of those who joined: nobody else may.
const CLOSED: usize = 1 << (usize::BITS - 1);

/// How often a member looks before it yields the processor at each look: for about as long as a
/// member with an equal share may be behind. Who is later than that waits for a processor himself,
/// perhaps for this one.
const LOOKS: u32 = 1 << 12;

/// A team for one forward pass. One thread leads it; others may join until it starts.
///
/// ```
/// use minilm_model::Team;
/// use std::time::Duration;
/// let team = Team::new(2);
/// std::thread::scope(|scope| {
///     scope.spawn(|| assert_eq!(team.join().map(|member| member.size()), Some(2)));
///     let leader = team.lead(Duration::from_secs(60));
///     assert_eq!(leader.size(), 2);
/// });
/// assert!(team.join().is_none(), "too late");
/// ```
#[derive(Debug)]
pub struct Team {
    most: usize,
    state: AtomicUsize,
    /// What each member publishes, in turn in the one and in the other: a fast member may be one
    /// exchange ahead.
    boards: Vec<[RwLock<Vec<f32>>; 2]>,
    arrived: AtomicUsize,
    exchanges: AtomicUsize,
    broken: AtomicBool,
}

impl Team {
    /// A team of up to `most` threads, the leader among them.
    pub fn new(most: usize) -> Team {
        Team {
            most,
            state: AtomicUsize::new(0),
            boards: (0..most).map(|_| Default::default()).collect(),
            arrived: AtomicUsize::new(0),
            exchanges: AtomicUsize::new(0),
            broken: AtomicBool::new(false),
        }
    }

    /// Waits until the team is complete, or for `patience`, and starts with those who are there.
    pub fn lead(&self, patience: Duration) -> Member<'_> {
        let start = Instant::now();
        while self.state.load(Ordering::Acquire) + 1 < self.most && start.elapsed() < patience {
            hint::spin_loop();
        }
        let joined = self.state.fetch_or(CLOSED, Ordering::AcqRel);
        self.member(0, joined + 1)
    }

    /// Joins, if the team has not started and is not complete, and waits for the start.
    pub fn join(&self) -> Option<Member<'_>> {
        let room = |state| (state < CLOSED && state + 1 < self.most).then_some(state + 1);
        let before = self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, room).ok()?;
        self.wait(|| self.state.load(Ordering::Acquire) >= CLOSED);
        Some(self.member(before + 1, self.state.load(Ordering::Acquire) - CLOSED + 1))
    }

    fn member(&self, index: usize, size: usize) -> Member<'_> {
        Member { team: Some(self), index, size, exchanges: Cell::new(0) }
    }

    fn wait(&self, done: impl Fn() -> bool) {
        let mut looks = 0_u32;
        while !done() {
            assert!(
                !self.broken.load(Ordering::Relaxed),
                "another thread of this forward pass panicked"
            );
            looks = LOOKS.min(looks + 1);
            if looks == LOOKS { thread::yield_now() } else { hint::spin_loop() }
        }
    }
}

/// One thread's part in a forward pass.
#[derive(Debug)]
pub struct Member<'t> {
    team: Option<&'t Team>,
    index: usize,
    size: usize,
    exchanges: Cell<usize>,
}

impl Member<'_> {
    /// The only member: all shares are the whole.
    pub fn alone() -> Member<'static> {
        Member { team: None, index: 0, size: 1, exchanges: Cell::new(0) }
    }

    /// Members of the team.
    pub fn size(&self) -> usize {
        self.size
    }

    /// This member's share of `count` things.
    pub(crate) fn share(&self, count: usize) -> Range<usize> {
        self.share_of(self.index, count)
    }

    /// This member's share of `columns`, in parts of `part`.
    pub(crate) fn columns(&self, columns: usize, part: usize) -> Range<usize> {
        self.columns_of(self.index, columns, part)
    }

    fn share_of(&self, member: usize, count: usize) -> Range<usize> {
        count * member / self.size..count * (member + 1) / self.size
    }

    fn columns_of(&self, member: usize, columns: usize, part: usize) -> Range<usize> {
        let parts = self.share_of(member, columns.div_ceil(part));
        columns.min(parts.start * part)..columns.min(parts.end * part)
    }

    /// Completes `matrix` `[T, columns]`, of which each member has filled its share of the columns
    /// in parts of `part`.
    pub(crate) fn exchange(&self, matrix: &mut [f32], columns: usize, part: usize) {
        let Some(team) = self.team.filter(|_| self.size > 1) else { return };
        let number = self.exchanges.get() + 1;
        self.exchanges.set(number);

        let own = self.columns(columns, part);
        let mut board =
            team.boards[self.index][number % 2].write().unwrap_or_else(PoisonError::into_inner);
        board.clear();
        matrix.chunks_exact(columns).for_each(|row| board.extend_from_slice(&row[own.clone()]));
        drop(board);

        if team.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.size * number {
            team.exchanges.store(number, Ordering::Release);
        }
        team.wait(|| team.exchanges.load(Ordering::Acquire) >= number);

        for other in (0..self.size).filter(|&other| other != self.index) {
            let share = self.columns_of(other, columns, part);
            if share.is_empty() {
                continue;
            }
            let board =
                team.boards[other][number % 2].read().unwrap_or_else(PoisonError::into_inner);
            for (row, theirs) in
                matrix.chunks_exact_mut(columns).zip(board.chunks_exact(share.len()))
            {
                row[share.clone()].copy_from_slice(theirs);
            }
        }
    }
}

impl Drop for Member<'_> {
    /// A member that panics releases the others.
    fn drop(&mut self) {
        if let Some(team) = self.team.filter(|_| thread::panicking()) {
            team.broken.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every member fills its share of a matrix with its own numbers; after the exchange all have
    /// the whole.
    #[test]
    fn every_member_gets_every_share() {
        for size in 1..=4 {
            let team = Team::new(size);
            let work = |member: Member| {
                for round in 0..100 {
                    let (rows, columns) = (3, 40);
                    let value = |i: usize, j: usize| (round * 1000 + i * columns + j) as f32;
                    let mut matrix = vec![f32::NAN; rows * columns];
                    for i in 0..rows {
                        member
                            .columns(columns, 16)
                            .for_each(|j| matrix[i * columns + j] = value(i, j));
                    }
                    member.exchange(&mut matrix, columns, 16);
                    assert!(
                        (0..rows * columns)
                            .all(|at| matrix[at] == value(at / columns, at % columns))
                    );
                }
                member.size()
            };
            thread::scope(|scope| {
                let others: Vec<_> = (1..size)
                    .map(|_| scope.spawn(|| work(team.join().expect("there is room"))))
                    .collect();
                assert_eq!(work(team.lead(Duration::from_secs(60))), size);
                others
                    .into_iter()
                    .for_each(|other| assert_eq!(other.join().expect("no panic"), size));
            });
        }
    }

    #[test]
    fn a_leader_starts_alone_if_nobody_comes() {
        let team = Team::new(3);
        assert_eq!(team.lead(Duration::ZERO).size(), 1);
        assert!(team.join().is_none());
    }

    #[test]
    fn a_panic_releases_the_others() {
        let team = Team::new(2);
        thread::scope(|scope| {
            let other = scope.spawn(|| {
                let _member = team.join();
                panic!("on purpose");
            });
            let leader = team.lead(Duration::from_secs(60));
            let waits = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                leader.exchange(&mut [0.0; 4], 4, 1)
            }));
            assert!(waits.is_err());
            assert!(other.join().is_err());
        });
    }
}
