//! The issuer's own front page, its footer pages, and what problem codes mean.

use crate::app::App;
use crate::session;
use crate::views::{self, ProblemDoc, Topic};
use crate::web::page::{self, Fault, Outcome};
use http::{HeaderMap, StatusCode};
use techpass_domain::problem::Problem;

/// `GET /`.
pub async fn get(app: &App, headers: &HeaderMap) -> Outcome {
    let here = session::here(app, headers).await?;
    let mut accounts = Vec::new();
    for entry in &here.entries {
        if let Some(account) = app.store.account(&entry.account).await? {
            accounts.push((account.name, account.login_id));
        }
    }
    let body = views::Home {
        brand: app.config.brand.name.clone(),
        accounts,
    }
    .render(&page::shell(app, ""))?;
    Ok(page::own(body, StatusCode::OK))
}

/// `GET /help`, `/privacy`, `/terms`.
pub fn info(app: &App, topic: Topic) -> Outcome {
    let help = app.config.brand.help.clone();
    let body = views::Info { topic, help }.render(&page::shell(app, ""))?;
    Ok(page::own(body, StatusCode::OK))
}

/// `GET /e/CODE`.
pub fn problem(app: &App, code: &str) -> Outcome {
    let unknown = || Fault::Problem(Problem::Unsupported, StatusCode::NOT_FOUND);
    let doc = ProblemDoc::of(code).ok_or_else(unknown)?;
    let body = doc.render(&page::shell(app, ""))?;
    Ok(page::own(body, StatusCode::OK))
}
