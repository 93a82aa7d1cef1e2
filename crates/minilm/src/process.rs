//! Values that belong to one process: pools of threads, and what those threads share.
//!
//! ```text
//! parent   encode ─ pool, locks ─┬─ fork ─┬─ encode on the same pool
//!                                │        │
//! child                          └────────┴─ encode: its process id has no pool yet: it makes one
//! ```
//!
//! A process that is made by `fork` inherits the memory of its parent and one thread of it. The
//! threads of the parent's pool are missing, and a lock that one of them held stays locked. So a
//! value of another process is neither used nor dropped here: it is forgotten.
//!
//! Limit: a process id may be used again. A child that has the id of a dead ancestor, and inherits
//! its encoder, takes the ancestor's pool for its own.
//!
//! In the book: `docs/08-threads.md`.

use std::{
    mem, process,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// The process, where processes fork. Elsewhere a process has one id all its life, if any.
fn id() -> u32 {
    if cfg!(unix) { process::id() } else { 1 }
}

/// A value for each process that asks for one.
#[derive(Debug)]
pub(crate) struct PerProcess<T> {
    process: u32,
    /// `None` only while it is dropped.
    value: Option<T>,
    next: OnceLock<Box<PerProcess<T>>>,
}

impl<T> PerProcess<T> {
    /// `value` is that of this process.
    pub(crate) fn new(value: T) -> PerProcess<T> {
        PerProcess::of(id(), value)
    }

    /// `value` is that of `process`.
    pub(crate) fn of(process: u32, value: T) -> PerProcess<T> {
        PerProcess { process, value: Some(value), next: OnceLock::new() }
    }

    /// The value of this process. `make` makes it if there is none; of several threads that do so
    /// at once, the first prevails.
    ///
    /// The list is extended by a value that is ready: a fork meanwhile would leave a lock behind
    /// only in the instant in which a pointer is stored.
    pub(crate) fn get(&self, make: impl FnOnce() -> T) -> &T {
        let process = id();
        let mut make = Some(make);
        let mut slot = self;
        while slot.process != process {
            if slot.next.get().is_none()
                && let Some(make) = make.take()
            {
                let _ = slot.next.set(Box::new(PerProcess::of(process, make())));
            }
            slot = slot.next.get().expect("it has just been set, here or by another thread");
        }
        slot.value.as_ref().expect("it is there until the drop")
    }
}

impl<T: Default> Default for PerProcess<T> {
    fn default() -> PerProcess<T> {
        PerProcess::new(T::default())
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        if self.process != id() {
            mem::forget(self.value.take());
        }
    }
}

/// Whether this process is the first that has asked. Only that one may use a pool which is global
/// and started once: a process that was forked later has the pool's memory without its threads.
pub(crate) fn is_first() -> bool {
    static FIRST: AtomicU32 = AtomicU32::new(0); // no process has this id
    let first = FIRST.compare_exchange(0, id(), Ordering::Relaxed, Ordering::Relaxed);
    first.map_or_else(|first| first == id(), |_| true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{cell::Cell, sync::Arc, thread};

    /// The id of another process.
    fn another() -> u32 {
        id().wrapping_add(1)
    }

    #[test]
    fn a_process_keeps_its_value() {
        let value = PerProcess::new(1);
        assert_eq!(*value.get(|| unreachable!("there is one")), 1);
    }

    #[test]
    fn a_value_of_another_process_is_neither_used_nor_dropped() {
        struct Dropped<'c>(&'c Cell<usize>);
        impl Drop for Dropped<'_> {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }
        let (theirs, ours) = (Cell::new(0), Cell::new(0));
        let value = PerProcess::of(another(), Dropped(&theirs));
        for _ in 0..2 {
            assert!(std::ptr::eq(value.get(|| Dropped(&ours)).0, &ours));
        }
        assert_eq!((theirs.get(), ours.get()), (0, 0));
        drop(value);
        assert_eq!((theirs.get(), ours.get()), (0, 1));
    }

    #[test]
    fn threads_of_a_process_share_the_value() {
        let value = Arc::new(PerProcess::of(another(), 0));
        let found: Vec<usize> = thread::scope(|scope| {
            let threads: Vec<_> = (1..=8)
                .map(|i| {
                    let value = &value;
                    scope.spawn(move || *value.get(|| i))
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().expect("a number")).collect()
        });
        assert!(found.iter().all(|&i| i == found[0] && i != 0), "{found:?}");
    }
}
