//! From a checked authorization request to a login.

use super::{Data, consent};
use crate::app::{App, Error};
use crate::chance;
use crate::seal::hashed;
use crate::session::{self, Here};
use crate::web::browser;
use crate::web::cookies::{self, Cookie};
use crate::web::page::Fault;
use http::request::Parts;
use techpass_domain::account::{Home, domain_of, normalize_login_id};
use techpass_domain::client::Client;
use techpass_domain::id::{AccountId, LoginId, Reference, UpstreamId};
use techpass_domain::login::{Arrival, Chosen, Login, Who};
use techpass_domain::oidc::authorization::AuthorizationRequest;
use techpass_store::write::NewLogin;

/// A new login, whose row is not there yet, and the browser's cookie when it is new.
pub struct Begun {
    /// The login.
    pub bound: super::Bound,
    /// A new browser cookie, to be set.
    pub new_browser: Option<String>,
}

/// Whom the request named.
#[derive(Default)]
pub struct Hints {
    /// The account that a valid `id_token_hint` or a `sub` claim with a value names.
    pub account: Option<AccountId>,
    /// The only account that will do: the same, or one that nobody has where the name is nobody's.
    pub only: Option<AccountId>,
}

/// A checked request, with what it named.
pub struct Wanted {
    /// The request.
    pub request: AuthorizationRequest,
    /// Whom it named.
    pub hints: Hints,
    /// Its parameters as they came, so that it can be made anew.
    pub query: String,
}

/// Begins a login, bound to this browser. Its row is added by [`super::lay_down`], or with its first step.
pub async fn begin(
    app: &App,
    parts: &Parts,
    client: &Client,
    wanted: Wanted,
    here: &Here,
) -> Result<Begun, Fault> {
    let Wanted {
        request,
        hints,
        query,
    } = wanted;
    let now = app.now();
    let known = session::known(app, &parts.headers, here).await?;
    let named = match &hints.account {
        Some(id) => by_account(app, id).await?,
        None => by_login_hint(app, client, &request, &known).await?,
    };
    let (hint, stranger) = match named {
        Named::Account(hint) => (Some(*hint), false),
        Named::Stranger => (None, true),
        Named::Nobody => (None, false),
    };
    let signed_in = here.signed_in(app).await?;
    let arrival = Arrival {
        signed_in: signed_in.iter().map(|(entry, _)| entry.clone()).collect(),
        known: known.len(),
        hint: hint.as_ref().map(|(chosen, _)| chosen.clone()),
        stranger,
        device: session::device(app, &parts.headers).await?,
    };
    let login = Login::begin(request.asked(client, hints.only), arrival, now);
    let login = consent::remembered(app, login, &request).await?;
    let login_id = match (&login.evidence.chosen, hint) {
        (Some(_), Some((_, login_id))) => Some(login_id),
        (Some(Chosen::Known(who)), None) => {
            let theirs = signed_in
                .into_iter()
                .find(|(entry, _)| entry.who.id == who.id);
            theirs.map(|(_, login_id)| login_id)
        }
        _ => None,
    };
    let data = Data {
        login,
        app: client.name.clone(),
        login_id,
        reference: Reference::new(chance::reference()?),
        query,
        trips: Vec::new(),
        upstream_said: None,
        location: browser::address(app, parts)
            .map_or_else(|| "Unknown".to_owned(), |ip| ip.to_string()),
        device: browser::description(&parts.headers),
        request,
    };
    Ok(bound(app, parts, data)?)
}

/// The login, bound to this browser; its row is not there yet.
fn bound(app: &App, parts: &Parts, data: Data) -> Result<Begun, Error> {
    let present = cookies::read(app, &parts.headers, Cookie::Browser);
    let (browser, new_browser) = match present {
        Some(browser) => (browser, None),
        None => {
            let fresh = chance::secret()?;
            (fresh.clone(), Some(fresh))
        }
    };
    let address = chance::secret()?;
    let id = LoginId::new(chance::row_id("lgn", app.now().0)?);
    let browser_sha256 = hashed(&browser);
    app.metrics.sign_ins_begun.inc();
    let unsaved = NewLogin {
        id: id.clone(),
        address_sha256: hashed(&address),
        browser_sha256: browser_sha256.clone(),
        data: serde_json::to_string(&data)?,
        expires_at: data.login.expires_at,
    };
    Ok(Begun {
        bound: super::Bound {
            id,
            version: 0,
            address,
            browser_sha256,
            data,
            unsaved: Some(Box::new(unsaved)),
        },
        new_browser,
    })
}

/// What became of the request's hints.
enum Named {
    /// An account, or what stands for an unknown one; with the login ID.
    Account(Box<(Chosen, String)>),
    /// Somebody whom this browser does not know.
    Stranger,
    /// Nobody.
    Nobody,
}

async fn by_account(app: &App, id: &AccountId) -> Result<Named, Error> {
    Ok(match app.store.account(id).await? {
        Some(account) => Named::Account(Box::new(chosen(app, &account.login_id).await?)),
        None => Named::Nobody,
    })
}

/// `login_hint` (Core §3.1.2.1) chooses only where it names somebody whom this browser knows, or comes from a sign-in
/// server that has asked the person already. Anybody else's is for the sign-in page to show; what makes no sense is no
/// hint.
async fn by_login_hint(
    app: &App,
    client: &Client,
    request: &AuthorizationRequest,
    known: &[AccountId],
) -> Result<Named, Error> {
    let hint = request.login_hint.as_deref().map(normalize_login_id);
    let Some(Ok(login_id)) = hint else {
        return Ok(Named::Nobody);
    };
    let named = chosen(app, &login_id).await?;
    let familiar = named.0.account().is_some_and(|id| known.contains(id));
    Ok(if client.broker || familiar {
        Named::Account(Box::new(named))
    } else {
        Named::Stranger
    })
}

/// The account of a normalized login ID, or what stands for an unknown one; with the login ID.
pub async fn chosen(app: &App, login_id: &str) -> Result<(Chosen, String), Error> {
    let chosen = match app.store.named_with_phone(login_id).await? {
        Some((account, has_phone)) => Chosen::Known(Who::of(&account, has_phone)),
        None => Chosen::Unknown {
            home: match app.config.home_of(domain_of(login_id)) {
                Some(upstream) => Home::Upstream(UpstreamId::new(upstream.id.as_str())),
                None => Home::Local,
            },
            kind: app.config.accounts.usual_kind,
        },
    };
    Ok((chosen, login_id.to_owned()))
}
