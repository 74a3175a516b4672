//! The HTTP client of both halves.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Client, redirect, retry};

/// The access token; the stub accepts any.
pub(crate) const TOKEN: &str = "EAAGload";

/// A client as the Cloud API adapter makes its own, with a pool of its own.
pub(crate) fn client() -> anyhow::Result<Client> {
    Client::builder()
        .connect_timeout(Duration::from_secs(3))
        .timeout(Duration::from_secs(15))
        .pool_idle_timeout(Duration::from_secs(25))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .retry(retry::never())
        .tcp_nodelay(true)
        .build()
        .context("making the HTTP client")
}
