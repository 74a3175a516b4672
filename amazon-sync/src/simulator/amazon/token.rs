//! Login with Amazon: access tokens for refresh tokens.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::super::account::AmazonAccount;
use super::super::draw::Draw;
use super::Amazon;
use super::call::later;

#[derive(Debug, Default)]
pub(in super::super) struct Tokens {
    /// Refresh tokens, of those who have authorised.
    refresh: BTreeMap<String, AmazonAccount>,
    revoked: BTreeSet<AmazonAccount>,
    access: BTreeMap<String, (AmazonAccount, DateTime<Utc>)>,
    pub(in super::super) n_asked: u64,
    pub(in super::super) n_given: u64,
    given: BTreeMap<AmazonAccount, u64>,
}

/// What a request for an access token is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Grant {
    Token {
        access_token: String,
        expires_in: u64,
    },
    /// OAuth's word for what is wrong.
    Refused(&'static str),
}

impl Tokens {
    pub(in super::super) fn is_revoked(&self, account: &AmazonAccount) -> bool {
        self.revoked.contains(account)
    }

    pub(in super::super) fn authorise(&mut self, refresh_token: String, account: AmazonAccount) {
        self.revoked.remove(&account);
        self.refresh.insert(refresh_token, account);
    }

    pub(in super::super) fn revoke(&mut self, account: &AmazonAccount) {
        self.revoked.insert(account.clone());
    }

    /// No access token that was given so far is good any longer.
    pub(in super::super) fn expire_all(&mut self) {
        self.access.clear();
    }
}

impl Amazon {
    /// An access token for a refresh token.
    pub(in super::super) fn grant(&mut self, refresh_token: &str) -> Grant {
        let now = self.now;
        self.tokens.n_asked += 1;
        let Some(account) = self.tokens.refresh.get(refresh_token).cloned() else {
            return Grant::Refused("invalid_grant");
        };
        if self.tokens.is_revoked(&account) {
            return Grant::Refused("invalid_grant");
        }
        let nth = self.tokens.given.entry(account.clone()).or_default();
        *nth += 1;
        let mut draw = Draw::new(self.seed, &["access", &account.to_string()], *nth);
        if draw.chance(self.faults.token_error) {
            return Grant::Refused("server_error");
        }
        let life = self.behaviour.access_token_life;
        let access_token = format!("Atza|{:016x}{:016x}", draw.next(), draw.next());
        let expires = later(now, TimeDelta::from_std(life).unwrap_or(TimeDelta::MAX));
        self.tokens.n_given += 1;
        self.tokens.access.retain(|_, (_, expires)| now <= *expires);
        self.tokens.access.insert(access_token.clone(), (account, expires));
        Grant::Token { access_token, expires_in: life.as_secs() }
    }

    /// Whose request it is; `None` for a token that is none, or is no longer good.
    pub(in super::super) fn bearer(&self, access_token: &str) -> Option<AmazonAccount> {
        let (account, expires) = self.tokens.access.get(access_token)?;
        (self.now < *expires && !self.tokens.is_revoked(account)).then(|| account.clone())
    }
}
