//! Carries webhooks to the endpoint, each of them again and again until it takes it.

use std::sync::Arc;

use reqwest::Client;
use secrecy::SecretString;

use super::meta::Parcel;
use super::shared::{Endpoint, Shared};
use crate::webhook::{SIGNATURE_HEADER, signature};

/// Runs until it is dropped.
pub(super) async fn run(shared: Arc<Shared>, client: Client) {
    loop {
        let Some(endpoint) = shared.endpoint() else {
            shared.moved.notified().await;
            continue;
        };
        let parcel = shared.meta().next_parcel(shared.clock.now());
        let Some(parcel) = parcel else {
            rest(&shared).await;
            continue;
        };
        if deliver(&shared, &client, &endpoint, parcel).await {
            shared.meta().taken();
        } else {
            shared.meta().refused(shared.clock.now());
        }
    }
}

/// Until something is due.
async fn rest(shared: &Shared) {
    let next_due = shared.meta().next_due();
    let due = async {
        match next_due {
            Some(instant) => shared.clock.sleep_until(instant).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = due => {}
        () = shared.sooner.notified() => {}
        () = shared.moved.notified() => {}
    }
}

async fn deliver(shared: &Shared, client: &Client, endpoint: &Endpoint, parcel: Parcel) -> bool {
    let body = parcel.body.into_bytes();
    let signature = if parcel.forged {
        signature(&SecretString::from("nobody told the forger"), &body)
    } else {
        signature(&shared.secrets.app_secret, &body)
    };
    match endpoint {
        Endpoint::Handler(handler) => handler.receive(Some(&signature), &body).await.is_ok(),
        Endpoint::Url(url) => {
            let request = client.post(url).header(SIGNATURE_HEADER, signature);
            let request = request.header("content-type", "application/json").body(body);
            request.send().await.is_ok_and(|response| response.status() == 200)
        }
    }
}
