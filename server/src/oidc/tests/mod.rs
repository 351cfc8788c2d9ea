//! The provider's endpoints, in process: a database of its own, a clock moved by hand, requests without a network.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod calls;
mod device;
mod forms;
mod keys;
mod logout;
mod names;
mod record;
mod signing;
mod tokens;

use crate::app::App;
use crate::chance;
use crate::clock::Clock;
use crate::config::Config;
use crate::routes;
use crate::seal::hashed;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::{Method, Request, header};
use serde_json::Value;
use techpass_domain::account::{Account, Home, Kind, Status};
use techpass_domain::client::{AuthMethod, Client, Secret};
use techpass_domain::id::{AccountId, ClientId, GrantId, SessionId, Sid};
use techpass_domain::login::{Proof, Proofs};
use techpass_domain::oidc::code::CodeBinding;
use techpass_domain::session::{Entry, Grant};
use techpass_domain::time::Timestamp;
use techpass_store::Write;
use tower::ServiceExt;

pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000);
pub(crate) const ISSUER: &str = "http://localhost:4000";
const SECRET: &str = "a-secret-of-the-tests";
pub(crate) const REDIRECT_URI: &str = "https://docs.example/cb";

/// An instance.
pub(crate) struct World {
    pub app: App,
    pub clock: Clock,
    router: Router,
    _folder: tempfile::TempDir,
}

/// Mei, signed in in a browser.
struct Browser {
    cookie: String,
    entry: Entry,
}

impl World {
    pub async fn start() -> World {
        World::start_with("").await
    }

    /// With further sections of configuration.
    pub async fn start_with(further: &str) -> World {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(at("master.key"), "5a".repeat(32)).unwrap();
        let text = format!(
            "public_url = \"{ISSUER}\"\nlisten = \"127.0.0.1:4000\"\n[database]\nurl = \"sqlite:{}\"\n\
             [secrets]\nmaster_key_file = \"{}\"\n[brand]\nname = \"TechPass\"\ndemonstration = true\n{further}",
            at("techpass.db"),
            at("master.key"),
        );
        let config = Config::parse(&text, "test", std::iter::empty()).unwrap();
        let clock = Clock::stopped(NOW);
        let app = App::start(config, clock.clone(), true).await.unwrap();
        let world = World {
            router: routes::router(&app),
            app,
            clock,
            _folder: folder,
        };
        world.commit(vec![Write::AddAccount(mei())]).await;
        world
    }

    pub async fn commit(&self, writes: Vec<Write>) {
        self.app.store.commit(writes).await.unwrap();
    }

    /// Registers a client that authenticates in the form with [`SECRET`].
    pub async fn client(&self, id: &str, change: impl FnOnce(&mut Client)) -> Client {
        let mut client = Client {
            redirect_uris: vec![REDIRECT_URI.to_owned()],
            auth_method: AuthMethod::ClientSecretPost,
            secrets: vec![Secret {
                sha256: hashed(SECRET),
                sealed: None,
                created_at: NOW,
                expires_at: None,
            }],
            scopes: ["profile", "email", "offline_access", "reports.read"]
                .map(str::to_owned)
                .to_vec(),
            pkce_optional: true,
            ..Client::new(ClientId::new(id), format!("Application {id}"), NOW)
        };
        change(&mut client);
        self.commit(vec![Write::AddClient(client.clone())]).await;
        client
    }

    /// Signs Mei in in a browser.
    async fn browser(&self) -> Browser {
        let secret = chance::secret().unwrap();
        let session = SessionId::new(chance::row_id("ses", 0).unwrap());
        let now = self.app.now();
        let entry = Entry {
            sid: Sid::new(chance::row_id("sid", 0).unwrap()),
            session: session.clone(),
            account: mei().id,
            auth_time: now,
            amr: vec!["pwd".into()],
            acr: "urn:techpass:acr:single-factor".into(),
            proofs: Proofs {
                password: Some(proof(now)),
                number: Some(proof(now)),
                ..Proofs::default()
            },
            created_at: now,
            used_at: now,
        };
        self.commit(vec![
            Write::AddSession {
                id: session,
                secret_sha256: hashed(&secret),
                expires_at: now.plus(43_200),
            },
            Write::AddEntry {
                entry: entry.clone(),
                expires_at: now.plus(43_200),
            },
        ])
        .await;
        Browser {
            cookie: format!("techpass_session={secret}"),
            entry,
        }
    }

