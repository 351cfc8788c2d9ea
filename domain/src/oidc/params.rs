//! Parameters of requests, from a query or a form (`application/x-www-form-urlencoded`, RFC 6749 Appendix B).

use super::error::{Description, TokenError, TokenErrorCode};
use url::form_urlencoded::byte_serialize;

/// Parameters in one request.
pub const PARAMS_MAX: usize = 100;
/// Bytes in one decoded name or value: as long as a token may be ([`super::jwt::TOKEN_BYTES_MAX`]), which `request` and
/// `id_token_hint` are, and in which applications keep much of what they want back as `state`.
pub const VALUE_BYTES_MAX: usize = super::jwt::TOKEN_BYTES_MAX;
/// Parameters that a specification lets come more than once. None yet.
const REPEATABLE: &[&str] = &[];

/// The parameters of one request: each name at most once, values not empty. Unknown names are kept and ignored.
///
/// Its debug form shows names only, since values can be secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params {
    pairs: Vec<(String, String)>,
    repeated: Vec<String>,
}

impl std::fmt::Debug for Params {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.pairs.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

/// Why a query or form cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// RFC 6749 §3.1: parameters are not included more than once.
    #[error("the parameter {0} is sent more than once")]
    Repeated(Description),
    /// More than [`PARAMS_MAX`].
    #[error("there are more than {PARAMS_MAX} parameters")]
    TooMany,
    /// A name or value over [`VALUE_BYTES_MAX`].
    #[error("a parameter is longer than {VALUE_BYTES_MAX} bytes")]
    TooLong,
    /// A `%` that two hexadecimal digits do not follow, or bytes that are not UTF-8.
    #[error("a parameter is not percent-encoded UTF-8")]
    Malformed,
}

impl From<ParamsError> for TokenError {
    fn from(error: ParamsError) -> TokenError {
        TokenError::new(TokenErrorCode::InvalidRequest, &error.to_string())
    }
}

impl Params {
    /// Reads a query or form body; refuses one in which a parameter is repeated.
    pub fn parse(urlencoded: &str) -> Result<Params, ParamsError> {
        let params = Params::parse_repeated(urlencoded)?;
        match params.repeated.first() {
            Some(name) => Err(ParamsError::Repeated(Description::new(name))),
            None => Ok(params),
        }
    }

    /// Reads a query or form body for the authorization endpoint, which answers a repeated parameter by redirect when
    /// it can. A repeated parameter has no value here; [`Params::repeated`] names it.
    pub fn parse_repeated(urlencoded: &str) -> Result<Params, ParamsError> {
        let mut params = Params::default();
        let pieces = urlencoded.split('&').filter(|piece| !piece.is_empty());
        for (count, piece) in pieces.enumerate() {
            if count >= PARAMS_MAX {
                return Err(ParamsError::TooMany);
            }
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            params.add(decode(name)?, decode(value)?);
        }
        let Params { pairs, repeated } = &mut params;
        pairs.retain(|(name, _)| !repeated.contains(name));
        Ok(params)
    }

    /// RFC 6749 §3.1: a parameter without a value counts as omitted; one sent twice is an error.
    fn add(&mut self, name: String, value: String) {
        if value.is_empty() {
            return;
        }
        let known = self.pairs.iter().any(|(other, _)| *other == name);
        if known && !REPEATABLE.contains(&name.as_str()) {
            self.repeated.push(name);
        } else {
            self.pairs.push((name, value));
        }
    }

    /// The value of a parameter; `None` when it was omitted, empty or repeated.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut pairs = self.pairs.iter();
        pairs.find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The value as a text of its own.
    pub fn owned(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    /// Whether the parameter was sent with a value, even more than once.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some() || self.is_repeated(name)
    }

    /// The white-space separated values of a parameter; none when it was omitted.
    pub fn list(&self, name: &str) -> Vec<String> {
        let values = self.get(name).unwrap_or_default().split_ascii_whitespace();
        values.map(str::to_owned).collect()
    }

    /// Without these.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Params {
        let mut less = self.clone();
        less.pairs
            .retain(|(name, _)| !names.contains(&name.as_str()));
        less
    }

    /// With others in place of those of the same name. An empty value takes one away.
    #[must_use]
    pub fn superseded(mut self, by: Vec<(String, String)>) -> Params {
        self.pairs
            .retain(|(name, _)| !by.iter().any(|(new, _)| new == name));
        self.pairs
            .extend(by.into_iter().filter(|(_, value)| !value.is_empty()));
        self
    }

    /// The parameters as a query, to be read again.
    pub fn to_query(&self) -> String {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(&self.pairs).finish()
    }

    /// Names that were sent more than once.
    pub fn repeated(&self) -> &[String] {
        &self.repeated
    }

    /// Whether this one was.
    pub fn is_repeated(&self, name: &str) -> bool {
        self.repeated.iter().any(|n| n == name)
    }
}

/// One name or value: `+` is a space, `%xx` a byte, the bytes UTF-8. Stricter than browsers: what is not an escape is
/// refused rather than taken literally, so that two readers cannot disagree.
pub fn decode(text: &str) -> Result<String, ParamsError> {
    let mut bytes = Vec::with_capacity(text.len().min(VALUE_BYTES_MAX));
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if bytes.len() >= VALUE_BYTES_MAX {
            return Err(ParamsError::TooLong);
        }
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let (high, low) = (hex(rest.next())?, hex(rest.next())?);
                high << 4 | low
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| ParamsError::Malformed)
}

fn hex(digit: Option<u8>) -> Result<u8, ParamsError> {
    match digit {
        Some(d @ b'0'..=b'9') => Ok(d - b'0'),
        Some(d @ b'a'..=b'f') => Ok(d - b'a' + 10),
        Some(d @ b'A'..=b'F') => Ok(d - b'A' + 10),
        _ => Err(ParamsError::Malformed),
    }
}

/// A URI without a fragment, with these parameters behind the query it already has (RFC 6749 §3.1.2). Spaces become
/// `%20`, which every reader of queries understands.
pub fn with_query(uri: &str, pairs: &[(&str, &str)]) -> String {
    let mut result = uri.to_owned();
    let mut glue = match uri.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    for (name, value) in pairs {
        result.push_str(glue);
        result.push_str(name);
        result.push('=');
        for piece in byte_serialize(value.as_bytes()) {
            result.push_str(if piece == "+" { "%20" } else { piece });
        }
        glue = "&";
    }
    result
}
