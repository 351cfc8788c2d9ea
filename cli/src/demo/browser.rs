//! A browser without a window, for the check: cookies, redirects, forms. It does what a browser without JavaScript does.

use anyhow::{Context, Result, bail};
use http::{HeaderMap, HeaderValue, header};
use scraper::{ElementRef, Html, Selector};
use std::collections::BTreeMap;
use std::path::Path;
use url::Url;

/// Redirects that are followed at most.
const REDIRECTS_MAX: usize = 20;

/// A browser with its cookies. Cookies are kept by host name, whatever the port, as browsers do.
pub struct Browser {
    client: reqwest::Client,
    cookies: BTreeMap<String, String>,
}

/// A page as it was answered.
pub struct Page {
    /// Its address.
    pub url: Url,
    /// Its status.
    pub status: u16,
    body: String,
}

impl Browser {
    /// A fresh one, trusting this certificate authority too.
    pub fn new(ca: Option<&Path>) -> Result<Browser> {
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // A proxy could not find this computer.
            .no_proxy()
            .timeout(std::time::Duration::from_secs(30));
        if let Some(path) = ca {
            let pem = std::fs::read(path).context("reading the certificate authority")?;
            builder = builder.tls_certs_merge(reqwest::Certificate::from_pem_bundle(&pem)?);
        }
        Ok(Browser {
            client: builder.build()?,
            cookies: BTreeMap::new(),
        })
    }

    /// Opens an address.
    pub async fn open(&mut self, url: &str) -> Result<Page> {
        let url = Url::parse(url).with_context(|| format!("opening {url}"))?;
        self.follow(url, None).await
    }

    /// Presses the button or follows the link of this name, with fields filled in.
    pub async fn press(
        &mut self,
        page: &Page,
        name: &str,
        fields: &[(&str, &str)],
    ) -> Result<Page> {
        let target = page.target(name, fields)?;
        match target {
            Target::Get(url) => self.follow(url, None).await,
            Target::Post(url, form) => {
                let origin = page.url.origin().ascii_serialization();
                self.follow(url, Some((form, origin))).await
            }
        }
    }

    async fn follow(&mut self, first: Url, mut form: Option<(Form, String)>) -> Result<Page> {
        let mut url = first;
        for _ in 0..REDIRECTS_MAX {
            let answer = self.request(&url, form.take()).await?;
            self.keep_cookies(answer.headers());
            let status = answer.status();
            if status.is_redirection() {
                let location = answer.headers().get(header::LOCATION);
                let location = location
                    .context("a redirect without an address")?
                    .to_str()?;
                url = url.join(location)?;
                continue;
            }
            return Ok(Page {
                status: status.as_u16(),
                body: answer.text().await?,
                url,
            });
        }
        bail!("too many redirects, last to {}", url.path())
    }

    async fn request(&self, url: &Url, form: Option<(Form, String)>) -> Result<reqwest::Response> {
        let mut request = match form {
            None => self.client.get(url.clone()),
            Some((form, origin)) => {
                let request = self.client.post(url.clone()).form(&form);
                request.header(header::ORIGIN, origin)
            }
        };
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, HeaderValue::from_str(&cookies.join("; "))?);
        }
        Ok(request.send().await?)
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        for value in headers.get_all(header::SET_COOKIE) {
            let Ok(text) = value.to_str() else { continue };
            let mut parts = text.split(';');
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            let gone =
                value.is_empty() || parts.any(|part| part.trim().eq_ignore_ascii_case("max-age=0"));
            if gone {
                self.cookies.remove(name.trim());
            } else {
                self.cookies
                    .insert(name.trim().to_owned(), value.to_owned());
            }
        }
    }
}

type Form = Vec<(String, String)>;

enum Target {
    Get(Url),
    Post(Url, Form),
}

fn selector(text: &str) -> Result<Selector> {
    Selector::parse(text).map_err(|error| anyhow::anyhow!("{text}: {error}"))
}

