//! The threads on which the work runs.
//!
//! In the book: `docs/08-threads.md`.

use crate::{
    Error,
    process::{PerProcess, is_first},
};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder, prelude::*};
use std::{
    error::Error as _,
    sync::{
        LazyLock, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Whether there is a global pool: started here, unless it is there already. rayon panics if the
/// pool is needed and no thread can be started, as in a container that limits them.
static GLOBAL: LazyLock<bool> = LazyLock::new(|| match ThreadPoolBuilder::new().build_global() {
    Ok(()) => true,
    // The error is not the operating system's: there is a pool.
    Err(error) => error.source().is_none(),
});

/// Stands for the global pool in each process that was forked from the one that has it.
static FORKED: OnceLock<PerProcess<Option<ThreadPool>>> = OnceLock::new();

/// The pool outside of any pool.
enum Outside {
    Global,
    Forked(&'static ThreadPool),
    /// No thread can be started.
    Alone,
}

impl Outside {
    fn of_this_process() -> Outside {
        if is_first() {
            return if *GLOBAL { Outside::Global } else { Outside::Alone };
        }
        if FORKED.get().is_none() {
            let _ = FORKED.set(PerProcess::new(pool(0).ok()));
        }
        let pool = FORKED.get().and_then(|pools| pools.get(|| pool(0).ok()).as_ref());
        pool.map_or(Outside::Alone, Outside::Forked)
    }
}

/// `threads` of them, 0 is one for each CPU that the process may use.
fn pool(threads: usize) -> Result<ThreadPool, ThreadPoolBuildError> {
    let name = |i| format!("minilm-{i}");
    ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build()
}

/// Runs `work`, such as a search of [`tasks`](crate::tasks), on the threads that an encoder without
/// threads of its own takes: the rayon pool of the caller if it is in one, else the global one.
///
/// In a process that was forked after the first encoder was loaded, rayon's global pool has no
/// threads, and work on it would wait for ever. `install` gives the work a pool of that process.
///
/// ```
/// # fn main() -> Result<(), minilm::Error> {
/// use minilm::tasks::search::Search;
/// let encoder = minilm::SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
/// let corpus = encoder.encode(&["A man is eating food.", "The sky is clear tonight."])?;
/// let queries = encoder.encode(&["Someone has a meal."])?;
/// let hits = minilm::install(|| Search::new().run(queries.view(), corpus.view()));
/// assert_eq!(hits.expect("two finite matrices")[0][0].corpus_id, 0);
/// # Ok(())
/// # }
/// ```
pub fn install<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    if rayon::current_thread_index().is_some() {
        return work();
    }
    match Outside::of_this_process() {
        Outside::Global | Outside::Alone => work(),
        Outside::Forked(pool) => pool.install(work),
    }
}

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
    /// A pool of the encoder's own, of so many threads; `None` if they cannot be started.
    Own(usize, PerProcess<Option<ThreadPool>>),
}

/// The threads of one call.
enum Team<'t> {
    /// The pool that the calling thread is in, or else the global one.
    Current,
    One,
    Own(&'t ThreadPool),
}

impl Threads {
    /// `None` is the caller's pool, `Some(0)` one thread for each CPU that the process may use.
    ///
    /// Where the global pool is the caller's and cannot be started, the calling thread works alone.
    pub(crate) fn new(threads: Option<usize>) -> Result<Threads, Error> {
        match threads {
            None if rayon::current_thread_index().is_some() => Ok(Threads::Current),
            None => Ok(match Outside::of_this_process() {
                Outside::Alone => Threads::One,
                Outside::Global | Outside::Forked(_) => Threads::Current,
            }),
            Some(1) => Ok(Threads::One),
            Some(n) if n > max_threads() => Err(Error::Option {
                option: "threads",
                reason: format!("at most {} can work here, not {n}", max_threads()),
            }),
            Some(n) => pool(n)
                .map(|pool| Threads::Own(n, PerProcess::new(Some(pool))))
                .map_err(|e| Error::Option { option: "threads", reason: e.to_string() }),
        }
    }

    /// The threads that this process has.
    fn team(&self) -> Team<'_> {
        match self {
            Threads::One => Team::One,
            Threads::Current if rayon::current_thread_index().is_some() => Team::Current,
            Threads::Current => match Outside::of_this_process() {
                Outside::Global => Team::Current,
                Outside::Forked(pool) => Team::Own(pool),
                Outside::Alone => Team::One,
            },
            Threads::Own(n, pools) => {
                pools.get(|| pool(*n).ok()).as_ref().map_or(Team::One, Team::Own)
            }
        }
    }

    /// The number of threads that work at once.
    pub(crate) fn count(&self) -> usize {
        match self.team() {
            Team::Current => rayon::current_num_threads(),
            Team::One => 1,
            Team::Own(pool) => pool.current_num_threads(),
        }
    }

    /// Both, at once if there are threads for it.
    pub(crate) fn join<A: Send, B: Send>(
        &self,
        a: impl FnOnce() -> A + Send,
        b: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        match self.team() {
            Team::One => (a(), b()),
            Team::Current => rayon::join(a, b),
            Team::Own(pool) => pool.join(a, b),
        }
    }

    /// Starts `f` when a thread is free, without waiting for it.
    pub(crate) fn spawn(&self, f: impl FnOnce() + Send + 'static) {
        match self.team() {
            Team::One => {}
            Team::Current => rayon::spawn(f),
            Team::Own(pool) => pool.spawn(f),
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
        if items.len() <= 1 {
            return items.iter().map(f).collect();
        }
        match self.team() {
            Team::One => items.iter().map(f).collect(),
            Team::Current => in_turn(items, f),
            Team::Own(pool) => pool.install(|| in_turn(items, f)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{process::id, thread};

    #[test]
    fn an_inherited_pool_gets_no_work() {
        let theirs = ThreadPoolBuilder::new().num_threads(2).thread_name(|_| "theirs".into());
        let theirs = theirs.build().expect("two threads");
        let inherited = PerProcess::of(id().wrapping_add(1), Some(theirs));
        let threads = Threads::Own(2, inherited);
        let name = || thread::current().name().unwrap_or_default().to_owned();
        let names = threads.map(&[0; 64], |_| name());
        assert!(names.iter().all(|name| name.starts_with("minilm-")), "{names:?}");
        assert!(threads.join(name, name).0.starts_with("minilm-"));
        assert_eq!(threads.count(), 2);
    }
}
