//! Requests that wait for a worker.
//!
//! ```text
//! push   a request, unless its texts would make more than the queue holds
//! take   as many requests as are a worker's share of those that wait, the oldest first
//! ```
//!
//! They are shared among the workers that have nothing to do. Clients that have an answer often
//! send their next request at once. A worker that would take the first of them alone, while all
//! others compute, waits a moment for the rest: a call costs less per text the more texts it has.

use minilm::{EncodeOptions, TokenCount, ndarray::Array2};
use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

/// A worker waits for the next requests for at most this part of the time that its last call took.
const PATIENCE: u32 = 16;

/// The texts that are encoded in one call, unless one request has more.
const MOST: usize = 256;

/// The texts of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Texts {
    Strings(Vec<String>),
    Ids(Vec<Vec<u32>>),
}

impl Texts {
    pub(crate) fn len(&self) -> usize {
        match self {
            Texts::Strings(texts) => texts.len(),
            Texts::Ids(texts) => texts.len(),
        }
    }
}

/// The vectors of a request's texts `[texts, dimension]`, and the tokens of each text.
pub(crate) struct Vectors {
    pub rows: Array2<f32>,
    pub counts: Vec<TokenCount>,
}

/// What a worker says of a request.
pub(crate) type Answer = Result<Vectors, minilm::Error>;

/// A request that waits for its vectors.
pub(crate) struct Job {
    pub texts: Texts,
    pub options: EncodeOptions,
    /// Closed if the client has gone, or does not wait any more.
    pub reply: oneshot::Sender<Answer>,
}

/// Requests for one model.
pub(crate) struct Queue {
    most: usize,
    workers: usize,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    texts: usize,
    idle: usize,
    closed: bool,
}

/// Requests that a worker has taken.
pub(crate) struct Share {
    pub jobs: Vec<Job>,
    /// No other worker has anything to do.
    pub alone: bool,
}

/// What a worker has done last.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Done {
    pub requests: usize,
    pub time: Duration,
}

/// The queue has no room for the texts of a request.
#[derive(Debug)]
pub(crate) struct Full;

impl Queue {
    /// A queue of at most so many texts, for so many workers.
    pub(crate) fn new(most: usize, workers: usize) -> Queue {
        Queue { most, workers, waiting: Mutex::default(), changed: Condvar::new() }
    }

    pub(crate) fn push(&self, job: Job) -> Result<(), Full> {
        let mut waiting = self.lock();
        if waiting.closed || waiting.texts + job.texts.len() > self.most {
            return Err(Full);
        }
        waiting.texts += job.texts.len();
        waiting.jobs.push_back(job);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// The next requests; `None` once the queue is closed and empty.
    pub(crate) fn take(&self, done: Done) -> Option<Share> {
        let mut waiting = self.wait_for_as_many(done);
        waiting.idle += 1;
        while waiting.jobs.is_empty() && !waiting.closed {
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.idle -= 1;
        let share = waiting.texts.div_ceil(waiting.idle + 1).min(MOST);
        let (mut jobs, mut texts) = (Vec::new(), 0);
        while let Some(next) = waiting.jobs.front()
            && (jobs.is_empty() || texts + next.texts.len() <= share)
        {
            texts += next.texts.len();
            jobs.extend(waiting.jobs.pop_front());
        }
        waiting.texts -= texts;
        let alone = waiting.jobs.is_empty() && waiting.idle + 1 == self.workers;
        (!jobs.is_empty()).then_some(Share { jobs, alone })
    }

    /// Waits a moment until as many requests wait as were answered, unless a worker is idle, which
    /// takes them at once.
    fn wait_for_as_many(&self, done: Done) -> MutexGuard<'_, Waiting> {
        let end = Instant::now() + done.time / PATIENCE;
        let mut waiting = self.lock();
        while waiting.jobs.len() < done.requests && waiting.idle == 0 && !waiting.closed {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let result = self.changed.wait_timeout(waiting, left);
            waiting = result.unwrap_or_else(PoisonError::into_inner).0;
        }
        waiting
    }

    /// Texts that wait.
    pub(crate) fn texts(&self) -> usize {
        self.lock().texts
    }

    /// Takes no more requests. Those that wait are still answered.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// No code that holds the lock panics halfway.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn job(texts: usize) -> Job {
        let texts = Texts::Strings(vec![String::new(); texts]);
        Job { texts, options: EncodeOptions::new(), reply: oneshot::channel().0 }
    }

    fn lengths(share: Option<Share>) -> Vec<usize> {
        share
            .map(|share| share.jobs.iter().map(|job| job.texts.len()).collect())
            .unwrap_or_default()
    }

    #[test]
    fn a_worker_takes_its_share_and_a_large_request_whole() {
        let queue = Queue::new(1000, 2);
        (0..8).for_each(|_| queue.push(job(1)).unwrap());
        queue.lock().idle = 1; // as if the other worker had nothing to do
        assert_eq!(lengths(queue.take(Done::default())), [1; 4]);
        queue.lock().idle = 0;
        assert_eq!(lengths(queue.take(Done::default())), [1; 4]);
        (0..2).for_each(|_| queue.push(job(1)).unwrap());
        queue.push(job(900)).unwrap();
        assert_eq!(lengths(queue.take(Done::default())), [1, 1]);
        let share = queue.take(Done::default());
        assert!(share.as_ref().is_some_and(|share| !share.alone), "the other worker is not idle");
        assert_eq!(lengths(share), [900]);
        queue.close();
        assert!(queue.take(Done::default()).is_none());
    }

    #[test]
    fn a_worker_waits_a_moment_for_as_many_requests_as_it_answered() {
        let queue = Queue::new(1000, 2);
        let done = |requests, seconds| Done { requests, time: Duration::from_secs(seconds) };
        queue.push(job(1)).unwrap();
        let others = || {
            thread::sleep(Duration::from_millis(50));
            (0..3).for_each(|_| queue.push(job(1)).unwrap());
        };
        thread::scope(|scope| {
            scope.spawn(others);
            assert_eq!(lengths(queue.take(done(4, 1600))), [1; 4], "they come in time");
        });
        queue.push(job(1)).unwrap();
        assert_eq!(lengths(queue.take(done(4, 0))), [1], "no time, no patience");
        queue.push(job(1)).unwrap();
        queue.lock().idle = 1;
        assert_eq!(lengths(queue.take(done(4, 1600))), [1], "another worker is idle");
        queue.push(job(1)).unwrap();
        queue.close();
        assert_eq!(lengths(queue.take(done(4, 1600))), [1], "no more come");
    }

    #[test]
    fn a_full_queue_and_a_closed_one_refuse() {
        let queue = Queue::new(10, 1);
        queue.push(job(9)).unwrap();
        assert!(queue.push(job(2)).is_err());
        queue.push(job(1)).unwrap();
        assert_eq!(queue.texts(), 10);
        queue.close();
        assert!(queue.push(job(0)).is_err());
        assert_eq!(lengths(queue.take(Done::default())), [9, 1], "what waits is still answered");
    }
}
