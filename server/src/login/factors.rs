//! Passwords and verification codes: verified here, judged by the rules.

use super::{Bound, Driven, TRIES_COUNTED, drive, failures, number};
use crate::app::{App, Error};
use crate::web::page::Fault;
use techpass_domain::access::Factor;
use techpass_domain::id::AuthenticatorId;
use techpass_domain::login::verification_code::{self, HINT_WINDOW, Verdict};
use techpass_domain::login::{Event, lockout::Barred};
use techpass_domain::time::{Seconds, Timestamp};
use techpass_store::authenticators::Phone;
use techpass_store::{Write, conflict};
use zeroize::Zeroizing;

/// What became of a typed password or code.
pub enum Tried {
    /// It was looked at, and the login took the event.
    Driven(Driven, Verdict),
    /// The factor is locked until then; nothing was looked at.
    Locked(Timestamp),
    /// The account failed so often that only an administrator may open it.
    Exhausted,
}

impl From<Barred> for Tried {
    fn from(barred: Barred) -> Self {
        match barred {
            Barred::Until(until) => Tried::Locked(until),
            Barred::ForGood => Tried::Exhausted,
        }
    }
}

/// Checks a password. An unknown login ID costs the same work and meets the same limits. While the factor is locked the
/// work is spared; what counts is the lock as it stands when the judgement is committed.
pub async fn password(app: &App, bound: Bound, typed: Zeroizing<String>) -> Result<Tried, Fault> {
    if let Some(barred) = failures::barred(app, &bound, Factor::Password).await? {
        return Ok(barred.into());
    }
    let phc = match bound.account() {
        Some(account) => app.store.password(account).await?,
        None => None,
    };
    let right = app.passwords.fits(typed, phc).await?;
    let event = Event::PasswordChecked { right };
    let driven = if number::follows(app, &bound, &event) {
        number::send_after(app, bound, event).await?
    } else {
        drive(app, bound, event, Vec::new()).await?
    };
    Ok(match driven {
        Driven::Barred(barred) => barred.into(),
        driven => Tried::Driven(driven, Verdict::Wrong),
    })
}

/// Checks a verification code against every phone of the account. The step is used up in the same commit that proves
/// the factor, so of two at once one wins.
pub async fn code(app: &App, bound: Bound, typed: &str) -> Result<Tried, Fault> {
    if let Some(barred) = failures::barred(app, &bound, Factor::Code).await? {
        return Ok(barred.into());
    }
    for _ in 0..TRIES_COUNTED {
        let (verdict, phone) = judge(app, &bound, typed).await?;
        let (right, with) = match (verdict, phone) {
            (Verdict::Right { step }, Some(id)) => (true, vec![Write::UseStep { id, step }]),
            _ => (false, Vec::new()),
        };
        match drive(app, bound.clone(), Event::CodeChecked { right }, with).await? {
            // Another browser used this very code a moment ago, or counted a failure: look again.
            Driven::Lost(conflict::STEP | conflict::FAILURES) => {}
            Driven::Barred(barred) => return Ok(barred.into()),
            driven => return Ok(Tried::Driven(driven, verdict)),
        }
    }
    Err(techpass_store::StoreError::Busy("many try codes of one account at once").into())
}

/// The best verdict over all phones: right before used before a hint before wrong.
async fn judge(
    app: &App,
    bound: &Bound,
    typed: &str,
) -> Result<(Verdict, Option<AuthenticatorId>), Error> {
    let now = app.now();
    let phones = match bound.account() {
        Some(account) => app.store.phones(account).await?,
        None => Vec::new(),
    };
    let Some(digits) = verification_code::digits(typed) else {
        return Ok((Verdict::Wrong, None));
    };
    let mut best = (Verdict::Wrong, None);
    for phone in &phones {
        let fits = fitting_steps(app, phone, &digits, now)?;
        let verdict = verification_code::judge(&fits, phone.last_step, now);
        if rank(verdict) > rank(best.0) {
            best = (verdict, Some(phone.authenticator.id.clone()));
        }
    }
    Ok(best)
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Right { .. } => 3,
        Verdict::Used => 2,
        Verdict::ClockOff { .. } => 1,
        Verdict::Wrong => 0,
    }
}

/// Every step near now whose code is the typed one. All are computed, whatever fits.
fn fitting_steps(
    app: &App,
    phone: &Phone,
    digits: &str,
    now: Timestamp,
) -> Result<Vec<i64>, Error> {
    let seed = app.seal.open(
        &crate::authenticator::seed_place(&phone.authenticator.id),
        &phone.sealed_seed,
    )?;
    let totp = crate::authenticator::totp(seed.to_vec())?;
    let current = verification_code::step_of(now);
    let mut fits = Vec::new();
    for step in (current - HINT_WINDOW)..=(current + HINT_WINDOW) {
        let Ok(moment) = u64::try_from(step.saturating_mul(verification_code::PERIOD_S)) else {
            continue;
        };
        if crate::seal::same(&totp.generate(moment).to_string(), digits) {
            fits.push(step);
        }
    }
    Ok(fits)
}

/// "about 2 minutes slow", for the hint.
pub fn clock_words(seconds: Seconds) -> String {
    let amount = match seconds.abs() {
        s if s < 60 => format!("{s} seconds"),
        60..90 => "1 minute".to_owned(),
        s => format!("{} minutes", (s + 30) / 60),
    };
    let direction = if seconds < 0 { "slow" } else { "fast" };
    format!("about {amount} {direction}")
}
