//! The routes, and what is done for each request: the key, the metrics.

use crate::{
    Model, State,
    fault::{Fault, Form},
    metrics, ollama, openai,
    queue::{Job, Texts, Vectors},
    tei,
};
use axum::{
    Router,
    extract::{Request, State as Shared},
    http::{HeaderMap, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use minilm::EncodeOptions;
use serde::Serialize;
use std::{sync::Arc, time::Instant};
use tokio::{sync::oneshot, time::timeout};

/// The paths that the server has.
const PATHS: [&str; 10] = [
    "/api/embed",
    "/api/embeddings",
    "/embed",
    "/health",
    "/info",
    "/metrics",
    "/similarity",
    "/tokenize",
    "/v1/embeddings",
    "/v1/models",
];

pub(crate) fn router(state: Arc<State>) -> Router {
    Router::new()
        .route("/v1/embeddings", post(openai::embeddings))
        .route("/v1/models", get(openai::models))
        .route("/v1/models/{*name}", get(openai::model))
        .route("/embed", post(tei::embed))
        .route("/similarity", post(tei::similarity))
        .route("/tokenize", post(tei::tokenize))
        .route("/info", get(tei::info))
        .route("/api/embed", post(ollama::embed))
        .route("/api/embeddings", post(ollama::embeddings))
        .route("/health", get(|| async { StatusCode::OK }))
        .route("/metrics", get(metrics))
        .fallback(no_path)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&state), watch))
        .with_state(state)
}

/// Checks the key, and counts the request.
async fn watch(Shared(state): Shared<Arc<State>>, request: Request, next: Next) -> Response {
    let (start, _running) = (Instant::now(), state.metrics.running());
    let path = request.uri().path().to_owned();
    let response = if path == "/health" || has_key(&state, request.headers()) {
        next.run(request).await
    } else {
        let message = "the header Authorization has to be `Bearer KEY` with this server's API key";
        let fault = Fault::new(StatusCode::UNAUTHORIZED, message).code("invalid_api_key");
        fault.closing().response(Form::of(&path))
    };
    let known = PATHS.into_iter().find(|known| *known == path).unwrap_or("other");
    state.metrics.request(known, response.status().as_u16(), start.elapsed());
    response
}

/// Whether a request has the key, if one is needed. The time does not depend on how much of it is
/// right.
fn has_key(state: &State, headers: &HeaderMap) -> bool {
    let Some(key) = &state.api_key else { return true };
    let found = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let found = found.and_then(|value| {
        let (scheme, key) = value.split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then_some(key)
    });
    found.is_some_and(|found| {
        let differ = found.iter().zip(key.as_bytes()).fold(0, |differ, (a, b)| differ | (a ^ b));
        differ == 0 && found.len() == key.len()
    })
}

async fn metrics(Shared(state): Shared<Arc<State>>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics::text(&state)).into_response()
}

async fn no_path(uri: Uri) -> Response {
    let message = format!("there is no {}; the paths are {}", uri.path(), PATHS.join(", "));
    Fault::new(StatusCode::NOT_FOUND, message).closing().response(Form::of(uri.path()))
}

async fn no_method(uri: Uri) -> Response {
    let message = format!("{} is called with another method", uri.path());
    Fault::new(StatusCode::METHOD_NOT_ALLOWED, message).closing().response(Form::of(uri.path()))
}

/// The model that a request names.
pub(crate) fn model<'s>(state: &'s State, name: Option<&str>) -> Result<&'s Arc<Model>, Fault> {
    state.model(name).ok_or_else(|| {
        let known: Vec<&str> = state.models.iter().map(|model| model.name.as_str()).collect();
        let message = format!(
            "the model {:?} does not exist; this server has {}",
            name.unwrap_or_default(),
            known.join(", ")
        );
        let fault = Fault::invalid("model", message).status(StatusCode::NOT_FOUND);
        fault.code("model_not_found")
    })
}

/// The vectors of a request, once a worker has computed them.
pub(crate) async fn encode(
    state: &State,
    model: &Model,
    texts: Texts,
    options: EncodeOptions,
) -> Result<Vectors, Fault> {
    let (reply, answer) = oneshot::channel();
    model.queue.push(Job { texts, options, reply }).map_err(|_full| {
        let message = "the server is busy: too many texts wait; try again later";
        Fault::new(StatusCode::TOO_MANY_REQUESTS, message).code("rate_limit_exceeded")
    })?;
    let answer = timeout(state.limits.answer, answer).await.map_err(|_| {
        let seconds = state.limits.answer.as_secs_f64();
        let message = format!("the answer took more than {seconds} s");
        Fault::new(StatusCode::SERVICE_UNAVAILABLE, message).code("timeout")
    })?;
    let vectors = answer
        .map_err(|_| Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "the encoder failed"))?
        .map_err(|error| Fault::encoder(&error))?;
    let tokens = vectors.counts.iter().map(|count| count.used).sum();
    state.metrics.texts(vectors.counts.len(), tokens);
    Ok(vectors)
}

/// A result as JSON, or an error in the form of the interface.
pub(crate) fn respond(form: Form, result: Result<impl Serialize, Fault>) -> Response {
    let json = |body| {
        serde_json::to_vec(&body)
            .map_err(|error| Fault::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
    };
    match result.and_then(json) {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err(fault) => fault.response(form),
    }
}
