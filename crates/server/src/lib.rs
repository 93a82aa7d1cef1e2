//! # minilm-server
//!
//! An HTTP server of sentence embeddings. It speaks the interfaces that programs call already.
//!
//! ```text
//! POST /v1/embeddings     OpenAI: texts or token ids, floats or base64, dimensions, usage
//! GET  /v1/models         OpenAI
//! POST /embed  /similarity  /tokenize     GET /info     text-embeddings-inference
//! POST /api/embed  /api/embeddings        Ollama
//! GET  /health  /metrics                  for those that watch over it
//!
//! connection.rs   accepts connections, limits their time, ends them gracefully
//! routes.rs       the routes, the key, the metrics of each request
//! body.rs         bodies to JSON, within limits
//! openai.rs  tei.rs  ollama.rs    one interface each
//! fault.rs        an error, in the form of each interface
//! queue.rs        requests that wait; a full queue refuses
//! worker.rs       requests that wait become one call of the encoder
//! ```
//!
//! A vector does not depend on the texts that are encoded with it, so requests are put together
//! freely: an answer has the bits that [`SentenceEncoder::encode`] gives.
//!
//! In the book: `docs/17-everywhere.md`.
//!
//! ```no_run
//! use minilm::SentenceEncoder;
//! use minilm_server::Server;
//! use std::{error::Error, net::TcpListener};
//!
//! fn main() -> Result<(), Box<dyn Error>> {
//!     let encoder = SentenceEncoder::load("weights/all-MiniLM-L6-v2")?;
//!     let server = Server::new("all-MiniLM-L6-v2", encoder);
//!     let listener = TcpListener::bind("127.0.0.1:8080")?;
//!     server.run(listener, std::future::pending())?; // until the process is stopped
//!     Ok(())
//! }
//! ```
#![forbid(unsafe_code)]

mod body;
mod connection;
mod fault;
mod limits;
mod metrics;
mod ollama;
mod openai;
mod queue;
mod routes;
mod tei;
mod worker;

pub use limits::Limits;

use metrics::Metrics;
use minilm::SentenceEncoder;
use queue::Queue;
use std::{
    future::Future,
    io,
    net::TcpListener,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// Models, and the limits of requests to them.
pub struct Server {
    models: Vec<(String, SentenceEncoder)>,
    limits: Limits,
    api_key: Option<String>,
}

/// A model that answers.
pub(crate) struct Model {
    name: String,
    encoder: SentenceEncoder,
    queue: Queue,
}

/// Everything that a request needs.
pub(crate) struct State {
    /// The first one is the default.
    models: Vec<Arc<Model>>,
    limits: Limits,
    api_key: Option<String>,
    metrics: Metrics,
    /// Seconds since 1970.
    started: u64,
}

impl Server {
    /// A server of one model, which is also the one of requests that name none.
    pub fn new(name: impl Into<String>, encoder: SentenceEncoder) -> Server {
        Server { models: vec![(name.into(), encoder)], limits: Limits::default(), api_key: None }
    }

    /// Adds a model, or another name of one: a clone of an encoder shares its weights.
    #[must_use]
    pub fn model(mut self, name: impl Into<String>, encoder: SentenceEncoder) -> Server {
        self.models.push((name.into(), encoder));
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(self, limits: Limits) -> Server {
        Server { limits, ..self }
    }

    /// Answers only requests with the header `Authorization: Bearer KEY`; `/health` needs none.
    #[must_use]
    pub fn api_key(self, key: impl Into<String>) -> Server {
        Server { api_key: Some(key.into()), ..self }
    }

    /// As [`Server::run`], until `asked` is true, which is called twenty times per second.
    ///
    /// # Errors
    /// As [`Server::run`].
    pub fn run_until(self, listener: TcpListener, asked: impl Fn() -> bool) -> io::Result<()> {
        self.run(listener, async {
            while !asked() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
    }

    /// Answers requests until `stop` is ready. Then it takes no further connection, answers what
    /// it has begun to read, for at most [`Limits::stop`], and returns.
    ///
    /// # Errors
    /// Threads that cannot be started, or a socket that cannot be listened on.
    pub fn run(self, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let workers = self.limits.workers.max(1);
        let models = self.models.into_iter().map(|(name, encoder)| {
            let queue = Queue::new(self.limits.queue, workers);
            Arc::new(Model { name, encoder, queue })
        });
        let state = Arc::new(State {
            models: models.collect(),
            limits: self.limits,
            api_key: self.api_key,
            metrics: Metrics::default(),
            started: since.as_secs(),
        });
        let mut threads = Vec::new();
        for model in &state.models {
            threads.extend(worker::start(&state, model, workers)?);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers.min(4))
            .thread_name("minilm-http")
            .enable_all()
            .build()?;
        let result = runtime.block_on(connection::serve(listener, Arc::clone(&state), stop));
        runtime.shutdown_timeout(Duration::ZERO);
        state.models.iter().for_each(|model| model.queue.close());
        for thread in threads {
            // A worker's panics are caught where they happen.
            let _ = thread.join();
        }
        result
    }
}

impl State {
    /// The model of this name, or the default one. A name also means one that ends in it:
    /// `sentence-transformers/all-MiniLM-L6-v2` is `all-MiniLM-L6-v2`.
    fn model(&self, name: Option<&str>) -> Option<&Arc<Model>> {
        let Some(name) = name else { return self.models.first() };
        let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
        let exact = self.models.iter().find(|model| model.name == name);
        exact.or_else(|| self.models.iter().find(|model| last(&model.name) == last(name)))
    }
}
