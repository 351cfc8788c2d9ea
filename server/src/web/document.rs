//! Documents for programs: written once, served from memory, with an entity tag so that nobody fetches one twice.

use crate::seal::sha256_b64;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use techpass_domain::time::Seconds;

/// A JSON document that anybody may read, from any origin.
#[derive(Clone, Debug)]
pub struct Document {
    body: Bytes,
    etag: String,
    cache_control: String,
}

impl Document {
    /// Writes it down. Others may keep it so long.
    pub fn new(value: &Value, max_age_s: Seconds) -> Document {
        let text = value.to_string();
        Document {
            etag: format!("\"{}\"", sha256_b64(&text)),
            body: text.into(),
            cache_control: format!("public, max-age={max_age_s}"),
        }
    }

    /// The answer: the document, or that it has not changed (RFC 9110 §13.1.2).
    pub fn answer(&self, asked: &HeaderMap) -> Response {
        let known = asked
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|text| text.split(','))
            .any(|tag| {
                matches!(tag.trim(), "*") || tag.trim().trim_start_matches("W/") == self.etag
            });
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.body.clone().into_response()
        };
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        let any = HeaderValue::from_static("*");
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
        for (name, text) in [
            (header::ETAG, &self.etag),
            (header::CACHE_CONTROL, &self.cache_control),
        ] {
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        }
        response
    }

    /// The document as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_it_already_is_told_so() {
        let document = Document::new(&serde_json::json!({ "a": 1 }), 300);
        let asked = |tag: Option<String>| {
            let value = tag.and_then(|tag| HeaderValue::from_str(&tag).ok());
            let headers = value.map(|value| (header::IF_NONE_MATCH, value));
            document.answer(&headers.into_iter().collect()).status()
        };
        assert_eq!(asked(None), 200);
        assert_eq!(asked(Some("\"other\"".into())), 200);
        assert_eq!(asked(Some(document.etag.clone())), 304);
        assert_eq!(asked(Some(format!("\"x\", W/{}", document.etag))), 304);
        assert_eq!(asked(Some("*".into())), 304);
    }
}
