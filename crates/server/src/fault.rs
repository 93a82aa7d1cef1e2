//! The error of a request, in the form of the interface that it was sent to.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// Why a request has no result.
#[derive(Debug)]
pub(crate) struct Fault {
    status: StatusCode,
    message: String,
    /// The field of the request that is wrong.
    field: Option<&'static str>,
    /// What OpenAI calls it.
    code: Option<&'static str>,
    /// The connection is in the middle of a body that is not read.
    closes: bool,
}

/// The form of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    OpenAi,
    Tei,
    Ollama,
}

impl Form {
    /// The interface that has a path.
    pub(crate) fn of(path: &str) -> Form {
        match path {
            "/embed" | "/similarity" | "/tokenize" | "/info" => Form::Tei,
            _ if path.starts_with("/api/") => Form::Ollama,
            _ => Form::OpenAi,
        }
    }
}

impl Fault {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Fault {
        Fault { status, message: message.into(), field: None, code: None, closes: false }
    }

    /// The request asks for something that cannot be done.
    pub(crate) fn invalid(field: &'static str, message: impl Into<String>) -> Fault {
        Fault { field: Some(field), ..Fault::new(StatusCode::BAD_REQUEST, message) }
    }

    pub(crate) fn status(self, status: StatusCode) -> Fault {
        Fault { status, ..self }
    }

    pub(crate) fn code(self, code: &'static str) -> Fault {
        Fault { code: Some(code), ..self }
    }

    pub(crate) fn closing(self) -> Fault {
        Fault { closes: true, ..self }
    }

    /// An error of the encoder for the texts of a request.
    pub(crate) fn encoder(error: &minilm::Error) -> Fault {
        use minilm::{Error, model::Error as Model};
        match error {
            Error::Option { option: "truncate_dim", reason, .. } => {
                Fault::invalid("dimensions", format!("dimensions: {reason}"))
            }
            Error::Prompt { .. } => Fault::invalid("prompt_name", error.to_string()),
            Error::Tokenize { .. }
            | Error::TooLong { .. }
            | Error::Model(Model::TokenId { .. }) => Fault::invalid("input", error.to_string()),
            _ => Fault::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        }
    }

    fn body(&self, form: Form) -> Value {
        match form {
            Form::OpenAi => json!({ "error": {
                "message": self.message,
                "type": self.openai_type(),
                "param": self.field,
                "code": self.code,
            }}),
            Form::Tei => json!({ "error": self.message, "error_type": self.tei_type() }),
            Form::Ollama => json!({ "error": self.message }),
        }
    }

    fn openai_type(&self) -> &'static str {
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => "requests",
            status if status.is_server_error() => "server_error",
            _ => "invalid_request_error",
        }
    }

    fn tei_type(&self) -> &'static str {
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => "Overloaded",
            StatusCode::SERVICE_UNAVAILABLE => "Unhealthy",
            status if status.is_server_error() => "Backend",
            _ => "Validation",
        }
    }

    pub(crate) fn response(&self, form: Form) -> Response {
        // TEI answers an input that it cannot take with 422.
        let status = match (form, self.status) {
            (Form::Tei, StatusCode::BAD_REQUEST) => StatusCode::UNPROCESSABLE_ENTITY,
            (_, status) => status,
        };
        let json = HeaderValue::from_static("application/json");
        let headers = [(header::CONTENT_TYPE, json)];
        let mut response = (status, headers, self.body(form).to_string()).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.closes {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
