//! The threads on which the work runs.
//!
//! In the book: `docs/08-threads.md`.

use crate::Error;
use rayon::prelude::*;
use std::{
    error::Error as _,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Whether there is a global pool: started here, unless it is there already. rayon panics if the
/// pool is needed and no thread can be started, as in a container that limits them.
static GLOBAL: LazyLock<bool> =
    LazyLock::new(|| match rayon::ThreadPoolBuilder::new().build_global() {
        Ok(()) => true,
        // The error is not the operating system's: there is a pool.
        Err(error) => error.source().is_none(),
    });

/// The most threads that an encoder takes: 256, or one for each CPU that the process may use if
/// there are more.
///
/// More threads than CPUs gain nothing, and thousands of them take minutes to start.
///
/// ```
/// # fn main() -> Result<(), minilm::Error> {
/// use minilm::{Error, SentenceEncoder, max_threads};
/// let builder = SentenceEncoder::builder().threads(max_threads() + 1);
/// let error = builder.load("weights/all-MiniLM-L6-v2").unwrap_err();
/// assert!(matches!(error, Error::Option { option: "threads", .. }));
/// # Ok(())
/// # }
/// ```
pub fn max_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).max(256)
}

/// The threads of an encoder.
#[derive(Debug)]
pub(crate) enum Threads {
    /// The rayon pool of the caller: its own if it is in one, else the global one.
    Current,
    /// The calling thread alone.
    One,
    /// A pool of the encoder's own.
    Own(rayon::ThreadPool),
}

impl Threads {
    /// `None` is the caller's pool, `Some(0)` one thread for each CPU that the process may use.
    ///
    /// Where the global pool is the caller's and cannot be started, the calling thread works alone.
    pub(crate) fn new(threads: Option<usize>) -> Result<Threads, Error> {
        match threads {
            None if rayon::current_thread_index().is_none() && !*GLOBAL => Ok(Threads::One),
            None => Ok(Threads::Current),
            Some(1) => Ok(Threads::One),
            Some(n) if n > max_threads() => Err(Error::Option {
                option: "threads",
                reason: format!("at most {} can work here, not {n}", max_threads()),
            }),
            Some(n) => {
                let pool = rayon::ThreadPoolBuilder::new()
                    .num_threads(n)
                    .thread_name(|i| format!("minilm-{i}"))
                    .build();
                pool.map(Threads::Own)
                    .map_err(|e| Error::Option { option: "threads", reason: e.to_string() })
            }
        }
    }

    /// The number of threads that work at once.
    pub(crate) fn count(&self) -> usize {
        match self {
            Threads::Current => rayon::current_num_threads(),
            Threads::One => 1,
            Threads::Own(pool) => pool.current_num_threads(),
        }
    }

    /// Both, at once if there are threads for it.
    pub(crate) fn join<A: Send, B: Send>(
        &self,
        a: impl FnOnce() -> A + Send,
        b: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        match self {
            Threads::One => (a(), b()),
            Threads::Current => rayon::join(a, b),
            Threads::Own(pool) => pool.join(a, b),
        }
    }

    /// Starts `f` when a thread is free, without waiting for it.
    pub(crate) fn spawn(&self, f: impl FnOnce() + Send + 'static) {
        match self {
            Threads::One => {}
            Threads::Current => rayon::spawn(f),
            Threads::Own(pool) => pool.spawn(f),
        }
    }

    /// `f` of each item, in the items' order; one item stays on the calling thread.
    ///
    /// A free thread takes the next item. If the longest items come first, no thread has much to
    /// do at the end.
    pub(crate) fn map<T: Sync, R: Send>(
        &self,
        items: &[T],
        f: impl Fn(&T) -> R + Send + Sync,
    ) -> Vec<R> {
        match self {
            _ if items.len() <= 1 => items.iter().map(f).collect(),
            Threads::One => items.iter().map(f).collect(),
            Threads::Current => in_turn(items, f),
            Threads::Own(pool) => pool.install(|| in_turn(items, f)),
        }
    }
}

/// As many tasks as items; a task does not have an item of its own, but takes the next.
fn in_turn<T: Sync, R: Send>(items: &[T], f: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let task = |_| {
        let item = next.fetch_add(1, Ordering::Relaxed);
        (item, f(&items[item]))
    };
    let mut results: Vec<(usize, R)> =
        (0..items.len()).into_par_iter().with_max_len(1).map(task).collect();
    results.sort_unstable_by_key(|(item, _)| *item);
    results.into_iter().map(|(_, result)| result).collect()
}
