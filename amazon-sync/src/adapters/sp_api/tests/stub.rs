//! A far side that reads each request whole, remembers it and does as it is told.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn is_for(&self, path: &str) -> bool {
        self.path.split('?').next() == Some(path)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

#[derive(Clone, Debug)]
pub(super) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// The answer, and so many bytes fewer than were promised.
    Cut(Box<Self>, usize),
    Silence,
}

impl Reply {
    pub(super) fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::bytes(status, body.to_string().into_bytes())
    }

    pub(super) fn bytes(status: u16, body: Vec<u8>) -> Self {
        let headers = vec![
            ("x-amzn-RequestId", "req-1".to_owned()),
            ("Date", "Mon, 02 Nov 2026 12:00:05 GMT".to_owned()),
        ];
        Self::Answer { status, headers, body }
    }

    pub(super) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Self::Answer { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

pub(super) struct Stub {
    pub(super) url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Stub {
    pub(super) async fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, remembered) = (Arc::new(answer), Arc::clone(&seen));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&answer), Arc::clone(&remembered)));
            }
        });
        Self { url, seen }
    }

    pub(super) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: Arc<impl Fn(&Request) -> Reply + Send + Sync>,
    seen: Arc<Mutex<Vec<Request>>>,
) {
    let Some(request) = read(&mut stream).await else { return };
    let reply = answer(&request);
    seen.lock().unwrap().push(request);
    let (reply, missing) = match reply {
        Reply::Cut(reply, missing) => (*reply, missing),
        reply => (reply, 0),
    };
    let Reply::Answer { status, headers, body } = reply else {
        // Until the asker goes away.
        let mut rest = [0; 64];
        while stream.read(&mut rest).await.is_ok_and(|read| 0 < read) {}
        return;
    };
    let mut head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
    for (name, value) in headers {
        head.extend([name, ": ", &value, "\r\n"]);
    }
    head.push_str("\r\n");
    // An asker that has gone away is no failure of ours.
    if stream.write_all(head.as_bytes()).await.is_ok() {
        drop(stream.write_all(&body[..body.len() - missing]).await);
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut whole = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.ok().filter(|read| 0 < *read)?;
        whole.extend_from_slice(&part[..read]);
        let Some(end) = whole.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&whole[..end]).into_owned();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("content-length").then(|| value.parse::<usize>().unwrap())
        });
        let body = &whole[end + 4..];
        if length.unwrap_or_default() <= body.len() {
            let mut words = head.split(' ');
            let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
            return Some(Request { method, path, head, body: body.to_vec() });
        }
    }
}
