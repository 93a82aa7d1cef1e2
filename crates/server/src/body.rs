//! Bodies of requests: read within limits, and parsed.

use crate::{fault::Fault, limits::Limits, queue::Texts};
use axum::{body::Body, http::StatusCode};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::timeout;

/// A body that is too long is read on for up to so many times the limit: a client that sends all
/// of its request first sees the answer then.
const PATIENCE: usize = 8;

/// The JSON of a body.
pub(crate) async fn json<T: DeserializeOwned>(body: Body, limits: &Limits) -> Result<T, Fault> {
    let bytes = timeout(limits.read, read(body, limits.body)).await.map_err(|_| {
        let seconds = limits.read.as_secs_f64();
        let message = format!("the body did not arrive within {seconds} s");
        Fault::new(StatusCode::REQUEST_TIMEOUT, message).closing()
    })??;
    // As a value first: a field of a wrong type then is not taken for a document that is no JSON.
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| {
        Fault::new(StatusCode::BAD_REQUEST, format!("the body is no JSON: {error}"))
    })?;
    // A list would be taken for the fields in their order.
    if !value.is_object() {
        let message = format!("the body is {}, not an object", kind(&value));
        return Err(Fault::new(StatusCode::BAD_REQUEST, message));
    }
    serde_json::from_value(value)
        .map_err(|error| Fault::new(StatusCode::BAD_REQUEST, error.to_string()))
}

async fn read(mut body: Body, limit: usize) -> Result<Vec<u8>, Fault> {
    let (mut bytes, mut length) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            Fault::new(StatusCode::BAD_REQUEST, format!("the body broke off: {error}")).closing()
        })?;
        let Ok(data) = frame.into_data() else { continue };
        length += data.len();
        match length <= limit {
            true => bytes.extend_from_slice(&data),
            false if length > limit.saturating_mul(PATIENCE) => break,
            false => bytes = Vec::new(),
        }
    }
    if length > limit {
        let message = format!("the body has more than {limit} bytes");
        return Err(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, message).closing());
    }
    Ok(bytes)
}

/// A text, a list of texts, the token ids of a text, or a list of lists of token ids.
pub(crate) fn texts(field: &'static str, value: Value, most: usize) -> Result<Texts, Fault> {
    let wrong = |what: &str| {
        Fault::invalid(
            field,
            format!(
                "{field} has to be a string, a list of strings, a list of token ids or a list of \
                 such lists, not {what}"
            ),
        )
    };
    let texts = match value {
        Value::String(text) => Texts::Strings(vec![text]),
        Value::Array(list) if list.is_empty() => {
            return Err(Fault::invalid(field, format!("{field} is an empty list")));
        }
        Value::Array(list) => match &list[0] {
            Value::String(_) => {
                let string = |item| match item {
                    Value::String(text) => Ok(text),
                    other => Err(wrong(&format!("a list with a string and {}", kind(&other)))),
                };
                Texts::Strings(list.into_iter().map(string).collect::<Result<_, _>>()?)
            }
            Value::Number(_) => Texts::Ids(vec![ids(field, list)?]),
            Value::Array(_) => {
                let inner = |item| match item {
                    Value::Array(list) if !list.is_empty() => ids(field, list),
                    Value::Array(_) => {
                        Err(Fault::invalid(field, format!("{field} has an empty list of tokens")))
                    }
                    other => Err(wrong(&format!("a list with a list and {}", kind(&other)))),
                };
                Texts::Ids(list.into_iter().map(inner).collect::<Result<_, _>>()?)
            }
            other => return Err(wrong(&format!("a list of {}", kind(other)))),
        },
        other => return Err(wrong(kind(&other))),
    };
    if texts.len() > most {
        let message = format!("{field} has {} texts, but at most {most} are taken", texts.len());
        return Err(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    Ok(texts)
}

fn ids(field: &'static str, list: Vec<Value>) -> Result<Vec<u32>, Fault> {
    let id = |item: Value| match item.as_u64().map(u32::try_from) {
        Some(Ok(id)) => Ok(id),
        _ => Err(Fault::invalid(field, format!("{field}: {item} is no token id"))),
    };
    list.into_iter().map(id).collect()
}

/// What JSON calls a value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
