use std::io::Read;

use flate2::read::GzDecoder;
use reqwest::{Client, Method, Response};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;

mod answers;
mod documents;
mod requests;
mod tokens;

const ITEMS: &str = "/listings/2021-08-01/items/A2NEXAMPLETF53";

/// A simulator on a port, a clock by hand, and a client with an access token.
struct Door {
    clock: Arc<ManualClock>,
    amazon: Simulator,
    client: Client,
    token: String,
}

/// An answer, read.
#[derive(Debug)]
struct Told {
    status: u16,
    request: Option<String>,
    rate: Option<String>,
    date: Option<String>,
    body: Value,
}

impl Door {
    async fn of(world: WorldBuilder) -> Self {
        let clock = Arc::new(ManualClock::at(nine()));
        let builder = Simulator::builder(world.build().unwrap()).clock(Arc::<ManualClock>::clone(&clock));
        Self::at(builder, clock).await
    }

    async fn at(builder: SimulatorBuilder, clock: Arc<ManualClock>) -> Self {
        let amazon = builder.start().await.unwrap();
        let client = Client::builder().no_proxy().user_agent("test/1 (Language=Rust)").build().unwrap();
        let mut door = Self { clock, amazon, client, token: String::new() };
        door.token = door.log_in().await.body["access_token"].as_str().unwrap_or_default().to_owned();
        door
    }

    /// A mug of which 50 are shown, with a handling time of 3 days.
    async fn with_mugs() -> Self {
        Self::of(calm().listing(&owner(), ListingPlan::merchant(sku("MUG"), 50).lead_time(3))).await
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    async fn log_in(&self) -> Told {
        self.log_in_with(&[]).await
    }

    /// Logs in with some fields of the form changed.
    async fn log_in_with(&self, changed: &[(&str, &str)]) -> Told {
        let (secret, refresh) = (self.amazon.client_secret(), self.amazon.refresh_token(&owner()));
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh.expose_secret()),
            ("client_id", self.amazon.client_id()),
            ("client_secret", secret.expose_secret()),
        ];
        for (name, value) in changed {
            form.retain(|(known, _)| known != name);
            form.push((name, value));
        }
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let url = format!("{}/auth/o2/token", self.amazon.url());
        let request = self.client.post(url).header("content-type", "application/x-www-form-urlencoded");
        read(request.body(form).send().await.unwrap()).await
    }

    /// Sends a request; `path` is as it stands in the URL.
    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Told, reqwest::Error> {
        let url = format!("{}{path}", self.amazon.url());
        let mut request = self.client.request(method, url).header("x-amz-access-token", &self.token);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        Ok(read(request.send().await?).await)
    }

    async fn get(&self, path: &str) -> Told {
        self.send(Method::GET, path, None).await.unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> Told {
        self.send(Method::POST, path, Some(body)).await.unwrap()
    }

    /// Patches the mug's attribute with one operation and one value.
    async fn patch(&self, op: &str, value: Value) -> Told {
        let change = json!({"op": op, "path": "/attributes/fulfillment_availability", "value": [value]});
        let body = json!({"productType": "PRODUCT", "patches": [change]});
        let path = format!("{ITEMS}/MUG?marketplaceIds={US}");
        self.send(Method::PATCH, &path, Some(body)).await.unwrap()
    }

    /// What is stored of the mug's availability.
    async fn stored(&self) -> Value {
        let told = self.get(&format!("{ITEMS}/MUG?marketplaceIds={US}&includedData=attributes")).await;
        told.body["attributes"]["fulfillment_availability"].clone()
    }

    /// What lies at an address, and its status.
    async fn fetch(&self, url: &Value) -> (u16, Vec<u8>) {
        let response = self.client.get(url.as_str().unwrap()).send().await.unwrap();
        (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
    }
}

async fn read(response: Response) -> Told {
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (request, rate, date) =
        (header("x-amzn-requestid"), header("x-amzn-ratelimit-limit"), header("date"));
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap_or_default();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Told { status, request, rate, date, body }
}

fn code(told: &Told) -> (u16, &str) {
    (told.status, told.body["errors"][0]["code"].as_str().unwrap_or_default())
}

fn unzip(bytes: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
    text
}
