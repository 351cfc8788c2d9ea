//! Enrolment links: `AUTHENTICATOR/enrol#issuer=ISSUER&token=TOKEN`.

use anyhow::{Result, bail};
use techpass_server::outbound::leads_to_loopback;
use url::{Url, form_urlencoded};

/// An enrolment link, read. It has no `Debug`, since the token is a secret until it is used.
pub struct Link {
    /// The server's public address, without a trailing slash.
    pub issuer: String,
    /// Good once.
    pub token: String,
}

impl Link {
    /// Reads a link. Where the link leads is of no interest; only its fragment counts.
    ///
    /// # Errors
    /// When it is no enrolment link. The sentence never repeats the link.
    pub fn read(text: &str) -> Result<Link> {
        let fragment = text.trim().split_once('#').map(|(_, fragment)| fragment);
        let mut issuer = None;
        let mut token = None;
        for (name, value) in form_urlencoded::parse(fragment.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "issuer" => issuer = Some(value.into_owned()),
                "token" => token = Some(value.into_owned()),
                _ => {}
            }
        }
        let (Some(issuer), Some(token)) = (issuer, token.filter(|token| !token.is_empty())) else {
            bail!(
                "this is not an enrolment link: copy the whole link, with everything after the # sign"
            );
        };
        address(&issuer)?;
        Ok(Link { issuer, token })
    }
}

/// A server's public address: HTTPS, or HTTP where it cannot leave this computer, and nothing after the path.
///
/// # Errors
/// When it is none. HTTP to a name is decided later, by what the name stands for.
pub fn address(issuer: &str) -> Result<Url> {
    let parsed = Url::parse(issuer).ok().filter(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
            && !issuer.ends_with('/')
    });
    match parsed {
        Some(url) => Ok(url),
        None => bail!("the server's address in this link is not a plain https address"),
    }
}

/// Refuses an address that would carry secrets in the clear over a network.
///
/// # Errors
/// When the address is plain HTTP and its name stands for anything but this computer.
pub async fn refuse_plain_http(url: &Url) -> Result<()> {
    if url.scheme() != "https" && !leads_to_loopback(url).await {
        let host = url.host_str().unwrap_or_default();
        bail!("{host} is asked over plain HTTP, which is refused outside this computer");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )]
    use super::*;

    #[test]
    fn a_link_is_read_by_its_fragment() {
        let text = " http://localhost:8083/enrol#issuer=http%3A%2F%2Flocalhost%3A8082&token=a%2Db_c&new=1\n";
        let link = Link::read(text).unwrap();
        assert_eq!(link.issuer, "http://localhost:8082");
        assert_eq!(link.token, "a-b_c");
    }

    #[test]
    fn other_texts_are_refused_without_repeating_the_token() {
        for text in [
            "",
            "#",
            "https://phone.example/enrol",
            "https://phone.example/enrol?issuer=https://a.example&token=secret-token",
            "https://phone.example/enrol#issuer=https%3A%2F%2Fa.example",
            "https://phone.example/enrol#token=secret-token",
            "https://phone.example/enrol#issuer=https%3A%2F%2Fa.example&token=",
            "https://phone.example/enrol#issuer=ftp%3A%2F%2Fa.example&token=secret-token",
            "https://phone.example/enrol#issuer=https%3A%2F%2Fa.example%2F&token=secret-token",
            "https://phone.example/enrol#issuer=https%3A%2F%2Fu%3Ap%40a.example&token=secret-token",
            "https://phone.example/enrol#issuer=https%3A%2F%2Fa.example%3Fq&token=secret-token",
            "https://phone.example/enrol#issuer=nothing&token=secret-token",
        ] {
            let error = Link::read(text)
                .err()
                .unwrap_or_else(|| panic!("accepted: {text}"));
            assert!(!format!("{error:#}").contains("secret-token"));
        }
    }

    #[tokio::test]
    async fn plain_http_stays_on_this_computer() {
        for (text, fine) in [
            ("https://id.example", true),
            ("http://localhost:8081", true),
            ("http://wog.localhost:8081", true),
            ("http://127.0.0.9:1", true),
            ("http://[::1]:1", true),
            ("http://192.0.2.1:1", false),
        ] {
            let url = address(text).unwrap();
            assert_eq!(refuse_plain_http(&url).await.is_ok(), fine, "{text}");
        }
    }
}
