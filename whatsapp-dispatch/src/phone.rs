//! placeholder, replaced
/// E.164.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneNumber(u64);
impl PhoneNumber {
    /// From digits.
    pub const fn from_digits(digits: u64) -> Option<Self> {
        Some(Self(digits))
    }
    /// Canonical.
    pub const fn canonical(self) -> Self {
        self
    }
    /// Digits.
    pub const fn digits(self) -> u64 {
        self.0
    }
    /// E.164.
    pub fn to_e164(self) -> String {
        format!("+{}", self.0)
    }
}
impl std::fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("+")
    }
}
