//! The threads on which the work runs.
//!
//! In the book: `docs/08-threads.md`.

use crate::{
    Error,
    pools::{Outside, Pool},
    process::PerProcess,
    turns::Turns,
};
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most threads that an encoder takes: 256, or one for each CPU that the process may use if
/// there are more. In WebAssembly it is the calling thread alone.
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
    if cfg!(target_family = "wasm") {
        return 1;
    }
    std::thread::available_parallelism().map_or(1, usize::from).max(256)
}

/// The threads of an encoder.
#[derive(Debug)]
pub(crate) enum Threads {
    /// The rayon pool of the caller: its own, with the encoder's calls from within pools, if it is
    /// in one, else the global one.
    Current(PerProcess<Turns>),
    /// The calling thread alone.
    One,
    /// A pool of the encoder's own, of so many threads; `None` if they cannot be started.
    Own(usize, PerProcess<Option<Pool>>),
}

/// The threads of one call.
enum Team<'t> {
    /// The pool that the calling thread is in, or else the global one.
    Current(&'t Turns),
    One,
    Own(&'t Pool),
}

impl Team<'_> {
    /// The number of threads that work at once.
    fn count(&self) -> usize {
        match self {
            Team::Current(_) => rayon::current_num_threads(),
            Team::One => 1,
            Team::Own(pool) => pool.threads.current_num_threads(),
        }
    }

    /// The calls that share these threads, if there are several.
    fn turns(&self) -> Option<&Turns> {
        match self {
            Team::Current(turns) => Some(turns),
            Team::One => None,
            Team::Own(pool) => Some(&pool.turns),
        }
    }

    /// Runs `work` where rayon's functions find these threads.
    fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match self {
            Team::Current(_) | Team::One => work(),
            Team::Own(pool) => pool.threads.install(work),
        }
    }
}

impl Threads {
    /// `None` is the caller's pool, `Some(0)` one thread for each CPU that the process may use.
    ///
    /// Where the global pool is the caller's and cannot be started, the calling thread works alone.
    pub(crate) fn new(threads: Option<usize>) -> Result<Threads, Error> {
        let current = || Threads::Current(PerProcess::default());
        match threads {
            None | Some(0) if max_threads() == 1 => Ok(Threads::One),
            None if rayon::current_thread_index().is_some() => Ok(current()),
            None => Ok(match Outside::of_this_process() {
                Outside::Alone => Threads::One,
                Outside::Global(_) | Outside::Forked(_) => current(),
            }),
            Some(1) => Ok(Threads::One),
            Some(n) if n > max_threads() => Err(Error::Option {
                option: "threads",
                reason: format!("at most {} can work here, not {n}", max_threads()),
            }),
            Some(n) => Pool::new(n)
                .map(|pool| Threads::Own(n, PerProcess::new(Some(pool))))
                .map_err(|e| Error::Option { option: "threads", reason: e.to_string() }),
        }
    }

    /// The threads that this process has.
    fn team(&self) -> Team<'_> {
        match self {
            Threads::One => Team::One,
            Threads::Current(turns) if rayon::current_thread_index().is_some() => {
                Team::Current(turns.get(Turns::default))
            }
            Threads::Current(_) => match Outside::of_this_process() {
                Outside::Global(turns) => Team::Current(turns),
                Outside::Forked(pool) => Team::Own(pool),
                Outside::Alone => Team::One,
            },
            Threads::Own(n, pools) => {
                pools.get(|| Pool::new(*n).ok()).as_ref().map_or(Team::One, Team::Own)
            }
        }
    }

    /// The number of threads that work at once.
    pub(crate) fn count(&self) -> usize {
        self.team().count()
    }

    /// Both, at once if there are threads for it.
    pub(crate) fn join<A: Send, B: Send>(
        &self,
        a: impl FnOnce() -> A + Send,
        b: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        let team = self.team();
        let place = team.turns().map(|turns| turns.enter(team.count()));
        match place {
            Some(place) if place.has_pool() => team.install(|| rayon::join(a, b)),
            _ => (a(), b()),
        }
    }

    /// Starts `f` when a thread is free, without waiting for it.
    pub(crate) fn spawn(&self, f: impl FnOnce() + Send + 'static) {
        match self.team() {
            Team::One => {}
            Team::Current(_) => rayon::spawn(f),
            Team::Own(pool) => pool.threads.spawn(f),
        }
    }

    /// `f` of each item, in the items' order; one item stays on the calling thread.
    ///
    /// A free thread takes the next item. If the longest items come first, no thread has much to
    /// do at the end. While other calls have the pool, or leave no processor for it, the items are
    /// computed on the calling thread.
    pub(crate) fn map<T: Sync, R: Send>(
        &self,
        items: &[T],
        f: impl Fn(&T) -> R + Send + Sync,
    ) -> Vec<R> {
        let team = if items.len() <= 1 { Team::One } else { self.team() };
        let Some(turns) = team.turns() else {
            return items.iter().map(f).collect();
        };
        let place = turns.enter(team.count());
        let mut results = Vec::with_capacity(items.len());
        while let Some((next, _)) = items[results.len()..].split_first() {
            if place.has_pool() {
                let rest = &items[results.len()..];
                let turn = place.turn();
                results.extend(team.install(|| in_turn(rest, &f, || turn.is_over())));
            } else {
                results.push(f(next));
            }
        }
        results
    }
}

