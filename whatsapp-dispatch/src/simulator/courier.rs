//! Carries statuses to the endpoint, again and again until it takes them.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use rules_core::work::clock::ClockExt;

use super::shared::{Endpoint, Shared};
use super::wire;
use crate::webhook::{SIGNATURE_HEADER, signature};

const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Runs until it is dropped.
pub(super) async fn run(shared: Arc<Shared>, client: Client) {
    let mut wait = FIRST_WAIT;
    loop {
        let Some(endpoint) = shared.endpoint() else {
            shared.moved.notified().await;
            continue;
        };
        let (numbers, statuses) = {
            let mut meta = shared.meta();
            (meta.numbers.clone(), meta.batch(shared.clock.now()))
        };
        if statuses.is_empty() {
            rest(&shared).await;
        } else if deliver(&shared, &client, &endpoint, wire::webhook(&numbers, &statuses)).await {
            shared.meta().taken();
            wait = FIRST_WAIT;
        } else {
            tokio::select! {
                biased;
                () = shared.clock.sleep(wait) => {}
                () = shared.moved.notified() => {}
            }
            wait = LONGEST_WAIT.min(wait * 2);
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

async fn deliver(shared: &Shared, client: &Client, endpoint: &Endpoint, body: Vec<u8>) -> bool {
    let signature = signature(&shared.secrets.app_secret, &body);
    match endpoint {
        Endpoint::Handler(handler) => handler.receive(Some(&signature), &body).await.is_ok(),
        Endpoint::Url(url) => {
            let request = client.post(url).header(SIGNATURE_HEADER, signature);
            let request = request.header("content-type", "application/json").body(body);
            request.send().await.is_ok_and(|response| response.status() == 200)
        }
    }
}
