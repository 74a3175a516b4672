//! Material for tests of this adapter and of the simulator.

use bytes::Bytes;

use crate::template::Template;

pub(crate) fn template(name: &str) -> Template {
    Template { name: name.to_owned(), language: "en_US".to_owned() }
}

pub(crate) fn encode<T: AsRef<str>>(values: &[T]) -> Bytes {
    let mut encoded = Vec::new();
    for value in values.iter().map(AsRef::as_ref) {
        encoded.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        encoded.extend(value.as_bytes());
    }
    encoded.into()
}
