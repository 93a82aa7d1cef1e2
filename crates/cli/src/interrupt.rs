//! Signals that end the program: Ctrl-C, `kill`, a terminal that is closed.
//!
//! ```text
//! a command that keeps what is done   the first signal asks it to finish, also while it waits for
//!                                     input; the second stops it
//! other commands                      the first signal stops them
//! ```
//!
//! Before the program stops, its temporary files are removed.

use std::{
    io::{self, Read},
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether a signal is a request.
static WATCHED: AtomicBool = AtomicBool::new(false);

/// Whether the program was asked to stop.
static ASKED: AtomicBool = AtomicBool::new(false);

/// The requests to stop.
#[derive(Debug, Clone)]
pub(crate) struct Interrupt(());

impl Interrupt {
    /// From now on the first signal is a request.
    pub(crate) fn watch() -> io::Result<Interrupt> {
        listen()?;
        WATCHED.store(cfg!(unix), Ordering::SeqCst);
        Ok(Interrupt(()))
    }

    pub(crate) fn asked(&self) -> bool {
        ASKED.load(Ordering::SeqCst)
    }

    /// From now on a signal stops the program at once again.
    pub(crate) fn stop_at_once(&self) {
        WATCHED.store(false, Ordering::SeqCst);
    }
}

#[cfg(unix)]
pub(crate) use unix::{Waiting, listen};

#[cfg(unix)]
mod unix {
    use super::{ASKED, Ordering, Read, WATCHED, io};
    use minilm::tasks::replace::remove_unfinished;
    use rustix::event::{PollFd, PollFlags, poll};
    use signal_hook::{
        consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU, SIGXFSZ},
        flag,
        iterator::Signals,
        low_level::emulate_default_handler,
    };
    use std::{
        fs::File,
        io::{PipeReader, PipeWriter, Write},
        sync::{Arc, Mutex, OnceLock, PoisonError},
        thread,
    };

    /// Holds a byte once the program was asked to stop.
    static WAKE: OnceLock<(PipeReader, PipeWriter)> = OnceLock::new();

    /// From now on temporary files are removed before a signal stops the program.
    pub(crate) fn listen() -> io::Result<()> {
        static LISTENS: Mutex<bool> = Mutex::new(false);
        let mut listens = LISTENS.lock().unwrap_or_else(PoisonError::into_inner);
        if *listens {
            return Ok(());
        }
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGQUIT, SIGXCPU])?;
        if !is_ignored(SIGHUP) {
            signals.add_signal(SIGHUP)?; // which `nohup` has ignored for the program
        }
        flag::register(SIGXFSZ, Arc::default())?; // a file that is too large is an error of `write`
        let pipe = io::pipe()?;
        let _ = WAKE.set(pipe);
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            signals.forever().for_each(receive);
        })?;
        *listens = true;
        Ok(())
    }

    fn receive(signal: i32) {
        let is_request = matches!(signal, SIGINT | SIGTERM | SIGHUP);
        let watched = WATCHED.load(Ordering::SeqCst);
        if is_request && watched && !ASKED.swap(true, Ordering::SeqCst) {
            let woken = WAKE.get().map(|(_, wake)| (&*wake).write_all(&[0]));
            debug_assert!(woken.is_some_and(|woken| woken.is_ok()), "an empty pipe takes a byte");
            return;
        }
        remove_unfinished();
        let _ = emulate_default_handler(signal);
    }

    /// Whether the program was started with `signal` ignored. Where the system does not tell, a
    /// program without a terminal is taken for one that goes on when a terminal is closed.
    fn is_ignored(signal: i32) -> bool {
        let status = std::fs::read_to_string("/proc/self/status");
        let mask = status.ok().and_then(|status| {
            let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        });
        match mask {
            Some(mask) => mask >> (signal - 1) & 1 == 1,
            None => !io::IsTerminal::is_terminal(&io::stderr()),
        }
    }

    /// A pipe or a terminal. A request to stop ends the waiting for it, with an error.
    pub(crate) struct Waiting(pub File);

    impl Read for Waiting {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            if let Some((wake, _)) = WAKE.get() {
                let mut ready =
                    [PollFd::new(&self.0, PollFlags::IN), PollFd::new(wake, PollFlags::IN)];
                loop {
                    match poll(&mut ready, None) {
                        Err(rustix::io::Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                        Ok(_) => break,
                    }
                }
                if !ready[1].revents().is_empty() {
                    return Err(io::Error::other("stopped by a signal"));
                }
            }
            self.0.read(bytes)
        }
    }
}

/// Elsewhere a signal stops the program, and the next run removes its temporary files.
#[cfg(not(unix))]
pub(crate) fn listen() -> io::Result<()> {
    Ok(())
}

/// A pipe or a terminal.
#[cfg(not(unix))]
pub(crate) struct Waiting(pub std::fs::File);

#[cfg(not(unix))]
impl Read for Waiting {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}
