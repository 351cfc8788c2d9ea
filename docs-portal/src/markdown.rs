//! Markdown to HTML. Raw HTML in a guide is shown as text, and addresses that run code are dropped.

use std::collections::BTreeSet;

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

/// A guide's text as a page.
pub(crate) struct Rendered {
    /// HTML, safe to be put into a page.
    pub(crate) html: String,
    /// The words alone, for searches.
    pub(crate) text: String,
    /// The headings of the second level, for the table of contents.
    pub(crate) sections: Vec<Section>,
}

/// A heading that can be linked to.
pub(crate) struct Section {
    pub(crate) id: String,
    pub(crate) title: String,
}

/// Renders Markdown with tables. The page's own title is its first heading, so a guide's headings
/// start at the second level.
pub(crate) fn render(source: &str) -> Rendered {
    let events: Vec<Event<'_>> = Parser::new_ext(source, Options::ENABLE_TABLES).collect();
    let mut writer = Writer::default();
    let mut safe = Vec::with_capacity(events.len());
    let titles = heading_titles(&events);
    let mut titles = titles.iter();
    for event in events {
        writer.event(event, &mut titles, &mut safe);
    }
    let mut html = String::new();
    html::push_html(&mut html, safe.into_iter());
    Rendered {
        html,
        text: writer.text,
        sections: writer.sections,
    }
}

#[derive(Default)]
struct Writer {
    text: String,
    sections: Vec<Section>,
    ids: BTreeSet<String>,
    /// For every open link or image, whether it is kept.
    kept: Vec<bool>,
}

impl Writer {
    fn event<'a>(
        &mut self,
        event: Event<'a>,
        titles: &mut std::slice::Iter<'_, String>,
        out: &mut Vec<Event<'a>>,
    ) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                let title = titles.next().cloned().unwrap_or_default();
                out.push(self.heading(level, title));
            }
            Event::End(TagEnd::Heading(level)) => {
                self.text.push(' ');
                out.push(Event::End(TagEnd::Heading(shown_level(level))));
            }
            Event::Start(tag @ (Tag::Link { .. } | Tag::Image { .. })) => {
                let keep = is_harmless(&tag);
                self.kept.push(keep);
                if keep {
                    out.push(Event::Start(tag));
                }
            }
            Event::End(end @ (TagEnd::Link | TagEnd::Image)) => {
                if self.kept.pop().unwrap_or(false) {
                    out.push(Event::End(end));
                }
            }
            Event::Html(raw) | Event::InlineHtml(raw) => out.push(Event::Text(raw)),
            Event::Start(Tag::HtmlBlock) => out.push(Event::Start(Tag::Paragraph)),
            Event::End(TagEnd::HtmlBlock) => out.push(Event::End(TagEnd::Paragraph)),
            // Wide parts scroll by themselves, and must then be reachable by keyboard.
            Event::Start(Tag::CodeBlock(_)) => {
                out.push(Event::Html(CowStr::Borrowed("<pre tabindex=\"0\"><code>")));
            }
            Event::End(TagEnd::CodeBlock) => {
                self.text.push(' ');
                out.push(Event::Html(CowStr::Borrowed("</code></pre>\n")));
            }
            Event::Start(Tag::Table(columns)) => {
                out.push(Event::Html(CowStr::Borrowed(
                    "<div class=\"wide\" tabindex=\"0\">",
                )));
                out.push(Event::Start(Tag::Table(columns)));
            }
            Event::End(TagEnd::Table) => {
                out.push(Event::End(TagEnd::Table));
                out.push(Event::Html(CowStr::Borrowed("</div>\n")));
            }
            Event::Text(text) => {
                self.text.push_str(&text);
                out.push(Event::Text(text));
            }
            Event::Code(text) => {
                self.text.push_str(&text);
                out.push(Event::Code(text));
            }
            event => {
                if matches!(event, Event::SoftBreak | Event::HardBreak) || is_block_end(&event) {
                    self.text.push(' ');
                }
                out.push(event);
            }
        }
    }

    fn heading<'a>(&mut self, level: HeadingLevel, title: String) -> Event<'a> {
        let base = anchor(&title);
        let mut id = base.clone();
        let mut count = 1;
        while !self.ids.insert(id.clone()) {
            count += 1;
            id = format!("{base}-{count}");
        }
        let level = shown_level(level);
        if level == HeadingLevel::H2 {
            self.sections.push(Section {
                id: id.clone(),
                title,
            });
        }
        Event::Start(Tag::Heading {
            level,
            id: Some(id.into()),
            classes: vec![],
            attrs: vec![],
        })
    }
}

