use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::RedisError;
use crate::work::clock::Clock;
use crate::work::ids::{Ids, RandomIds};
use crate::work::queue::QueueLimits;

/// What a server still knows after it was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Guarantee {
    /// Nothing: it keeps nothing on disk.
    Nothing,
    /// All but the last second or two (`appendfsync everysec`).
    EverySecond,
    /// All that it answered (`appendfsync always`).
    Always,
}

impl Guarantee {
    /// The guarantee as a word: `nothing`, `everysec`, `always`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::EverySecond => "everysec",
            Self::Always => "always",
        }
    }

    /// The guarantee that [`Guarantee::as_str`] writes as `word`.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Nothing, Self::EverySecond, Self::Always].into_iter().find(|one| one.as_str() == word)
    }
}

/// How a server is reached and what it must promise.
#[derive(Clone)]
#[non_exhaustive]
pub struct RedisConfig {
    /// Where the server is; it may hold a password.
    pub(super) address: SecretString,
    /// The certificates of the only authorities that are trusted, in PEM; with none, the machine's are.
    #[cfg(feature = "redis-tls")]
    pub(super) authorities: Vec<u8>,
    /// The first word of every key, and their hash tag: stores of different names know nothing of
    /// each other. Default `rules`.
    pub name: String,
    /// Connections that are shared by everybody; default 2.
    pub connections: usize,
    /// How long opening a connection may take; default 3 s.
    pub connect_timeout: Duration,
    /// How long an answer may take; default 5 s. What takes longer counts as in doubt.
    pub answer_timeout: Duration,
    /// The least that the server must promise; default [`Guarantee::Always`].
    pub accept: Guarantee,
    /// What the host knows the server to promise, where the server itself does not tell.
    pub promised: Option<Guarantee>,
    /// The clock that counts; default `None`, the server's.
    pub clock: Option<Arc<dyn Clock>>,
    /// The store's source of ids.
    pub ids: Arc<dyn Ids>,
    /// What the store's queue accepts.
    pub queue_limits: QueueLimits,
}

impl RedisConfig {
    /// The defaults for a server: `redis://[USER:PASSWORD@]HOST[:PORT][/DB]`, `rediss://...` with
    /// TLS (feature `redis-tls`), `redis+unix:///PATH`, or
    /// `redis+cluster://[USER:PASSWORD@]HOST:PORT,HOST:PORT`. `?protocol=resp3` chooses RESP3.
    ///
    /// # Errors
    /// [`RedisError::Address`] when it is none of these.
    pub fn parse(address: &str) -> Result<Self, RedisError> {
        super::link::Place::parse(address)?;
        Ok(Self {
            address: address.into(),
            #[cfg(feature = "redis-tls")]
            authorities: Vec::new(),
            name: "rules".to_owned(),
            connections: 2,
            connect_timeout: Duration::from_secs(3),
            answer_timeout: Duration::from_secs(5),
            accept: Guarantee::Always,
            promised: None,
            clock: None,
            ids: Arc::new(RandomIds),
            queue_limits: QueueLimits::default(),
        })
    }

    /// The same for a store of another name. Braces in it are left out.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.replace(['{', '}'], ""), ..self }
    }

    /// The same for a server behind `rediss://` whose certificate comes from an authority of the
    /// host's own: its certificate, or several, in PEM. The machine's authorities are trusted no more
    /// then. Each call adds some.
    ///
    /// ```
    /// # use rules_core::store::redis::{RedisConfig, RedisError};
    /// # fn config(pem: &str) -> Result<RedisConfig, RedisError> {
    /// RedisConfig::parse("rediss://redis.internal:6380")?.trusting(pem)
    /// # }
    /// # assert!(config("no certificate").is_err());
    /// ```
    ///
    /// # Errors
    /// [`RedisError::Authority`] when it is not the certificate of an authority;
    /// [`RedisError::Address`] when the address is not `rediss://`.
    #[cfg(feature = "redis-tls")]
    pub fn trusting(mut self, pem: &str) -> Result<Self, RedisError> {
        super::tls::check_authority(pem.as_bytes())?;
        if !self.address.expose_secret().starts_with("rediss://") {
            let reason = "an authority is trusted for nothing, because it is not rediss://".to_owned();
            return Err(RedisError::Address { reason });
        }
        self.authorities.extend_from_slice(pem.as_bytes());
        self.authorities.push(b'\n');
        Ok(self)
    }

    /// The same for a server that promises less than [`Guarantee::Always`]. With
    /// [`Guarantee::EverySecond`] the marks of messages that were begun in the last second or two
    /// can vanish when the server dies, and those messages may be sent twice.
    #[must_use]
    pub fn accepting(self, least: Guarantee) -> Self {
        Self { accept: least, ..self }
    }

    /// The same for a server that does not tell what it promises, when the host knows it.
    #[must_use]
    pub fn promising(self, promised: Guarantee) -> Self {
        Self { promised: Some(promised), ..self }
    }

    /// The same with a clock of the host's. For tests: with several processes only the server's
    /// clock is one that all agree on.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// The same with another source of ids.
    #[must_use]
    pub fn with_ids(self, ids: Arc<dyn Ids>) -> Self {
        Self { ids, ..self }
    }

    /// The same with other limits of the queue.
    #[must_use]
    pub fn with_queue_limits(self, queue_limits: QueueLimits) -> Self {
        Self { queue_limits, ..self }
    }

    /// The same with other time-outs: for opening a connection and for an answer.
    #[must_use]
    pub const fn with_timeouts(mut self, connect: Duration, answer: Duration) -> Self {
        self.connect_timeout = connect;
        self.answer_timeout = answer;
        self
    }

    pub(super) fn place(&self) -> Result<super::link::Place, RedisError> {
        super::link::Place::parse(self.address.expose_secret())
    }
}

impl Debug for RedisConfig {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("name", &self.name)
            .field("connections", &self.connections)
            .field("accept", &self.accept)
            .field("promised", &self.promised)
            .finish_non_exhaustive()
    }
}
