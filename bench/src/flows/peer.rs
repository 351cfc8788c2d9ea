//! A login at the peer: its page, its consent, the code redeemed, userinfo.

use crate::http::{Site, Wire, parameter, path_of};
use crate::load::Worker;
use crate::relying::Trip;
use crate::world::{PORTAL, basic};
use anyhow::{Context, Result};
use std::sync::Arc;

/// One browser and one application's connection.
pub struct PeerLogin {
    browser: Wire,
    application: Wire,
    authorization: String,
}

impl PeerLogin {
    /// `count` of them.
    pub fn many(site: &Arc<Site>, secret: &str, count: usize) -> Vec<PeerLogin> {
        let one = |_| PeerLogin {
            browser: Wire::new(site),
            application: Wire::new(site),
            authorization: basic(PORTAL, secret),
        };
        (0..count).map(one).collect()
    }

    /// Sends a page's form and goes where it leads.
    async fn submit(&mut self, page: &str, form: &str) -> Result<String> {
        self.browser.get(page).await?.expect(200)?;
        let sent = self.browser.post(page, form).await?.expect(303)?;
        let onward = self
            .browser
            .get(path_of(sent.location()?))
            .await?
            .expect(303)?;
        Ok(onward.location()?.to_owned())
    }
}

impl Worker for PeerLogin {
    async fn once(&mut self) -> Result<()> {
        self.browser.forget_cookies();
        let trip = Trip::new()?;
        let request = trip.authorize("").replace("/authorize?", "/auth?");
        let begun = self.browser.get(&request).await?.expect(303)?;
        let page = path_of(begun.location()?).to_owned();
        let next = self
            .submit(&page, "prompt=login&login=mei&password=x")
            .await?;
        let back = self.submit(path_of(&next), "prompt=consent").await?;
        let code = parameter(&back, "code").context("no code came back")?;
        let form = format!(
            "grant_type=authorization_code&code={code}&redirect_uri=http%3A%2F%2Flocalhost%3A9%2Fcallback&code_verifier={}",
            trip.verifier()
        );
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", self.authorization.as_str()),
        ];
        let tokens = self
            .application
            .call("POST", "/token", &headers, Some(&form))
            .await?;
        let tokens = tokens.expect(200)?.json()?;
        let access = tokens.get("access_token").and_then(|token| token.as_str());
        let bearer = format!("Bearer {}", access.context("no access token came")?);
        let header = [("authorization", bearer.as_str())];
        self.application
            .call("GET", "/me", &header, None)
            .await?
            .expect(200)?;
        Ok(())
    }
}
