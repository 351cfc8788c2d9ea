//! A client that registers itself.

use super::application::{Application, REDIRECT_URI};
use super::browser::{Browser, client};
use super::people::{PASSWORD, PROBE};
use reqwest::Method;
use serde_json::{Value, json};

/// What was registered, as the server answered.
pub struct Registered {
    /// The client information response.
    pub body: Value,
    issuer: String,
}

/// Calls an address with a JSON body and a bearer token, each where there is one.
pub async fn call(
    method: Method,
    url: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> (u16, Value) {
    let mut request = client().request(method, url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("text");
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// Tries to register.
pub async fn try_to(issuer: &str, metadata: &Value) -> (u16, Value) {
    call(
        Method::POST,
        &format!("{issuer}/register"),
        None,
        Some(metadata),
    )
    .await
}

impl Registered {
    /// Registers one with the usual redirect URI and these members.
    pub async fn new(issuer: &str, further: Value) -> Registered {
        let mut metadata = json!({ "redirect_uris": [REDIRECT_URI] });
        for (name, value) in further.as_object().expect("members") {
            metadata[name] = value.clone();
        }
        let (status, body) = try_to(issuer, &metadata).await;
        assert_eq!(status, 201, "{body}");
        Registered {
            body,
            issuer: issuer.to_owned(),
        }
    }

    /// A member that is text.
    pub fn text(&self, name: &str) -> &str {
        super::application::text(&self.body, name)
    }

    /// Calls its registration with its own token.
    pub async fn manage(&self, method: Method, body: Option<&Value>) -> (u16, Value) {
        let token = self.text("registration_access_token");
        call(
            method,
            self.text("registration_client_uri"),
            Some(token),
            body,
        )
        .await
    }

    /// Its metadata as it may be sent back.
    pub fn metadata(&self) -> Value {
        let mut metadata = self.body.clone();
        let members = metadata.as_object_mut().expect("members");
        for name in [
            "registration_access_token",
            "registration_client_uri",
            "client_secret_expires_at",
            "client_id_issued_at",
        ] {
            members.remove(name);
        }
        metadata
    }

    /// A call to the token endpoint with these fields and header, without any of its own.
    pub async fn token(
        &self,
        header: Option<(&str, &str)>,
        fields: &[(&str, &str)],
    ) -> (u16, Value, bool) {
        let mut request = client().post(format!("{}/token", self.issuer)).form(fields);
        if let Some((user, password)) = header {
            request = request.basic_auth(user, Some(password));
        }
        let answer = request.send().await.expect("an answer");
        let challenged = answer.headers().contains_key("www-authenticate");
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("JSON"), challenged)
    }

    /// Signs Probe in by password, without PKCE, and gives the code that comes back.
    pub async fn code(&self, browser: &mut Browser, changes: &[(&str, Option<&str>)]) -> String {
        let app = Application::known(self.text("client_id"), &self.issuer);
        let mut all = vec![("code_challenge", None), ("code_challenge_method", None)];
        all.extend_from_slice(changes);
        let page = browser.open(&app.request(&all)).await;
        let page = browser.identify(page, PROBE).await;
        let mut page = browser
            .press(&page, "Sign in", &[("password", PASSWORD)])
            .await;
        if !page.url.as_str().starts_with(REDIRECT_URI) {
            page = browser.press(&page, "Allow", &[]).await;
        }
        app.code_of(&page)
    }
}
