//! Registering a computer: a link that is good once sets a key in this browser, whose hash goes into the inventory.
//!
//! The key lives in a cookie that scripts cannot read, so registration and every login work without JavaScript. It
//! proves that this browser profile was registered; it does not prove hardware.

use crate::admin::AdminError;
use crate::app::{App, Error};
use crate::chance;
use crate::seal::hashed;
use crate::views;
use crate::web::cookies::{self, Cookie};
use crate::web::page::{self, Fault, Outcome};
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};
use techpass_domain::audit::Record;
use techpass_domain::device::{Device, DeviceClass};
use techpass_domain::id::{AccountId, DeviceId};
use techpass_domain::text::{self, Hidden};
use techpass_domain::time::Seconds;
use techpass_store::{StoreError, Write, conflict};

/// The kind of registration links among the one-time values.
const KIND: &str = "device-enrolment";
/// How long a link is good.
pub const LINK_LIFETIME_S: Seconds = 60 * 60;

/// What a link does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ticket {
    /// The class to register; `None` takes the registration off this browser.
    pub class: Option<DeviceClass>,
    /// Whose computer it is; nobody's for a shared one.
    pub owner: Option<AccountId>,
    /// A name for lists.
    pub name: String,
    /// Where the browser goes afterwards. With it the link works by itself; without it a page asks for a press.
    pub then: Option<String>,
}

/// Makes a link.
///
/// # Errors
/// Refused when the name cannot be shown as it is.
pub async fn link(app: &App, ticket: &Ticket) -> Result<String, AdminError> {
    let refused = |hidden: Hidden| AdminError::Refused(hidden.to_string());
    text::shown(&ticket.name).map_err(refused)?;
    let now = app.now();
    let token = chance::secret().map_err(Error::from)?;
    let issue = Write::Issue {
        kind: KIND,
        key_sha256: hashed(&token),
        data: serde_json::to_string(ticket).map_err(Error::from)?,
        expires_at: now.plus(LINK_LIFETIME_S),
    };
    app.store.commit(vec![issue]).await?;
    Ok(format!("{}/devices/enrol/{token}", app.issuer))
}

async fn ticket(app: &App, token: &str) -> Result<Ticket, Fault> {
    let now = app.now();
    let row = app.store.single_use(KIND, &hashed(token)).await?;
    let row = row.filter(|row| row.used_at.is_none() && now < row.expires_at);
    let row = row.ok_or_else(Fault::expired)?;
    Ok(serde_json::from_str(&row.data)?)
}

/// Whether a person's browser goes there, and nothing is only looking (Fetch Metadata Request Headers §2): an image or
/// script of some page, a preview, or a `HEAD` would use the link up unseen. A browser that says nothing is believed.
fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    let says = |name: &str, expected: &str| match headers.get(name) {
        Some(value) => value.as_bytes().eq_ignore_ascii_case(expected.as_bytes()),
        None => true,
    };
    let ahead = ["sec-purpose", "purpose"].iter().any(|name| {
        let value = headers.get(*name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.contains("prefetch"))
    });
    *method == Method::GET
        && says("sec-fetch-mode", "navigate")
        && says("sec-fetch-dest", "document")
        && !ahead
}

/// `GET /devices/enrol/TOKEN`: the page, or at once where the administrator's link says where to go on. Whoever does not
/// come to stay gets the page, which uses nothing up.
pub async fn get(app: &App, method: &Method, headers: &HeaderMap, token: &str) -> Outcome {
    let ticket = ticket(app, token).await?;
    if ticket.then.is_some() && is_navigation(method, headers) {
        return register(app, headers, token, ticket).await;
    }
    let owner = match &ticket.owner {
        Some(id) => app.store.account(id).await?.map(|account| account.login_id),
        None => None,
    };
    let body = views::EnrolDevice {
        action: format!("/devices/enrol/{token}"),
        hidden: Vec::new(),
        class_title: ticket.class.map_or("none", DeviceClass::title).to_owned(),
        owner,
    }
    .render(&page::shell(app, ""))?;
    Ok(page::own(body, StatusCode::OK))
}

/// `POST /devices/enrol/TOKEN`.
pub async fn post(app: &App, headers: &HeaderMap, token: &str) -> Outcome {
    let ticket = ticket(app, token).await?;
    register(app, headers, token, ticket).await
}

async fn register(app: &App, headers: &HeaderMap, token: &str, ticket: Ticket) -> Outcome {
    let now = app.now();
    let mut writes = vec![Write::Use {
        kind: KIND,
        key_sha256: hashed(token),
        at: now,
    }];
    // What this browser was before, it is no more.
    if let Some(old) = cookies::read(app, headers, Cookie::Device)
        && let Some(device) = app.store.device_by_key(&hashed(&old)).await?
    {
        writes.push(Write::RemoveDevice {
            id: device.id,
            at: now,
        });
    }
    let key = chance::secret()?;
    if let Some(class) = ticket.class {
        let device = Device {
            id: DeviceId::new(chance::row_id("dev", now.0)?),
            class,
            owner: ticket.owner.clone(),
            name: ticket.name.clone(),
            enrolled_at: now,
        };
        writes.push(Write::AddDevice {
            device,
            key_sha256: hashed(&key),
        });
    }
    writes.push(app.audit(Record {
        at: now,
        kind: "device.registered".to_owned(),
        account: ticket.owner.clone(),
        client: None,
        reference: None,
        detail: serde_json::json!({ "class": ticket.class }),
    })?);
    match app.store.commit(writes).await {
        Ok(()) => {}
        Err(StoreError::Conflict(conflict::SINGLE_USE | conflict::ROW)) => {
            return Err(Fault::expired());
        }
        Err(error) => return Err(error.into()),
    }
    let mut response = match &ticket.then {
        Some(url) => page::see_other(url),
        None => {
            let class_title = ticket.class.map_or("none", DeviceClass::title).to_owned();
            let body = views::DeviceRegistered { class_title }.render(&page::shell(app, ""))?;
            page::own(body, StatusCode::OK)
        }
    };
    match ticket.class {
        Some(_) => cookies::set(app, response.headers_mut(), Cookie::Device, &key),
        None => cookies::remove(app, response.headers_mut(), Cookie::Device),
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_a_browser_that_goes_there_uses_a_link_up() {
        for (method, sent, goes) in [
            (Method::GET, "", true),
            (
                Method::GET,
                "sec-fetch-mode: navigate, sec-fetch-dest: document",
                true,
            ),
            (Method::HEAD, "", false),
            (
                Method::HEAD,
                "sec-fetch-mode: navigate, sec-fetch-dest: document",
                false,
            ),
            (
                Method::GET,
                "sec-fetch-mode: no-cors, sec-fetch-dest: image",
                false,
            ),
            (
                Method::GET,
                "sec-fetch-mode: no-cors, sec-fetch-dest: script",
                false,
            ),
            (
                Method::GET,
                "sec-fetch-mode: cors, sec-fetch-dest: empty",
                false,
            ),
            (
                Method::GET,
                "sec-fetch-mode: navigate, sec-fetch-dest: iframe",
                false,
            ),
            (Method::GET, "sec-fetch-dest: image", false),
            (
                Method::GET,
                "sec-fetch-mode: navigate, sec-fetch-dest: document, sec-purpose: prefetch;prerender",
                false,
            ),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in sent.split(", ").filter_map(|one| one.split_once(": ")) {
                let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
                headers.insert(name, value.parse().unwrap());
            }
            assert_eq!(is_navigation(&method, &headers), goes, "{method} {sent}");
        }
    }
}