/// The plain text of every heading, in order.
fn heading_titles(events: &[Event<'_>]) -> Vec<String> {
    let mut titles = Vec::new();
    let mut open: Option<String> = None;
    for event in events {
        match event {
            Event::Start(Tag::Heading { .. }) => open = Some(String::new()),
            Event::End(TagEnd::Heading(_)) => titles.extend(open.take()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(title) = &mut open {
                    title.push_str(text);
                }
            }
            _ => {}
        }
    }
    titles
}

fn shown_level(level: HeadingLevel) -> HeadingLevel {
    if level == HeadingLevel::H1 {
        HeadingLevel::H2
    } else {
        level
    }
}

fn is_block_end(event: &Event<'_>) -> bool {
    matches!(
        event,
        Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::TableCell | TagEnd::TableHead)
    )
}

/// Links lead to web pages, mail addresses and places in the portal. Pictures come from the portal
/// itself, as the content security policy says.
fn is_harmless(tag: &Tag<'_>) -> bool {
    match tag {
        Tag::Link { dest_url, .. } => match scheme(dest_url).as_deref() {
            None | Some("http" | "https" | "mailto") => true,
            Some(_) => false,
        },
        Tag::Image { dest_url, .. } => scheme(dest_url).is_none() && !dest_url.starts_with("//"),
        _ => true,
    }
}

/// The scheme of an address as a browser reads it: blanks and control characters do not count.
fn scheme(address: &str) -> Option<String> {
    let seen: String = address
        .chars()
        .filter(|c| !c.is_control() && !c.is_whitespace())
        .collect();
    let (scheme, _) = seen.split_once(':')?;
    let is_path = scheme.contains(['/', '?', '#']);
    (!is_path).then(|| scheme.to_lowercase())
}

fn anchor(title: &str) -> String {
    let mut id = String::new();
    for c in title.to_lowercase().chars() {
        if c.is_alphanumeric() {
            id.push(c);
        } else if c.is_whitespace() && !id.ends_with('-') && !id.is_empty() {
            id.push('-');
        }
    }
    let id = id.trim_end_matches('-');
    if id.is_empty() {
        "section".to_owned()
    } else {
        id.to_owned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic
    )]
    use super::*;

    #[test]
    fn raw_html_is_text() {
        let html = render("<script>alert(1)</script>\n\nA <img src=x onerror=alert(1)> b").html;
        assert!(!html.contains("<script"), "{html}");
        assert!(!html.contains("<img"), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
    }

    #[test]
    fn dangerous_addresses_are_dropped() {
        for address in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "java&#10;script:alert(1)",
            "data:text/html,x",
            "vbscript:x",
            "blob:x",
        ] {
            let html = render(&format!("[press](<{address}>)")).html;
            assert!(!html.contains("<a"), "{address}: {html}");
            assert!(html.contains("press"), "{address}: {html}");
        }
        assert!(!render("<javascript:alert(1)>").html.contains("href"));
        assert!(
            !render("![a](https://elsewhere.example/x.png)")
                .html
                .contains("<img")
        );
        assert!(
            !render("![a](//elsewhere.example/x.png)")
                .html
                .contains("<img")
        );
        assert!(!render("[a]: javascript:x\n\n[a]").html.contains("href"));
    }

    #[test]
    fn ordinary_addresses_stay() {
        for address in [
            "/guides/a",
            "https://a.example",
            "mailto:a@b.example",
            "#part",
            "a?b:c",
        ] {
            assert!(
                render(&format!("[x]({address})")).html.contains("href"),
                "{address}"
            );
        }
        assert!(render("![a](/assets/mark.svg)").html.contains("<img"));
    }

    #[test]
    fn headings_have_unique_anchors_and_start_at_two() {
        let page = render("# Log in\n\ntext\n\n## Log in\n\n### `code` & more");
        assert!(page.html.contains("<h2 id=\"log-in\">"), "{}", page.html);
        assert!(page.html.contains("<h2 id=\"log-in-2\">"), "{}", page.html);
        assert!(page.html.contains("<h3 id=\"code-more\">"), "{}", page.html);
        assert_eq!(page.sections.len(), 2);
        assert_eq!(page.sections[1].id, "log-in-2");
    }

    #[test]
    fn code_and_tables_are_escaped_and_scroll() {
        let page = render("```html\n<b>x</b>\n```\n\n| a | b |\n|---|---|\n| `<i>` | 2 |\n");
        assert!(
            page.html.contains("<pre tabindex=\"0\"><code>&lt;b&gt;"),
            "{}",
            page.html
        );
        assert!(
            page.html
                .contains("<div class=\"wide\" tabindex=\"0\"><table>"),
            "{}",
            page.html
        );
        assert!(!page.html.contains("<i>"), "{}", page.html);
        assert!(page.text.contains("<b>x</b>"), "{}", page.text);
    }
}
