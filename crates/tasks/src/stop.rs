//! Work that another thread can stop.

use crate::Error;
use std::sync::atomic::{AtomicBool, Ordering};

/// The flag of work that nothing stops.
pub(crate) static NEVER: AtomicBool = AtomicBool::new(false);

/// An error once the flag is set.
pub(crate) fn check(stop: &AtomicBool) -> Result<(), Error> {
    match stop.load(Ordering::Relaxed) {
        true => Err(Error::Stopped),
        false => Ok(()),
    }
}
