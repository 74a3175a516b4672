//! The form in which files are uploaded (RFC 7578).

use std::time::Duration;

use bytes::Bytes;

use crate::media::Media;

/// The type and the body of the request.
pub(super) fn form(media: &Media) -> (String, Bytes) {
    // Made from the content, so that nobody can write a file that holds it.
    let boundary = format!("part-{}", media.digest().as_str());
    let mime = media.mime.replace(['\r', '\n'], " ");
    let name = media.name.replace(['"', '\r', '\n'], "_");
    let mut body = Vec::with_capacity(media.bytes.len() + 1024);
    for (field, value) in [("messaging_product", "whatsapp"), ("type", mime.as_str())] {
        let part =
            format!("--{boundary}\r\ncontent-disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\ncontent-type: {mime}\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(&media.bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body.into())
}

/// How much longer than a short request so many bytes may take: a second per 128 KiB.
pub(super) fn time_for(bytes: usize) -> Duration {
    Duration::from_secs(u64::try_from(bytes / (128 * 1024)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_its_three_parts() {
        let media = Media::named("a \"b\".png", &b"\x89PNG\r\n--part"[..]).unwrap();
        let (content_type, body) = form(&media);
        let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
        assert!(boundary.len() <= 70, "RFC 2046 allows 70 characters");
        let text = String::from_utf8_lossy(&body);
        let parts: Vec<&str> = text.split(&format!("--{boundary}")).collect();
        assert_eq!(parts.len(), 5);
        assert_eq!(parts[0], "");
        assert_eq!(
            parts[1],
            "\r\ncontent-disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n"
        );
        assert!(parts[2].ends_with("name=\"type\"\r\n\r\nimage/png\r\n"));
        assert!(parts[3].contains("filename=\"a _b_.png\"\r\ncontent-type: image/png\r\n\r\n"));
        assert!(parts[3].ends_with("PNG\r\n--part\r\n"));
        assert_eq!(parts[4], "--\r\n");
    }
}
