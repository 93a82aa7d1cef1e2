//! The interface of OpenAI: `/v1/embeddings` and `/v1/models`.

use crate::{
    Model, State, body,
    fault::{Fault, Form},
    routes::{encode, model as find, respond},
};
use axum::{
    body::Body,
    extract::{Path, State as Shared},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use minilm::{EncodeOptions, ndarray::ArrayView1};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    input: Value,
    model: Option<String>,
    #[serde(default)]
    encoding_format: Encoding,
    dimensions: Option<usize>,
    /// For statistics of the caller; it changes no vector.
    #[serde(rename = "user")]
    _user: Option<String>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    #[default]
    Float,
    Base64,
}

#[derive(Serialize)]
struct Embeddings {
    object: &'static str,
    data: Vec<Embedding>,
    model: String,
    usage: Usage,
}

#[derive(Serialize)]
struct Embedding {
    object: &'static str,
    index: usize,
    embedding: Numbers,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Numbers {
    Float(Vec<f32>),
    /// The bytes of little-endian floats.
    Base64(String),
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

pub(crate) async fn embeddings(Shared(state): Shared<Arc<State>>, body: Body) -> Response {
    respond(Form::OpenAi, embed(&state, body).await)
}

async fn embed(state: &State, body: Body) -> Result<Embeddings, Fault> {
    let request: Request = body::json(body, &state.limits).await?;
    let model = find(state, request.model.as_deref())?;
    let texts = body::texts("input", request.input, state.limits.texts)?;
    let vectors = encode(state, model, texts, cut(request.dimensions)).await?;
    let tokens = vectors.counts.iter().map(|count| count.used).sum();
    let rows = vectors.rows.outer_iter().enumerate();
    Ok(Embeddings {
        object: "list",
        data: rows
            .map(|(index, row)| Embedding {
                object: "embedding",
                index,
                embedding: numbers(row, request.encoding_format),
            })
            .collect(),
        model: model.name.clone(),
        usage: Usage { prompt_tokens: tokens, total_tokens: tokens },
    })
}

/// Vectors of this length: cut, and then of length 1, as OpenAI's are.
pub(crate) fn cut(dimensions: Option<usize>) -> EncodeOptions {
    match dimensions {
        Some(dimensions) => EncodeOptions::new().truncate_dim(dimensions).normalize(true),
        None => EncodeOptions::new(),
    }
}

fn numbers(row: ArrayView1<f32>, encoding: Encoding) -> Numbers {
    match encoding {
        Encoding::Float => Numbers::Float(row.to_vec()),
        Encoding::Base64 => {
            let bytes: Vec<u8> = row.iter().flat_map(|x| x.to_le_bytes()).collect();
            Numbers::Base64(STANDARD.encode(bytes))
        }
    }
}

pub(crate) async fn models(Shared(state): Shared<Arc<State>>) -> Response {
    let data: Vec<Value> = state.models.iter().map(|model| about(&state, model)).collect();
    respond(Form::OpenAi, Ok(json!({ "object": "list", "data": data })))
}

pub(crate) async fn model(Shared(state): Shared<Arc<State>>, Path(name): Path<String>) -> Response {
    respond(Form::OpenAi, find(&state, Some(&name)).map(|model| about(&state, model)))
}

fn about(state: &State, model: &Model) -> Value {
    json!({
        "id": model.name,
        "object": "model",
        "created": state.started,
        "owned_by": "minilm",
    })
}
