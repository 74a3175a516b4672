//! WhatsApp's side: a simulator in this process, one in a process of its own, or the real one.

use std::env;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use secrecy::SecretString;
use tokio::net::TcpListener;
use whatsapp_dispatch::adapters::cloud_api::{CloudApi, CloudApiConfig};
use whatsapp_dispatch::dispatch::{Dispatch, WebhookConfig, Webhooks};
use whatsapp_dispatch::rules_core::work::secrets::{FixedSecrets, SecretRef};
use whatsapp_dispatch::sender::{NumberId, Sender};
use whatsapp_dispatch::simulator::{Simulator, SimulatorError};
use whatsapp_dispatch::template::TemplateDefinition;

use super::config::FileConfig;
use super::options::{Line, Options};
use super::place::Place;

/// The real Cloud API's variables, and those that `simulate-cloud-api` prints.
const VARIABLES: [(&str, &str); 5] = [
    ("WHATSAPP_NUMBER_ID", "the id of the sending number"),
    ("WHATSAPP_WABA", "the id of its WhatsApp business account"),
    ("WHATSAPP_ACCESS_TOKEN", "a system user's access token"),
    ("WHATSAPP_APP_SECRET", "the app's secret, which signs webhooks"),
    ("WHATSAPP_VERIFY_TOKEN", "the token for registering the webhook"),
];

/// WhatsApp's side of the run.
#[derive(Debug)]
pub struct Meta {
    /// The simulator, if it runs in this process.
    pub simulator: Option<Simulator>,
    /// The door to WhatsApp.
    pub gateway: CloudApi,
    /// The number that the campaign leaves from.
    pub sender: Sender,
    app_secret: SecretString,
    verify_token: SecretString,
}

impl Meta {
    /// Starts or connects to WhatsApp's side.
    pub async fn open(options: &Options, config: &FileConfig, place: &Place) -> Result<Self> {
        if options.line.live && options.recipients.is_none() {
            bail!(
                "--live needs --recipients FILE: the list that comes with the program is not of real people"
            );
        }
        if options.line.live || options.line.simulator.is_some() {
            return Self::connect(&options.line, config);
        }
        let mut builder = Simulator::builder().seed(options.seed).rate(config.campaign.messages_per_second);
        if let Some(text) = &config.campaign.text {
            let definition =
                TemplateDefinition::new(config.template(), text).context("section [campaign], key text")?;
            builder = builder.template(&definition);
        }
        if let Some(state) = place.simulator_state()? {
            builder = builder.restore(state);
        }
        let simulator = builder.start().await.map_err(|error: SimulatorError| anyhow::anyhow!(error))?;
        let number = simulator.sender();
        let sender =
            Sender::new(number.number_id, number.waba, config.campaign.tenant.clone(), number.secret)
                .with_rate(config.campaign.messages_per_second);
        Ok(Self {
            gateway: simulator.gateway(),
            app_secret: simulator.app_secret(),
            verify_token: simulator.verify_token(),
            sender,
            simulator: Some(simulator),
        })
    }

    /// Connects to a WhatsApp that runs elsewhere, with credentials from the environment.
    pub fn connect(line: &Line, config: &FileConfig) -> Result<Self> {
        let missing: Vec<String> = VARIABLES
            .iter()
            .filter(|(name, _)| env::var(name).unwrap_or_default().is_empty())
            .map(|(name, meaning)| format!("  {name}  {meaning}"))
            .collect();
        if !missing.is_empty() {
            let whose = if line.live { "--live" } else { "--simulator" };
            bail!(
                "{whose} needs credentials from the environment; these are missing:\n{}",
                missing.join("\n")
            );
        }
        let read = |name: &str| env::var(name).unwrap_or_default();
        let mut api = CloudApiConfig::default();
        if let Some(url) = &line.simulator {
            api = api.with_base_url(url).context("reading --simulator")?;
        }
        let secrets = FixedSecrets::new().with("cloud-api", read("WHATSAPP_ACCESS_TOKEN"));
        let gateway = CloudApi::new(api, Arc::new(secrets))?;
        let number = NumberId::parse(&read("WHATSAPP_NUMBER_ID")).context("reading WHATSAPP_NUMBER_ID")?;
        let sender = Sender::new(
            number,
            read("WHATSAPP_WABA"),
            config.campaign.tenant.clone(),
            SecretRef::named("cloud-api"),
        )
        .with_rate(config.campaign.messages_per_second);
        Ok(Self {
            simulator: None,
            gateway,
            sender,
            app_secret: read("WHATSAPP_APP_SECRET").into(),
            verify_token: read("WHATSAPP_VERIFY_TOKEN").into(),
        })
    }

    /// Serves webhooks over HTTP and tells a simulator where. Says where, too.
    pub async fn receive_webhooks(
        &self,
        line: &Line,
        address: SocketAddr,
        dispatch: &Dispatch,
    ) -> Result<String> {
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!(
                "listening for webhooks on {address}; if the port is in use, choose another with --webhooks"
            )
        })?;
        let url = format!("http://{}/", listener.local_addr()?);
        let config = WebhookConfig {
            app_secrets: vec![self.app_secret.clone()],
            verify_token: self.verify_token.clone(),
        };
        let routes = Webhooks::new(dispatch, config)?.router();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        if let Some(simulator) = &self.simulator {
            simulator.deliver_webhooks_to_url(url.as_str());
        } else if let Some(simulator) = &line.simulator {
            let door = format!("{}/simulator/webhook", simulator.trim_end_matches('/'));
            let body = serde_json::json!({ "url": url }).to_string();
            let told = reqwest::Client::builder().no_proxy().build()?.post(door).body(body);
            let told = told.header("content-type", "application/json").send().await;
            told.and_then(reqwest::Response::error_for_status).with_context(|| {
                format!("telling the simulator at {simulator} where webhooks go; is it running?")
            })?;
        }
        Ok(url)
    }
}
