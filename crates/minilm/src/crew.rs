//! Threads that help with a text that comes alone.
//!
//! ```text
//! caller  posts an offer: a pack and a team to join ── waits a moment ──
//!         leads the forward pass with the helpers that joined
//! helper  on a thread of the pool: takes the offer, joins, does its share,
//!         stays for the next offer for a moment
//!         comes too late to join: goes at once
//! ```
//!
//! Nobody waits for a thread that may not come: who is not there when the pass starts is not
//! needed, so a pool that is busy, or smaller than it says, costs the moment and no more. A team
//! has no more members than there are processors, which is all it could keep busy, or than there
//! are shares of the work.
//!
//! In the book: `docs/08-threads.md`.

use crate::threads::Threads;
use minilm_model::{Bert, Member, Pack, Scratch, Team};
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

/// How long a caller waits for helpers, for each token: a twentieth of the time that the token
/// takes alone. Waking a thread takes some tens of microseconds.
const PATIENCE: Duration = Duration::from_micros(10);

/// How long a helper stays after its work: longer than it takes a caller to come with the next
/// text.
const LINGER: Duration = Duration::from_micros(200);

/// The helpers of one encoder.
#[derive(Debug)]
pub(crate) struct Crew {
    post: Arc<Post>,
    /// Processors that the program could use when the encoder was made. Reading that takes too long
    /// for each call.
    cpus: usize,
    /// Forward passes that run now: with more than one, every thread has work of its own.
    running: AtomicUsize,
}

#[derive(Debug, Default)]
struct Post {
    offer: Mutex<Option<Arc<Offer>>>,
    number: AtomicUsize,  // of the last offer
    helpers: AtomicUsize, // who stay for the next
    scratch: Mutex<Vec<Scratch>>,
}

#[derive(Debug)]
struct Offer {
    pack: Pack,
    team: Team,
}

impl Crew {
    pub(crate) fn new() -> Crew {
        let cpus = thread::available_parallelism().map_or(usize::MAX, NonZero::get);
        Crew { post: Arc::default(), cpus, running: AtomicUsize::new(0) }
    }

    /// Calls `forward` with a member of a team for `pack`: of several threads, if they are free and
    /// `together` says that it is worth it.
    pub(crate) fn with<R>(
        &self,
        threads: &Threads,
        bert: &Arc<Bert>,
        pack: &Pack,
        together: bool,
        forward: impl FnOnce(&Member) -> R,
    ) -> R {
        let others = self.running.fetch_add(1, Ordering::Relaxed);
        let _running = Running(&self.running);
        let most = self.most(threads, bert);
        if !together || others > 0 || most == 1 {
            return forward(&Member::alone());
        }
        let offer = Arc::new(Offer { pack: pack.clone(), team: Team::new(most) });
        lock(&self.post.offer).replace(Arc::clone(&offer));
        let number = self.post.number.fetch_add(1, Ordering::AcqRel) + 1;
        for _ in self.post.helpers.load(Ordering::Acquire)..most - 1 {
            let (bert, post) = (Arc::clone(bert), Arc::clone(&self.post));
            threads.spawn(move || help(&bert, &post, number));
        }
        let patience = PATIENCE.saturating_mul(u32::try_from(pack.tokens()).unwrap_or(u32::MAX));
        let result = forward(&offer.team.lead(patience));
        lock(&self.post.offer).take();
        result
    }

    /// Members of the largest team that makes sense.
    fn most(&self, threads: &Threads, bert: &Bert) -> usize {
        threads.count().min(self.cpus).min(bert.shares())
    }
}

