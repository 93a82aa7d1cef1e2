//! Ctrl-C and `kill`: the first asks a command to finish with what it has, the second stops it.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Whether the program was asked to stop.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// From now on a signal is a request.
    #[cfg(unix)]
    pub(crate) fn watch() -> io::Result<Interrupt> {
        use signal_hook::{consts, flag};
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [consts::SIGINT, consts::SIGTERM] {
            // before the flag is set by the same signal
            flag::register_conditional_default(signal, asked.clone())?;
            flag::register(signal, asked.clone())?;
        }
        Ok(Interrupt(asked))
    }

    /// Elsewhere a signal stops the program.
    #[cfg(not(unix))]
    pub(crate) fn watch() -> io::Result<Interrupt> {
        Ok(Interrupt(Arc::default()))
    }

    pub(crate) fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// From now on a signal stops the program at once again.
    pub(crate) fn stop_at_once(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
