//! The pages that everybody can open.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};

use crate::params::Params;
use crate::portal::Portal;
use crate::views::{AboutPage, GuidePage, GuidesPage, HomePage, Message, SearchPage, View};
use crate::words;

/// S1, the start page.
pub(crate) async fn home(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let view = View::new(&portal, &headers, &uri);
    let page = HomePage {
        frame: view.frame(words::WELCOME, true),
        heading: words::welcome(&portal.config.portal_name),
        guides: portal.guides.all(),
        signed_in: view.signed_in(),
    };
    view.answer(StatusCode::OK, &page)
}

/// What the portal is and what it keeps.
pub(crate) async fn about(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let view = View::new(&portal, &headers, &uri);
    let heading = words::about(&portal.config.portal_name);
    let page = AboutPage {
        frame: view.frame(heading.clone(), true),
        heading,
        sections: words::about_sections(&portal.config.brand),
    };
    view.answer(StatusCode::OK, &page)
}

/// All guides.
pub(crate) async fn guides(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let view = View::new(&portal, &headers, &uri);
    let page = GuidesPage {
        frame: view.frame(words::DOCUMENTATION, true),
        guides: portal.guides.all(),
        signed_in: view.signed_in(),
    };
    view.answer(StatusCode::OK, &page)
}

/// One guide. A guide for signed-in people says so to others, with 403: the portal's log-in is no
/// HTTP authentication scheme, so 401 would promise what it cannot keep.
pub(crate) async fn guide(
    State(portal): State<Arc<Portal>>,
    Path(slug): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let view = View::new(&portal, &headers, &uri);
    let Some(guide) = portal.guides.find(&slug) else {
        return missing(&view);
    };
    if !guide.open_to(view.signed_in()) {
        let login = view.login_href();
        let message = Message::new(words::LOG_IN_TO_READ)
            .says(words::protected(&guide.title))
            .leads(&login, words::LOG_IN);
        return view.message(StatusCode::FORBIDDEN, message);
    }
    let page = GuidePage {
        frame: view.frame(guide.title.clone(), true),
        guide,
    };
    view.answer(StatusCode::OK, &page)
}

/// Guides that hold the words looked for, among those the person may read.
pub(crate) async fn search(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
    uri: Uri,
) -> Response {
    let view = View::new(&portal, &headers, &uri);
    let params = Params::parse(uri.query().unwrap_or(""));
    let query: String = params
        .first("q")
        .unwrap_or("")
        .trim()
        .chars()
        .take(100)
        .collect();
    let found = portal.guides.search(&query, view.signed_in());
    let mut frame = view.frame(words::SEARCH, true);
    frame.query.clone_from(&query);
    let page = SearchPage {
        frame,
        summary: words::found(found.len(), &query),
        found,
        signed_in: view.signed_in(),
    };
    view.answer(StatusCode::OK, &page)
}

/// An address without a page.
pub(crate) async fn not_found(State(portal): State<Arc<Portal>>, headers: HeaderMap) -> Response {
    missing(&View::passing(&portal, &headers))
}

/// An address that is not used in this way.
pub(crate) async fn method_not_allowed(
    State(portal): State<Arc<Portal>>,
    headers: HeaderMap,
) -> Response {
    let message = Message::new(words::WRONG_METHOD).leads("/", words::TO_START);
    View::passing(&portal, &headers).message(StatusCode::METHOD_NOT_ALLOWED, message)
}

fn missing(view: &View<'_>) -> Response {
    let message = Message::new(words::NOT_FOUND)
        .says(words::NOT_FOUND_WHY)
        .leads("/guides", words::TO_GUIDES);
    view.message(StatusCode::NOT_FOUND, message)
}
