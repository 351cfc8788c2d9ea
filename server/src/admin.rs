//! What administrators do, by command now and by page later: accounts. Clients are in `clients`.

use crate::app::{App, Error};
use crate::applications;
use crate::authenticator::enrol;
use crate::chance;
use crate::passwords::{LENGTH_MAX, LENGTH_MIN};
use techpass_domain::access::Factor;
use techpass_domain::account::{
    Account, Home, Kind, LoginIdError, Status, domain_of, normalize_login_id,
};
use techpass_domain::audit::Record;
use techpass_domain::consent::Consent;
use techpass_domain::id::{AccountId, ClientId, UpstreamId};
use techpass_domain::text;
use techpass_store::{StoreError, Write};
use zeroize::Zeroizing;

/// Why an administrator's wish was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// What was wished for makes no sense; the text says what to do.
    #[error("{0}")]
    Refused(String),
    /// Ours.
    #[error(transparent)]
    Failure(#[from] Error),
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        AdminError::Failure(error.into())
    }
}

impl From<LoginIdError> for AdminError {
    fn from(error: LoginIdError) -> Self {
        AdminError::Refused(error.to_string())
    }
}

fn refused<T>(text: impl Into<String>) -> Result<T, AdminError> {
    Err(AdminError::Refused(text.into()))
}

fn record(
    app: &App,
    kind: &str,
    account: Option<&AccountId>,
    detail: serde_json::Value,
) -> Result<Write, Error> {
    app.audit(Record {
        at: app.now(),
        kind: kind.to_owned(),
        account: account.cloned(),
        client: None,
        reference: None,
        detail,
    })
}

/// A new account.
#[derive(Clone, Debug, Default)]
pub struct NewAccount {
    /// What the person types.
    pub login_id: String,
    /// The name shown.
    pub name: String,
    /// The contact address.
    pub email: Option<String>,
    /// The organisation shown.
    pub organisation: Option<String>,
    /// Officer, vendor, …; the usual one when left out.
    pub kind: Option<Kind>,
    /// Whether it may administer its tenant.
    pub tenant_administrator: bool,
    /// The upstream's `sub`, for an account whose home is elsewhere.
    pub upstream_subject: Option<String>,
    /// Further standard claims.
    pub claims: std::collections::BTreeMap<String, serde_json::Value>,
}

/// Adds an account. Its home follows from the login ID's domain; one that is at home elsewhere is linked by the
/// upstream's subject when that is given.
pub async fn add_account(app: &App, new: NewAccount) -> Result<Account, AdminError> {
    add_account_with(app, new, None).await
}

/// The same, with a password in the same commit.
pub async fn add_account_with(
    app: &App,
    new: NewAccount,
    password: Option<Zeroizing<String>>,
) -> Result<Account, AdminError> {
    let login_id = normalize_login_id(&new.login_id)?;
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > 200 {
        return refused("give a name of 1 to 200 characters");
    }
    let shown = [
        Some(name),
        new.organisation.as_deref(),
        new.email.as_deref(),
    ];
    for text in shown.into_iter().flatten() {
        text::shown(text).map_err(|hidden| AdminError::Refused(hidden.to_string()))?;
    }
    let upstream = app.config.home_of(domain_of(&login_id));
    let now = app.now();
    let id = chance::row_id("acc", now.0).map_err(Error::from)?;
    let account = Account {
        id: AccountId::new(id),
        name: name.to_owned(),
        organisation: new.organisation,
        email: new.email,
        kind: new.kind.unwrap_or(app.config.accounts.usual_kind),
        home: upstream.map_or(Home::Local, |upstream| {
            Home::Upstream(UpstreamId::new(upstream.id.as_str()))
        }),
        status: Status::Active,
        tenant_administrator: new.tenant_administrator,
        claims: new.claims,
        created_at: now,
        login_id,
    };
    let mut writes = vec![
        Write::AddAccount(account.clone()),
        record(
            app,
            "account.added",
            Some(&account.id),
            serde_json::json!({ "kind": account.kind }),
        )?,
    ];
    match (upstream, new.upstream_subject) {
        (Some(upstream), Some(subject)) => writes.push(Write::Link {
            issuer: upstream.issuer.as_str().trim_end_matches('/').to_owned(),
            subject,
            account: account.id.clone(),
            at: now,
        }),
        (None, Some(_)) => {
            return refused("this login ID is at home here, so there is no upstream to link");
        }
        (_, None) => {}
    }
    if let Some(password) = password {
        writes.extend(password_writes(app, &account, password).await?);
    }
    match app.store.commit(writes).await {
        Ok(()) => Ok(account),
        Err(StoreError::Conflict(_)) => refused(format!(
            "there is an account {} already, or the subject is linked to another",
            account.login_id
        )),
        Err(error) => Err(error.into()),
    }
}

