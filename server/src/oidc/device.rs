//! Devices without a browser (RFC 8628): a device asks here, shows a code, and a person types it on another screen, signs
//! in as always, sees who asks, and allows or denies. The device learns the answer at the token endpoint.

use super::authorize;
use super::client_auth::authenticate;
use super::json;
use super::refused::Refused;
use crate::app::{App, Error};
use crate::chance;
use crate::clock::utc;
use crate::login::advance;
use crate::login::begin::{Hints, Wanted};
use crate::seal::hashed;
use crate::session::{self, Here};
use crate::views::{self, words};
use crate::web::browser;
use crate::web::form::Form;
use crate::web::page::{self, Fault, Outcome};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use http::request::Parts;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as object};
use std::sync::Arc;
use techpass_domain::audit::Record;
use techpass_domain::client::{Client, GrantType};
use techpass_domain::id::{GrantId, Sid};
use techpass_domain::oidc::authorization::{self, AuthorizationRequest};
use techpass_domain::oidc::device::{self, ALPHABET, INTERVAL_S, LIFETIME_S, USER_CODE_LETTERS};
use techpass_domain::oidc::discovery::path;
use techpass_domain::oidc::error::TokenError;
use techpass_domain::oidc::params::Params;
use techpass_domain::oidc::scope::{OPENID, Scope};
use techpass_domain::oidc::token as rules;
use techpass_domain::session::{Entry, Grant};
use techpass_domain::time::{Seconds, Timestamp};
use techpass_store::device_grants::{DeviceRow, DeviceWrite, NewDevice};
use techpass_store::{StoreError, Write};

/// The page where people type the code.
pub const PAGE: &str = "/device";
/// How long a grant's row lives when nothing renews it.
const GRANT_LIFETIME_S: Seconds = 60 * 24 * 60 * 60;

/// What is kept of a device's request.
#[derive(Serialize, Deserialize)]
struct Data {
    scope: Scope,
    /// The user code under the master key, to be shown once more.
    sealed_code: String,
    from: String,
    at: Timestamp,
}

/// `POST /device_authorization` (§3.1).
pub async fn authorize(app: &App, parts: &Parts, body: &str) -> Response {
    match answer(app, parts, body).await {
        Ok(body) => json(200, &body),
        Err(refused) => refused.into_response(app, "device authorization"),
    }
}

async fn answer(app: &App, parts: &Parts, body: &str) -> Result<Value, Refused> {
    let params = Params::parse(body).map_err(TokenError::from)?;
    let client = authenticate(app, &parts.headers, &params, path::DEVICE_AUTHORIZATION).await?;
    rules::permitted(
        GrantType::DeviceCode,
        &client,
        app.config.device_grant.enabled,
    )?;
    let scope = device::scope_of(&client, rules::scope(&params)?.as_ref())?;
    let device_code = chance::prefixed("tp_dc_").map_err(Error::from)?;
    let user_code = user_code()?;
    let now = app.now();
    let id = chance::row_id("dvc", now.0).map_err(Error::from)?;
    let sealed = app.seal.seal(&place(&id), user_code.as_bytes());
    let address = browser::address(app, parts).map(|ip| ip.to_string());
    let data = Data {
        scope,
        sealed_code: URL_SAFE_NO_PAD.encode(sealed.map_err(Error::from)?),
        from: address.unwrap_or_else(|| "Unknown".to_owned()),
        at: now,
    };
    let add = DeviceWrite::Add(NewDevice {
        id,
        device_sha256: hashed(&device_code),
        user_code: app.seal.derived_text("user_code", &user_code),
        client: client.id.clone(),
        data: serde_json::to_string(&data)?,
        interval_s: INTERVAL_S,
        expires_at: now.plus(LIFETIME_S),
    });
    app.store.commit(vec![Write::Device(add)]).await?;
    let page = format!("{}{PAGE}", app.issuer);
    Ok(object!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={user_code}"),
        "expires_in": LIFETIME_S,
        "interval": INTERVAL_S,
    }))
}

fn place(id: &str) -> String {
    format!("device_grants|{id}")
}

/// A fresh user code; every letter as likely as any other.
fn user_code() -> Result<String, Error> {
    let mut letters = String::new();
    while letters.len() < USER_CODE_LETTERS {
        let [byte] = chance::bytes::<1>()?;
        if byte < 240 {
            let place = usize::from(byte) % ALPHABET.len();
            letters.extend(ALPHABET.get(place).copied().map(char::from));
        }
    }
    device::user_code(&letters).ok_or_else(|| Error::internal("a user code has another form"))
}

