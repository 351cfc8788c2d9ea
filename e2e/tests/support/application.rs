//! An application of the tests: a client, its requests, its tokens.

use super::browser::{Browser, client};
use super::demo::Demo;
use super::page::Page;
use super::people::{PASSWORD, PROBE};
use super::program;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use url::Url;

/// Where answers go. Nobody listens there; browsers of the tests stop before it.
pub const REDIRECT_URI: &str = "http://localhost:9/cb";
/// A PKCE verifier. It needs no luck here.
pub const VERIFIER: &str = "a-verifier-of-the-tests-which-is-long-enough-0123456789";

/// A registered client.
#[derive(Clone)]
pub struct Application {
    /// Its `client_id`.
    pub id: String,
    secret: String,
    issuer: String,
    http: reqwest::Client,
}

impl Application {
    /// Registers one, marked `test`, while the demonstration runs.
    pub fn add(demo: &Demo, id: &str) -> Application {
        Application::register(&demo.config("techpass"), &demo.techpass(), id)
    }

    /// Registers one, marked `test`, with the server of that configuration.
    pub fn register(config: &str, issuer: &str, id: &str) -> Application {
        Application::with(config, issuer, id, &["--test"])
    }

    /// Registers one as any application is.
    pub fn ordinary(config: &str, issuer: &str, id: &str) -> Application {
        Application::with(config, issuer, id, &[])
    }

    /// Registers one, marked `test`, that is told of log-outs at this address.
    pub fn with_notices(demo: &Demo, id: &str, uri: &str) -> Application {
        let further = ["--test", "--backchannel-logout-uri", uri];
        Application::with(&demo.config("techpass"), &demo.techpass(), id, &further)
    }

    /// One that is registered already and is only asked for its requests.
    pub fn known(id: &str, issuer: &str) -> Application {
        Application {
            id: id.to_owned(),
            secret: String::new(),
            issuer: issuer.to_owned(),
            http: client(),
        }
    }

    fn with(config: &str, issuer: &str, id: &str, further: &[&str]) -> Application {
        let words = [
            "clients",
            "add",
            "--config",
            config,
            "--id",
            id,
            "--name",
            "Test application",
            "--redirect-uri",
            REDIRECT_URI,
            "--auth",
            "client_secret_post",
            "--json",
        ];
        let added = program::json(&[&words, further].concat());
        let secret = added["client_secret"].as_str().expect("a secret");
        Application {
            id: id.to_owned(),
            secret: secret.to_owned(),
            issuer: issuer.to_owned(),
            http: client(),
        }
    }

    /// The S256 challenge of [`VERIFIER`].
    pub fn challenge() -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()))
    }

    /// Its usual request, parameter by parameter.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let challenge = Application::challenge();
        let pairs = [
            ("response_type", "code"),
            ("client_id", self.id.as_str()),
            ("redirect_uri", REDIRECT_URI),
            ("scope", "openid profile email"),
            ("state", "state-of-the-tests"),
            ("nonce", "nonce-of-the-tests"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        pairs
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect()
    }

    /// The address of its request, with parameters replaced (or left out, for `None`).
    pub fn request(&self, changes: &[(&str, Option<&str>)]) -> String {
        let mut pairs = self.parameters();
        for (name, value) in changes {
            pairs.retain(|(present, _)| present != name);
            pairs.extend(value.map(|value| ((*name).to_owned(), value.to_owned())));
        }
        self.address(&pairs)
    }

    /// The address of a request with exactly these parameters.
    pub fn address(&self, pairs: &[(String, String)]) -> String {
        let base = format!("{}/authorize", self.issuer);
        Url::parse_with_params(&base, pairs)
            .expect("an address")
            .into()
    }

    /// Signs Probe in by password, and gives the code that comes back.
    pub async fn code(&self, browser: &mut Browser) -> String {
        let page = browser.open(&self.request(&[])).await;
        let page = browser.identify(page, PROBE).await;
        let page = browser
            .press(&page, "Sign in", &[("password", PASSWORD)])
            .await;
        self.code_of(&page)
    }

    /// The code that an answer carries.
    pub fn code_of(&self, page: &Page) -> String {
        assert!(
            page.url.as_str().starts_with(REDIRECT_URI),
            "no answer: {page:?}"
        );
        assert_eq!(
            page.parameter("state").as_deref(),
            Some("state-of-the-tests")
        );
        assert_eq!(page.parameter("iss"), Some(self.issuer.clone()));
        page.parameter("code")
            .unwrap_or_else(|| panic!("no code: {page:?}"))
    }

    /// A call to the token endpoint as itself.
    pub fn token_request(&self, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let mut fields = vec![
            ("client_id", self.id.as_str()),
            ("client_secret", self.secret.as_str()),
        ];
        fields.extend(form);
        let request = self.http.post(format!("{}/token", self.issuer));
        request.form(&fields)
    }

    /// Calls the token endpoint as itself.
    pub async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        let answer = self.token_request(form).send().await;
        let answer = answer.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    /// The form that redeems a code.
    pub fn redemption(code: &str) -> [(&str, &str); 4] {
        [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ]
    }

    /// Redeems a code.
    pub async fn redeem(&self, code: &str) -> (u16, Value) {
        self.token(&Application::redemption(code)).await
    }

    /// Uses a refresh token.
    pub async fn refresh(&self, token: &str) -> (u16, Value) {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
            .await
    }

    /// Gives a token back, and gives the status of the answer.
    pub async fn revoke(&self, token: &str) -> u16 {
        let fields = [
            ("client_id", self.id.as_str()),
            ("client_secret", self.secret.as_str()),
            ("token", token),
        ];
        let url = format!("{}/revoke", self.issuer);
        let answer = self.http.post(url).form(&fields).send().await;
        answer.expect("an answer").status().as_u16()
    }

    /// What the userinfo endpoint answers: status, content type, body.
    pub async fn told_by_userinfo(&self, access_token: &str) -> (u16, String, String) {
        let url = format!("{}/userinfo", self.issuer);
        let answer = self.http.get(url).bearer_auth(access_token).send().await;
        let answer = answer.expect("an answer");
        let kind = answer.headers()["content-type"].to_str().expect("text");
        let (status, kind) = (answer.status().as_u16(), kind.to_owned());
        (status, kind, answer.text().await.expect("text"))
    }

    /// The status of the userinfo endpoint for an access token.
    pub async fn userinfo(&self, access_token: &str) -> u16 {
        let url = format!("{}/userinfo", self.issuer);
        let answer = self.http.get(url).bearer_auth(access_token).send().await;
        answer.expect("an answer").status().as_u16()
    }
}

/// A member of a JSON answer that must be text.
pub fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {body}"))
}
