//! Posts webhooks, in a process of its own so that its work is not counted as the receiver's.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use benches::inputs;
use clap::Args;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use whatsapp_dispatch::webhook::{SIGNATURE_HEADER, signature};

use crate::statuses::{self, Status, WORDS};
use crate::{APP_SECRET, Ids};

/// What to post, and where.
#[derive(Args)]
pub(crate) struct Posting {
    #[arg(long)]
    pub(crate) port: u16,
    #[arg(long)]
    pub(crate) messages: PathBuf,
    #[arg(long)]
    pub(crate) posts: u32,
    #[arg(long)]
    pub(crate) connections: u32,
    #[arg(long)]
    pub(crate) seed: u64,
    #[arg(long)]
    pub(crate) seconds: u64,
}

/// How posting went.
#[derive(Serialize, Deserialize)]
pub(crate) struct Posted {
    pub(crate) posts: u32,
    /// Answered with anything but 200.
    pub(crate) refused: usize,
    pub(crate) seconds: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) longest_ms: f64,
}

/// The poster as its parent sees it.
pub(crate) struct PosterProcess {
    child: Child,
}

impl PosterProcess {
    /// Starts the process, and returns when its bodies are made; it posts when it is told to.
    pub(crate) fn start(posting: &Posting) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("finding this program")?;
        let mut child = Command::new(program)
            .arg("post")
            .args(["--port", &posting.port.to_string(), "--posts", &posting.posts.to_string()])
            .args(["--connections", &posting.connections.to_string(), "--seed", &posting.seed.to_string()])
            .args(["--seconds", &posting.seconds.to_string(), "--messages"])
            .arg(&posting.messages)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the poster")?;
        let output = child.stdout.as_mut().context("the poster has no output")?;
        let mut ready = [0; 6];
        std::io::Read::read_exact(output, &mut ready).context("waiting for the poster")?;
        ensure!(&ready == b"ready\n", "the poster is not ready");
        Ok(Self { child })
    }

    /// Lets it post, and returns when the last answer has come.
    pub(crate) async fn posted(mut self) -> anyhow::Result<Posted> {
        let line = tokio::task::spawn_blocking(move || {
            drop(self.child.stdin.take());
            let output = self.child.stdout.take().context("the poster has no output")?;
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).context("reading the poster's figures")?;
            self.child.wait().context("waiting for the poster's end")?;
            anyhow::Ok(line)
        });
        serde_json::from_str(&line.await??).context("the poster's figures cannot be read")
    }
}

impl Posting {
    /// The process itself: makes all requests, waits for its input to end, and posts.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let ids = std::fs::read_to_string(&self.messages).context("reading the list of messages")?;
        let ids: Ids = Arc::new(ids.lines().map(str::to_owned).collect());
        let secret = SecretString::from(APP_SECRET);
        let at = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let posts = statuses::posts(ids.len(), self.posts, self.seed);
        let requests: Vec<Vec<u8>> =
            posts.iter().map(|told| request(&secret, &body(&ids, told, at))).collect();
        println!("ready");
        std::io::stdout().flush()?;
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let posted = runtime.block_on(self.post_all(Arc::new(requests)))?;
        println!("{}", serde_json::to_string(&posted)?);
        Ok(())
    }

    async fn post_all(&self, requests: Arc<Vec<Vec<u8>>>) -> anyhow::Result<Posted> {
        let next = Arc::new(AtomicUsize::new(0));
        let started = Instant::now();
        let end = started + Duration::from_secs(self.seconds);
        let mut connections = JoinSet::new();
        for _ in 0..self.connections {
            let (requests, next, port) = (Arc::clone(&requests), Arc::clone(&next), self.port);
            connections.spawn(async move {
                let mut connection = TcpStream::connect(("127.0.0.1", port)).await?;
                connection.set_nodelay(true)?;
                let (mut took, mut refused) = (Vec::new(), 0);
                while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed))
                    && Instant::now() < end
                {
                    let posted = Instant::now();
                    connection.write_all(request).await?;
                    refused += usize::from(!is_taken(&mut connection).await?);
                    took.push(posted.elapsed());
                }
                anyhow::Ok((took, refused))
            });
        }
        let (mut took, mut refused) = (Vec::new(), 0);
        while let Some(ended) = connections.join_next().await {
            let (more, not_taken) = ended?.context("posting")?;
            took.extend(more);
            refused += not_taken;
        }
        let seconds = started.elapsed().as_secs_f64();
        took.sort_unstable();
        let share = |percent: usize| {
            let index = (took.len() * percent / 100).min(took.len().saturating_sub(1));
            took.get(index).map_or(0.0, |took: &Duration| took.as_secs_f64() * 1e3)
        };
        let (p50_ms, p99_ms, longest_ms) = (share(50), share(99), share(100));
        Ok(Posted { posts: took.len() as u32, refused, seconds, p50_ms, p99_ms, longest_ms })
    }
}

/// About 400 bytes for the first status and 300 for each further one, as Meta writes them.
fn body(ids: &[String], told: &[Status], at: u64) -> String {
    let sender = inputs::sender();
    let status = |&(message, word): &Status| {
        let id = &ids[message as usize];
        let token = id.trim_start_matches("wamid.");
        let word = WORDS[word as usize];
        format!(
            r#"{{"id":"{id}","status":"{word}","timestamp":"{at}","recipient_id":"919876543210","biz_opaque_callback_data":"{token}","pricing":{{"billable":true,"pricing_model":"PMP","category":"marketing","type":"regular"}}}}"#
        )
    };
    let statuses: Vec<String> = told.iter().map(status).collect();
    format!(
        r#"{{"object":"whatsapp_business_account","entry":[{{"id":"{}","changes":[{{"value":{{"messaging_product":"whatsapp","metadata":{{"display_phone_number":"15550783881","phone_number_id":"{}"}},"statuses":[{}]}},"field":"messages"}}]}}]}}"#,
        sender.waba,
        sender.number_id,
        statuses.join(",")
    )
}

fn request(secret: &SecretString, body: &str) -> Vec<u8> {
    let signature = signature(secret, body.as_bytes());
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n{SIGNATURE_HEADER}: {signature}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Reads one answer; true for 200. The receiver's 200 has no body.
async fn is_taken(connection: &mut TcpStream) -> anyhow::Result<bool> {
    let mut read = Vec::with_capacity(256);
    while !read.ends_with(b"\r\n\r\n") {
        ensure!(0 < connection.read_buf(&mut read).await?, "the receiver closed the connection");
        if !read.starts_with(b"HTTP/1.1 200") {
            // What follows a refusal is not worth reading: the run fails anyway.
            return Ok(false);
        }
    }
    Ok(true)
}
