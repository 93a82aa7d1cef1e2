//! The server over loopback, as a client sees it: raw HTTP.
#![forbid(unsafe_code)]

mod batches;
mod limits;
mod ollama;
mod openai;
mod stop;
mod support;
mod tei;
