//! Counting failures: under what name, and in the same commit as what was judged.

use super::Bound;
use crate::app::{App, Error};
use techpass_domain::access::Factor;
use techpass_domain::login::lockout::{self, Barred, Failures, Lockout};
use techpass_store::Write;

/// The name of a factor in the table of failures.
pub fn factor_name(factor: Factor) -> &'static str {
    match factor {
        Factor::Password => "password",
        Factor::Code => "code",
        Factor::Number => "number",
    }
}

/// When a factor is locked. Wrong numbers lock nothing: the third ends its login, and requests are limited instead.
pub(super) fn rules(app: &App, factor: Factor) -> Option<Lockout> {
    match factor {
        Factor::Password => Some(app.config.limits.password),
        Factor::Code => Some(app.config.limits.code),
        Factor::Number => None,
    }
}

/// The failures of a factor, as they are counted for this login.
pub(super) async fn of(app: &App, bound: &Bound, factor: Factor) -> Result<Failures, Error> {
    let (_, failures) = read(app, bound, factor).await?;
    Ok(failures.unwrap_or_default())
}

/// Why a try of this factor would not be judged now, if it would not.
pub(super) async fn barred(
    app: &App,
    bound: &Bound,
    factor: Factor,
) -> Result<Option<Barred>, Error> {
    let Some(rules) = rules(app, factor) else {
        return Ok(None);
    };
    let failures = of(app, bound, factor).await?;
    Ok(failures.judged(false, rules, app.now()).err())
}

/// What has to be written with a judgement: the count after it, and in any case that nobody counted since it was read.
/// Of many tries at once each is thus judged under the lock as it stands when it is committed.
pub(super) async fn judged(
    app: &App,
    bound: &Bound,
    factor: Factor,
    right: bool,
) -> Result<Result<Option<Write>, Barred>, Error> {
    let (account, from) = read(app, bound, factor).await?;
    let before = from.unwrap_or_default();
    let rules = rules(app, factor);
    let to = match rules.map(|rules| before.judged(right, rules, app.now())) {
        None => before.counted(right, app.now()),
        Some(Ok(to)) => to,
        Some(Err(barred)) => return Ok(Err(barred)),
    };
    let factor = factor_name(factor);
    Ok(Ok(if to != before {
        Some(Write::SetFailures {
            account,
            factor,
            from,
            to,
        })
    } else {
        rules.map(|_| Write::RequireFailures {
            account,
            factor,
            expected: from,
        })
    }))
}

async fn read(
    app: &App,
    bound: &Bound,
    factor: Factor,
) -> Result<(String, Option<Failures>), Error> {
    let under = counted_under(app, bound, factor).await?;
    let failures = app.store.failures(&under, factor_name(factor)).await?;
    Ok((under, failures))
}

/// Under what name failures of a factor are counted. Wrong numbers are typed on the phone, whatever the browser is.
async fn counted_under(app: &App, bound: &Bound, factor: Factor) -> Result<String, Error> {
    let known = match (factor, bound.account()) {
        (Factor::Number, _) | (_, None) => false,
        (_, Some(account)) => {
            let browser = &bound.browser_sha256;
            app.store.has_signed_in(browser, account).await?
        }
    };
    Ok(lockout::counted_under(
        &bound.subject(),
        &bound.browser_sha256,
        known,
    ))
}