/// The account of a login ID.
pub async fn account(app: &App, login_id: &str) -> Result<Account, AdminError> {
    let login_id = normalize_login_id(login_id)?;
    match app.store.account_by_login_id(&login_id).await? {
        Some(account) => Ok(account),
        None => refused(format!("there is no account {login_id}")),
    }
}

/// Sets a password of 12 characters or more.
pub async fn set_password(
    app: &App,
    login_id: &str,
    password: Zeroizing<String>,
) -> Result<(), AdminError> {
    check_password(&password)?;
    let account = account(app, login_id).await?;
    let writes = password_writes(app, &account, password).await?;
    Ok(app.store.commit(writes).await?)
}

/// Whether it may be a password at all.
fn check_password(password: &str) -> Result<(), AdminError> {
    if password.chars().count() < LENGTH_MIN || password.len() > LENGTH_MAX {
        return refused(format!(
            "a password has at least {LENGTH_MIN} characters and at most {LENGTH_MAX} bytes"
        ));
    }
    Ok(())
}

async fn password_writes(
    app: &App,
    account: &Account,
    password: Zeroizing<String>,
) -> Result<Vec<Write>, AdminError> {
    check_password(&password)?;
    if account.home != Home::Local {
        return refused("this account signs in at its home organisation and has no password here");
    }
    Ok(vec![
        Write::SetPassword {
            account: account.id.clone(),
            phc: app.passwords.hash(password).await?,
            at: app.now(),
        },
        // Whoever was locked out by wrong ones can use the new one.
        Write::ForgetFailures {
            account: account.id.clone(),
            factor: Some(crate::login::factor_name(Factor::Password)),
        },
        record(
            app,
            "account.password_set",
            Some(&account.id),
            serde_json::json!({}),
        )?,
    ])
}

/// Takes an account off hold, makes it active again, and lets it try anew after too many failures; the reason goes into the audit record.
pub async fn release(app: &App, login_id: &str, reason: &str) -> Result<(), AdminError> {
    if reason.trim().is_empty() {
        return refused("give a reason");
    }
    set_status(app, login_id, Status::Active, "account.released", reason).await
}

/// Disables an account and ends its sessions.
pub async fn disable(app: &App, login_id: &str, reason: &str) -> Result<(), AdminError> {
    set_status(app, login_id, Status::Disabled, "account.disabled", reason).await
}

/// What an account allowed applications to have, the newest first.
pub async fn consents(app: &App, login_id: &str) -> Result<Vec<Consent>, AdminError> {
    let account = account(app, login_id).await?;
    Ok(app.store.consents_of(&account.id).await?)
}

/// Takes back what an account allowed an application; what the application holds for it now is dead.
pub async fn withdraw(app: &App, login_id: &str, client: &str) -> Result<(), AdminError> {
    let account = account(app, login_id).await?;
    let client = ClientId::new(client);
    match applications::withdraw(app, &account.id, &client, "administrator").await? {
        true => Ok(()),
        false => refused(format!(
            "{} has allowed {client} nothing; `techpass users consents` lists what there is",
            account.login_id
        )),
    }
}

async fn set_status(
    app: &App,
    login_id: &str,
    to: Status,
    kind: &str,
    reason: &str,
) -> Result<(), AdminError> {
    let account = account(app, login_id).await?;
    if account.status == to && to != Status::Active {
        return refused(format!("{} is in that state already", account.login_id));
    }
    let detail = serde_json::json!({ "reason": reason });
    let mut writes = vec![record(app, kind, Some(&account.id), detail)?];
    if account.status != to {
        writes.push(Write::SetStatus {
            account: account.id.clone(),
            from: account.status.clone(),
            to: to.clone(),
        });
    }
    if to == Status::Active {
        writes.push(Write::ForgetFailures {
            account: account.id.clone(),
            factor: None,
        });
    } else {
        writes.push(enrol::void_links(app, &account.id)?);
        for entry in app.store.entries_of(&account.id).await? {
            writes.extend(crate::oidc::end_session::ending(app, &entry).await?);
        }
    }
    match app.store.commit(writes).await {
        Ok(()) => Ok(()),
        Err(StoreError::Conflict(_)) => {
            refused("somebody else changed the account first; look again")
        }
        Err(error) => Err(error.into()),
    }
}
