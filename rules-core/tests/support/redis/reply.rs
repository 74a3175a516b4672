//! One question to a server and its answer, without the client under test.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Where a server listens.
#[derive(Clone, Debug)]
pub(super) enum Door {
    Port(u16),
    Socket(PathBuf),
}

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A status or a value; bytes that are no UTF-8 are replaced.
    Text(String),
    Integer(i64),
    Array(Vec<Self>),
    Nothing,
    /// Starts with the kind of error, such as `NOSCRIPT`.
    Error(String),
}

impl Reply {
    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn integer(&self) -> Option<i64> {
        if let Self::Integer(integer) = self { Some(*integer) } else { None }
    }

    pub(crate) fn error(&self) -> Option<&str> {
        if let Self::Error(error) = self { Some(error) } else { None }
    }

    pub(crate) fn array(&self) -> &[Self] {
        if let Self::Array(replies) = self { replies } else { &[] }
    }
}

/// Connects, asks once and reads one answer.
pub(super) fn ask(door: &Door, words: &[&str]) -> io::Result<Reply> {
    match door {
        Door::Port(port) => {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, *port))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(ANSWER_WITHIN))?;
            exchange(stream, words)
        }
        Door::Socket(path) => {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(ANSWER_WITHIN))?;
            exchange(stream, words)
        }
    }
}

fn exchange(mut stream: impl Read + Write, words: &[&str]) -> io::Result<Reply> {
    let mut request = Vec::new();
    write!(request, "*{}\r\n", words.len())?;
    for word in words {
        write!(request, "${}\r\n{word}\r\n", word.len())?;
    }
    stream.write_all(&request)?;
    read(&mut BufReader::new(stream))
}

fn read(stream: &mut impl BufRead) -> io::Result<Reply> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let line = line.strip_suffix("\r\n").ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?;
    let (kind, rest) = line.split_at_checked(1).ok_or_else(|| strange(line))?;
    let number = || rest.parse::<i64>().map_err(|_| strange(line));
    Ok(match kind {
        "+" => Reply::Text(rest.to_owned()),
        "-" => Reply::Error(rest.to_owned()),
        ":" => Reply::Integer(number()?),
        "$" => match usize::try_from(number()?) {
            Err(_) => Reply::Nothing,
            Ok(length) => {
                let mut bytes = vec![0; length + 2];
                stream.read_exact(&mut bytes)?;
                bytes.truncate(length);
                Reply::Text(String::from_utf8_lossy(&bytes).into_owned())
            }
        },
        "*" => match usize::try_from(number()?) {
            Err(_) => Reply::Nothing,
            Ok(length) => Reply::Array((0..length).map(|_| read(stream)).collect::<io::Result<_>>()?),
        },
        _ => return Err(strange(line)),
    })
}

fn strange(line: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("no RESP2: {line}"))
}