/// Text as it is read: white space folded.
fn text_of(element: ElementRef<'_>) -> String {
    let text: String = element.text().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Page {
    /// The text of the first element with this `data-testid`.
    pub fn test_id(&self, id: &str) -> Option<String> {
        self.first(&format!("[data-testid=\"{id}\"]"))
    }

    /// The only heading.
    pub fn heading(&self) -> String {
        self.first("h1").unwrap_or_default()
    }

    fn first(&self, query: &str) -> Option<String> {
        let html = Html::parse_document(&self.body);
        html.select(&selector(query).ok()?).next().map(text_of)
    }

    /// Whether a button or link of this name is there.
    pub fn offers(&self, name: &str) -> bool {
        self.target(name, &[]).is_ok()
    }

    /// The value of the radio button whose label holds this text.
    pub fn radio(&self, label: &str) -> Result<(String, String)> {
        let html = Html::parse_document(&self.body);
        for element in html.select(&selector("input[type=radio]")?) {
            let id = element.attr("id").unwrap_or_default();
            let own = html
                .select(&selector(&format!("label[for=\"{id}\"]"))?)
                .next();
            let around = element
                .ancestors()
                .filter_map(ElementRef::wrap)
                .find(|e| e.value().name() == "label");
            let shown = own.or(around).map(text_of).unwrap_or_default();
            if shown.contains(label) {
                let name = element.attr("name").unwrap_or_default();
                let value = element.attr("value").unwrap_or_default();
                return Ok((name.to_owned(), value.to_owned()));
            }
        }
        bail!(
            "there is no choice {label} on the page {:?}",
            self.heading()
        )
    }

    fn target(&self, name: &str, fields: &[(&str, &str)]) -> Result<Target> {
        let html = Html::parse_document(&self.body);
        let fits = |text: &str| text == name || text.contains(name);
        let buttons: Vec<ElementRef<'_>> = html.select(&selector("form button")?).collect();
        let exact = buttons.iter().find(|b| text_of(**b) == name);
        if let Some(button) = exact.or_else(|| buttons.iter().find(|b| fits(&text_of(**b)))) {
            return self.form_target(*button, fields);
        }
        for link in html.select(&selector("a[href]")?) {
            if fits(&text_of(link)) {
                let href = link.attr("href").unwrap_or_default();
                return Ok(Target::Get(self.url.join(href)?));
            }
        }
        bail!(
            "there is no button or link {name:?} on the page {:?} ({})",
            self.heading(),
            self.status
        )
    }

    fn form_target(&self, button: ElementRef<'_>, fields: &[(&str, &str)]) -> Result<Target> {
        let mut around = button.ancestors().filter_map(ElementRef::wrap);
        let form = around.find(|e| e.value().name() == "form");
        let form = form.context("a button outside a form")?;
        let mut values: Form = Vec::new();
        for input in form.select(&selector("input, select, textarea")?) {
            let Some(name) = input.attr("name") else {
                continue;
            };
            let choice = matches!(input.attr("type"), Some("radio" | "checkbox"));
            if choice && input.attr("checked").is_none() {
                continue;
            }
            let value = input.attr("value").unwrap_or_default();
            values.push((name.to_owned(), value.to_owned()));
        }
        for (name, value) in fields {
            values.retain(|(present, _)| present != name);
            values.push(((*name).to_owned(), (*value).to_owned()));
        }
        if let Some(name) = button.attr("name") {
            let value = button.attr("value").unwrap_or_default();
            values.push((name.to_owned(), value.to_owned()));
        }
        let mut url = self.url.join(form.attr("action").unwrap_or_default())?;
        if form
            .attr("method")
            .is_some_and(|m| m.eq_ignore_ascii_case("post"))
        {
            return Ok(Target::Post(url, values));
        }
        url.query_pairs_mut().clear().extend_pairs(values);
        Ok(Target::Get(url))
    }
}
