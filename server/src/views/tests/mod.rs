#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod catalogue;
mod every_page;
mod interface;
mod looks;

use super::*;
use scraper::{ElementRef, Html, Selector};

/// A page as a browser reads it.
struct Read(Html);

impl Read {
    fn new(html: &str) -> Read {
        Read(Html::parse_document(html))
    }

    fn all(&self, selector: &str) -> Vec<ElementRef<'_>> {
        self.0.select(&Selector::parse(selector).unwrap()).collect()
    }

    fn one(&self, selector: &str) -> ElementRef<'_> {
        let found = self.all(selector);
        assert_eq!(found.len(), 1, "{selector} in {}", self.0.html());
        found[0]
    }

    /// The words of the only such element, white space as shown.
    fn text(&self, selector: &str) -> String {
        words_of(self.one(selector))
    }

    fn has_button(&self, words: &str) -> bool {
        self.all("button")
            .into_iter()
            .any(|button| words_of(button) == words)
    }

    fn button(&self, words: &str) -> ElementRef<'_> {
        let mut found = self
            .all("button")
            .into_iter()
            .filter(|button| words_of(*button) == words);
        let button = found.next().unwrap_or_else(|| panic!("no button {words}"));
        assert!(found.next().is_none(), "two buttons {words}");
        button
    }

    /// The field with exactly this label.
    fn field(&self, label: &str) -> ElementRef<'_> {
        let mut labels = self
            .all("label")
            .into_iter()
            .filter(|l| words_of(*l) == label);
        let found = labels.next().unwrap_or_else(|| panic!("no label {label}"));
        assert!(labels.next().is_none(), "two labels {label}");
        self.one(&format!("#{}", found.attr("for").unwrap()))
    }
}

fn words_of(element: ElementRef<'_>) -> String {
    let text: String = element.text().collect();
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace(" ,", ",")
}

fn shell() -> Shell {
    Shell {
        brand: "TechPass".to_owned(),
        demo_ribbon: true,
        reference: "7K4M-2Q9X".to_owned(),
        asset_version: "1".to_owned(),
    }
}

fn sign_in(text: &str) -> SignIn {
    SignIn {
        action: "/s/1".to_owned(),
        hidden: vec![("v".to_owned(), text.to_owned())],
        app: Some(text.to_owned()),
        login_id: text.to_owned(),
        error: None,
        pick_url: Some("/s/1".to_owned()),
        focus: false,
    }
}

fn pick(text: &str) -> PickAccount {
    let row = |handle: &str, signed_in| AccountRow {
        handle: handle.to_owned(),
        name: format!("Mei {text}"),
        login_id: format!("mei.tan@agency.example{text}"),
        organisation: Some(text.to_owned()),
        signed_in,
    };
    PickAccount {
        action: "/s/1".to_owned(),
        hidden: vec![("v".to_owned(), text.to_owned())],
        app: Some(text.to_owned()),
        accounts: vec![row("h1", true), row("h2", false)],
    }
}

fn password(text: &str) -> Password {
    Password {
        action: "/s/1".to_owned(),
        hidden: vec![("v".to_owned(), text.to_owned())],
        login_id: text.to_owned(),
        error: None,
        warning: Some(text.to_owned()),
    }
}

fn code(text: &str) -> Code {
    Code {
        action: "/s/1".to_owned(),
        hidden: vec![("v".to_owned(), text.to_owned())],
        login_id: text.to_owned(),
        profile_label: text.to_owned(),
        error: None,
    }
}

fn number(text: &str) -> Number {
    Number {
        action: "/s/1".to_owned(),
        hidden: vec![("v".to_owned(), text.to_owned())],
        login_id: text.to_owned(),
        number: "52".to_owned(),
        status: text.to_owned(),
        expires_in_s: 98,
        events_url: "/s/1/events".to_owned(),
        status_url: "/s/1/status".to_owned(),
        next_url: "/s/1".to_owned(),
        renew_allowed: true,
        app: Some(text.to_owned()),
        several: true,
        error: None,
    }
}

fn ended(text: &str) -> NumberEnded {
    NumberEnded {
        action: "/s/1".to_owned(),
        hidden: vec![("v".to_owned(), text.to_owned())],
        login_id: text.to_owned(),
        heading: text.to_owned(),
        sentence: text.to_owned(),
        renew: true,
        limited_until: Some("2:20 pm".to_owned()),
        app: Some(text.to_owned()),
        problem_code: Some("AUT-403".to_owned()),
    }
}

fn refused(text: &str) -> Refused {
    let facts = Facts {
        brand: text.to_owned(),
        help: text.to_owned(),
        app: Some(text.to_owned()),
        account: Some(text.to_owned()),
        ..Facts::default()
    };
    let mut refused = Refused::of("POL-601", &facts);
    let hidden = vec![("v".to_owned(), text.to_owned())];
    refused.why.push(text.to_owned());
    refused.back = Some(Back {
        label: format!("Back to {text}"),
        action: "/s/1".to_owned(),
        hidden: hidden.clone(),
    });
    refused.check_again = Some(CheckAgain {
        action: "/s/1".to_owned(),
        hidden,
    });
    refused.start_again = Some("/authorize?a=b&c=d".to_owned());
    refused.details = vec![(text.to_owned(), text.to_owned())];
    refused.developer = Some(vec![(text.to_owned(), text.to_owned())]);
    refused
}

