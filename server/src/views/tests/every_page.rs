//! What holds on every page.

use super::*;
use std::collections::BTreeSet;

const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>' {app} {brand}";

#[test]
fn hostile_names_stay_text() {
    for (name, html) in pages(HOSTILE) {
        let page = Read::new(&html);
        assert!(page.all("img, script:not([src])").is_empty(), "{name}");
        assert!(!html.contains("<script>"), "{name}");
        let inside = page
            .all("body *")
            .into_iter()
            .any(|e| e.text().any(|t| t.contains("alert(1)")));
        let informative = matches!(name, "privacy" | "problem");
        assert!(inside || informative, "{name} shows the text as text");
    }
}

#[test]
fn a_name_with_braces_is_not_filled_in() {
    let page = Read::new(&sign_in("{id} {app}").render(&shell()).unwrap());
    assert_eq!(page.text(".to"), "to continue to {id} {app}");
}

#[test]
fn nothing_is_inline_and_scripts_are_modules_of_our_own() {
    for (name, html) in pages("x") {
        let page = Read::new(&html);
        assert!(page.all("style, [style]").is_empty(), "{name}");
        for element in page.all("*") {
            let handler = element
                .value()
                .attrs()
                .find(|(key, _)| key.starts_with("on"));
            assert_eq!(handler, None, "{name}");
        }
        for script in page.all("script") {
            assert_eq!(script.attr("type"), Some("module"), "{name}");
            assert!(
                script.attr("src").unwrap().starts_with("/assets/"),
                "{name}"
            );
            assert_eq!(script.text().collect::<String>(), "", "{name}");
        }
        for link in page.all("link") {
            let href = link.attr("href").unwrap();
            assert!(
                href.starts_with("/assets/") || href.starts_with("data:image/svg+xml,"),
                "{name}"
            );
        }
        assert!(page.all("noscript, meta[http-equiv]").is_empty(), "{name}");
    }
}

#[test]
fn the_frame_is_whole() {
    for (name, html) in pages("Docs portal") {
        let page = Read::new(&html);
        assert_eq!(page.one("html").attr("lang"), Some("en"), "{name}");
        let title = page.text("title");
        assert!(
            title.contains(&page.text("h1")) && title.ends_with("TechPass"),
            "{name}: {title}"
        );
        assert_eq!(
            page.all("body > *")[0].attr("href"),
            Some("#main"),
            "{name}"
        );
        assert_eq!(page.one("main").attr("id"), Some("main"), "{name}");
        let footer: Vec<_> = page.all("footer a").into_iter().map(words_of).collect();
        assert_eq!(footer, ["Help", "Privacy", "Terms"], "{name}");
        assert!(
            page.text(".ribbon").contains("not a government website"),
            "{name}"
        );
        assert_eq!(page.text(".mark text"), "T", "{name}");
    }
    let real = Shell {
        demo_ribbon: false,
        reference: String::new(),
        ..shell()
    };
    let page = Read::new(&sign_in("x").render(&real).unwrap());
    assert!(page.all(".ribbon, [data-footer-reference]").is_empty());
}

#[test]
fn every_field_is_labelled_and_never_by_a_placeholder() {
    for (name, html) in pages("x") {
        let page = Read::new(&html);
        assert!(page.all("[placeholder]").is_empty(), "{name}");
        assert!(page.all("[autocomplete=off]").is_empty(), "{name}");
        for field in page.all("input:not([type=hidden]), select, textarea") {
            let id = field.attr("id").unwrap_or("-");
            let labelled = field.attr("aria-label").is_some_and(|l| !l.is_empty())
                || page
                    .all("label")
                    .into_iter()
                    .any(|l| l.attr("for") == Some(id) && !words_of(l).is_empty());
            assert!(labelled, "{name}: {}", field.html());
        }
        for button in page.all("button") {
            assert!(!words_of(button).is_empty(), "{name}");
        }
    }
}

#[test]
fn references_inside_a_page_lead_somewhere() {
    for (name, html) in pages("x") {
        let page = Read::new(&html);
        let mut ids = BTreeSet::new();
        for element in page.all("[id]") {
            assert!(
                ids.insert(element.attr("id").unwrap()),
                "{name}: twice {:?}",
                element.attr("id")
            );
        }
        for attribute in [
            "for",
            "aria-describedby",
            "aria-labelledby",
            "aria-controls",
        ] {
            for element in page.all(&format!("[{attribute}]")) {
                for id in element.attr(attribute).unwrap().split_whitespace() {
                    assert!(ids.contains(id), "{name}: {attribute} {id}");
                }
            }
        }
        for link in page.all("a[href^='#']") {
            assert!(
                ids.contains(link.attr("href").unwrap().trim_start_matches('#')),
                "{name}"
            );
        }
    }
}

#[test]
fn every_form_is_sent_without_a_script() {
    for (name, html) in pages("x") {
        let page = Read::new(&html);
        for form in page.all("form") {
            assert_eq!(form.attr("method"), Some("post"), "{name}");
            assert!(
                form.attr("action").is_some_and(|a| a.starts_with('/')),
                "{name}"
            );
            let send = Selector::parse("button:not([type=button])").unwrap();
            assert!(form.select(&send).next().is_some(), "{name}");
            let hidden = Selector::parse("input[type=hidden]").unwrap();
            if name != "refused" && !name.starts_with("device") {
                assert!(
                    form.select(&hidden).next().is_some(),
                    "{name} sends its hidden fields"
                );
            }
        }
        for script_only in page.all("button[type=button]") {
            assert!(script_only.attr("hidden").is_some(), "{name}");
        }
    }
}

#[test]
fn an_error_is_summed_up_first_and_tied_to_its_field() {
    for (name, html) in pages("That is wrong") {
        let page = Read::new(&html);
        if !name.ends_with("error") {
            assert!(page.all(".summary, [aria-invalid]").is_empty(), "{name}");
            assert!(!page.text("title").starts_with("Error: "), "{name}");
            continue;
        }
        assert!(page.text("title").starts_with("Error: "), "{name}");
        let first = page.all("main > *")[0];
        assert_eq!(first.attr("role"), Some("alert"), "{name}");
        assert_eq!(page.text("[role=alert] h2"), "There is a problem", "{name}");
        let link = page.one("[role=alert] a");
        assert_eq!(words_of(link), "That is wrong", "{name}");
        let id = link.attr("href").unwrap().trim_start_matches('#');
        let field = page.one(&format!("#{id}"));
        let described = field.attr("aria-describedby").unwrap();
        let error = format!("{id}-error");
        assert!(
            described.split_whitespace().any(|d| d == error),
            "{name}: {described}"
        );
        assert_eq!(page.text(&format!("#{error}")), "That is wrong", "{name}");
        let is_input = field.value().name() == "input";
        assert_eq!(field.attr("aria-invalid").is_some(), is_input, "{name}");
    }
}

#[test]
fn secrets_are_never_shown_again() {
    let page = Password {
        error: Some("wrong".to_owned()),
        ..password("x")
    };
    assert_eq!(
        Read::new(&page.render(&shell()).unwrap())
            .one("#password")
            .attr("value"),
        None
    );
    let page = Code {
        error: Some("wrong".to_owned()),
        ..code("x")
    };
    assert_eq!(
        Read::new(&page.render(&shell()).unwrap())
            .one("#code")
            .attr("value"),
        None
    );
    let page = SignIn {
        error: Some("wrong".to_owned()),
        ..sign_in("mei.tan")
    };
    let html = page.render(&shell()).unwrap();
    assert_eq!(
        Read::new(&html).one("#login_id").attr("value"),
        Some("mei.tan")
    );
}
