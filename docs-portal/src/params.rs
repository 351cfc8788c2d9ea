//! Parameters of queries and forms, and the one rule for addresses to go on to.

use url::Url;
use url::form_urlencoded;

/// The longest address that a log-in may lead back to, in bytes.
const NEXT_BYTES_MAX: usize = 2048;

/// A parameter came more than once (RFC 6749 §3.1 forbids it).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Repeated;

/// Decoded parameters, in the order they came.
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads `application/x-www-form-urlencoded` text.
    pub(crate) fn parse(text: &str) -> Self {
        Self(
            form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The first value of a parameter.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Refuses text in which any parameter is repeated.
    pub(crate) fn each_once(self) -> Result<Self, Repeated> {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        if names.len() == count {
            Ok(self)
        } else {
            Err(Repeated)
        }
    }
}

/// The address on this origin to go on to after a log-in: path and query, always starting with
/// exactly one slash. Anything else, such as `//elsewhere.example`, becomes `/`.
///
/// The text is resolved as a browser would and judged by the result as well: `/.//x` looks local
/// and resolves to `//x`.
pub(crate) fn safe_next(raw: Option<&str>, origin: &str) -> String {
    raw.and_then(|raw| local_path(raw, origin))
        .unwrap_or_else(|| "/".to_owned())
}

fn local_path(raw: &str, origin: &str) -> Option<String> {
    let suspicious = |c: char| c.is_control() || c == '\\';
    if raw.len() > NEXT_BYTES_MAX || raw.chars().any(suspicious) {
        return None;
    }
    if !raw.starts_with('/') || raw.starts_with("//") {
        return None;
    }
    let base = Url::parse(origin).ok()?;
    let url = base.join(raw).ok()?;
    if url.origin() != base.origin() {
        return None;
    }
    let path = url.path();
    // Log-in addresses are no place to come back to: they would start over.
    if path.starts_with("//") || path.starts_with("/auth/") {
        return None;
    }
    Some(match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

/// An address of this portal with one parameter, encoded.
pub(crate) fn with_param(path: &str, name: &str, value: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair(name, value)
        .finish();
    format!("{path}?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://docs.example";

    #[test]
    fn keeps_local_addresses() {
        for raw in ["/", "/guides/a", "/search?q=a%20b", "/guides/../about"] {
            assert!(safe_next(Some(raw), ORIGIN).starts_with('/'), "{raw}");
        }
        assert_eq!(safe_next(Some("/guides/a?x=1"), ORIGIN), "/guides/a?x=1");
        assert_eq!(safe_next(Some("/guides/a#part"), ORIGIN), "/guides/a");
    }

    #[test]
    fn refuses_everything_that_leads_away() {
        for raw in [
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/.//evil.example",
            "/a/..//evil.example",
            "/%2e//evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "guides",
            "",
            "/auth/start",
            "/x/../auth/start",
        ] {
            assert_eq!(safe_next(Some(raw), ORIGIN), "/", "{raw:?}");
        }
        assert_eq!(safe_next(None, ORIGIN), "/");
        assert_eq!(
            safe_next(Some(&format!("/{}", "a".repeat(3000))), ORIGIN),
            "/"
        );
    }

    #[test]
    fn repeated_parameters_are_found() {
        assert!(Params::parse("a=1&b=2").each_once().is_ok());
        assert!(Params::parse("a=1&b=2&a=1").each_once().is_err());
        assert!(Params::parse("a=1&%61=2").each_once().is_err());
    }
}
