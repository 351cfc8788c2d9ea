//! A page as plain HTTP brings it: headings, handles, forms.

use scraper::{ElementRef, Html, Selector};
use url::Url;

/// Names and values of a form.
pub type Fields = Vec<(String, String)>;

/// An answer, and the page in it.
#[derive(Clone)]
pub struct Page {
    /// Its address.
    pub url: Url,
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its text.
    pub body: String,
}

/// What a button sends.
#[derive(Clone, Debug)]
pub struct Sending {
    /// Where to.
    pub url: Url,
    /// The form's fields; `None` for a link.
    pub fields: Option<Fields>,
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).expect("a selector")
}

/// Text as it is read: white space folded.
fn text_of(element: ElementRef<'_>) -> String {
    let text: String = element.text().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Page {
    fn html(&self) -> Html {
        Html::parse_document(&self.body)
    }

    fn first(&self, query: &str) -> Option<String> {
        self.html().select(&selector(query)).next().map(text_of)
    }

    /// The heading.
    pub fn heading(&self) -> String {
        self.first("h1").unwrap_or_default()
    }

    /// The text with that handle.
    pub fn test_id(&self, id: &str) -> Option<String> {
        self.first(&format!("[data-testid=\"{id}\"]"))
    }

    /// The problem's code, or nothing.
    pub fn problem(&self) -> String {
        self.test_id("problem-code").unwrap_or_default()
    }

    /// The two digits; the page must show a number.
    pub fn number(&self) -> String {
        let number = self.test_id("match-number");
        number.unwrap_or_else(|| panic!("no number on {self:?}"))
    }

    /// Where a redirect leads.
    pub fn location(&self) -> Option<&str> {
        self.headers
            .get("location")
            .and_then(|value| value.to_str().ok())
    }

    /// A parameter of the address.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = self.url.query_pairs();
        pairs
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
    }

    /// Panics unless the heading is this.
    pub fn expect_heading(&self, heading: &str) -> &Page {
        assert_eq!(self.heading(), heading, "{self:?}");
        self
    }

    /// Panics unless it is a refusal with this status and code, and a reference to quote.
    pub fn expect_problem(&self, status: u16, code: &str) -> &Page {
        assert_eq!(
            (self.status, self.problem().as_str()),
            (status, code),
            "{self:?}"
        );
        assert!(
            self.test_id("reference").is_some_and(|r| r.len() >= 8),
            "no reference on {self:?}"
        );
        self
    }

    /// Whether a button or link of that name is there.
    pub fn offers(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// What the button or link of that name sends, as the page has it.
    pub fn sends(&self, name: &str) -> Sending {
        self.find(name)
            .unwrap_or_else(|| panic!("there is no {name:?} on {self:?}"))
    }

    fn find(&self, name: &str) -> Option<Sending> {
        let html = self.html();
        let buttons: Vec<_> = html.select(&selector("form button")).collect();
        let exact = buttons.iter().find(|button| text_of(**button) == name);
        let button = exact.or_else(|| {
            buttons
                .iter()
                .find(|button| text_of(**button).contains(name))
        });
        if let Some(button) = button {
            return Some(self.form_of(*button));
        }
        let all = selector("a[href]");
        let link = html
            .select(&all)
            .find(|link| text_of(*link).contains(name))?;
        let url = self.url.join(link.attr("href")?).expect("an address");
        Some(Sending { url, fields: None })
    }

    fn form_of(&self, button: ElementRef<'_>) -> Sending {
        let mut around = button.ancestors().filter_map(ElementRef::wrap);
        let form = around.find(|e| e.value().name() == "form").expect("a form");
        let mut fields = Fields::new();
        for input in form.select(&selector("input, select, textarea")) {
            let chosen = !matches!(input.attr("type"), Some("radio" | "checkbox"))
                || input.attr("checked").is_some();
            if let (Some(name), true) = (input.attr("name"), chosen) {
                fields.push((
                    name.to_owned(),
                    input.attr("value").unwrap_or_default().to_owned(),
                ));
            }
        }
        if let Some(name) = button.attr("name") {
            fields.push((
                name.to_owned(),
                button.attr("value").unwrap_or_default().to_owned(),
            ));
        }
        let mut url = self
            .url
            .join(form.attr("action").unwrap_or_default())
            .expect("an address");
        if form
            .attr("method")
            .is_some_and(|method| method.eq_ignore_ascii_case("post"))
        {
            return Sending {
                url,
                fields: Some(fields),
            };
        }
        url.query_pairs_mut().clear().extend_pairs(fields);
        Sending { url, fields: None }
    }

    /// Name and value of the radio button whose label holds that text.
    pub fn radio(&self, label: &str) -> (String, String) {
        let html = self.html();
        for radio in html.select(&selector("input[type=radio]")) {
            let own = format!("label[for=\"{}\"]", radio.attr("id").unwrap_or_default());
            let shown = html
                .select(&selector(&own))
                .next()
                .map(text_of)
                .unwrap_or_default();
            if shown.contains(label) {
                let value = |name| radio.attr(name).unwrap_or_default().to_owned();
                return (value("name"), value("value"));
            }
        }
        panic!("there is no choice {label:?} on {self:?}");
    }
}

impl Sending {
    /// The same with a field set to something else.
    pub fn with(mut self, name: &str, value: &str) -> Sending {
        let fields = self.fields.as_mut().expect("a form");
        fields.retain(|(present, _)| present != name);
        fields.push((name.to_owned(), value.to_owned()));
        self
    }
}

impl std::fmt::Debug for Page {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let problem = self.problem();
        write!(
            f,
            "the page {:?} {problem} ({} {})",
            self.heading(),
            self.status,
            self.url
        )
    }
}
