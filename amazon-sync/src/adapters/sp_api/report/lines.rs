use std::borrow::Cow;

use bytes::{Buf, Bytes, BytesMut};

use super::charset::Charset;
use super::unreadable;
use crate::adapters::sp_api::document::Document;
use crate::marketplace::MarketError;

/// The longest line that is read. Real ones have descriptions of some kilobytes.
const MAX_LINE_BYTES: usize = 256 * 1024;

/// The lines of a document, one after another. Nothing of it is held but the line and what came with it.
pub(super) struct Lines {
    document: Document,
    charset: Charset,
    come: BytesMut,
    searched: usize,
    is_over: bool,
    number: u64,
}

/// A line and its number.
pub(super) struct Line {
    pub(super) number: u64,
    bytes: Bytes,
    charset: Charset,
}

impl Line {
    /// Its text; `None` when it is not written as the document says.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        self.charset.text(&self.bytes)
    }
}

impl Lines {
    pub(super) fn new(document: Document) -> Result<Self, MarketError> {
        let charset = Charset::named(document.charset().as_deref());
        let charset = charset.map_err(|reason| unreadable("the document's charset", reason))?;
        Ok(Self { document, charset, come: BytesMut::new(), searched: 0, is_over: false, number: 0 })
    }

    /// The next line, without its end.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, MarketError> {
        loop {
            let end =
                self.come.get(self.searched..).and_then(|new| new.iter().position(|byte| *byte == b'\n'));
            if let Some(end) = end {
                let mut line = self.come.split_to(self.searched + end);
                self.come.advance(1);
                self.searched = 0;
                if line.last() == Some(&b'\r') {
                    line.truncate(line.len() - 1);
                }
                return Ok(Some(self.line(line)));
            }
            self.searched = self.come.len();
            if self.is_over {
                let rest = self.come.split();
                self.searched = 0;
                return Ok((!rest.is_empty()).then(|| self.line(rest)));
            }
            if MAX_LINE_BYTES < self.come.len() {
                let place = format!("line {}", self.number + 1);
                return Err(unreadable(&place, "is longer than 256 KiB: this is no tab-separated report"));
            }
            match self.document.next().await? {
                Some(part) => self.come.extend_from_slice(&part),
                None => self.is_over = true,
            }
        }
    }

    fn line(&mut self, mut bytes: BytesMut) -> Line {
        if self.number == 0 && bytes.starts_with(b"\xef\xbb\xbf") {
            // A mark of the order of bytes says that it is UTF-8, whatever the head says.
            self.charset = Charset::Utf8;
            bytes.advance(3);
        }
        self.number += 1;
        Line { number: self.number, bytes: bytes.freeze(), charset: self.charset }
    }
}
