//! The application's side of what a person does: codes for tokens, refresh tokens, and what tokens are good for.

use super::facts::Fact;
use super::history::{Got, What};
use super::person::{Family, Issued, Person, got, patient};
use crate::http::{Answer, Wire};
use anyhow::Result;
use serde_json::Value;
use std::rc::Rc;

impl Person {
    async fn token(&mut self, form: &str) -> Result<Answer> {
        if let Some(site) = self.anywhere() {
            self.application.lead_to(&site);
        }
        let shared = Rc::clone(&self.shared);
        post(&mut self.application, "/token", &shared.authorization, form).await
    }

    /// A code for tokens.
    pub async fn redeem(&mut self, session: &str, issued: &Issued) -> Result<()> {
        let (family, refresh) = (self.name("f"), self.name("r"));
        let open = self.open(What::Redeem {
            session: session.to_owned(),
            code: issued.name.clone(),
            family: family.clone(),
            refresh: refresh.clone(),
        });
        let answer = self.token(&issued.form).await;
        let got = got(answer.as_ref().ok(), |answer| answer.status == 200);
        let tokens = taken_json(got, answer.as_ref().ok());
        let subject = match &tokens {
            Some(tokens) => self.whose(tokens, Some(&issued.nonce)).await,
            None => None,
        };
        self.close(open, got, answer.as_ref().ok(), subject);
        if let Some(tokens) = tokens {
            self.fact(Fact::code_used(&issued.code));
            self.fact(Fact::refresh_there(&text(&tokens, "refresh_token")));
            self.families.push(Family {
                name: family,
                session: session.to_owned(),
                code: issued.clone(),
                access: text(&tokens, "access_token"),
                refresh: (refresh, text(&tokens, "refresh_token")),
                unsure: false,
            });
        }
        answer.map(drop)
    }

    /// A refresh token for its successor, which takes its place in `family`.
    pub async fn rotate(&mut self, family: &mut Family) -> Result<Got> {
        let next = self.name("r");
        let open = self.open(What::Rotate {
            family: family.name.clone(),
            refresh: family.refresh.0.clone(),
            next: next.clone(),
        });
        let form = format!(
            "grant_type=refresh_token&refresh_token={}",
            family.refresh.1
        );
        let answer = self.token(&form).await;
        let got = got(answer.as_ref().ok(), |answer| answer.status == 200);
        let tokens = taken_json(got, answer.as_ref().ok());
        let subject = match &tokens {
            Some(tokens) => self.whose(tokens, None).await,
            None => None,
        };
        self.close(open, got, answer.as_ref().ok(), subject);
        family.unsure |= got == Got::Unknown;
        if let Some(tokens) = tokens {
            self.fact(Fact::refresh_used(&family.refresh.1));
            self.fact(Fact::refresh_there(&text(&tokens, "refresh_token")));
            family.access = text(&tokens, "access_token");
            family.refresh = (next, text(&tokens, "refresh_token"));
            family.unsure = false;
        }
        Ok(got)
    }

    /// Whose account an ID token speaks of, or what else is wrong with it.
    async fn whose(&mut self, tokens: &Value, nonce: Option<&str>) -> Option<String> {
        let shared = Rc::clone(&self.shared);
        let token = text(tokens, "id_token");
        let claims = match shared.keys.verified(&mut self.application, &token).await {
            Ok(claims) => claims?,
            Err(error) => return Some(format!("nobody: {error:#}")),
        };
        Some(match (nonce, claims.get("nonce").and_then(Value::as_str)) {
            (Some(sent), back) if back != Some(sent) => "another nonce".to_owned(),
            _ => text(&claims, "sub"),
        })
    }

    /// Asks who it is.
    pub async fn userinfo(&mut self, family: &Family) -> Result<Got> {
        if let Some(site) = self.anywhere() {
            self.application.lead_to(&site);
        }
        let open = self.open(What::UserInfo {
            family: family.name.clone(),
        });
        let header = format!("Bearer {}", family.access);
        let headers = [("authorization", header.as_str())];
        let asked = self.application.call("GET", "/userinfo", &headers, None);
        let answer = patient(asked).await;
        let got = got(answer.as_ref().ok(), |answer| answer.status == 200);
        let subject = taken_json(got, answer.as_ref().ok()).map(|claims| text(&claims, "sub"));
        self.close(open, got, answer.as_ref().ok(), subject);
        Ok(got)
    }

    /// Asks whether a token stands, where that is offered.
    pub async fn introspect(&mut self, family: &Family) -> Result<()> {
        let shared = Rc::clone(&self.shared);
        let Some(path) = &shared.introspection else {
            return Ok(());
        };
        let open = self.open(What::UserInfo {
            family: family.name.clone(),
        });
        let form = format!("token={}", family.access);
        let answer = post(&mut self.application, path, &shared.authorization, &form).await;
        let mut got = got(answer.as_ref().ok(), |answer| answer.status == 200);
        let said = taken_json(got, answer.as_ref().ok());
        if said
            .as_ref()
            .is_some_and(|said| said.get("active") != Some(&Value::Bool(true)))
        {
            got = Got::Refused;
        }
        let subject =
            said.and_then(|said| said.get("sub").and_then(Value::as_str).map(str::to_owned));
        self.close(open, got, answer.as_ref().ok(), subject);
        answer.map(drop)
    }

    /// The application gives its tokens up, where that is offered.
    pub async fn revoke(&mut self, family: &Family) -> Result<()> {
        let shared = Rc::clone(&self.shared);
        let Some(path) = &shared.revocation else {
            return Ok(());
        };
        let open = self.open(What::Revoke {
            family: family.name.clone(),
        });
        let form = format!("token={}", family.refresh.1);
        let answer = post(&mut self.application, path, &shared.authorization, &form).await;
        let got = got(answer.as_ref().ok(), |answer| answer.status == 200);
        self.close(open, got, answer.as_ref().ok(), None);
        answer.map(drop)
    }
}

async fn post(wire: &mut Wire, path: &str, authorization: &str, form: &str) -> Result<Answer> {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", authorization),
    ];
    patient(wire.call("POST", path, &headers, Some(form))).await
}

fn taken_json(got: Got, answer: Option<&Answer>) -> Option<Value> {
    match got {
        Got::Taken => answer.and_then(|answer| answer.json().ok()),
        _ => None,
    }
}

fn text(value: &Value, name: &str) -> String {
    let text = value.get(name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
