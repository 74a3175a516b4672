//! Campaigns, people and what webhooks told on the Redis handle.
//!
//! What is written is computed here, by the same code as on every other store, and committed if
//! nothing that it rests on has changed; else it is read and computed anew.

use rules_core::store::redis::{RedisError, Reply};

mod campaigns;
mod delivery;
mod people;
mod quarantine;
mod register;
mod remembered;
mod sheet;

/// How often something is read and computed anew because others changed it meanwhile. Each time
/// that it happens somebody else is done, so it ends with fewer than this many at it.
const TRIES: usize = 64;
/// Things that one command reads, at most.
const PAGE: usize = 500;

/// The answers to what was asked in one go, taken in the order of the questions.
struct Answers {
    replies: std::vec::IntoIter<Reply>,
    /// What was asked about, for errors.
    what: &'static str,
}

impl Answers {
    fn of(what: &'static str, replies: Vec<Reply>) -> Self {
        Self { replies: replies.into_iter(), what }
    }

    fn reply(&mut self) -> Reply {
        self.replies.next().unwrap_or(Reply::Nil)
    }

    fn text(&mut self) -> Result<String, RedisError> {
        self.text_if_any()?.ok_or_else(|| self.odd())
    }

    fn text_if_any(&mut self) -> Result<Option<String>, RedisError> {
        let reply = self.reply();
        match (&reply, reply.text()) {
            (Reply::Nil, _) => Ok(None),
            (_, Some(text)) => Ok(Some(text.to_owned())),
            (_, None) => Err(self.odd()),
        }
    }

    fn number<N: TryFrom<i64>>(&mut self) -> Result<N, RedisError> {
        self.number_if_any()?.ok_or_else(|| self.odd())
    }

    fn number_if_any<N: TryFrom<i64>>(&mut self) -> Result<Option<N>, RedisError> {
        match self.reply() {
            Reply::Nil => Ok(None),
            reply => {
                let number = reply.int().and_then(|number| number.try_into().ok());
                number.map(Some).ok_or_else(|| self.odd())
            }
        }
    }

    fn odd(&self) -> RedisError {
        RedisError::odd(self.what)
    }
}
