use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::webhook::{Handshake, MAX_BODY_BYTES, SIGNATURE_HEADER, WebhookError, WebhookHandler};

/// The endpoint to register with Meta, at the root of the returned router: answers the handshake
/// (GET) and takes webhooks (POST) with 200, 400, 401, 403, 413 or 503.
///
/// ```no_run
/// # use std::sync::Arc;
/// # use whatsapp_dispatch::webhook::{WebhookHandler, router};
/// # fn app(handler: Arc<dyn WebhookHandler>) -> axum::Router {
/// axum::Router::new().nest("/whatsapp", router(handler))
/// # }
/// ```
pub fn router(handler: Arc<dyn WebhookHandler>) -> Router {
    Router::new()
        .route("/", get(handshake).post(receive))
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(handler)
}

async fn handshake(State(handler): State<Arc<dyn WebhookHandler>>, RawQuery(query): RawQuery) -> Response {
    match handler.handshake(&question(query.as_deref().unwrap_or_default())) {
        Ok(challenge) => challenge.into_response(),
        Err(error) => refusal(&error),
    }
}

async fn receive(
    State(handler): State<Arc<dyn WebhookHandler>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            return refusal(&WebhookError::TooLarge);
        }
        Err(rejection) => return rejection.into_response(),
    };
    let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
    match handler.receive(signature, &body).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => refusal(&error),
    }
}

fn question(query: &str) -> Handshake {
    let mut question = Handshake::default();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "hub.mode" => question.mode = value.into_owned(),
            "hub.verify_token" => question.verify_token = value.into_owned(),
            "hub.challenge" => question.challenge = value.into_owned(),
            _ => {}
        }
    }
    question
}

fn refusal(error: &WebhookError) -> Response {
    let status = StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, error.to_string()).into_response()
}

#[cfg(all(test, feature = "cloud-api"))]
mod tests {
    use async_trait::async_trait;
    use reqwest::Client;
    use secrecy::SecretString;
    use tokio::net::TcpListener;

    use super::*;
    use crate::webhook::{signature, verify_signature};

    /// Takes webhooks that say something; those that say nothing come at a bad time.
    #[derive(Debug)]
    struct Endpoint(SecretString);

    #[async_trait]
    impl WebhookHandler for Endpoint {
        fn handshake(&self, question: &Handshake) -> Result<String, WebhookError> {
            question.answer(&self.0)
        }

        async fn receive(&self, signature: Option<&str>, body: &[u8]) -> Result<(), WebhookError> {
            let webhook = verify_signature(std::slice::from_ref(&self.0), signature, body)?;
            if webhook.changes()?.is_empty() {
                return Err(WebhookError::Unavailable { source: "the store is away".into() });
            }
            Ok(())
        }
    }

    #[tokio::test]
    async fn each_outcome_has_its_status() {
        let secret = SecretString::from("s&cret");
        let app = Router::new().nest("/whatsapp", router(Arc::new(Endpoint(secret.clone()))));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/whatsapp", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let client = Client::new();

        let good = br#"{"entry":[{"id":"1","changes":[{"field":"messages","value":{}}]}]}"#.to_vec();
        let empty = br#"{"entry":[]}"#.to_vec();
        let other = SecretString::from("other");
        for (body, secret, status) in [
            (good.clone(), Some(&secret), 200),
            (good.clone(), Some(&other), 401),
            (good, None, 401),
            (b"no webhook".to_vec(), Some(&secret), 400),
            (vec![b' '; MAX_BODY_BYTES + 1], Some(&secret), 413),
            (empty, Some(&secret), 503),
        ] {
            let header = secret.map(|secret| signature(secret, &body)).unwrap_or_default();
            let request = client.post(&url).header(SIGNATURE_HEADER, header).body(body);
            assert_eq!(request.send().await.unwrap().status(), status);
        }
        for (token, status, answer) in [("s%26cret", 200, Some("77")), ("other", 403, None)] {
            let question = format!("{url}?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=77");
            let response = client.get(question).send().await.unwrap();
            assert_eq!(response.status(), status);
            let text = response.bytes().await.unwrap();
            assert!(answer.is_none_or(|answer| text == answer));
        }
    }
}
