//! The limits of a server.

use std::{num::NonZero, thread, time::Duration};

/// What a server takes, and how long it waits.
///
/// ```
/// let limits = minilm_server::Limits { texts: 64, ..Default::default() };
/// assert_eq!(limits.body, 8 << 20);
/// ```
#[derive(Debug, Clone)]
pub struct Limits {
    /// Threads that encode, for each model: by default one for each CPU.
    pub workers: usize,
    /// Texts of all requests that wait; a request that would make it more is refused with status
    /// 429.
    pub queue: usize,
    /// Texts of one request.
    pub texts: usize,
    /// Bytes of the body of a request; a longer one is refused with status 413.
    pub body: usize,
    /// Connections at once; further ones wait.
    pub connections: usize,
    /// The time in which a client has to send the head of a request, and then its body. It is also
    /// the time that a connection may be idle.
    pub read: Duration,
    /// The time in which a client has to take a part of an answer.
    pub write: Duration,
    /// The time in which a request is answered, else it fails with status 503.
    pub answer: Duration,
    /// The time in which a server that is stopped finishes its answers.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            workers: thread::available_parallelism().map_or(1, NonZero::get),
            queue: 8192,
            texts: 2048,
            body: 8 << 20,
            connections: 1024,
            read: Duration::from_secs(30),
            write: Duration::from_secs(30),
            answer: Duration::from_secs(60),
            stop: Duration::from_secs(30),
        }
    }
}
