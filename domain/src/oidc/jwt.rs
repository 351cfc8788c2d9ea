//! Reading a signed token strictly, before and after somebody verifies the signature (RFC 7515, RFC 7519, RFC 8725).
//!
//! The key and the algorithm come from what is registered, never from the header; the header is only compared. A key
//! inside a header (`jwk`, `jku`, `x5c`, `x5u`) is not even read.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Bytes of a compact token.
pub const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// The `typ` of each kind of token (RFC 8725 §3.11), so that none passes for another.
pub mod typ {
    /// ID tokens.
    pub const ID_TOKEN: &str = "JWT";
    /// RFC 9068 §2.1.
    pub const ACCESS_TOKEN: &str = "at+jwt";
    /// Back-Channel Logout §2.4.
    pub const LOGOUT_TOKEN: &str = "logout+jwt";
}

/// Why a text is no token that this server looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Over [`TOKEN_BYTES_MAX`].
    #[error("the token is too long")]
    TooLong,
    /// Not three parts of base64url.
    #[error("the token is not three parts of base64url")]
    NotCompact,
    /// Header or payload is not a JSON object, or has a member twice.
    #[error("the token holds no plain JSON object")]
    NotAnObject,
    /// `alg` is missing, or a text is no text.
    #[error("the token's header is malformed")]
    Header,
    /// Not signed.
    #[error("the token is not signed")]
    NotSigned,
    /// `crit`: an extension that must be understood (RFC 7515 §4.1.11); none is.
    #[error("the token needs an extension that is not supported")]
    Critical,
}

/// The members of a header that are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The algorithm it claims; compare it with the registered one.
    pub alg: String,
    /// The kind of token.
    pub typ: Option<String>,
    /// The name of the key.
    pub kid: Option<String>,
}

/// A compact token, taken apart and not verified. The debug form does not hold the token.
#[derive(Clone, PartialEq, Eq)]
pub struct Unverified<'a> {
    /// Its header.
    pub header: Header,
    /// What the signature is over: the first two parts with the dot between them.
    pub signing_input: &'a str,
    /// The signature.
    pub signature: Vec<u8>,
    payload: Vec<u8>,
}

impl std::fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unverified({:?})", self.header)
    }
}

impl<'a> Unverified<'a> {
    /// Takes a compact token apart (RFC 7515 §5.2, steps 1 to 6).
    pub fn parse(compact: &'a str) -> Result<Unverified<'a>, JwtError> {
        if compact.len() > TOKEN_BYTES_MAX {
            return Err(JwtError::TooLong);
        }
        let (signing_input, signature) = compact.rsplit_once('.').ok_or(JwtError::NotCompact)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwtError::NotCompact)?;
        let header = header_of(&object(&base64url(header)?)?)?;
        let signature = base64url(signature)?;
        if signature.is_empty() {
            return Err(JwtError::NotSigned);
        }
        Ok(Unverified {
            header,
            signing_input,
            signature,
            payload: base64url(payload)?,
        })
    }

    /// The claims. Call it only after the signature was verified with a key of the expected issuer; the one use before
    /// that is to learn which of our own keys or clients a token speaks of.
    pub fn claims(&self) -> Result<Value, JwtError> {
        Ok(Value::Object(object(&self.payload)?))
    }
}

/// The claims of a token that says of itself that it is not signed (RFC 7519 §6): `alg` is exactly `none`, and the third
/// part is empty. For the one kind of token that may come so, a request object.
pub fn unsigned(compact: &str) -> Result<Map<String, Value>, JwtError> {
    if compact.len() > TOKEN_BYTES_MAX {
        return Err(JwtError::TooLong);
    }
    let signed = compact.strip_suffix('.').ok_or(JwtError::NotCompact)?;
    let (header, payload) = signed.split_once('.').ok_or(JwtError::NotCompact)?;
    let header = object(&base64url(header)?)?;
    if header.contains_key("crit") {
        return Err(JwtError::Critical);
    }
    if header.get("alg").and_then(Value::as_str) != Some("none") {
        return Err(JwtError::NotSigned);
    }
    object(&base64url(payload)?)
}

/// RFC 7515 §2: without padding, without anything else, and the unused bits zero.
fn base64url(text: &str) -> Result<Vec<u8>, JwtError> {
    let bytes = URL_SAFE_NO_PAD.decode(text);
    bytes.map_err(|_| JwtError::NotCompact)
}

fn header_of(members: &Map<String, Value>) -> Result<Header, JwtError> {
    if members.contains_key("crit") {
        return Err(JwtError::Critical);
    }
    let text = |name: &str| match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(JwtError::Header),
    };
    let alg = text("alg")?.ok_or(JwtError::Header)?;
    if alg.eq_ignore_ascii_case("none") {
        return Err(JwtError::NotSigned);
    }
    Ok(Header {
        alg,
        typ: text("typ")?,
        kid: text("kid")?,
    })
}

/// Whether a header's `typ` is the expected one: media types compare without case, and `application/` may stand before
/// (RFC 7515 §4.1.9). A missing `typ` is not the expected one.
pub fn is_typ(header: &Header, expected: &str) -> bool {
    let Some(typ) = &header.typ else {
        return false;
    };
    let bare = match typ.split_once('/') {
        Some((kind, rest)) if kind.eq_ignore_ascii_case("application") => rest,
        _ => typ,
    };
    bare.eq_ignore_ascii_case(expected)
}

/// Whether a token may be an ID token: providers write `JWT` or nothing, and every other kind of token has a name of its
/// own.
pub fn may_be_id_token(header: &Header) -> bool {
    header.typ.is_none() || is_typ(header, typ::ID_TOKEN)
}

/// One JSON object in which no member, at any depth, is there twice (RFC 7519 §4, RFC 8725 §2.4): two readers could take
/// a different one. Deeper than 128 levels is refused.
pub fn object(json: &[u8]) -> Result<Map<String, Value>, JwtError> {
    match serde_json::from_slice::<Strict>(json) {
        Ok(Strict(Value::Object(members))) => Ok(members),
        _ => Err(JwtError::NotAnObject),
    }
}

/// A JSON value without repeated members.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Strict, D::Error> {
        deserializer.deserialize_any(StrictVisitor)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Strict;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict(Value::Null))
    }
    fn visit_bool<E>(self, value: bool) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }
    fn visit_str<E>(self, value: &str) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }
    fn visit_string<E>(self, value: String) -> Result<Strict, E> {
        Ok(Strict(value.into()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Strict(values.into()))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Strict, A::Error> {
        let mut members = Map::new();
        while let Some((name, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("a member is repeated"));
            }
        }
        Ok(Strict(Value::Object(members)))
    }
}
