//! The interface of text-embeddings-inference: `/embed`, `/similarity`, `/tokenize` and `/info`.
//! It knows one model, which is the server's first.

use crate::{
    Model, State, body,
    fault::{Fault, Form},
    queue::{Texts, Vectors},
    routes::{encode, respond},
};
use axum::{body::Body, extract::State as Shared, http::StatusCode, response::Response};
use minilm::{EncodeOptions, Prompt, TokenSpan, similarity::cosine};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::task::spawn_blocking;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Embed {
    inputs: Value,
    #[serde(default = "yes")]
    normalize: bool,
    dimensions: Option<usize>,
    #[serde(flatten)]
    reading: Reading,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Similarity {
    inputs: Sentences,
    #[serde(default)]
    parameters: Reading,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentences {
    source_sentence: String,
    sentences: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tokenize {
    inputs: Value,
    #[serde(default = "yes")]
    add_special_tokens: bool,
    prompt_name: Option<String>,
}

/// How texts are read.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Reading {
    /// A text that is too long is an error, unless this is true.
    truncate: Option<bool>,
    truncation_direction: Option<Direction>,
    prompt_name: Option<String>,
}

#[derive(Deserialize, PartialEq)]
enum Direction {
    #[serde(alias = "right")]
    Right,
    #[serde(alias = "left")]
    Left,
}

#[derive(Serialize)]
struct Token {
    id: u32,
    text: String,
    special: bool,
    /// Characters of the text.
    start: Option<usize>,
    stop: Option<usize>,
}

fn yes() -> bool {
    true
}

/// The model of this interface.
fn first(state: &State) -> &Arc<Model> {
    &state.models[0]
}

pub(crate) async fn embed(Shared(state): Shared<Arc<State>>, body: Body) -> Response {
    respond(Form::Tei, embed_all(&state, body).await)
}

async fn embed_all(state: &State, body: Body) -> Result<Vec<Vec<f32>>, Fault> {
    let request: Embed = body::json(body, &state.limits).await?;
    let texts = body::texts("inputs", request.inputs, state.limits.texts)?;
    let mut options = EncodeOptions::new().normalize(request.normalize);
    options.truncate_dim = request.dimensions;
    let vectors = vectors(state, texts, options, request.reading).await?;
    Ok(vectors.rows.outer_iter().map(|row| row.to_vec()).collect())
}

pub(crate) async fn similarity(Shared(state): Shared<Arc<State>>, body: Body) -> Response {
    respond(Form::Tei, similarities(&state, body).await)
}

async fn similarities(state: &State, body: Body) -> Result<Vec<f32>, Fault> {
    let request: Similarity = body::json(body, &state.limits).await?;
    let Sentences { source_sentence, sentences } = request.inputs;
    if sentences.is_empty() {
        return Err(Fault::invalid("inputs", "inputs.sentences is an empty list"));
    }
    let list: Vec<Value> =
        [source_sentence].into_iter().chain(sentences).map(Value::from).collect();
    let texts = body::texts("inputs", Value::Array(list), state.limits.texts)?;
    let options = EncodeOptions::new().normalize(true);
    let vectors = vectors(state, texts, options, request.parameters).await?;
    let mut rows = vectors.rows.outer_iter();
    let Some(source) = rows.next() else { return Ok(Vec::new()) };
    Ok(rows.map(|row| cosine(source, row)).collect())
}

/// The vectors of texts; one that is too long is an error, unless the request says otherwise.
async fn vectors(
    state: &State,
    texts: Texts,
    mut options: EncodeOptions,
    reading: Reading,
) -> Result<Vectors, Fault> {
    if reading.truncation_direction == Some(Direction::Left) {
        let message = "truncation_direction: this server drops the end of a text, which is Right";
        return Err(Fault::invalid("truncation_direction", message));
    }
    options.prompt = reading.prompt_name.map(Prompt::Named);
    let model = first(state);
    let vectors = encode(state, model, texts, options).await?;
    let long = vectors.counts.iter().position(|count| count.dropped > 0);
    match long.filter(|_| reading.truncate != Some(true)) {
        Some(i) => {
            let (limit, count) = (model.encoder.max_tokens(), vectors.counts[i]);
            let found = count.used + count.dropped;
            let message = format!(
                "inputs {i} has {found} tokens, but at most {limit} are read; truncate: true \
                 drops the rest"
            );
            Err(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, message))
        }
        None => Ok(vectors),
    }
}

pub(crate) async fn tokenize(Shared(state): Shared<Arc<State>>, body: Body) -> Response {
    respond(Form::Tei, tokens(&state, body).await)
}

async fn tokens(state: &State, body: Body) -> Result<Vec<Vec<Token>>, Fault> {
    let request: Tokenize = body::json(body, &state.limits).await?;
    let texts = match body::texts("inputs", request.inputs, state.limits.texts)? {
        Texts::Strings(texts) => texts,
        Texts::Ids(_) => return Err(Fault::invalid("inputs", "inputs are tokens already")),
    };
    let encoder = first(state).encoder.clone();
    let prompt = match &request.prompt_name {
        None => String::new(),
        Some(name) => match encoder.prompts().find(|(known, _)| known == name) {
            Some((_, text)) => text.to_owned(),
            None => {
                let known: Vec<&str> = encoder.prompts().map(|(name, _)| name).collect();
                let known = known.join(", ");
                let message = format!("the model has no prompt {name:?}; its prompts are: {known}");
                return Err(Fault::invalid("prompt_name", message));
            }
        },
    };
    let special = request.add_special_tokens;
    let all = spawn_blocking(move || {
        let tokens = |text: String| {
            let text = prompt.clone() + &text;
            let spans = encoder.token_spans(&text).map_err(|error| Fault::encoder(&error))?;
            Ok(places(&text, spans, special))
        };
        texts.into_iter().map(tokens).collect()
    });
    all.await.map_err(|_| Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "the tokenizer failed"))?
}

/// Tokens with their places in characters.
fn places(text: &str, spans: Vec<TokenSpan>, special: bool) -> Vec<Token> {
    let (mut at, mut characters) = (0, 0);
    let mut count = |byte: usize| {
        if byte < at {
            (at, characters) = (0, 0); // a token that begins before the end of the one before
        }
        characters += text.get(at..byte).map_or(0, |between| between.chars().count());
        at = byte;
        characters
    };
    let token = |span: TokenSpan| {
        let range = span.range.map(|range| (count(range.start), count(range.end)));
        let (start, stop) = range.unzip();
        Token { id: span.id, text: span.token, special: start.is_none(), start, stop }
    };
    spans.into_iter().map(token).filter(|token| special || !token.special).collect()
}

pub(crate) async fn info(Shared(state): Shared<Arc<State>>) -> Response {
    let (model, limits) = (first(&state), &state.limits);
    let modes = model.encoder.pooling().modes().iter().map(|mode| mode.name());
    let modes: Vec<&str> = modes.collect();
    let body = json!({
        "model_id": model.name,
        "model_sha": null,
        "model_dtype": model.encoder.precision().name(),
        "model_type": { "embedding": { "pooling": modes.join("+") } },
        "max_concurrent_requests": limits.connections,
        "max_input_length": model.encoder.max_tokens(),
        "max_batch_tokens": limits.texts * model.encoder.max_tokens(),
        "max_batch_requests": null,
        "max_client_batch_size": limits.texts,
        "auto_truncate": false,
        "tokenization_workers": limits.workers,
        "version": env!("CARGO_PKG_VERSION"),
        "sha": null,
        "docker_label": null,
    });
    respond(Form::Tei, Ok(body))
}
