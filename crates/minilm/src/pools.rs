//! Pools of threads: the global one, what stands for it in a forked process, and an encoder's own.
//!
//! In the book: `docs/08-threads.md`.

use crate::{
    process::{PerProcess, is_first},
    turns::Turns,
};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use std::{
    error::Error as _,
    sync::{LazyLock, OnceLock},
};

/// A pool, and the calls that want it.
#[derive(Debug)]
pub(crate) struct Pool {
    pub threads: ThreadPool,
    pub turns: Turns,
}

impl Pool {
    /// `threads` of them, 0 is one for each CPU that the process may use.
    pub(crate) fn new(threads: usize) -> Result<Pool, ThreadPoolBuildError> {
        let name = |i| format!("minilm-{i}");
        let threads = ThreadPoolBuilder::new().num_threads(threads).thread_name(name).build()?;
        Ok(Pool { threads, turns: Turns::default() })
    }
}

/// The calls that want the global pool, if there is one: it is started here, unless it is there
/// already. rayon panics if the pool is needed and no thread can be started, as in a container that
/// limits them.
static GLOBAL: LazyLock<Option<Turns>> =
    LazyLock::new(|| match ThreadPoolBuilder::new().build_global() {
        // Without a source, the error is not the operating system's: there is a pool.
        Err(error) if error.source().is_some() => None,
        _ => Some(Turns::default()),
    });

/// Stands for the global pool in each process that was forked from the one that has it.
static FORKED: OnceLock<PerProcess<Option<Pool>>> = OnceLock::new();

/// The pool outside of any pool.
pub(crate) enum Outside {
    Global(&'static Turns),
    Forked(&'static Pool),
    /// No thread can be started.
    Alone,
}

impl Outside {
    pub(crate) fn of_this_process() -> Outside {
        if is_first() {
            return GLOBAL.as_ref().map_or(Outside::Alone, Outside::Global);
        }
        if FORKED.get().is_none() {
            let _ = FORKED.set(PerProcess::new(Pool::new(0).ok()));
        }
        let pool = FORKED.get().and_then(|pools| pools.get(|| Pool::new(0).ok()).as_ref());
        pool.map_or(Outside::Alone, Outside::Forked)
    }
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
        Outside::Global(_) | Outside::Alone => work(),
        Outside::Forked(pool) => pool.threads.install(work),
    }
}
