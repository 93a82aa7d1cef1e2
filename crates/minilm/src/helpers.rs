//! Threads of the pool that help with a text that comes alone.
//!
//! ```text
//! caller  posts an offer: a batch and a thread group ── waits for `PATIENCE` per token ──
//!         leads the forward pass with the helpers that have joined
//! helper  on a thread of the pool: takes the offer, joins, computes its share,
//!         polls for the next offer for `LINGER`; returns at once if the pass has started
//! ```
//!
//! Helpers are optional. The pass starts with the helpers that have joined in time; a busy pool
//! costs that wait and nothing else. Jobs that a busy pool has not begun serve later offers, and no
//! more are posted than an offer can use. A group has no more threads than there are processors,
//! and no more than there are shares of the work.
//!
//! In the book: `docs/08-threads.md`.

use crate::threads::Threads;
use minilm_model::{Batch, Bert, Rank, Scratch, ThreadGroup};
use std::{
    hint,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// The time that a caller waits for helpers, per token: a twentieth of the time that the token
/// takes on one thread. Waking a thread takes some tens of microseconds.
const PATIENCE: Duration = Duration::from_micros(10);

/// The time that a helper polls after its work: longer than a caller takes to post the next text.
const LINGER: Duration = Duration::from_micros(200);

/// The helpers of one encoder in one process.
#[derive(Debug)]
pub(crate) struct Helpers {
    mailbox: Arc<Mailbox>,
    /// Processors that the program could use when the encoder was made. Reading the number takes
    /// too long to do it in each call.
    cpus: usize,
    /// Forward passes that run now: with more than one, every thread has work of its own.
    running: AtomicUsize,
}

#[derive(Debug, Default)]
struct Mailbox {
    offer: Mutex<Option<Arc<Offer>>>,
    number: AtomicUsize,  // of the last offer
    waiting: AtomicUsize, // helpers that poll for the next
    posted: AtomicUsize,  // jobs that the pool has not begun
    scratch: Mutex<Vec<Scratch>>,
}

#[derive(Debug)]
struct Offer {
    batch: Batch,
    group: ThreadGroup,
}

impl Helpers {
    pub(crate) fn new() -> Helpers {
        let cpus = thread::available_parallelism().map_or(usize::MAX, NonZero::get);
        Helpers { mailbox: Arc::default(), cpus, running: AtomicUsize::new(0) }
    }

    /// Calls `forward` with a rank: of a group of several threads, if they are free and `together`
    /// says that the batch is worth it, else of one.
    pub(crate) fn with<R>(
        &self,
        threads: &Threads,
        bert: &Arc<Bert>,
        batch: &Batch,
        together: bool,
        forward: impl FnOnce(&Rank) -> R,
    ) -> R {
        let others = self.running.fetch_add(1, Ordering::Relaxed);
        let _running = Running(&self.running);
        let most = self.most(threads, bert);
        if !together || others > 0 || most == 1 {
            return forward(&Rank::alone());
        }
        let offer = Arc::new(Offer { batch: batch.clone(), group: ThreadGroup::new(most) });
        lock(&self.mailbox.offer).replace(Arc::clone(&offer));
        let number = self.mailbox.number.fetch_add(1, Ordering::AcqRel) + 1;
        let [waiting, posted] = [&self.mailbox.waiting, &self.mailbox.posted];
        for _ in waiting.load(Ordering::Acquire) + posted.load(Ordering::Acquire)..most - 1 {
            let (bert, mailbox) = (Arc::clone(bert), Arc::clone(&self.mailbox));
            posted.fetch_add(1, Ordering::AcqRel);
            threads.spawn(move || {
                mailbox.posted.fetch_sub(1, Ordering::AcqRel);
                help(&bert, &mailbox, number);
            });
        }
        let patience = PATIENCE.saturating_mul(u32::try_from(batch.tokens()).unwrap_or(u32::MAX));
        let result = forward(&offer.group.lead(patience));
        lock(&self.mailbox.offer).take();
        result
    }

    /// Threads of the largest group that makes sense.
    fn most(&self, threads: &Threads, bert: &Bert) -> usize {
        threads.count().min(self.cpus).min(bert.shares())
    }
}

/// Computes shares of offers from `number` on, until no offer comes for `LINGER`, or one has
/// started without this thread.
fn help(bert: &Bert, mailbox: &Mailbox, mut number: usize) {
    let mut scratch = lock(&mailbox.scratch).pop().unwrap_or_default();
    loop {
        let Some(offer) = lock(&mailbox.offer).clone() else { break };
        let Some(rank) = offer.group.join() else { break };
        // Errors are ignored here: the leader meets the same error and returns it. A panic must not
        // unwind into the pool, which would abort the process. It drops the rank, which releases
        // the other threads of the group, and the leader panics in the caller.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let rank = rank;
            bert.forward_together(&offer.batch, &mut scratch, &rank).map(drop)
        }));
        mailbox.waiting.fetch_add(1, Ordering::AcqRel);
        let start = Instant::now();
        let seen = number;
        while mailbox.number.load(Ordering::Acquire) <= seen && start.elapsed() < LINGER {
            hint::spin_loop();
        }
        mailbox.waiting.fetch_sub(1, Ordering::AcqRel);
        number = mailbox.number.load(Ordering::Acquire);
        if number <= seen {
            break;
        }
    }
    lock(&mailbox.scratch).push(scratch);
}