/// Does one's share of offers from `number` on, until none has come for a while, or one has begun
/// without this thread.
fn help(bert: &Bert, post: &Post, mut number: usize) {
    let mut scratch = lock(&post.scratch).pop().unwrap_or_default();
    loop {
        let Some(offer) = lock(&post.offer).clone() else { break };
        let Some(member) = offer.team.join() else { break };
        // What is wrong with the pack, the leader finds as well, and reports. So it does with a
        // panic, by which the members leave the team; here it must not get to the pool, which would
        // end the program.
        let _ = catch_unwind(AssertUnwindSafe(|| {
            let member = member;
            bert.forward_together(&offer.pack, &mut scratch, &member).map(drop)
        }));
        post.helpers.fetch_add(1, Ordering::AcqRel);
        let start = Instant::now();
        let seen = number;
        while post.number.load(Ordering::Acquire) <= seen && start.elapsed() < LINGER {
            hint::spin_loop();
        }
        post.helpers.fetch_sub(1, Ordering::AcqRel);
        number = post.number.load(Ordering::Acquire);
        if number <= seen {
            break;
        }
    }
    lock(&post.scratch).push(scratch);
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

    const WEIGHTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/weights/all-MiniLM-L6-v2");

    /// Two threads, whether there are processors for them or not, and a pack that is worth some
    /// patience.
    fn two() -> (Crew, Threads, Arc<Bert>, Pack) {
        let bert =
            Bert::load(WEIGHTS.as_ref(), Level::detect()).expect("the model of the repository");
        let threads = Threads::new(Some(2)).expect("two threads");
        let mut pack = Pack::default();
        pack.push(&[2000; 300]);
        (Crew { cpus: 2, ..Crew::new() }, threads, Arc::new(bert), pack)
    }

    /// Makes teams until one has two members, and gives it to `forward`.
    fn together<R>(
        (crew, threads, bert, pack): &(Crew, Threads, Arc<Bert>, Pack),
        forward: impl Fn(&Member) -> R,
    ) -> R {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(60) {
            let result = crew.with(threads, bert, pack, true, |member| {
                (member.size() == 2).then(|| forward(member))
            });
            if let Some(result) = result {
                return result;
            }
        }
        panic!("nobody has come to help")
    }

    #[test]
    fn a_leader_that_panics_ends_its_call_and_nothing_else() {
        let parts = two();
        let call =
            catch_unwind(AssertUnwindSafe(|| together::<()>(&parts, |_| panic!("on purpose"))));
        assert_eq!(call.unwrap_err().downcast_ref(), Some(&"on purpose"));
        let (_, _, bert, pack) = &parts;
        let rows = together(&parts, |member| {
            bert.forward_together(pack, &mut Scratch::default(), member).map(|hidden| hidden.rows())
        });
        assert_eq!(rows.expect("tokens of the vocabulary"), 300);
    }

    #[test]
    fn who_comes_too_late_goes_at_once() {
        let (crew, _, bert, pack) = two();
        let late = || {
            let start = Instant::now();
            help(&bert, &crew.post, 0);
            start.elapsed()
        };
        let soonest = |late: &dyn Fn() -> Duration| (0..100).map(|_| late()).min().expect("some");
        assert!(soonest(&late) < LINGER, "there is no offer");
        let closed = Arc::new(Offer { pack: pack.clone(), team: Team::new(2) });
        closed.team.lead(Duration::ZERO);
        lock(&crew.post.offer).replace(closed);
        assert!(soonest(&late) < LINGER, "the team has started");
    }

    #[test]
    fn a_team_is_no_larger_than_its_processors_and_its_work() {
        let (_, two_threads, bert, _) = two();
        let sixteen_threads = Threads::new(Some(16)).expect("sixteen threads");
        let most = |cpus, threads| Crew { cpus, ..Crew::new() }.most(threads, &bert);
        assert_eq!(most(1, &sixteen_threads), 1);
        assert_eq!(most(2, &sixteen_threads), 2);
        assert_eq!(most(64, &sixteen_threads), 6, "groups of heads");
        assert_eq!(most(64, &two_threads), 2);
        assert_eq!(most(64, &Threads::One), 1);
    }
}
