//! The floor's own login: a page, a code, an approval, going on, a code redeemed, userinfo.

use crate::floor::{CLIENT, SECRET, access_token, phone_message, verifier};
use crate::http::{Site, Wire, parameter};
use crate::load::Worker;
use crate::world::basic;
use anyhow::{Context, Result};
use std::sync::Arc;

/// One browser, one phone and one application's connection.
pub struct FloorLogin {
    browser: Wire,
    phone: Wire,
    application: Wire,
    authorization: String,
    bearer: String,
    message: String,
    with_session: bool,
}

impl FloorLogin {
    /// `count` of them; `with_session` leaves page, code and approval out.
    pub fn many(site: &Arc<Site>, count: usize, with_session: bool) -> Result<Vec<FloorLogin>> {
        let one = |_| {
            Ok(FloorLogin {
                browser: Wire::new(site),
                phone: Wire::new(site),
                application: Wire::new(site),
                authorization: basic(CLIENT, SECRET),
                bearer: format!("Bearer {}", access_token()?),
                message: phone_message()?,
                with_session,
            })
        };
        (0..count).map(one).collect()
    }
}

impl Worker for FloorLogin {
    async fn once(&mut self) -> Result<()> {
        if !self.with_session {
            self.browser.get("/page").await?.expect(200)?;
            self.browser
                .post("/login/code", "code=123456")
                .await?
                .expect(303)?;
            self.phone
                .post("/login/approve", &self.message)
                .await?
                .expect(200)?;
        }
        let gone = self.browser.get("/login/continue").await?.expect(303)?;
        let code = parameter(gone.location()?, "code").context("no code came back")?;
        let form = format!(
            "grant_type=authorization_code&code={code}&code_verifier={}",
            verifier()?
        );
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", self.authorization.as_str()),
        ];
        let path = "/token?rows=1&signs=2";
        let tokens = self
            .application
            .call("POST", path, &headers, Some(&form))
            .await?;
        tokens.expect(200)?.json()?;
        let bearer = [("authorization", self.bearer.as_str())];
        self.application
            .call("GET", "/userinfo", &bearer, None)
            .await?
            .expect(200)?;
        Ok(())
    }
}
