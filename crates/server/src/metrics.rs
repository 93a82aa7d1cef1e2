//! What the server has done, as Prometheus reads it.

use crate::State;
use std::{
    collections::BTreeMap,
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// The upper bounds of the histogram of times, in seconds.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Default)]
pub(crate) struct Metrics {
    /// Requests by path and status.
    requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
    /// Requests that took at most each bound, but more than the one before; then those above all.
    times: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
    texts: AtomicU64,
    tokens: AtomicU64,
    batches: AtomicU64,
    batched: AtomicU64,
    running: AtomicU64,
    connections: AtomicU64,
}

/// Counts something for as long as it lives.
pub(crate) struct Counted<'m>(&'m AtomicU64);

impl<'m> Counted<'m> {
    fn new(count: &'m AtomicU64) -> Counted<'m> {
        count.fetch_add(1, Ordering::Relaxed);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Metrics {
    /// A request that is being answered.
    pub(crate) fn running(&self) -> Counted<'_> {
        Counted::new(&self.running)
    }

    /// A connection that is open.
    pub(crate) fn connection(&self) -> Counted<'_> {
        Counted::new(&self.connections)
    }

    /// A request that was answered. The path is one that the server has: others are one path, so
    /// that no client makes the list grow.
    pub(crate) fn request(&self, path: &'static str, status: u16, time: Duration) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((path, status)).or_default() += 1;
        drop(requests);
        let bound = BOUNDS.iter().position(|&bound| time.as_secs_f64() <= bound);
        self.times[bound.unwrap_or(BOUNDS.len())].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(micros, Ordering::Relaxed);
    }

    /// Texts that got their vectors.
    pub(crate) fn texts(&self, texts: usize, tokens: usize) {
        self.texts.fetch_add(texts as u64, Ordering::Relaxed);
        self.tokens.fetch_add(tokens as u64, Ordering::Relaxed);
    }

    /// A call of the encoder.
    pub(crate) fn batch(&self, texts: usize) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.batched.fetch_add(texts as u64, Ordering::Relaxed);
    }
}

/// The text format of Prometheus, version 0.0.4.
pub(crate) fn text(state: &State) -> String {
    let metrics = &state.metrics;
    let mut text = String::new();
    let head = |name: &str, kind: &str, help: &str| {
        format!("# HELP minilm_{name} {help}\n# TYPE minilm_{name} {kind}\n")
    };
    text += &head("requests_total", "counter", "Requests that were answered.");
    let requests = metrics.requests.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for ((path, status), count) in requests {
        let _ =
            writeln!(text, "minilm_requests_total{{path=\"{path}\",status=\"{status}\"}} {count}");
    }
    text += &head("request_seconds", "histogram", "Time from a request's head to its answer.");
    let mut below = 0;
    for (i, count) in metrics.times.iter().enumerate() {
        below += count.load(Ordering::Relaxed);
        let bound = BOUNDS.get(i).map_or("+Inf".to_owned(), f64::to_string);
        let _ = writeln!(text, "minilm_request_seconds_bucket{{le=\"{bound}\"}} {below}");
    }
    let seconds = metrics.microseconds.load(Ordering::Relaxed) as f64 / 1e6;
    let _ = writeln!(text, "minilm_request_seconds_sum {seconds}");
    let _ = writeln!(text, "minilm_request_seconds_count {below}");
    let counts = [
        ("texts_total", "counter", "Texts that got a vector.", &metrics.texts),
        ("tokens_total", "counter", "Tokens of these texts.", &metrics.tokens),
        ("batches_total", "counter", "Calls of the encoder.", &metrics.batches),
        ("batch_texts_total", "counter", "Texts of these calls.", &metrics.batched),
        ("requests_running", "gauge", "Requests that are being answered.", &metrics.running),
        ("connections", "gauge", "Connections that are open.", &metrics.connections),
    ];
    for (name, kind, help, value) in counts {
        text += &head(name, kind, help);
        let _ = writeln!(text, "minilm_{name} {}", value.load(Ordering::Relaxed));
    }
    text += &head("queue_texts", "gauge", "Texts that wait for a worker.");
    for model in &state.models {
        let name = model.name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = writeln!(text, "minilm_queue_texts{{model=\"{name}\"}} {}", model.queue.texts());
    }
    text
}
