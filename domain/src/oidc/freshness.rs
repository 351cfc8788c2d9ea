//! How long a document that was fetched from a client is good: by its own terms (RFC 9111 §4.2.1), within bounds of ours.

use crate::time::Seconds;

/// What an answer says about how long it may be kept.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms<'a> {
    /// The `Cache-Control` header, all lines joined by commas.
    pub cache_control: Option<&'a str>,
    /// The `Age` header, in seconds.
    pub age_s: Option<Seconds>,
    /// Seconds from the answer's `Date`, or from now without one, to its `Expires`; zero when that is no date.
    pub expires_in_s: Option<Seconds>,
}

/// What this server makes of it, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Kept so long at least, so that nobody makes us fetch for every request.
    pub least_s: Seconds,
    /// Kept so long when the answer says nothing.
    pub usual_s: Seconds,
    /// Kept so long at most, so that a withdrawn key is forgotten.
    pub most_s: Seconds,
}

/// For how many seconds the document may be used without asking again.
pub fn lifetime_s(terms: Terms<'_>, bounds: Bounds) -> Seconds {
    let said = match terms.cache_control.map(directives) {
        Some(Directives {
            forbidden: true, ..
        }) => Some(0),
        Some(Directives {
            max_age_s: Some(s), ..
        }) => Some(s),
        _ => terms.expires_in_s,
    };
    let left = said.map(|s| s.saturating_sub(terms.age_s.unwrap_or(0).max(0)));
    left.unwrap_or(bounds.usual_s)
        .clamp(bounds.least_s, bounds.most_s.max(bounds.least_s))
}

#[derive(Default)]
struct Directives {
    forbidden: bool,
    max_age_s: Option<Seconds>,
}

/// RFC 9111 §5.2.2: of several `max-age` the shortest counts; one that is no number counts as stale (§4.2.1).
fn directives(header: &str) -> Directives {
    let mut found = Directives::default();
    for directive in header.split(',') {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => found.forbidden = true,
            "max-age" => {
                let digits = value.trim().trim_matches('"');
                let number = match digits.bytes().all(|b| b.is_ascii_digit()) {
                    true if digits.len() > 10 => Seconds::from(i32::MAX),
                    true => digits.parse().unwrap_or(0),
                    false => 0,
                };
                found.max_age_s = Some(found.max_age_s.map_or(number, |other| other.min(number)));
            }
            _ => {}
        }
    }
    found
}
