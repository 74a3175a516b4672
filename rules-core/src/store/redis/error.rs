use std::error::Error;
use std::sync::Arc;

use deadpool_redis::redis::{self, ErrorKind, ServerErrorKind};

use crate::judge::fault::{Classify, Fault};
use crate::work::StoreError;

type Source = Arc<dyn Error + Send + Sync>;

/// What can go wrong with a Redis server.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisError {
    /// The address cannot be read. It is not shown, because it may hold a password.
    #[error(
        "the Redis address cannot be used: {reason}; write redis://HOST:PORT, rediss://HOST:PORT, redis+unix:///PATH or redis+cluster://HOST:PORT,HOST:PORT"
    )]
    Address {
        /// What is wrong with it.
        reason: String,
    },
    /// No connection could be opened.
    #[error("connecting to Redis at {server}; is it running, and reachable from here?")]
    Connect {
        /// Host and port, or the path.
        server: String,
        /// Why.
        #[source]
        source: Source,
    },
    /// The server's certificate is not trusted.
    #[error(
        "Redis at {server} shows a certificate that is not trusted here; connect by a name that stands in it, and name the authority that issued it with RedisConfig::trusting"
    )]
    Untrusted {
        /// Host and port.
        server: String,
        /// Why.
        #[source]
        source: Source,
    },
    /// What should be an authority's certificate cannot be read.
    #[error(
        "the certificate of an authority cannot be used: {reason}; give it in PEM, from -----BEGIN CERTIFICATE----- on"
    )]
    Authority {
        /// What is wrong with it.
        reason: String,
    },
    /// The server is too old.
    #[error("Redis at {server} is version {found}; 7.0 or newer, or Valkey, is needed")]
    Version {
        /// Host and port, or the path.
        server: String,
        /// What it says it is.
        found: String,
    },
    /// The server is configured so that it could lose what it was given.
    #[error("Redis at {server} has {setting} {found}; {remedy}")]
    Setting {
        /// Host and port, or the path.
        server: String,
        /// The server's word for it.
        setting: &'static str,
        /// What it is set to.
        found: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The server tells nobody how it is configured.
    #[error(
        "Redis at {server} does not say how it is configured (CONFIG is refused); find out which persistence it has and name it with RedisConfig::promising"
    )]
    Silent {
        /// Host and port, or the path.
        server: String,
    },
    /// The server did not do it.
    #[error("Redis did not do it")]
    Unavailable {
        /// Why.
        #[source]
        source: Source,
    },
    /// It is unknown whether the server did it.
    #[error("Redis did not answer in time")]
    InDoubt {
        /// Why.
        #[source]
        source: Source,
    },
    /// The server's memory is full; nothing was changed.
    #[error("the memory of Redis is full")]
    Full,
    /// The server refuses it for good.
    #[error("Redis refuses {what}")]
    Refused {
        /// The command or the script.
        what: &'static str,
        /// Why.
        #[source]
        source: Source,
    },
    /// Too many others changed the same thing again and again.
    #[error("others kept changing the same thing")]
    Contended,
    /// What is stored is not what it should be.
    #[error("what Redis holds is damaged")]
    Damaged {
        /// Why.
        #[source]
        source: Source,
    },
}

impl RedisError {
    /// This error as a port reports it, with what was being done.
    pub fn while_doing(self, doing: &'static str) -> StoreError {
        match self {
            Self::Full => StoreError::Full { doing: doing.into(), place: "the memory of Redis".to_owned() },
            Self::Damaged { .. } => StoreError::Damaged { doing: doing.into(), source: Box::new(self) },
            Self::InDoubt { .. } => StoreError::InDoubt { doing: doing.into(), source: Box::new(self) },
            Self::Address { .. }
            | Self::Authority { .. }
            | Self::Version { .. }
            | Self::Setting { .. }
            | Self::Silent { .. } => {
                StoreError::Refused { doing: doing.into(), reason: self.to_string().into() }
            }
            Self::Refused { what, source } => StoreError::Refused {
                doing: doing.into(),
                reason: format!("Redis refuses {what}: {source}").into(),
            },
            // Work that runs already waits for a certificate as for a server: both may come back.
            Self::Connect { .. } | Self::Untrusted { .. } | Self::Unavailable { .. } | Self::Contended => {
                StoreError::Unavailable { doing: doing.into(), source: Box::new(self) }
            }
        }
    }

    /// Stored bytes that are not what they should be.
    pub fn damaged(source: impl Error + Send + Sync + 'static) -> Self {
        Self::Damaged { source: Arc::new(source) }
    }

    /// An answer of another shape than the one that belongs to the question.
    pub fn odd(what: &'static str) -> Self {
        Self::damaged(std::io::Error::other(format!("{what}: an answer of another shape")))
    }

    pub(super) fn of(error: &redis::RedisError, what: &'static str) -> Self {
        let source: Source = Arc::new(error.clone());
        match error.kind() {
            ErrorKind::Io if error.is_connection_refusal() => Self::Unavailable { source },
            ErrorKind::Io | ErrorKind::Parse => Self::InDoubt { source },
            ErrorKind::ClusterConnectionNotFound
            | ErrorKind::Server(
                ServerErrorKind::BusyLoading
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
                | ServerErrorKind::MasterDown
                | ServerErrorKind::ReadOnly
                | ServerErrorKind::Moved
                | ServerErrorKind::Ask,
            ) => Self::Unavailable { source },
            _ => match error.code() {
                Some("OOM") => Self::Full,
                Some("MISCONF" | "BUSY" | "NOREPLICAS" | "UNBLOCKED") => Self::Unavailable { source },
                _ => Self::Refused { what, source },
            },
        }
    }

    /// True when the server does not know the script, as after it has started anew.
    pub(super) fn is_missing_script(&self) -> bool {
        let Self::Refused { source, .. } = self else { return false };
        let told = source.downcast_ref::<redis::RedisError>();
        told.is_some_and(|error| error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
    }

    /// True when the connection is of no more use.
    pub(super) const fn ends_connection(&self) -> bool {
        matches!(
            self,
            Self::Unavailable { .. } | Self::InDoubt { .. } | Self::Connect { .. } | Self::Untrusted { .. }
        )
    }
}

impl Classify for RedisError {
    fn fault(&self) -> Fault {
        match self {
            Self::Connect { .. } | Self::Unavailable { .. } | Self::Contended => Fault::Transient,
            Self::InDoubt { .. } => Fault::InDoubt,
            Self::Full => Fault::Exhausted,
            Self::Address { .. }
            | Self::Authority { .. }
            | Self::Untrusted { .. }
            | Self::Version { .. }
            | Self::Setting { .. }
            | Self::Silent { .. }
            | Self::Refused { .. }
            | Self::Damaged { .. } => Fault::Rejected,
        }
    }
}
