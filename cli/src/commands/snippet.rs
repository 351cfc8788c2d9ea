//! `techpass snippet`: how an application is integrated, with the values of a registered client.

use super::ConfigArg;
use crate::exit::{Exit, Failure};
use crate::say;
use techpass_domain::client::{AuthMethod, Client, GrantType};
use techpass_domain::id::ClientId;

/// What applications are made of, and what there is a text for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Stack {
    /// A Rust program with the crate `openidconnect`.
    Rust,
    /// A site behind Apache with mod_auth_openidc.
    Apache,
    /// A page in a browser, with PKCE and without a secret.
    Browser,
    /// A machine with a shell and curl.
    Curl,
}

/// Prints what to put into an application.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the application is made of.
    stack: Stack,
    #[command(flatten)]
    config: ConfigArg,
    /// Its client_id.
    #[arg(long, value_name = "ID")]
    client: String,
}

/// What stands in a text in the place of `{name}`.
struct Values<'a> {
    issuer: &'a str,
    client_id: &'a str,
    redirect_uri: &'a str,
    auth_method: &'a str,
    alg: &'a str,
}

impl Stack {
    fn text(self) -> &'static str {
        match self {
            Stack::Rust => include_str!("../../snippets/rust.rs"),
            Stack::Apache => include_str!("../../snippets/apache.conf"),
            Stack::Browser => include_str!("../../snippets/browser.html"),
            Stack::Curl => include_str!("../../snippets/curl.sh"),
        }
    }

    fn with(self, values: &Values<'_>) -> String {
        self.text()
            .replace("{issuer}", values.issuer)
            .replace("{client_id}", values.client_id)
            .replace("{redirect_uri}", values.redirect_uri)
            .replace("{auth_method}", values.auth_method)
            .replace("{alg}", values.alg)
    }

    /// What the client would have to be for this text to work, if it is not that.
    fn unfit(self, client: &Client) -> Option<&'static str> {
        let by_secret = matches!(
            client.auth_method,
            AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost
        );
        match self {
            Stack::Browser if client.auth_method != AuthMethod::None => {
                Some("a browser keeps no secret: register the application with --auth none")
            }
            Stack::Curl if client.auth_method != AuthMethod::ClientSecretBasic => Some(
                "this text sends the secret by HTTP Basic: register the machine with --auth client_secret_basic",
            ),
            Stack::Curl if !client.may(GrantType::ClientCredentials) => Some(
                "the client may not get tokens for itself: register it with --grant-type client_credentials",
            ),
            Stack::Rust | Stack::Apache if !by_secret => Some(
                "this text sends a secret: register the application with --auth client_secret_basic",
            ),
            _ => None,
        }
    }
}

/// Carries it out.
pub async fn run(args: Args) -> Result<Exit, Failure> {
    let app = args.config.open().await?;
    let client = app.store.client(&ClientId::new(args.client.as_str())).await;
    let client = client
        .map_err(Failure::system)?
        .ok_or_else(|| Failure::refused(format!("there is no client {}", args.client)))?;
    if let Some(why) = args.stack.unfit(&client) {
        return Err(Failure::refused(why));
    }
    let text = args.stack.with(&Values {
        issuer: &app.issuer,
        client_id: client.id.as_str(),
        redirect_uri: client.redirect_uris.first().map_or("", String::as_str),
        auth_method: client.auth_method.as_str(),
        alg: client.id_token_signed_response_alg.as_str(),
    });
    say::result(format_args!("{text}"))?;
    Ok(Exit::Ok)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::path::Path;

    /// The guides show the texts with example values; the portal fills the issuer in.
    #[test]
    fn the_guides_show_these_texts() {
        let values = Values {
            issuer: "{issuer}",
            client_id: "my-application",
            redirect_uri: "https://app.example/oidc/callback",
            auth_method: "client_secret_basic",
            alg: "ES256",
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs-portal/guides");
        for (stack, guide, language) in [
            (Stack::Rust, "integrate-rust.md", "rust"),
            (Stack::Apache, "integrate-apache.md", "apache"),
            (Stack::Browser, "integrate-browser.md", "html"),
            (Stack::Curl, "integrate-machines.md", "sh"),
        ] {
            let path = folder.join(guide);
            let text = std::fs::read_to_string(&path).expect(guide);
            let begin = format!("```{language}\n");
            let (before, rest) = text.split_once(&begin).expect("a block");
            let (_, after) = rest.split_once("\n```\n").expect("its end");
            let fresh = format!(
                "{before}{begin}{}\n```\n{after}",
                stack.with(&values).trim_end()
            );
            if std::env::var_os("UPDATE_DOCS").is_some() {
                std::fs::write(&path, &fresh).unwrap();
            } else {
                assert_eq!(
                    text, fresh,
                    "{guide} is stale: run the test with UPDATE_DOCS=1"
                );
            }
        }
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        let values = Values {
            issuer: "https://techpass.example",
            client_id: "c",
            redirect_uri: "https://app.example/cb",
            auth_method: "client_secret_basic",
            alg: "ES256",
        };
        for stack in [Stack::Rust, Stack::Apache, Stack::Browser, Stack::Curl] {
            let text = stack.with(&values);
            for name in [
                "{issuer}",
                "{client_id}",
                "{redirect_uri}",
                "{auth_method}",
                "{alg}",
            ] {
                assert!(!text.contains(name), "{stack:?} {name}");
            }
        }
    }
}