/// `GET /device`: asks for the code. One that came with the address stands there already, and the person compares it with
/// the device's (§3.3.1).
pub fn ask_code(app: &App, query: &str) -> Outcome {
    let form = Form::parse(query.as_bytes()).unwrap_or_default();
    let typed = form.get("user_code").unwrap_or_default();
    let user_code = device::user_code(typed).unwrap_or_default();
    code_page(app, user_code, None)
}

fn code_page(app: &App, user_code: String, error: Option<String>) -> Outcome {
    if !app.config.device_grant.enabled {
        return Err(Fault::Problem(
            techpass_domain::problem::Problem::Unsupported,
            StatusCode::NOT_FOUND,
        ));
    }
    let status = match error {
        Some(_) => advance::AGAIN,
        None => StatusCode::OK,
    };
    let page = views::DeviceCode {
        action: PAGE.to_owned(),
        user_code,
        error,
    };
    Ok(page::own(page.render(&page::shell(app, ""))?, status))
}

/// `POST /device`: the code was typed; now the person signs in.
pub async fn take_code(app: &App, parts: &Parts, form: &Form) -> Outcome {
    let typed = form.get("user_code").unwrap_or_default();
    let row = match device::user_code(typed) {
        Some(code) if app.config.device_grant.enabled => {
            let key = app.seal.derived_text("user_code", &code);
            app.store.device_grant_by_user_code(&key).await?
        }
        _ => None,
    };
    let now = app.now();
    let row = row.filter(|row| device::may_answer(row.state, row.expires_at, now));
    let client = match &row {
        Some(row) => app.store.client(&row.client).await?,
        None => None,
    };
    match (row, client) {
        (Some(row), Some(client)) => sign_in(app, parts, &row, Arc::unwrap_or_clone(client)).await,
        _ => {
            let error = words::ENGLISH.device_code_wrong.to_string();
            code_page(app, typed.chars().take(20).collect(), Some(error))
        }
    }
}

/// Begins the usual login; it ends on the page that says who asks.
async fn sign_in(app: &App, parts: &Parts, row: &DeviceRow, client: Client) -> Outcome {
    let (client, request) = request(app, row, client)?;
    let wanted = Wanted {
        request,
        hints: Hints::default(),
        query: String::new(),
    };
    authorize::begun(app, parts, &client, wanted).await
}

/// The request of that login: the client's, with the page of this device's request for an answer's address. What the
/// device gets is asked there; so the login itself asks for no consent.
fn request(
    app: &App,
    row: &DeviceRow,
    client: Client,
) -> Result<(Client, AuthorizationRequest), Error> {
    let uri = format!("{}{PAGE}/{}", app.issuer, row.id);
    let client = Client {
        redirect_uris: vec![uri.clone()],
        grant_types: vec![GrantType::AuthorizationCode],
        consent: false,
        ..client
    };
    let challenge = app.seal.derived_text("device_challenge", &row.id);
    let encoded = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("response_type", "code")
        .append_pair("client_id", client.id.as_str())
        .append_pair("redirect_uri", &uri)
        .append_pair("scope", OPENID)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .finish();
    let impossible = || Error::internal("a device's own request is refused");
    let params = Params::parse(&encoded).map_err(|_| impossible())?;
    let trusted = authorization::trust(&params, &client).map_err(|_| impossible())?;
    let request = authorization::check(&params, &client, &trusted).map_err(|_| impossible())?;
    Ok((client, request))
}

/// The device's request that a login is for, when it is for one.
pub fn id_of<'a>(app: &App, request: &'a AuthorizationRequest) -> Option<&'a str> {
    let path = request.redirect_uri.strip_prefix(&app.issuer)?;
    path.strip_prefix(PAGE)?.strip_prefix('/')
}

/// The write that ends such a login in place of a code.
pub fn signed_in(id: &str, sid: &Sid) -> Write {
    Write::Device(DeviceWrite::SignedIn {
        id: id.to_owned(),
        sid: sid.clone(),
    })
}

/// A request that the person in this browser signed in for.
struct Theirs {
    row: DeviceRow,
    data: Data,
    client: Arc<Client>,
    entry: Entry,
}

