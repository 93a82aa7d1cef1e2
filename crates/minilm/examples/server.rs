//! A server with axum: `cargo run --release --example server -- 127.0.0.1:8080`
//!
//! ```sh
//! curl 127.0.0.1:8080/embed --json '{"texts": ["one text", "another"]}'
//! ```
//!
//! `encode` keeps a processor busy, so it runs on a thread for blocking work. The threads that
//! answer requests stay free.

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use minilm::SentenceEncoder;
use serde::{Deserialize, Serialize};
use std::{env, error::Error, sync::Arc};

/// Texts of one request.
const MOST_TEXTS: usize = 1024;

#[derive(Deserialize)]
struct Request {
    texts: Vec<String>,
}

#[derive(Serialize)]
struct Response {
    embeddings: Vec<Vec<f32>>,
}

async fn embed(
    State(encoder): State<Arc<SentenceEncoder>>,
    Json(request): Json<Request>,
) -> Result<Json<Response>, (StatusCode, String)> {
    if request.texts.len() > MOST_TEXTS {
        let message = format!("{} texts, but at most {MOST_TEXTS}", request.texts.len());
        return Err((StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    let failed = |error: String| (StatusCode::INTERNAL_SERVER_ERROR, error);
    let embeddings = tokio::task::spawn_blocking(move || encoder.encode(&request.texts))
        .await
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))?;
    let embeddings = embeddings.outer_iter().map(|row| row.to_vec()).collect();
    Ok(Json(Response { embeddings }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let encoder = Arc::new(SentenceEncoder::load("weights/all-MiniLM-L6-v2")?);
    let routes = Router::new().route("/embed", post(embed)).with_state(encoder);
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, routes).await?;
    Ok(())
}
