//! `minilm serve`: embeddings over HTTP, until a signal asks it to stop.

use crate::{
    error::Error,
    interrupt::Interrupt,
    model,
    notes::message,
    options::{Common, Encoding, at_least_one},
};
use clap::{Args, value_parser};
use minilm_server::{Limits, Server};
use std::{env, net::TcpListener, num::NonZeroUsize, time::Duration};

/// Answer requests for embeddings over HTTP
///
/// The interfaces are those of OpenAI (/v1/embeddings, /v1/models), of text-embeddings-inference
/// (/embed, /similarity, /tokenize, /info) and of Ollama (/api/embed, /api/embeddings); /health and
/// /metrics tell how it is. The first signal lets it finish the answers that it has begun.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// The address to listen on; 0.0.0.0 as its host listens on all of this machine's
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:8080")]
    pub address: String,

    /// A name by which requests call the model; may be given several times [default: the name of
    /// its directory]
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<String>,

    /// Another model, a directory or a name in the cache; may be given several times
    #[arg(long = "also", value_name = "NAME=MODEL")]
    pub also: Vec<String>,

    /// Answer only requests with `Authorization: Bearer KEY` [env: MINILM_API_KEY]
    #[arg(long, value_name = "KEY")]
    pub api_key: Option<String>,

    /// Texts that may wait; more are refused with status 429
    #[arg(long, value_name = "N", default_value = "8192", value_parser = at_least_one)]
    pub queue: NonZeroUsize,

    /// Texts of one request
    #[arg(long, value_name = "N", default_value = "2048", value_parser = at_least_one)]
    pub max_texts: NonZeroUsize,

    /// Bytes of the body of a request; a longer one is refused with status 413
    #[arg(long, value_name = "BYTES", default_value = "8388608", value_parser = at_least_one)]
    pub max_body: NonZeroUsize,

    /// Connections at once; further ones wait
    #[arg(long, value_name = "N", default_value = "1024", value_parser = at_least_one)]
    pub connections: NonZeroUsize,

    /// Seconds in which a client sends its request, or takes a part of its answer
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    #[arg(value_parser = value_parser!(u64).range(1..=86400))]
    pub client_timeout: u64,

    /// Seconds in which a request is answered, else it fails with status 503
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    #[arg(value_parser = value_parser!(u64).range(1..=86400))]
    pub timeout: u64,

    #[command(flatten)]
    pub encoding: Encoding,
}

const EXAMPLES: &str = "\
Examples:
  minilm serve
  minilm serve --address 0.0.0.0:8080 --api-key secret
  minilm serve --name text-embedding-3-small --also small=models/small
  curl 127.0.0.1:8080/v1/embeddings --json '{\"input\": \"This is an example sentence\"}'";

pub(crate) fn run(common: &Common, command: &Serve) -> Result<(), Error> {
    let failed = |source| Error::Serve { address: command.address.clone(), source };
    // An address that is taken is known before the model is loaded.
    let listener = TcpListener::bind(&command.address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let interrupt = Interrupt::watch().map_err(|source| Error::Signals { source })?;

    let encoder = model::load(common, &command.encoding)?;
    let own = [encoder.name().to_owned()];
    let names = if command.names.is_empty() { &own[..] } else { &command.names };
    let mut server = Server::new(&names[0], encoder.clone());
    for name in &names[1..] {
        server = server.model(name, encoder.clone());
    }
    for also in &command.also {
        let Some((name, model)) = also.split_once('=') else {
            return Err(Error::Usage(format!("--also: {also:?} is not NAME=MODEL")));
        };
        server = server.model(name, model::load_named(common, &command.encoding, model)?);
    }
    let key = command.api_key.clone().or_else(|| env::var("MINILM_API_KEY").ok());
    if let Some(key) = key.filter(|key| !key.is_empty()) {
        server = server.api_key(key);
    }
    if !common.quiet {
        message(&format!("{} listens on http://{address}", names.join(", ")));
    }
    server.limits(limits(common, command)).run_until(listener, || interrupt.asked()).map_err(failed)
}

fn limits(common: &Common, command: &Serve) -> Limits {
    let client = Duration::from_secs(command.client_timeout);
    let usual = Limits::default();
    Limits {
        workers: common.threads.filter(|&threads| threads > 0).unwrap_or(usual.workers),
        queue: command.queue.get(),
        texts: command.max_texts.get(),
        body: command.max_body.get(),
        connections: command.connections.get(),
        read: client,
        write: client,
        answer: Duration::from_secs(command.timeout),
        ..usual
    }
}
