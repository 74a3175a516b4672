//! A campaign of which every message is accepted and nothing else is known yet.

use std::time::Duration;

use anyhow::{Context, ensure};
use benches::inputs;
use rules_core::store::sqlite::Sqlite;
use whatsapp_dispatch::config::DispatchConfig;
use whatsapp_dispatch::delivery::{DeliveryLog, Kind, Query};
use whatsapp_dispatch::dispatch::{Dispatch, Sent};

/// The dispatcher, its campaign, and WhatsApp's ids of the messages, which hold our tokens.
pub(crate) struct House {
    pub(crate) dispatch: Dispatch,
    pub(crate) sent: Sent,
    pub(crate) ids: Vec<String>,
}

const DRAIN: Duration = Duration::from_secs(30);
const PAGE: usize = 500;

impl House {
    pub(crate) async fn with_accepted(store: &Sqlite, messages: usize) -> anyhow::Result<Self> {
        let dispatch = Dispatch::builder(store, inputs::Accepting)
            .tenants(inputs::tenants(2 * messages as u64))
            .rules(inputs::rules(inputs::never_quiet()))
            .config(DispatchConfig::default().unpaced().with_report_after(Duration::ZERO))
            .build()?;
        let plan = dispatch.plan(inputs::campaign("webhooks"), inputs::people(messages)).await?;
        let sent = dispatch.release(&plan).await?;
        let running = dispatch.start();
        let report = sent.finished().await?;
        ensure!(running.drain(DRAIN).await?, "the dispatcher did not end in {DRAIN:?}");
        ensure!(report.progress.accepted == messages as u64, "not every message was accepted: {report}");

        let mut ids = Vec::with_capacity(messages);
        let mut from = Some(0);
        while let Some(start) = from {
            let query = Query::Scan { campaign: sent.key().clone(), from: start, of: Kind::Any, max: PAGE };
            let page = store.messages(&query).await?;
            for message in page.messages {
                let id = message.facts.wamid.context("an accepted message has no id")?;
                ids.push(id.expose().to_owned());
            }
            from = page.next;
        }
        ensure!(ids.len() == messages, "{} of {messages} messages were found", ids.len());
        Ok(Self { dispatch, sent, ids })
    }
}