fn log_out(text: &str) -> LogOut {
    let row = |sid: &str, selected| LogOutRow {
        sid: sid.to_owned(),
        name: format!("Mei {text}"),
        login_id: format!("mei.tan@agency.example{text}"),
        used_by: vec![text.to_owned(), "Cloud console".to_owned()],
        selected,
    };
    LogOut {
        action: "/logout/confirm".to_owned(),
        hidden: vec![("state".to_owned(), text.to_owned())],
        app: Some(text.to_owned()),
        accounts: vec![row("s1", false), row("s2", true)],
    }
}

fn logged_out(text: &str) -> LoggedOut {
    LoggedOut {
        ended: vec![text.to_owned()],
        apps: vec![
            (text.to_owned(), Outcome::NoAnswer),
            ("Docs portal".to_owned(), Outcome::Done),
        ],
        remaining: vec![text.to_owned()],
        back: Some((
            format!("Back to {text}"),
            "http://localhost:8080/".to_owned(),
        )),
        login_again: Some("http://localhost:8080/login".to_owned()),
        frames: vec!["https://docs.example/out?sid=1".to_owned()],
        onward: None,
    }
}

fn consent(text: &str) -> Consent {
    Consent {
        action: "/s/1".to_owned(),
        hidden: vec![("v".to_owned(), text.to_owned())],
        app: text.to_owned(),
        home_host: text.to_owned(),
        account: text.to_owned(),
        allows: vec![text.to_owned()],
        policy: Some("https://suite.example/policy".to_owned()),
        terms: Some("https://suite.example/terms".to_owned()),
    }
}

fn applications(text: &str) -> Applications {
    Applications {
        accounts: vec![
            AllowedBy {
                id: text.to_owned(),
                name: text.to_owned(),
                login_id: text.to_owned(),
                allowed: vec![Allowed {
                    client: text.to_owned(),
                    app: text.to_owned(),
                    since: text.to_owned(),
                    allows: vec![text.to_owned()],
                }],
            },
            AllowedBy::default(),
        ],
    }
}

fn form_post(text: &str) -> FormPost {
    FormPost {
        action: "https://docs.example/cb?a=1".to_owned(),
        hidden: vec![("state".to_owned(), text.to_owned())],
        app: text.to_owned(),
        script: crate::web::page::SUBMIT,
    }
}

fn enrol(text: &str) -> EnrolDevice {
    EnrolDevice {
        action: "/device".to_owned(),
        hidden: vec![("v".to_owned(), text.to_owned())],
        class_title: text.to_owned(),
        owner: Some(text.to_owned()),
    }
}

/// Every page, with this text wherever a person or an application may put one.
fn device_ask(text: &str) -> DeviceAsk {
    DeviceAsk {
        action: "/device/1".to_owned(),
        app: text.to_owned(),
        account: text.to_owned(),
        user_code: text.to_owned(),
        from: text.to_owned(),
        at: text.to_owned(),
        scopes: vec![text.to_owned()],
    }
}

fn device_pages(text: &str) -> Vec<(&'static str, String)> {
    let shell = shell();
    let code = DeviceCode {
        action: "/device".to_owned(),
        user_code: text.to_owned(),
        error: Some(text.to_owned()),
    };
    let done = DeviceDone {
        app: text.to_owned(),
        allowed: true,
    };
    vec![
        ("device code, error", code.render(&shell).unwrap()),
        ("device ask", device_ask(text).render(&shell).unwrap()),
        ("device done", done.render(&shell).unwrap()),
    ]
}

fn pages(text: &str) -> Vec<(&'static str, String)> {
    let shell = shell();
    let error = Some(text.to_owned());
    let home = Home {
        brand: text.to_owned(),
        accounts: vec![(text.to_owned(), text.to_owned())],
    };
    let registered = DeviceRegistered {
        class_title: text.to_owned(),
    };
    let info = |topic| Info {
        topic,
        help: text.to_owned(),
    };
    let rendered = [
        ("sign in", sign_in(text).render(&shell)),
        (
            "sign in, error",
            SignIn {
                error: error.clone(),
                ..sign_in(text)
            }
            .render(&shell),
        ),
        ("pick", pick(text).render(&shell)),
        ("password", password(text).render(&shell)),
        (
            "password, error",
            Password {
                error: error.clone(),
                ..password(text)
            }
            .render(&shell),
        ),
        ("code", code(text).render(&shell)),
        (
            "code, error",
            Code {
                error: error.clone(),
                ..code(text)
            }
            .render(&shell),
        ),
        ("number", number(text).render(&shell)),
        (
            "number, error",
            Number {
                error,
                ..number(text)
            }
            .render(&shell),
        ),
        ("ended", ended(text).render(&shell)),
        ("refused", refused(text).render(&shell)),
        ("log out", log_out(text).render(&shell)),
        ("logged out", logged_out(text).render(&shell)),
        ("consent", consent(text).render(&shell)),
        ("applications", applications(text).render(&shell)),
        ("enrol", enrol(text).render(&shell)),
        ("registered", registered.render(&shell)),
        ("home", home.render(&shell)),
        ("help", info(Topic::Help).render(&shell)),
        ("privacy", info(Topic::Privacy).render(&shell)),
        ("terms", info(Topic::Terms).render(&shell)),
        ("problem", ProblemDoc::of("DEV-501").unwrap().render(&shell)),
    ];
    let mut all = rendered.map(|(name, html)| (name, html.unwrap())).to_vec();
    all.extend(device_pages(text));
    all
}
