//! The bare loop: as many tasks as requests may be on the wire, each posting one body after the
//! other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use benches::inputs;
use bytes::Bytes;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use rules_core::judge::tenant::TenantId;
use tokio::task::JoinSet;
use whatsapp_dispatch::adapters::cloud_api::CloudApi;
use whatsapp_dispatch::dispatch::ONLY_TENANT;
use whatsapp_dispatch::gateway::{Content, Outgoing};
use whatsapp_dispatch::message::{CallbackToken, CampaignKey, Salt};
use whatsapp_dispatch::phone::PhoneNumber;
use whatsapp_dispatch::template::Skeleton;

use crate::client::{TOKEN, client};
use crate::dispatched::Work;
use benches::process::cpu_time;

/// The bodies that the dispatcher posts too, made beforehand: what they cost is the dispatcher's.
pub(crate) async fn bodies(messages: usize) -> anyhow::Result<Arc<Vec<Bytes>>> {
    let scope = inputs::tenants(1).enter(&TenantId::parse(ONLY_TENANT)?).await?;
    let campaign = CampaignKey::new(&scope, 1);
    let salt = Salt::from_bytes([7; 32]);
    let content = Arc::new(Content::new(inputs::template(), Skeleton::numbered(2)));
    let body = |index: usize| {
        let [phone, name, discount, _] = inputs::person(index);
        let message = campaign.message(u32::try_from(index)?);
        let outgoing = Outgoing {
            to: PhoneNumber::parse(&phone)?,
            content: Arc::clone(&content),
            parameters: encoded(&[&name, &discount]),
            token: CallbackToken { message, attempt: 1 }.encode(&salt),
        };
        Ok(CloudApi::body(&outgoing))
    };
    (0..messages).map(body).collect::<anyhow::Result<Vec<_>>>().map(Arc::new)
}

/// Values as a plan keeps them: each with its length in two bytes.
fn encoded(values: &[&str]) -> Bytes {
    let mut bytes = Vec::new();
    for value in values {
        bytes.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
        bytes.extend(value.as_bytes());
    }
    bytes.into()
}

/// One bare loop, measured.
#[derive(Clone, Copy)]
pub(crate) struct Bare {
    pub(crate) messages: usize,
    pub(crate) took: Duration,
    /// Of this process.
    pub(crate) cpu: Duration,
}

/// Posts every body once.
pub(crate) async fn post(work: &Work, bodies: &Arc<Vec<Bytes>>) -> anyhow::Result<Bare> {
    let url = Url::parse(&work.base_url)?.join(&format!("v26.0/{}/messages", inputs::sender().number_id))?;
    let mut authorization = HeaderValue::from_str(&format!("Bearer {TOKEN}"))?;
    authorization.set_sensitive(true);
    let (client, next) = (client()?, Arc::new(AtomicUsize::new(0)));
    let (cpu, started) = (cpu_time()?, Instant::now());
    let mut tasks = JoinSet::new();
    for _ in 0..work.settings.config().concurrency {
        let (client, url, authorization) = (client.clone(), url.clone(), authorization.clone());
        let (bodies, next) = (Arc::clone(bodies), Arc::clone(&next));
        tasks.spawn(async move {
            while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                let request = client
                    .post(url.clone())
                    .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                    .body(body.clone())
                    .header(AUTHORIZATION, authorization.clone());
                let answer = request.send().await?;
                let status = answer.status();
                let text = answer.bytes().await?;
                ensure!(status.is_success() && !text.is_empty(), "the stub answered {status}");
            }
            Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended?.context("posting in the bare loop")?;
    }
    let took = started.elapsed();
    Ok(Bare { messages: bodies.len(), took, cpu: cpu_time()?.saturating_sub(cpu) })
}
