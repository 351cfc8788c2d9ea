//! A report puts the account on hold: its sessions end, its applications are told, people are written to.

use crate::app::{App, Error};
use crate::authenticator::enrol;
use crate::mail;
use crate::oidc::end_session;
use techpass_domain::account::Status;
use techpass_domain::audit::Record;
use techpass_domain::id::{AccountId, Reference};
use techpass_store::Write;

/// Everything a report means, for one commit. Nothing when the account is on hold already.
pub async fn writes(
    app: &App,
    account: &AccountId,
    reference: &Reference,
) -> Result<Vec<Write>, Error> {
    let Some(record) = app.store.account(account).await? else {
        return Ok(Vec::new());
    };
    if matches!(record.status, Status::OnHold { .. }) {
        return Ok(Vec::new());
    }
    let now = app.now();
    let mut writes = vec![Write::SetStatus {
        account: account.clone(),
        from: record.status.clone(),
        to: Status::OnHold {
            since: now,
            reference: reference.clone(),
        },
    }];
    writes.push(enrol::void_links(app, account)?);
    for entry in app.store.entries_of(account).await? {
        writes.extend(end_session::ending(app, &entry).await?);
    }
    writes.push(app.audit(Record {
        at: now,
        kind: "account.on_hold".to_owned(),
        account: Some(account.clone()),
        client: None,
        reference: Some(reference.clone()),
        detail: serde_json::json!({ "cause": "reported" }),
    })?);
    let brand = &app.config.brand.name;
    let owner = record.email.iter().cloned();
    for to in owner.chain(app.config.accounts.security_mail.clone()) {
        let subject = format!("{brand}: a sign-in request was reported");
        let body = format!(
            "A sign-in request for {} was declined and reported. The account is on hold: nobody can sign in with it \
             until an administrator releases it.\n\nContact {} and quote {reference}.\n",
            record.login_id, app.config.brand.help
        );
        writes.push(mail::write(app, &to, &subject, &body)?);
    }
    Ok(writes)
}
