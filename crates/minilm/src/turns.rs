//! The calls that share a pool of threads, and whose turn it is.
//!
//! ```text
//! one call                          it has the pool
//! fewer calls than processors       the first has the pool for a `TURN`, then goes last;
//!                                   each other works on its caller's thread
//! at least as many                  each works on its caller's thread
//! ```
//!
//! So no call ever waits for another, and the operating system, which is fair to threads, is fair
//! to calls. A queue in front of the pool would let a short call wait for a long one. To give the
//! pool to all at once is worse: a thread of rayon that waits for a part of a call takes on work of
//! the next call, and has to finish that first. The oldest call then waits for ever newer ones.
//!
//! In the book: `docs/08-threads.md`.

use std::{
    collections::VecDeque,
    num::NonZero,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// The time after which a call leaves the pool to the next: many batches, so that little is lost
/// when threads wait for the last of them.
const TURN: Duration = Duration::from_millis(50);

/// The calls that share a pool.
#[derive(Debug)]
pub(crate) struct Turns {
    queue: Mutex<Queue>,
    /// The length of the queue, to be read without the lock.
    calls: AtomicUsize,
    /// Processors that the program could use at the start.
    cpus: usize,
}

#[derive(Debug, Default)]
struct Queue {
    /// The number of the next call.
    next: u64,
    /// The first may have the pool.
    calls: VecDeque<u64>,
}

impl Default for Turns {
    fn default() -> Turns {
        Turns::new(thread::available_parallelism().map_or(usize::MAX, NonZero::get))
    }
}

impl Turns {
    /// On a machine with so many processors.
    pub(crate) fn new(cpus: usize) -> Turns {
        Turns { queue: Mutex::default(), calls: AtomicUsize::new(0), cpus }
    }

    /// A place at the end of the queue for a pool of so many threads.
    pub(crate) fn enter(&self, threads: usize) -> Place<'_> {
        let mut queue = self.lock();
        let number = queue.next;
        queue.next += 1;
        queue.calls.push_back(number);
        self.calls.store(queue.calls.len(), Ordering::Relaxed);
        Place { turns: self, number, most: threads.min(self.cpus) }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a call in the queue, which it leaves when this is dropped.
#[derive(Debug)]
pub(crate) struct Place<'t> {
    turns: &'t Turns,
    number: u64,
    /// So many calls, each on its caller's thread, leave no processor for the pool.
    most: usize,
}

impl Place<'_> {
    /// Whether the call may use the pool.
    pub(crate) fn has_pool(&self) -> bool {
        self.has_room(self.turns.calls.load(Ordering::Relaxed))
            && self.turns.lock().calls.front() == Some(&self.number)
    }

    /// A turn of this call, which has the pool.
    pub(crate) fn turn(&self) -> Turn<'_> {
        Turn { place: self, start: Instant::now() }
    }

    /// Whether so many calls leave a processor for the pool.
    fn has_room(&self, calls: usize) -> bool {
        calls <= 1 || calls < self.most
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queue = self.turns.lock();
        queue.calls.retain(|&number| number != self.number);
        self.turns.calls.store(queue.calls.len(), Ordering::Relaxed);
    }
}

/// The time in which a call has the pool. Its place is the last when this is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'p> {
    place: &'p Place<'p>,
    start: Instant,
}

impl Turn<'_> {
    /// Whether the call has to begin nothing more on the pool.
    pub(crate) fn is_over(&self) -> bool {
        let calls = self.place.turns.calls.load(Ordering::Relaxed);
        calls > 1 && (!self.place.has_room(calls) || self.start.elapsed() >= TURN)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut queue = self.place.turns.lock();
        if let Some(first) = queue.calls.pop_front() {
            queue.calls.push_back(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_alone_has_the_pool_on_any_machine() {
        for cpus in [1, 2, 8] {
            let turns = Turns::new(cpus);
            let place = turns.enter(8);
            assert!(place.has_pool(), "{cpus} processors");
            assert!(!place.turn().is_over());
        }
    }

    #[test]
    fn calls_take_turns_in_the_order_of_their_coming() {
        let turns = Turns::new(4);
        let calls = [turns.enter(8), turns.enter(8), turns.enter(8)];
        let first = || calls.each_ref().map(Place::has_pool);
        for round in 0..6 {
            let turn = calls[round % 3].turn();
            assert_eq!(first(), [0, 1, 2].map(|call| call == round % 3), "round {round}");
            drop(turn);
        }
    }

    #[test]
    fn as_many_calls_as_processors_leave_the_pool_alone() {
        for (threads, cpus) in [(8, 3), (3, 8)] {
            let turns = Turns::new(cpus);
            let [first, second] = [turns.enter(threads), turns.enter(threads)];
            let turn = first.turn();
            assert!(first.has_pool() && !second.has_pool() && !turn.is_over());
            let third = turns.enter(threads);
            assert!(!first.has_pool() && !second.has_pool() && !third.has_pool());
            assert!(turn.is_over());
            drop(turn); // to the end of the queue
            drop(second);
            assert!(third.has_pool() && !first.has_pool());
        }
    }

    #[test]
    fn a_turn_ends_if_another_call_waits() {
        let turns = Turns::new(8);
        let first = turns.enter(8);
        let turn = first.turn();
        thread::sleep(TURN);
        assert!(!turn.is_over(), "it is alone");
        let second = turns.enter(8);
        assert!(turn.is_over());
        drop(turn);
        assert!(second.has_pool());
    }
}