/// Counts a forward pass until it is dropped.
struct Running<'a>(&'a AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use minilm_kernels::Level;
    use std::sync::mpsc;

    const WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/weights/all-MiniLM-L6-v2");

    /// Two threads, whether there are processors for them or not, and a batch that is worth some
    /// patience.
    fn two() -> (Helpers, Threads, Arc<Bert>, Batch) {
        let bert =
            Bert::load(WEIGHTS.as_ref(), Level::detect()).expect("the model of the repository");
        let threads = Threads::new(Some(2)).expect("two threads");
        let mut batch = Batch::default();
        batch.push(&[2000; 300]);
        (Helpers { cpus: 2, ..Helpers::new() }, threads, Arc::new(bert), batch)
    }

    /// Makes groups until one has two threads, and gives it to `forward`.
    fn together<R>(
        (helpers, threads, bert, batch): &(Helpers, Threads, Arc<Bert>, Batch),
        forward: impl Fn(&Rank) -> R,
    ) -> R {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            let result = helpers
                .with(threads, bert, batch, true, |rank| (rank.size() == 2).then(|| forward(rank)));
            if let Some(result) = result {
                return result;
            }
        }
        panic!("no helper has joined")
    }

    #[test]
    fn a_leader_that_panics_ends_its_call_and_nothing_else() {
        let parts = two();
        let call =
            catch_unwind(AssertUnwindSafe(|| together::<()>(&parts, |_| panic!("on purpose"))));
        assert_eq!(call.unwrap_err().downcast_ref(), Some(&"on purpose"));
        let (_, _, bert, batch) = &parts;
        let rows = together(&parts, |rank| {
            bert.forward_together(batch, &mut Scratch::default(), rank).map(|hidden| hidden.rows())
        });
        assert_eq!(rows.expect("tokens of the vocabulary"), 300);
    }

    #[test]
    fn jobs_do_not_pile_up_beside_a_busy_pool() {
        let (helpers, threads, bert, batch) = two();
        let (release, busy) = mpsc::channel::<()>();
        let busy = Arc::new(Mutex::new(busy));
        for _ in 0..2 {
            let busy = Arc::clone(&busy);
            threads.spawn(move || {
                let _ = lock(&busy).recv();
            });
        }
        let mut short = Batch::default();
        short.push(&[2000]);
        for _ in 0..20 {
            let size = helpers.with(&threads, &bert, &short, true, |rank| rank.size());
            assert_eq!(size, 1, "the pool is busy");
            // Each job has a reference of its own.
            assert!(Arc::strong_count(&helpers.mailbox) <= 2);
        }
        drop(release);
        let parts = (helpers, threads, bert, batch);
        assert_eq!(together(&parts, |rank| rank.size()), 2, "the pool helps again");
    }

    #[test]
    fn a_helper_that_is_too_late_returns_at_once() {
        let (helpers, _, bert, batch) = two();
        let late = || {
            let start = Instant::now();
            help(&bert, &helpers.mailbox, 0);
            start.elapsed()
        };
        let soonest = |late: &dyn Fn() -> Duration| (0..100).map(|_| late()).min().expect("some");
        assert!(soonest(&late) < LINGER, "there is no offer");
        let closed = Arc::new(Offer { batch: batch.clone(), group: ThreadGroup::new(2) });
        closed.group.lead(Duration::ZERO);
        lock(&helpers.mailbox.offer).replace(closed);
        assert!(soonest(&late) < LINGER, "the group has started");
    }

    #[test]
    fn a_thread_group_is_no_larger_than_its_processors_and_its_work() {
        let (_, two_threads, bert, _) = two();
        let sixteen_threads = Threads::new(Some(16)).expect("sixteen threads");
        let most = |cpus, threads| Helpers { cpus, ..Helpers::new() }.most(threads, &bert);
        assert_eq!(most(1, &sixteen_threads), 1);
        assert_eq!(most(2, &sixteen_threads), 2);
        assert_eq!(most(64, &sixteen_threads), 6, "groups of heads");
        assert_eq!(most(64, &two_threads), 2);
        assert_eq!(most(64, &Threads::One), 1);
    }
}
