//! Threads that help with a text that comes alone.
//!
//! ```text
//! caller    posts an offer: a pack and a team to join ── waits a moment ── leads the forward pass with those who came
//! helper    on a thread of the pool: takes the offer, joins, does its share, stays for the next offer for a moment
//! ```
//!
//! Nobody waits for a thread that may not come: who is not there when the pass starts is not needed, so a pool that is busy, or smaller
//! than it says, costs the moment and no more.
//!
//! In the book: `docs/08-threads.md`.

use crate::threads::Threads;
use minilm_model::{Bert, Member, Pack, Scratch, Team};
use std::{
    hint,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// How long a caller waits for helpers, for each token: a twentieth of the time that the token takes alone. Waking a thread takes some
/// tens of microseconds.
const PATIENCE: Duration = Duration::from_micros(10);

/// How long a helper stays after its work: longer than it takes a caller to come with the next text.
const LINGER: Duration = Duration::from_micros(200);

/// The helpers of one encoder.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    post: Arc<Post>,
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
    /// Calls `forward` with a member of a team for `pack`: of several threads, if they are free and `together` says that it is worth it.
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
        let most = threads.count();
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
}

/// Does one's share of offers from `number` on, until none has come for a while.
fn help(bert: &Bert, post: &Post, mut number: usize) {
    let mut scratch = lock(&post.scratch).pop().unwrap_or_default();
    loop {
        let offer = lock(&post.offer).clone();
        if let Some(offer) = offer
            && let Some(member) = offer.team.join()
        {
            // What is wrong with the pack, the leader finds as well, and reports.
            let _ = bert.forward_together(&offer.pack, &mut scratch, &member);
        }
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
