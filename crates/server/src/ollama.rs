//! The interface of Ollama: `/api/embed`, and the older `/api/embeddings`.

use crate::{
    State, body,
    fault::{Fault, Form},
    openai::cut,
    queue::Texts,
    routes::{encode, model, respond},
};
use axum::{body::Body, extract::State as Shared, response::Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{sync::Arc, time::Instant};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Embed {
    model: String,
    input: Value,
    #[serde(default = "yes")]
    truncate: bool,
    dimensions: Option<usize>,
    #[serde(flatten)]
    _unused: Unused,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Embeddings {
    model: String,
    prompt: String,
    #[serde(flatten)]
    _unused: Unused,
}

/// What changes no vector: how long a model stays in memory, and options of text generation.
#[derive(Deserialize)]
struct Unused {
    #[serde(rename = "keep_alive")]
    _keep_alive: Option<Value>,
    #[serde(rename = "options")]
    _options: Option<Value>,
}

#[derive(Serialize)]
struct Embedded {
    model: String,
    embeddings: Vec<Vec<f32>>,
    /// Nanoseconds.
    total_duration: u64,
    /// Models are loaded before the server listens.
    load_duration: u64,
    prompt_eval_count: usize,
}

fn yes() -> bool {
    true
}

pub(crate) async fn embed(Shared(state): Shared<Arc<State>>, body: Body) -> Response {
    respond(Form::Ollama, embed_all(&state, body).await)
}

async fn embed_all(state: &State, body: Body) -> Result<Embedded, Fault> {
    let start = Instant::now();
    let request: Embed = body::json(body, &state.limits).await?;
    let model = model(state, Some(tagless(&request.model)))?;
    let texts = match request.input {
        // Ollama answers an empty list with an empty list.
        Value::Array(list) if list.is_empty() => Texts::Strings(Vec::new()),
        input => body::texts("input", input, state.limits.texts)?,
    };
    let vectors = encode(state, model, texts, cut(request.dimensions)).await?;
    if let Some(i) = vectors.counts.iter().position(|count| count.dropped > 0)
        && !request.truncate
    {
        let message = format!("input {i} is longer than {} tokens", model.encoder.max_tokens());
        return Err(Fault::invalid("input", message));
    }
    Ok(Embedded {
        model: request.model,
        embeddings: vectors.rows.outer_iter().map(|row| row.to_vec()).collect(),
        total_duration: u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX),
        load_duration: 0,
        prompt_eval_count: vectors.counts.iter().map(|count| count.used).sum(),
    })
}

pub(crate) async fn embeddings(Shared(state): Shared<Arc<State>>, body: Body) -> Response {
    respond(Form::Ollama, embed_one(&state, body).await)
}

async fn embed_one(state: &State, body: Body) -> Result<Value, Fault> {
    let request: Embeddings = body::json(body, &state.limits).await?;
    let model = model(state, Some(tagless(&request.model)))?;
    let texts = Texts::Strings(vec![request.prompt]);
    let vectors = encode(state, model, texts, cut(None)).await?;
    Ok(json!({ "embedding": vectors.rows.row(0).to_vec() }))
}

/// Ollama's names may end in a tag, of which a model here has none: `all-minilm:latest`.
fn tagless(name: &str) -> &str {
    name.strip_suffix(":latest").unwrap_or(name)
}
