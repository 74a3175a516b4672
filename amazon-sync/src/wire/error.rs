//! Refusals, as every operation says them.

objects! { "camelCase"
    /// The body of a refusal.
    pub struct ErrorBody {
        /// What went wrong.
        errors: Vec<ErrorEntry>,
        /// What was asked for, as far as there is any: the older interfaces wrap both.
        payload: super::Unread,
        /// Where it goes on, in the same way.
        pagination: super::Unread,
    }

    /// One thing that went wrong. Its texts may quote what was sent.
    pub struct ErrorEntry {
        /// What decisions are made on, such as `QuotaExceeded`.
        code: String,
        /// For people.
        message: String,
        /// More for people.
        details: String,
    }
}

impl ErrorBody {
    /// The code of the first error.
    pub fn code(&self) -> Option<&str> {
        self.errors.get()?.first()?.code.get().map(String::as_str)
    }
}
