//! Long work that Ctrl-C can stop.
//!
//! ```text
//! calling thread   sleeps ─ looks for signals and reports progress ─ sleeps ─ …
//! worker           the library's work, which looks at `stop` now and then
//! ```
//!
//! Python's signal handlers run on the main thread and only while it holds the GIL, so the calling
//! thread wakes for them. Work that takes milliseconds stays on the calling thread: starting a
//! thread costs as much as a short text.
//!
//! In the book: `docs/15-python.md`.

use pyo3::prelude::*;
use std::{
    panic::resume_unwind,
    sync::atomic::{AtomicBool, Ordering},
    thread::{self, Thread},
    time::Duration,
};

/// The time between two looks for signals.
const TICK: Duration = Duration::from_millis(100);

/// Runs `work` on a thread of its own. `tick` is called now and then on the calling thread, with
/// the GIL; an error of it, such as `KeyboardInterrupt`, sets `stop` and is returned once the work
/// has ended.
pub(crate) fn watched<R: Send>(
    py: Python<'_>,
    work: impl FnOnce(&AtomicBool) -> R + Send,
    tick: impl Fn() -> PyResult<()>,
) -> PyResult<R> {
    let (stop, finished) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let caller = thread::current();
        let worker = scope.spawn(|| {
            let _finished = Finished { flag: &finished, caller };
            work(&stop)
        });
        let mut interrupted = Ok(());
        while !finished.load(Ordering::Acquire) {
            py.detach(|| thread::park_timeout(TICK));
            if interrupted.is_ok() {
                interrupted = py.check_signals().and_then(|()| tick());
                stop.store(interrupted.is_err(), Ordering::Relaxed);
            }
        }
        let result = py.detach(|| worker.join()).unwrap_or_else(|panic| resume_unwind(panic));
        interrupted.map(|()| result)
    })
}

/// Products of two numbers that a thread computes in some tens of milliseconds.
const PRODUCTS: usize = 1 << 28;

/// Rows that are compared with `others` rows of `width` values between two looks for signals.
pub(crate) fn rows_between_looks(others: usize, width: usize) -> usize {
    (PRODUCTS / others.max(1).saturating_mul(width.max(1))).max(1)
}

/// Wakes the caller when the work ends, also by a panic.
struct Finished<'f> {
    flag: &'f AtomicBool,
    caller: Thread,
}

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        self.flag.store(true, Ordering::Release);
        self.caller.unpark();
    }
}
