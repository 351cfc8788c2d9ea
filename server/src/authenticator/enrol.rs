//! Enrolling a phone by a link that is good once.

use super::{Refused, seed_place};
use crate::app::{App, Error};
use crate::jose;
use crate::seal::{hashed, sha256_b64};
use crate::{chance, seal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use techpass_domain::account::{Account, Status};
use techpass_domain::audit::Record;
use techpass_domain::authenticator::{AUTHENTICATORS_MAX, Authenticator, PhoneKey};
use techpass_domain::id::{AccountId, AuthenticatorId};
use techpass_domain::text;
use techpass_domain::time::Seconds;
use techpass_store::{StoreError, Write, conflict};

/// The kind of enrolment links among the one-time values.
const KIND: &str = "phone-enrolment";
/// How long a link is good.
pub const LINK_LIFETIME_S: Seconds = 10 * 60;
/// Longest name of a phone, in characters.
const NAME_MAX: usize = 60;

#[derive(Deserialize)]
struct Request {
    token: String,
    name: String,
    key: PhoneKey,
    proof: String,
}

#[derive(Serialize, Deserialize)]
struct Ticket {
    account: AccountId,
}

/// Makes a link for an account. Administrators hand it to its person.
pub async fn link(app: &App, account: &AccountId, lifetime_s: Seconds) -> Result<String, Error> {
    let now = app.now();
    let token = chance::secret()?;
    let ticket = Ticket {
        account: account.clone(),
    };
    let writes = vec![
        Write::Issue {
            kind: KIND,
            key_sha256: hashed(&token),
            data: serde_json::to_string(&ticket)?,
            expires_at: now.plus(lifetime_s),
        },
        app.audit(Record {
            at: now,
            kind: "authenticator.link_made".to_owned(),
            account: Some(account.clone()),
            client: None,
            reference: None,
            detail: json!({}),
        })?,
    ];
    app.store.commit(writes).await?;
    let base = match &app.config.authenticator.public_url {
        Some(url) => crate::config::origin(url),
        None => app.issuer.clone(),
    };
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    Ok(format!(
        "{base}/enrol#issuer={}&token={}",
        encode(&app.issuer),
        encode(&token)
    ))
}

/// Makes an account's open links worthless, for the commit that puts it on hold or disables it.
pub fn void_links(app: &App, account: &AccountId) -> Result<Write, Error> {
    let ticket = Ticket {
        account: account.clone(),
    };
    Ok(Write::UseAll {
        kind: KIND,
        data: serde_json::to_string(&ticket)?,
        at: app.now(),
    })
}

/// `POST /authenticator/v1/enrolments`.
pub async fn post(app: &App, body: &[u8]) -> Result<(u16, Value), Refused> {
    const TOKEN: Refused = Refused::Because(
        404,
        "invalid_token",
        "This link was used before, has expired, or is not complete. Ask for a new one.",
    );
    let request: Request = serde_json::from_slice(body)
        .map_err(|_| Refused::Because(400, "invalid_request", "The request is not complete."))?;
    let name = checked_name(&request.name)?;
    prove(app, &request)?;
    let now = app.now();
    let key_sha256 = hashed(&request.token);
    let ticket = app.store.single_use(KIND, &key_sha256).await?;
    let Some(ticket) = ticket.filter(|t| t.used_at.is_none() && now < t.expires_at) else {
        return Err(TOKEN);
    };
    let ticket: Ticket = serde_json::from_str(&ticket.data)?;
    let account = app.store.account(&ticket.account).await?;
    let account = account.filter(|account| account.status == Status::Active);
    let account = account.ok_or(TOKEN)?;
    if app.store.phones(&account.id).await?.len() >= AUTHENTICATORS_MAX {
        return Err(Refused::Because(
            409,
            "too_many_phones",
            "Five phones are enrolled already. Remove one first.",
        ));
    }
    let authenticator = Authenticator {
        id: AuthenticatorId::new(chance::row_id("phn", now.0)?),
        account: account.id.clone(),
        name,
        key: request.key,
        enrolled_at: now,
    };
    let seed = chance::bytes::<20>()?;
    let answer = answer(app, &account, &authenticator, &seed)?;
    match app
        .store
        .commit(writes(app, key_sha256, authenticator, &seed)?)
        .await
    {
        Ok(()) => Ok((201, answer)),
        Err(StoreError::Conflict(conflict::SINGLE_USE | conflict::ACCOUNT)) => Err(TOKEN),
        Err(error) => Err(error.into()),
    }
}

fn writes(
    app: &App,
    key_sha256: String,
    authenticator: Authenticator,
    seed: &[u8],
) -> Result<Vec<Write>, Error> {
    let now = app.now();
    let record = Record {
        at: now,
        kind: "authenticator.enrolled".to_owned(),
        account: Some(authenticator.account.clone()),
        client: None,
        reference: None,
        detail: json!({ "authenticator": authenticator.id }),
    };
    Ok(vec![
        Write::Use {
            kind: KIND,
            key_sha256,
            at: now,
        },
        // Whoever was put on hold or disabled a moment ago gets no phone any more.
        Write::SetStatus {
            account: authenticator.account.clone(),
            from: Status::Active,
            to: Status::Active,
        },
        Write::AddAuthenticator {
            sealed_seed: app.seal.seal(&seed_place(&authenticator.id), seed)?,
            authenticator,
        },
        app.audit(record)?,
    ])
}

fn checked_name(name: &str) -> Result<String, Refused> {
    let name = name.trim();
    let length = name.chars().count();
    if length == 0 || length > NAME_MAX || text::shown(name).is_err() {
        return Err(Refused::Because(
            400,
            "invalid_name",
            "Give the phone a name of 1 to 60 characters that can all be seen.",
        ));
    }
    Ok(name.to_owned())
}

/// The phone holds the private half of the key it registers, and speaks of this token and this server.
fn prove(app: &App, request: &Request) -> Result<(), Refused> {
    const PROOF: Refused = Refused::Because(
        400,
        "invalid_proof",
        "The phone did not prove that it holds its key.",
    );
    if !jose::is_p256(&request.key) {
        return Err(Refused::Because(
            400,
            "invalid_key",
            "The key is not a P-256 key.",
        ));
    }
    let claims = jose::phone(&request.proof, "techpass-enrol+jwt", &request.key);
    let claims = claims.map_err(|_| PROOF)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let hash = sha256_b64(&request.token);
    let bound = text("aud") == Some(&app.issuer)
        && text("token_hash").is_some_and(|sent| seal::same(sent, &hash));
    if !bound {
        return Err(PROOF);
    }
    if super::clock_is_off(app, super::issued_at(&claims)) {
        return Err(Refused::Clock);
    }
    Ok(())
}

fn answer(
    app: &App,
    account: &Account,
    authenticator: &Authenticator,
    seed: &[u8],
) -> Result<Value, Error> {
    let config = &app.config.authenticator;
    let secret = totp_rs::Secret::from(seed.to_vec()).to_base32();
    let encode = |text: &str| -> String {
        url::form_urlencoded::byte_serialize(text.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    let label = encode(&config.label);
    let otpauth = format!(
        "otpauth://totp/{label}:{}?secret={secret}&issuer={label}&algorithm=SHA1&digits=6&period=30",
        encode(&account.login_id)
    );
    Ok(json!({
        "authenticator_id": authenticator.id,
        "issuer": app.issuer,
        "account": account.login_id,
        "name": account.name,
        "label": config.label,
        "organisation": config.organisation,
        "code": { "otpauth": otpauth, "secret": secret, "period": 30, "digits": 6, "algorithm": "SHA1" },
        "now": app.now(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phones_name_holds_nothing_hidden() {
        for good in ["Mei's phone", " 手機 "] {
            assert!(checked_name(good).is_ok(), "{good}");
        }
        let long = "x".repeat(NAME_MAX + 1);
        for bad in ["", " ", "Phone\u{200b}", "\u{202e}enohP", "a\nb", &long] {
            assert!(checked_name(bad).is_err(), "{bad:?}");
        }
    }
}
