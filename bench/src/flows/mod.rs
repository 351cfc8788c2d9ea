//! What is done to the servers: single requests, and whole logins as a browser, an application and a phone do them.

pub mod floor;
pub mod officer;
pub mod peer;
pub mod supply;
pub mod vendor;
pub mod waiting;

use crate::http::{Answer, Site, Wire, between};
use crate::load::Worker;
use anyhow::{Context, Result};
use std::sync::Arc;

/// The same request again and again.
pub struct Repeat {
    wire: Wire,
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl Repeat {
    /// GET of a path.
    pub fn get(site: &Arc<Site>, path: &str) -> Repeat {
        Repeat {
            wire: Wire::new(site),
            method: "GET",
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// POST of a form.
    pub fn post(site: &Arc<Site>, path: &str, form: &str) -> Repeat {
        let mut repeat = Repeat::get(site, path);
        repeat.method = "POST";
        repeat.body = Some(form.to_owned());
        repeat.header("content-type", "application/x-www-form-urlencoded")
    }

    /// With a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Repeat {
        self.headers.push((name, value.to_owned()));
        self
    }
}

impl Worker for Repeat {
    async fn once(&mut self) -> Result<()> {
        let headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let body = self.body.as_deref();
        let sent = self.wire.call(self.method, &self.path, &headers, body);
        sent.await?.expect(200)?;
        Ok(())
    }
}

/// The version that a page's form carries.
pub fn version(page: &Answer) -> Result<&str> {
    between(page.text(), "name=\"v\" value=\"", "\"").context("the page has no form of a login")
}

/// The number on a number page.
pub fn number(page: &Answer) -> Result<&str> {
    let element = between(page.text(), "data-testid=\"match-number\"", "</p>");
    let element = element.with_context(|| {
        let heading = between(page.text(), "<h1>", "</h1>");
        format!("the page shows no number: {}", heading.unwrap_or_default())
    })?;
    Ok(element.rsplit('>').next().unwrap_or_default().trim())
}

/// A login ID as a form carries it.
pub fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