async fn theirs(app: &App, here: &Here, id: &str) -> Result<Theirs, Fault> {
    let row = app.store.device_grant(id).await?;
    let row = row.filter(|row| device::may_answer(row.state, row.expires_at, app.now()));
    let row = row.ok_or_else(Fault::expired)?;
    let sids: Vec<Sid> = here.entries.iter().map(|entry| entry.sid.clone()).collect();
    if !device::is_theirs(row.sid.as_ref(), &sids) {
        return Err(Fault::expired());
    }
    let entry = here
        .entries
        .iter()
        .find(|e| Some(&e.sid) == row.sid.as_ref());
    let client = app.store.client(&row.client).await?;
    match (client, entry.cloned()) {
        (Some(client), Some(entry)) => Ok(Theirs {
            data: serde_json::from_str(&row.data).map_err(Error::from)?,
            row,
            client,
            entry,
        }),
        _ => Err(Fault::expired()),
    }
}

/// `GET /device/ID`: who asks, and for what (§5.4).
pub async fn ask(app: &App, parts: &Parts, id: &str) -> Outcome {
    let query = Form::parse(parts.uri.query().unwrap_or_default().as_bytes());
    if query.is_ok_and(|query| query.get("error").is_some()) {
        return Ok(page::see_other(&format!("{}{PAGE}", app.issuer)));
    }
    let here = session::here(app, &parts.headers).await?;
    let Theirs {
        row,
        data,
        client,
        entry,
    } = theirs(app, &here, id).await?;
    let account = app.store.account(&entry.account).await?;
    let sealed = URL_SAFE_NO_PAD
        .decode(&data.sealed_code)
        .unwrap_or_default();
    let code = app
        .seal
        .open(&place(&row.id), &sealed)
        .map_err(Error::from)?;
    let catalogue = &words::ENGLISH;
    let page = views::DeviceAsk {
        action: format!("{PAGE}/{}", row.id),
        app: client.name.clone(),
        account: account.map(|account| account.login_id).unwrap_or_default(),
        user_code: String::from_utf8_lossy(&code).into_owned(),
        from: data.from,
        at: utc(data.at),
        scopes: data
            .scope
            .iter()
            .map(|scope| catalogue.scope(scope))
            .collect(),
    };
    Ok(page::own(
        page.render(&page::shell(app, ""))?,
        StatusCode::OK,
    ))
}

/// `POST /device/ID`: the person's answer. Of two the first counts.
pub async fn decide(app: &App, parts: &Parts, id: &str, form: &Form) -> Outcome {
    let here = session::here(app, &parts.headers).await?;
    let theirs = theirs(app, &here, id).await?;
    let allowed = match form.get("do") {
        Some("allow") => true,
        Some("deny") => false,
        _ => return Err(Fault::expired()),
    };
    let mut writes = Vec::new();
    let grant = allowed
        .then(|| grant(app, &theirs, &mut writes))
        .transpose()?;
    writes.push(Write::Device(DeviceWrite::Answered {
        id: theirs.row.id.clone(),
        grant,
        at: app.now(),
    }));
    writes.push(
        app.audit(Record {
            at: app.now(),
            kind: if allowed {
                "device.allowed"
            } else {
                "device.denied"
            }
            .to_owned(),
            account: Some(theirs.entry.account.clone()),
            client: Some(theirs.client.id.clone()),
            reference: None,
            detail: object!({ "from": theirs.data.from, "scope": theirs.data.scope }),
        })?,
    );
    match app.store.commit(writes).await {
        Ok(()) => {}
        Err(StoreError::Conflict(_)) => return Err(Fault::expired()),
        Err(error) => return Err(error.into()),
    }
    let page = views::DeviceDone {
        app: theirs.client.name.clone(),
        allowed,
    };
    Ok(page::own(
        page.render(&page::shell(app, ""))?,
        StatusCode::OK,
    ))
}

/// What the device is given.
fn grant(app: &App, theirs: &Theirs, writes: &mut Vec<Write>) -> Result<GrantId, Error> {
    let (now, entry) = (app.now(), &theirs.entry);
    let id = GrantId::new(chance::row_id("grt", now.0)?);
    writes.extend(super::subject::remember(
        app,
        &theirs.client,
        &entry.account,
    ));
    writes.push(Write::AddGrant {
        grant: Grant {
            id: id.clone(),
            client: theirs.client.id.clone(),
            account: entry.account.clone(),
            sid: entry.sid.clone(),
            scope: theirs.data.scope.to_string(),
            claims: Default::default(),
            nonce: None,
            auth_time: entry.auth_time,
            acr: entry.acr.clone(),
            amr: entry.amr.clone(),
            created_at: now,
        },
        expires_at: now.plus(GRANT_LIFETIME_S),
    });
    Ok(id)
}