/// As many tasks as items; a task does not have an item of its own, but takes the next. Returns the
/// results of the first items: of all that were begun before `is_over`.
fn in_turn<T: Sync, R: Send>(
    items: &[T],
    f: impl Fn(&T) -> R + Send + Sync,
    is_over: impl Fn() -> bool + Sync,
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let task = |_| {
        if is_over() {
            return None;
        }
        let item = next.fetch_add(1, Ordering::Relaxed);
        Some((item, f(&items[item])))
    };
    let results: Vec<Option<(usize, R)>> =
        (0..items.len()).into_par_iter().with_max_len(1).map(task).collect();
    let mut results: Vec<(usize, R)> = results.into_iter().flatten().collect();
    results.sort_unstable_by_key(|(item, _)| *item);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayon::ThreadPoolBuilder;
    use std::{
        process::id,
        sync::{Barrier, Condvar, Mutex},
        thread,
        time::Duration,
    };

    fn name() -> String {
        thread::current().name().unwrap_or_default().to_owned()
    }

    /// Two threads of a pool, whatever the number of processors.
    fn two() -> Threads {
        let pool = Pool { turns: Turns::new(2), ..Pool::new(2).expect("two threads") };
        Threads::Own(2, PerProcess::new(Some(pool)))
    }

    /// A door that is opened once.
    #[derive(Default)]
    struct Door(Mutex<bool>, Condvar);

    impl Door {
        fn open(&self) {
            *self.0.lock().expect("no panic") = true;
            self.1.notify_all();
        }

        /// Waits until it is open; a failure if that takes a minute.
        fn pass(&self) {
            let shut = self.0.lock().expect("no panic");
            let minute = Duration::from_secs(60);
            let passed = self.1.wait_timeout_while(shut, minute, |open| !*open);
            assert!(*passed.expect("no panic").0, "the door stays shut");
        }
    }

    #[test]
    fn a_call_does_not_wait_for_another_that_has_the_pool() {
        let (threads, has_pool, done) = (two(), Barrier::new(3), Door::default());
        thread::scope(|scope| {
            scope.spawn(|| {
                threads.map(&[0; 2], |_| {
                    has_pool.wait();
                    done.pass();
                })
            });
            has_pool.wait(); // both threads of the pool have an item
            assert_eq!(threads.map(&[1, 2, 3], |i| 2 * i), [2, 4, 6]);
            assert_eq!(threads.join(|| 1, || 2), (1, 2));
            done.open();
        });
    }

    #[test]
    fn a_call_leaves_the_pool_while_another_runs_and_takes_it_again() {
        let threads = two();
        let (begun, came, left) = (Door::default(), Door::default(), Door::default());
        let (names, other) = thread::scope(|scope| {
            let other = scope.spawn(|| {
                begun.pass();
                threads.map(&[0, 1], |&i| {
                    if i == 0 {
                        came.open();
                    } else {
                        left.pass();
                    }
                    name()
                })
            });
            let names = threads.map(&(0..64).collect::<Vec<_>>(), |&i| {
                match i {
                    0 | 1 => {
                        begun.open();
                        came.pass();
                    }
                    31 => left.open(),
                    32 => thread::sleep(Duration::from_millis(300)),
                    _ => {}
                }
                name()
            });
            (names, other.join().expect("no panic"))
        });
        let of_pool = |name: &String| name.starts_with("minilm-");
        assert!(of_pool(&names[0]), "{names:?}"); // the other may have come before the second
        assert!(!names[2..32].iter().chain(&other).any(of_pool), "{names:?} {other:?}");
        assert!(of_pool(&names[63]), "{names:?}");
    }

    #[test]
    fn an_inherited_pool_gets_no_work() {
        let theirs = ThreadPoolBuilder::new().num_threads(2).thread_name(|_| "theirs".into());
        let theirs = theirs.build().expect("two threads");
        let pool = Pool { threads: theirs, turns: Turns::default() };
        let inherited = PerProcess::of(id().wrapping_add(1), Some(pool));
        let threads = Threads::Own(2, inherited);
        let names = threads.map(&[0; 64], |_| name());
        assert!(names.iter().all(|name| name.starts_with("minilm-")), "{names:?}");
        assert!(threads.join(name, name).0.starts_with("minilm-"));
        assert_eq!(threads.count(), 2);
    }
}
