//! Questions to a server and its answers, without the client under test.

use std::fmt::Debug;
use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
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

trait Stream: Read + Write + Debug + Send {}
impl<S: Read + Write + Debug + Send> Stream for S {}

/// A blocking connection of a test's own, apart from the client under test. It asks for no greeting
/// and knows nothing of pools, so that a test can count its bytes.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
}

impl Connection {
    /// Connects to a server or to a proxy before it.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        Self::open_with_patience(address, ANSWER_WITHIN)
    }

    /// As [`Self::open`]; an answer that takes longer is an error.
    pub(crate) fn open_with_patience(address: SocketAddr, patience: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(patience))?;
        Ok(Self { stream: BufReader::new(Box::new(stream)) })
    }

    pub(super) fn to(door: &Door) -> io::Result<Self> {
        match door {
            Door::Port(port) => Self::open((Ipv4Addr::LOCALHOST, *port).into()),
            Door::Socket(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(ANSWER_WITHIN))?;
                Ok(Self { stream: BufReader::new(Box::new(stream)) })
            }
        }
    }

    /// Asks and waits for the answer.
    pub(crate) fn ask(&mut self, words: &[&str]) -> io::Result<Reply> {
        self.send(words)?;
        self.receive()
    }

    pub(crate) fn send(&mut self, words: &[&str]) -> io::Result<()> {
        let mut request = Vec::new();
        write!(request, "*{}\r\n", words.len())?;
        for word in words {
            write!(request, "${}\r\n{word}\r\n", word.len())?;
        }
        self.stream.get_mut().write_all(&request)
    }

    pub(crate) fn receive(&mut self) -> io::Result<Reply> {
        read(&mut self.stream)
    }
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