    /// Grants a client this scope in a browser, and gives the code.
    async fn code(&self, client: &Client, browser: &Browser, scope: &str) -> String {
        let now = self.app.now();
        let grant = Grant {
            id: GrantId::new(chance::row_id("grt", 0).unwrap()),
            client: client.id.clone(),
            account: browser.entry.account.clone(),
            sid: browser.entry.sid.clone(),
            scope: scope.to_owned(),
            claims: Default::default(),
            nonce: Some("n-1".into()),
            auth_time: browser.entry.auth_time,
            acr: browser.entry.acr.clone(),
            amr: browser.entry.amr.clone(),
            created_at: now,
        };
        let code = chance::prefixed("tp_ac_").unwrap();
        let binding = CodeBinding {
            client_id: client.id.clone(),
            redirect_uri: REDIRECT_URI.to_owned(),
            code_challenge: None,
            grant: grant.id.clone(),
            expires_at: now.plus(60),
        };
        self.commit(vec![
            Write::AddGrant {
                grant,
                expires_at: now.plus(5_000_000),
            },
            Write::Issue {
                kind: "code",
                key_sha256: hashed(&code),
                data: serde_json::to_string(&binding).unwrap(),
                expires_at: now.plus(60),
            },
        ])
        .await;
        code
    }

    /// Tokens of that scope.
    async fn tokens(&self, client: &Client, browser: &Browser, scope: &str) -> Value {
        let code = self.code(client, browser, scope).await;
        let (status, tokens) = self.redeem(client, &code).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    async fn redeem(&self, client: &Client, code: &str) -> (u16, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
        ];
        self.post("/token", client, &form).await
    }

    /// Posts a form as a client.
    async fn post(&self, path: &str, client: &Client, form: &[(&str, &str)]) -> (u16, Value) {
        let mut all = vec![("client_id", client.id.as_str())];
        if client.auth_method != AuthMethod::None {
            all.push(("client_secret", SECRET));
        }
        all.extend_from_slice(form);
        let response = self.send(Method::POST, path, &all, &[]).await;
        let status = response.status().as_u16();
        (status, json_of(response).await)
    }

    /// Whether UserInfo takes a token.
    async fn userinfo(&self, token: &Value) -> u16 {
        let bearer = format!("Bearer {}", token.as_str().unwrap());
        let headers = [("authorization", bearer.as_str())];
        let response = self.send(Method::GET, "/userinfo", &[], &headers).await;
        response.status().as_u16()
    }

    /// What introspection says to a client.
    async fn introspected(&self, asker: &Client, token: &Value) -> Value {
        let form = [("token", token.as_str().unwrap())];
        let (status, body) = self.post("/introspect", asker, &form).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// Opens a page in a browser.
    async fn open(&self, path: &str, browser: &Browser) -> Response {
        let cookie = [("cookie", browser.cookie.as_str())];
        self.send(Method::GET, path, &[], &cookie).await
    }

    /// Sends a form of a page in a browser.
    async fn press(&self, path: &str, form: &[(&str, &str)], browser: &Browser) -> Response {
        let headers = [("cookie", browser.cookie.as_str()), ("origin", ISSUER)];
        self.send(Method::POST, path, form, &headers).await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Response {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        let mut request = Request::builder()
            .method(&method)
            .uri(path)
            .header(header::HOST, "localhost:4000");
        if method == Method::POST {
            let kind = "application/x-www-form-urlencoded";
            request = request.header(header::CONTENT_TYPE, kind);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body)).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }
}

fn proof(at: Timestamp) -> Proof {
    Proof {
        account: mei().id,
        at,
    }
}

pub(crate) fn mei() -> Account {
    Account {
        id: AccountId::new("acc_mei"),
        login_id: "mei.tan@agency.example".into(),
        name: "Mei Tan".into(),
        organisation: None,
        email: None,
        kind: Kind::Vendor,
        home: Home::Local,
        status: Status::Active,
        tenant_administrator: false,
        claims: Default::default(),
        created_at: NOW,
    }
}

pub(crate) async fn text_of(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), 1_000_000).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn json_of(response: Response) -> Value {
    let text = text_of(response).await;
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("no JSON: {text}"))
}

fn error(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["error"].as_str().unwrap_or_default())
}
