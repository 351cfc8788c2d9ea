//! The page of a server that has too much to do. It costs next to nothing, since whoever is let in pays for those who are
//! turned away.

use super::{observe, page};
use crate::app::App;
use crate::views;
use axum::response::Response;
use http::StatusCode;
use std::sync::OnceLock;
use techpass_domain::problem::Problem;

/// Stands where the reference goes; nothing that people read has it.
const MARK: &str = "\u{1}";
const STATUS: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// The page, written when it is first needed: what stands before, between and after the references.
#[derive(Debug, Default)]
pub struct BusyPage(OnceLock<Vec<String>>);

impl BusyPage {
    /// The answer to a request, with its reference.
    pub fn answer(&self, app: &App) -> Response {
        let parts = self.0.get_or_init(|| written(app));
        if parts.is_empty() {
            return page::refused(app, Problem::Busy, STATUS);
        }
        page::own(parts.join(&observe::reference()), STATUS)
    }
}

/// Nothing when it cannot be rendered.
fn written(app: &App) -> Vec<String> {
    let refused = views::Refused::of(Problem::Busy.code(), &page::facts(app));
    let rendered = refused.render(&page::shell(app, MARK));
    let parts = |body: String| body.split(MARK).map(str::to_owned).collect();
    rendered.map(parts).unwrap_or_default()
}
