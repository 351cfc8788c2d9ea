//! A browser without a window and without scripts: cookies, redirects, forms. Hostile ones are made of it too.

use super::demo::Demo;
use super::page::{Page, Sending};
use super::people::PASSWORD;
use reqwest::header::{ACCEPT, COOKIE, HeaderMap, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Method, redirect};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;
use url::Url;

/// Redirects that are followed at most.
const REDIRECTS_MAX: usize = 20;

/// An HTTP client without cookies that follows nothing.
pub fn client() -> Client {
    static READY: OnceLock<()> = OnceLock::new();
    READY.get_or_init(|| {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    Client::builder()
        .redirect(redirect::Policy::none())
        .timeout(Duration::from_secs(120))
        .no_proxy()
        .build()
        .expect("a client")
}

/// A browser with its cookies, kept by host name whatever the port, as browsers keep them.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    /// Its cookies.
    pub cookies: BTreeMap<String, String>,
    away: String,
}

impl Default for Browser {
    fn default() -> Self {
        Browser {
            client: client(),
            cookies: BTreeMap::new(),
            away: super::application::REDIRECT_URI.to_owned(),
        }
    }
}

impl Browser {
    /// One that is that computer of that person.
    pub async fn computer(demo: &Demo, class: &str, person: &str) -> Browser {
        let mut browser = Browser::default();
        let page = browser.open(&demo.computer(class, person)).await;
        assert_eq!(page.status, 200, "registering the computer: {page:?}");
        browser
    }

    /// Opens an address and follows redirects, up to an application of the tests, where nobody listens.
    pub async fn open(&mut self, url: &str) -> Page {
        self.follow(Sending {
            url: Url::parse(url).expect("an address"),
            fields: None,
        })
        .await
    }

    /// Opens an address; nothing when the server is gone or going.
    pub async fn try_open(&mut self, url: &str) -> Option<Page> {
        let url = Url::parse(url).expect("an address");
        let request = self.client.get(url.clone());
        self.try_finish(url, request).await
    }

    /// Sends a form once, without following; nothing when the server is gone or going.
    pub async fn try_press(
        &mut self,
        page: &Page,
        name: &str,
        fields: &[(&str, &str)],
    ) -> Option<Page> {
        let mut sending = page.sends(name);
        for (name, value) in fields {
            sending = sending.with(name, value);
        }
        let origin = sending.url.origin().ascii_serialization();
        let form = sending.fields.expect("a form");
        let request = self.client.post(sending.url.clone()).form(&form);
        let request = request.header(ORIGIN, origin);
        self.try_finish(sending.url, request).await
    }

    async fn try_finish(&mut self, url: Url, request: reqwest::RequestBuilder) -> Option<Page> {
        let answer = request.header(COOKIE, self.sent()).send().await.ok()?;
        self.keep(answer.headers());
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.text().await.ok()?;
        (status < 500).then_some(Page {
            url,
            status,
            headers,
            body,
        })
    }

    fn sent(&self) -> String {
        let pairs = self.cookies.iter().map(|(n, v)| format!("{n}={v}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Presses a button or follows a link, with fields filled in.
    pub async fn press(&mut self, page: &Page, name: &str, fields: &[(&str, &str)]) -> Page {
        let mut sending = page.sends(name);
        for (name, value) in fields {
            sending = sending.with(name, value);
        }
        self.follow(sending).await
    }

    /// Sends what a page prepared, and follows.
    pub async fn follow(&mut self, sending: Sending) -> Page {
        let mut page = self.send(&sending).await;
        for _ in 0..REDIRECTS_MAX {
            let Some(next) = page
                .headers
                .get(LOCATION)
                .filter(|_| page.status / 100 == 3)
            else {
                return page;
            };
            let next = page
                .url
                .join(next.to_str().expect("text"))
                .expect("an address");
            if next.as_str().starts_with(&self.away) {
                page.url = next;
                return page;
            }
            page = self
                .send(&Sending {
                    url: next,
                    fields: None,
                })
                .await;
        }
        panic!("too many redirects, the last to {}", page.url.path());
    }

    /// Sends once and follows nothing; forms with the `Origin` that a browser gives its own pages.
    pub async fn send(&mut self, sending: &Sending) -> Page {
        let origin = sending.url.origin().ascii_serialization();
        self.send_with(sending, &[(ORIGIN.as_str(), &origin)]).await
    }

    /// Sends once, forms with these headers instead.
    pub async fn send_with(&mut self, sending: &Sending, headers: &[(&str, &str)]) -> Page {
        let mut request = match &sending.fields {
            None => self.client.get(sending.url.clone()),
            Some(fields) => self.client.post(sending.url.clone()).form(fields),
        };
        for (name, value) in headers.iter().filter(|_| sending.fields.is_some()) {
            request = request.header(*name, *value);
        }
        self.finish(sending.url.clone(), request).await
    }

    /// Any method without a body.
    pub async fn method(&mut self, method: Method, url: &str) -> Page {
        let url = Url::parse(url).expect("an address");
        let request = self.client.request(method, url.clone());
        self.finish(url, request).await
    }

    async fn finish(&mut self, url: Url, request: reqwest::RequestBuilder) -> Page {
        let request = match self.cookies.is_empty() {
            true => request,
            false => request.header(COOKIE, self.sent()),
        };
        // Sites tell a browser from a program by what it accepts.
        let answer = request
            .header(ACCEPT, "text/html,*/*;q=0.8")
            .send()
            .await
            .unwrap_or_else(|error| panic!("{url}: {error:?}"));
        self.keep(answer.headers());
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        assert!(status < 500 || status == 502, "{url} answered {status}");
        Page {
            url,
            status,
            headers,
            body: answer.text().await.expect("text"),
        }
    }

    fn keep(&mut self, headers: &HeaderMap) {
        for value in headers.get_all(SET_COOKIE) {
            let text = value.to_str().expect("text");
            let mut parts = text.split(';');
            let (name, value) = parts
                .next()
                .and_then(|pair| pair.split_once('='))
                .expect("a cookie");
            if value.is_empty() || parts.any(|part| part.trim().eq_ignore_ascii_case("max-age=0")) {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// From the portal's front page to the first page of TechPass.
    pub async fn leave_portal(&mut self, demo: &Demo) -> Page {
        let home = self.open(&demo.docs()).await;
        let chooser = self.press(&home, "Log in", &[]).await;
        self.press(&chooser, "Log in with TechPass", &[]).await
    }

    /// The same, then the login ID, on the sign-in page or behind the picker's last button.
    pub async fn leave_portal_as(&mut self, demo: &Demo, login_id: &str) -> Page {
        let page = self.leave_portal(demo).await;
        self.identify(page, login_id).await
    }

    /// Types the login ID.
    pub async fn identify(&mut self, page: Page, login_id: &str) -> Page {
        let page = match page.heading().as_str() {
            "Pick an account" => self.press(&page, "Use another account", &[]).await,
            _ => page,
        };
        page.expect_heading("Sign in");
        self.press(&page, "Next", &[("login_id", login_id)]).await
    }

    /// Types the password of a TechPass ID.
    pub async fn password(&mut self, page: &Page) -> Page {
        self.press(page, "Sign in", &[("password", PASSWORD)]).await
    }

    /// Types the shown number on the person's phone, and goes on.
    pub async fn approve(&mut self, demo: &Demo, page: &Page, login_id: &str) -> Page {
        demo.phone(login_id).approve(&page.number());
        self.press(page, "I have approved it", &[]).await
    }
}
