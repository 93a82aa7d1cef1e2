//! Requests that wait for a worker.
//!
//! ```text
//! push   a request, unless its texts would make more than the queue holds
//! take   as many requests as are a worker's share of those that wait, the oldest first
//! ```
//!
//! A share, and not all: while one worker computes, the others have work too, and the clients of
//! those that are done send their next requests.

use minilm::{EncodeOptions, TokenCount, ndarray::Array2};
use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::oneshot;

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
    pub(crate) fn take(&self) -> Option<Share> {
        let mut waiting = self.lock();
        waiting.idle += 1;
        while waiting.jobs.is_empty() && !waiting.closed {
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.idle -= 1;
        let share = waiting.texts.div_ceil(self.workers).min(MOST);
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
        assert_eq!(lengths(queue.take()), [1; 4]);
        assert_eq!(lengths(queue.take()), [1; 2]);
        queue.push(job(900)).unwrap();
        assert_eq!(lengths(queue.take()), [1, 1]);
        let share = queue.take();
        assert!(share.as_ref().is_some_and(|share| !share.alone), "the other worker is not idle");
        assert_eq!(lengths(share), [900]);
        queue.close();
        assert!(queue.take().is_none());
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
        assert_eq!(lengths(queue.take()), [9, 1], "what waits is still answered");
    }
}
