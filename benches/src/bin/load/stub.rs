//! A Cloud API that accepts everything at once, in a process of its own so that its work is not
//! counted as ours.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Context;
use benches::inputs;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The stub as its parent sees it. It ends when its input ends, so also when the parent dies.
pub(crate) struct StubProcess {
    child: Child,
    port: u16,
}

impl StubProcess {
    /// One that answers after so long.
    pub(crate) fn start(latency: Duration) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("finding this program")?;
        let mut child = Command::new(program)
            .args(["stub", "--latency-ms", &latency.as_millis().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the stub")?;
        let mut line = String::new();
        let output = child.stdout.take().context("the stub has no output")?;
        BufReader::new(output).read_line(&mut line).context("reading the stub's port")?;
        let port = line.trim().parse().context("the stub did not tell its port")?;
        Ok(Self { child, port })
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for StubProcess {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().ok();
    }
}

/// Serves on a free port of 127.0.0.1, which it prints, until its input ends.
pub(crate) fn serve(latency: Duration) -> anyhow::Result<()> {
    std::thread::spawn(|| {
        std::io::stdin().read_to_end(&mut Vec::new()).ok();
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?.port());
        loop {
            let (connection, _) = listener.accept().await?;
            connection.set_nodelay(true)?;
            // A connection that breaks is the client's to notice.
            tokio::spawn(async move { answer_all(connection, latency).await.ok() });
        }
    })
}

async fn answer_all(mut connection: TcpStream, latency: Duration) -> anyhow::Result<()> {
    let mut read = Vec::with_capacity(16 * 1024);
    let mut answer = Vec::with_capacity(1024);
    loop {
        while let Some(length) = request_length(&read) {
            answer.clear();
            if read.starts_with(b"POST") {
                accepted(&mut answer, recipient(&read[..length]));
            } else {
                templates(&mut answer);
            }
            read.drain(..length);
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            connection.write_all(&answer).await?;
        }
        if connection.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    }
}

/// The length of the first request with its body; `None` while it is not all there.
fn request_length(read: &[u8]) -> Option<usize> {
    const END: &[u8] = b"\r\n\r\n";
    const LENGTH: &[u8] = b"\r\ncontent-length: ";
    let head = read.windows(END.len()).position(|part| part == END)? + END.len();
    let body = read[..head].windows(LENGTH.len()).position(|part| part.eq_ignore_ascii_case(LENGTH)).map_or(
        0,
        |at| {
            let digits = read[at + LENGTH.len()..].iter().take_while(|byte| byte.is_ascii_digit());
            digits.fold(0, |length, digit| 10 * length + usize::from(digit - b'0'))
        },
    );
    (head + body <= read.len()).then_some(head + body)
}

/// The digits of the number that a message goes to.
fn recipient(request: &[u8]) -> &str {
    const TO: &[u8] = br#""to":"+"#;
    let start = request.windows(TO.len()).position(|part| part == TO).map_or(0, |at| at + TO.len());
    let length = request[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    str::from_utf8(&request[start..start + length]).unwrap_or_default()
}

/// About 170 bytes, as the Cloud API answers, with an id of their own.
fn accepted(answer: &mut Vec<u8>, to: &str) {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let body = format!(
        r#"{{"messaging_product":"whatsapp","contacts":[{{"input":"+{to}","wa_id":"{to}"}}],"messages":[{{"id":"wamid.HBgMOTE5ODc2NTQzMjEwFQIAERgS{number:016X}AA=="}}]}}"#
    );
    ok(answer, &body);
}

fn templates(answer: &mut Vec<u8>) {
    let template = inputs::template();
    let body = json!({
        "data": [{
            "name": template.name,
            "language": template.language,
            "status": "APPROVED",
            "category": "MARKETING",
            "components": [{"type": "BODY", "text": inputs::TEMPLATE_TEXT}],
        }],
    });
    ok(answer, &body.to_string());
}

fn ok(answer: &mut Vec<u8>, body: &str) {
    answer.extend_from_slice(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ");
    answer.extend_from_slice(body.len().to_string().as_bytes());
    answer.extend_from_slice(b"\r\n\r\n");
    answer.extend_from_slice(body.as_bytes());
}
