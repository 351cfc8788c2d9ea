//! The pages: one struct beside each template, and the frame around all of them.

use std::sync::Arc;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

use crate::cookies;
use crate::crypto;
use crate::guides::{Access, Found, Guide};
use crate::params;
use crate::portal::{Portal, Visitor};
use crate::sessions::Person;
use crate::words;

/// One request's look at the portal: who looks, and from where.
pub(crate) struct View<'a> {
    pub(crate) portal: &'a Portal,
    pub(crate) visitor: Visitor,
    /// The page's own address, to come back to after a log-in.
    here: String,
}

impl<'a> View<'a> {
    /// The view of whoever sent these headers, on a page worth coming back to.
    pub(crate) fn new(portal: &'a Portal, headers: &HeaderMap, uri: &Uri) -> Self {
        let here = uri.path_and_query().map(|path| path.as_str());
        let here = params::safe_next(here, &portal.origin);
        Self {
            portal,
            visitor: portal.visitor(headers),
            here,
        }
    }

    /// The view of whoever sent these headers, on a page not worth coming back to.
    pub(crate) fn passing(portal: &'a Portal, headers: &HeaderMap) -> Self {
        Self {
            portal,
            visitor: portal.visitor(headers),
            here: "/".to_owned(),
        }
    }

    /// The view of nobody in particular.
    pub(crate) fn anonymous(portal: &'a Portal) -> Self {
        Self {
            portal,
            visitor: Visitor::Anonymous,
            here: "/".to_owned(),
        }
    }

    /// Where a log-in from this page leads back to.
    pub(crate) fn coming_back_to(mut self, next: &str) -> Self {
        next.clone_into(&mut self.here);
        self
    }

    /// True when a person is signed in.
    pub(crate) fn signed_in(&self) -> bool {
        matches!(self.visitor, Visitor::SignedIn(_))
    }

    /// The log-in page, leading back here.
    pub(crate) fn login_href(&self) -> String {
        if self.here == "/" {
            return "/login".to_owned();
        }
        params::with_param("/login", "next", &self.here)
    }

    /// The frame of a page. Pages whose own content offers the log-in leave it out of the header.
    pub(crate) fn frame(&self, title: impl Into<String>, login_in_header: bool) -> Frame {
        let config = &self.portal.config;
        let person = match &self.visitor {
            Visitor::SignedIn(person) => Some(Arc::clone(person)),
            _ => None,
        };
        let login_href = (person.is_none() && login_in_header).then(|| self.login_href());
        Frame {
            title: title.into(),
            portal_name: config.portal_name.clone(),
            demo: config.demo,
            ended: matches!(self.visitor, Visitor::Ended),
            login_href,
            person,
            help_href: help_href(self.portal),
            query: String::new(),
        }
    }

    /// A page as an answer. A browser whose session has ended is told once: its cookie goes.
    pub(crate) fn answer(&self, status: StatusCode, page: &impl Template) -> Response {
        let mut answer = match page.render() {
            Ok(html) => (status, Html(html)).into_response(),
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                (StatusCode::INTERNAL_SERVER_ERROR, words::BROKEN).into_response()
            }
        };
        if matches!(self.visitor, Visitor::Ended)
            && let Some(cookie) = self.portal.cookies.clear(cookies::SESSION)
        {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        answer
    }

    /// A page with one message.
    pub(crate) fn message(&self, status: StatusCode, message: Message) -> Response {
        let login_in_header = message.action.is_none();
        let frame = self.frame(message.heading.clone(), login_in_header);
        self.answer(status, &MessagePage { frame, message })
    }
}

/// The help page, or all guides where the operator's own guides have none.
fn help_href(portal: &Portal) -> &'static str {
    match portal.guides.find("help-and-problem-codes") {
        Some(_) => "/guides/help-and-problem-codes",
        None => "/guides",
    }
}

/// What surrounds every page.
pub(crate) struct Frame {
    title: String,
    portal_name: String,
    demo: bool,
    /// Shows that the session ended elsewhere.
    ended: bool,
    login_href: Option<String>,
    help_href: &'static str,
    person: Option<Arc<Person>>,
    /// What was searched for.
    pub(crate) query: String,
}

impl Frame {
    fn monogram(&self) -> String {
        self.portal_name
            .chars()
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .collect()
    }
}

/// A heading, a few sentences, and one way on.
pub(crate) struct Message {
    heading: String,
    sentences: Vec<String>,
    details: Vec<(&'static str, String)>,
    action: Option<(String, String)>,
}

impl Message {
    /// A message with a heading only.
    pub(crate) fn new(heading: impl Into<String>) -> Self {
        let heading = heading.into();
        Self {
            heading,
            sentences: Vec::new(),
            details: Vec::new(),
            action: None,
        }
    }

    /// Adds a sentence.
    pub(crate) fn says(mut self, sentence: impl Into<String>) -> Self {
        self.sentences.push(sentence.into());
        self
    }

    /// Adds a detail for whoever helps.
    pub(crate) fn detail(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }

    /// Adds a reference and writes it to the log with what happened.
    pub(crate) fn logged(self, reason: &str) -> Self {
        let reference = crypto::reference();
        tracing::warn!(reference, reason, "a log-in did not succeed");
        self.detail(words::REFERENCE, reference)
    }

    /// Sets the way on.
    pub(crate) fn leads(mut self, href: &str, label: impl Into<String>) -> Self {
        self.action = Some((href.to_owned(), label.into()));
        self
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage {
    frame: Frame,
    message: Message,
}

/// S1, the start page.
#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct HomePage<'a> {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) guides: &'a [Guide],
    pub(crate) signed_in: bool,
}

/// What the portal is.
#[derive(Template)]
#[template(path = "about.html")]
pub(crate) struct AboutPage {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) sections: Vec<(&'static str, String)>,
}

/// All guides.
#[derive(Template)]
#[template(path = "guides.html")]
pub(crate) struct GuidesPage<'a> {
    pub(crate) frame: Frame,
    pub(crate) guides: &'a [Guide],
    pub(crate) signed_in: bool,
}

/// One guide.
#[derive(Template)]
#[template(path = "guide.html")]
pub(crate) struct GuidePage<'a> {
    pub(crate) frame: Frame,
    pub(crate) guide: &'a Guide,
}

/// What a search found.
#[derive(Template)]
#[template(path = "search.html")]
pub(crate) struct SearchPage<'a> {
    pub(crate) frame: Frame,
    pub(crate) summary: String,
    pub(crate) found: Vec<Found<'a>>,
    pub(crate) signed_in: bool,
}

/// S2, the choice of how to log in.
#[derive(Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) button: String,
    pub(crate) start_href: String,
    pub(crate) for_whom: String,
    pub(crate) without_account: String,
}

/// A redirect that makes the next request a GET.
pub(crate) fn see_other(location: &str, cookies: Vec<Option<HeaderValue>>) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return (StatusCode::INTERNAL_SERVER_ERROR, words::BROKEN).into_response();
    };
    let mut answer = (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response();
    for cookie in cookies.into_iter().flatten() {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}
