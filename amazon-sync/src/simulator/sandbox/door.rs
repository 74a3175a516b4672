use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{SandboxCases, SandboxError, SandboxRequest};

/// The static cases on a port of 127.0.0.1, with a Login with Amazon that lets everybody in.
#[derive(Debug)]
pub struct SandboxDoor {
    url: String,
    _stop: oneshot::Sender<()>,
}

impl SandboxDoor {
    pub(super) async fn open(cases: SandboxCases) -> Result<Self, SandboxError> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(address).await.map_err(SandboxError::Port)?;
        let url = format!("http://{}", listener.local_addr().map_err(SandboxError::Port)?);
        let router =
            Router::new().route("/auth/o2/token", post(let_in)).fallback(answer).with_state(Arc::new(cases));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = axum::serve(listener, router).with_graceful_shutdown(async move { drop(stopped.await) });
        drop(tokio::spawn(async move { server.await }));
        Ok(Self { url, _stop: stop })
    }

    /// Where it listens, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }
}

async fn let_in() -> Response {
    let token = r#"{"access_token": "Atza|sandbox", "token_type": "bearer", "expires_in": 3600}"#;
    ([(header::CONTENT_TYPE, "application/json")], token).into_response()
}

async fn answer(State(cases): State<Arc<SandboxCases>>, method: Method, uri: Uri, body: Bytes) -> Response {
    let mut request = SandboxRequest::new(method.as_str(), uri.path());
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    for (name, value) in query {
        request = request.with(&name, &value);
    }
    if let Ok(body) = serde_json::from_slice(&body) {
        request = request.with_body(body);
    }
    let answer = cases.answer(&request);
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_REQUEST);
    let body = answer.body.map(|body| body.to_string()).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
