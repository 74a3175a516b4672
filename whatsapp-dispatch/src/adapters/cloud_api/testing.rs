//! Material for tests of this adapter and of the simulator.

use bytes::Bytes;

use crate::template::{FilledParameters, Template};

pub(crate) fn template(name: &str) -> Template {
    Template::marketing(name, "en_US")
}

pub(crate) fn encode<T: AsRef<str>>(values: &[T]) -> Bytes {
    values.iter().collect::<FilledParameters>().into_bytes()
}
