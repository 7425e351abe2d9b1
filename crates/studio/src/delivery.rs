//! How answers travel: text is compressed, and what a browser has already is not sent again.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};
use std::io::Write;

/// Texts below so many bytes are not worth compressing.
const SMALLEST: usize = 800;
/// Largest text that is held in memory to be compressed, in bytes.
const LARGEST: usize = 16 << 20;
/// Media types of texts; events are a stream and left alone.
const TEXTS: [&str; 6] =
    ["text/html", "text/css", "text/javascript", "text/plain", "application/json", "image/svg+xml"];

/// Compresses texts and answers 304 where the browser has them.
pub async fn deliver(request: Request, next: Next) -> Response {
    let asked = Asked::of(request.headers(), request.method());
    let response = next.run(request).await;
    if !asked.reads || response.status() != StatusCode::OK || !is_text(response.headers()) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let bytes = match axum::body::to_bytes(body, LARGEST).await {
        Ok(bytes) => bytes,
        Err(error) => return crate::error::ApiError::internal(error).into_response(),
    };
    let tag = tag(&bytes);
    if let Ok(value) = HeaderValue::from_str(&tag) {
        head.headers.insert(header::ETAG, value);
    }
    head.headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if asked.has(&tag) {
        head.status = StatusCode::NOT_MODIFIED;
        head.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(head, Body::empty());
    }
    let compressed = (asked.takes_gzip && bytes.len() >= SMALLEST).then(|| compressed(&bytes)).flatten();
    let bytes = match compressed {
        Some(smaller) => {
            head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            smaller
        }
        None => bytes,
    };
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::from(bytes))
}

/// What a request says about how it wants its answer.
struct Asked {
    reads: bool,
    takes_gzip: bool,
    known: Vec<String>,
}

impl Asked {
    fn of(headers: &HeaderMap, method: &Method) -> Self {
        let list = |name| -> Vec<String> {
            let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
            values.flat_map(|value| value.split(',')).map(|part| part.trim().to_owned()).collect()
        };
        let takes_gzip = list(header::ACCEPT_ENCODING).iter().any(|coding| {
            let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
            name.trim() == "gzip" && !quality.replace(' ', "").starts_with("q=0.0") && quality.trim() != "q=0"
        });
        let reads = method == Method::GET && !headers.contains_key(header::RANGE);
        Self { reads, takes_gzip, known: list(header::IF_NONE_MATCH) }
    }

    /// Whether the browser has what has this tag; a weak tag says so, too.
    fn has(&self, tag: &str) -> bool {
        self.known.iter().any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    TEXTS.contains(&kind) && !headers.contains_key(header::CONTENT_DISPOSITION)
}

/// A tag that is another one for other bytes.
pub fn tag(bytes: &Bytes) -> String {
    let digest: String = Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{digest}\"")
}

fn compressed(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::default());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::Asked;
    use axum::http::{HeaderMap, Method, header};

    #[test]
    fn what_is_accepted_is_read_as_browsers_write_it() {
        let asked = |text: &str| {
            let headers: HeaderMap = [(header::ACCEPT_ENCODING, text.parse().unwrap())].into_iter().collect();
            Asked::of(&headers, &Method::GET).takes_gzip
        };
        assert!(asked("gzip, deflate, br") && asked("br;q=1.0, gzip;q=0.8"));
        assert!(!asked("br") && !asked("gzip;q=0") && !asked("gzip; q=0.0") && !asked("identity"));
        let headers = [(header::IF_NONE_MATCH, "\"a\", W/\"b\"".parse().unwrap())].into_iter().collect();
        let asked = Asked::of(&headers, &Method::GET);
        assert!(asked.has("\"a\"") && asked.has("\"b\"") && !asked.has("\"c\""));
    }
}
