//! The guides: Markdown files with a small front matter, read once at start-up.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use include_dir::{Dir, include_dir};
use thiserror::Error;

use crate::config::Config;
use crate::markdown::{self, Rendered};

/// The guides built into the program: this product's own documentation.
static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/guides");

/// The most guides a folder may hold.
const GUIDES_MAX: usize = 500;
/// The largest guide, in bytes.
const GUIDE_BYTES_MAX: u64 = 1024 * 1024;
/// The longest search, in characters.
const SEARCH_CHARS_MAX: usize = 100;
/// Words shown before and after the first word found.
const EXCERPT_WORDS: (usize, usize) = (6, 18);

/// Why a guide cannot be read.
#[derive(Debug, Error)]
#[error("guide `{file}`: {reason}")]
pub struct GuideError {
    /// The file or folder.
    pub file: String,
    /// What is wrong with it and what is expected.
    pub reason: String,
}

/// Who may read a guide.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    /// Anyone.
    Public,
    /// Whoever is signed in.
    SignedIn,
}

/// One guide.
pub(crate) struct Guide {
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) access: Access,
    order: u32,
    pub(crate) page: Rendered,
}

impl Guide {
    /// True when this visitor may read the guide.
    pub(crate) fn open_to(&self, signed_in: bool) -> bool {
        signed_in || self.access == Access::Public
    }
}

/// A guide that a search found.
pub(crate) struct Found<'a> {
    pub(crate) guide: &'a Guide,
    /// The words around the first match, or the summary.
    pub(crate) excerpt: String,
}

/// All guides, in the order they are listed.
pub(crate) struct Guides {
    in_order: Vec<Guide>,
    by_slug: BTreeMap<String, usize>,
}

impl Guides {
    /// Reads the configured folder, or the built-in guides.
    pub(crate) fn load(config: &Config) -> Result<Self, GuideError> {
        let sources = match &config.guides_dir {
            Some(folder) => read_folder(folder)?,
            None => built_in()?,
        };
        let mut in_order = Vec::with_capacity(sources.len());
        for (slug, text) in sources {
            in_order.push(read_guide(&slug, &fill_in(&text, config))?);
        }
        in_order.sort_by(|a, b| (a.order, &a.title).cmp(&(b.order, &b.title)));
        let by_slug = in_order
            .iter()
            .enumerate()
            .map(|(place, guide)| (guide.slug.clone(), place))
            .collect();
        Ok(Self { in_order, by_slug })
    }

    /// All guides in order.
    pub(crate) fn all(&self) -> &[Guide] {
        &self.in_order
    }

    /// A guide by its name in the address. Names are looked up, never used as a path.
    pub(crate) fn find(&self, slug: &str) -> Option<&Guide> {
        self.in_order.get(*self.by_slug.get(slug)?)
    }

    /// The guides this visitor may read that hold every word of the query, titles first.
    pub(crate) fn search(&self, query: &str, signed_in: bool) -> Vec<Found<'_>> {
        let query: String = query.chars().take(SEARCH_CHARS_MAX).collect();
        let words: Vec<String> = query
            .to_lowercase()
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        if words.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<(bool, Found<'_>)> = self
            .in_order
            .iter()
            .filter(|guide| guide.open_to(signed_in))
            .filter_map(|guide| {
                let title = guide.title.to_lowercase();
                let text = format!("{title} {} {}", guide.summary, guide.page.text).to_lowercase();
                let all = words.iter().all(|word| text.contains(word));
                let in_title = words.iter().any(|word| title.contains(word));
                all.then(|| {
                    (
                        !in_title,
                        Found {
                            guide,
                            excerpt: excerpt(guide, &words),
                        },
                    )
                })
            })
            .collect();
        found.sort_by_key(|(not_in_title, _)| *not_in_title);
        found.into_iter().map(|(_, found)| found).collect()
    }
}

fn excerpt(guide: &Guide, words: &[String]) -> String {
    let text: Vec<&str> = guide.page.text.split_whitespace().collect();
    let hit = text.iter().position(|at| {
        let at = at.to_lowercase();
        words.iter().any(|word| at.contains(word))
    });
    let Some(hit) = hit else {
        return guide.summary.clone();
    };
    let (before, after) = EXCERPT_WORDS;
    let start = hit.saturating_sub(before);
    let part: Vec<&str> = text
        .iter()
        .skip(start)
        .take(before + after)
        .copied()
        .collect();
    let lead = if start > 0 { "… " } else { "" };
    let tail = if start + part.len() < text.len() {
        " …"
    } else {
        ""
    };
    format!("{lead}{}{tail}", part.join(" "))
}

/// Puts the configured names into a guide, so that one text fits every deployment.
fn fill_in(text: &str, config: &Config) -> String {
    text.replace("{brand}", &config.brand)
        .replace("{portal_name}", &config.portal_name)
        .replace("{issuer}", config.issuer.as_str().trim_end_matches('/'))
}

fn built_in() -> Result<Vec<(String, String)>, GuideError> {
    BUILT_IN
        .files()
        .filter(|file| is_markdown(file.path()))
        .map(|file| {
            let text = file
                .contents_utf8()
                .ok_or_else(|| failed(file.path(), "it is not UTF-8"))?;
            Ok((slug_of(file.path())?, text.to_owned()))
        })
        .collect()
}

fn read_folder(folder: &Path) -> Result<Vec<(String, String)>, GuideError> {
    let entries = fs::read_dir(folder).map_err(|error| failed(folder, &error.to_string()))?;
    let mut sources = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed(folder, &error.to_string()))?;
        let path = entry.path();
        let meta = fs::metadata(&path).map_err(|error| failed(&path, &error.to_string()))?;
        if !meta.is_file() || !is_markdown(&path) {
            continue;
        }
        if meta.len() > GUIDE_BYTES_MAX {
            return Err(failed(
                &path,
                &format!("it is larger than {GUIDE_BYTES_MAX} bytes"),
            ));
        }
        if sources.len() >= GUIDES_MAX {
            return Err(failed(
                folder,
                &format!("it holds more than {GUIDES_MAX} guides"),
            ));
        }
        let text = fs::read_to_string(&path).map_err(|error| failed(&path, &error.to_string()))?;
        sources.push((slug_of(&path)?, text));
    }
    Ok(sources)
}

fn is_markdown(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md")
}

fn slug_of(path: &Path) -> Result<String, GuideError> {
    let stem = path
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if stem.is_empty() || !stem.bytes().all(fits) {
        let reason = "its name becomes its address: use small letters, digits and `-` only";
        return Err(failed(path, reason));
    }
    Ok(stem.to_owned())
}

fn failed(file: &Path, reason: &str) -> GuideError {
    GuideError {
        file: file.display().to_string(),
        reason: reason.to_owned(),
    }
}

/// Reads the front matter, a block between two lines `---` of lines `name: value`, and the text.
fn read_guide(slug: &str, source: &str) -> Result<Guide, GuideError> {
    let fail = |reason: String| GuideError {
        file: format!("{slug}.md"),
        reason,
    };
    let source = source.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let (front, body) = source
        .strip_prefix("---\n")
        .and_then(|rest| rest.split_once("\n---\n"))
        .ok_or_else(|| fail("it must start with a block between two lines `---`".to_owned()))?;
    let (mut title, mut summary, mut access, mut order) = (None, String::new(), None, 1000);
    for line in front.lines().filter(|line| !line.trim().is_empty()) {
        let (name, value) = line
            .split_once(':')
            .map(|(name, value)| (name.trim(), value.trim()))
            .ok_or_else(|| fail(format!("`{line}` is not of the form `name: value`")))?;
        match name {
            "title" => title = Some(value.to_owned()).filter(|title| !title.is_empty()),
            "summary" => value.clone_into(&mut summary),
            "access" => access = Some(read_access(value).map_err(fail)?),
            "order" => {
                order = value
                    .parse()
                    .map_err(|_| fail(format!("order `{value}` is no number")))?;
            }
            _ => {
                return Err(fail(format!(
                    "unknown name `{name}`: there are title, summary, access and order"
                )));
            }
        }
    }
    Ok(Guide {
        slug: slug.to_owned(),
        title: title.ok_or_else(|| fail("it has no `title`".to_owned()))?,
        summary,
        // Said, never guessed: a forgotten line must not publish a guide.
        access: access.ok_or_else(|| fail("it has no `access`".to_owned()))?,
        order,
        page: markdown::render(body),
    })
}

fn read_access(value: &str) -> Result<Access, String> {
    match value {
        "public" => Ok(Access::Public),
        "signed-in" => Ok(Access::SignedIn),
        _ => Err(format!(
            "access `{value}` is neither `public` nor `signed-in`"
        )),
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

    fn config() -> Config {
        let address = |text: &str| text.parse().unwrap();
        Config::new(
            address("https://docs.example"),
            address("https://id.example"),
            "docs",
        )
    }

    fn error(source: &str) -> String {
        match read_guide("a", source) {
            Ok(_) => panic!("accepted: {source}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_built_in_guides_are_readable() {
        let guides = Guides::load(&config()).unwrap();
        let access = |slug: &str| guides.find(slug).unwrap().access;
        assert_eq!(access("how-officers-sign-in"), Access::Public);
        assert_eq!(access("help-and-problem-codes"), Access::Public);
        assert_eq!(access("integrate-an-application"), Access::SignedIn);
        assert_eq!(access("run-it"), Access::SignedIn);
        for guide in guides.all() {
            assert!(!guide.summary.is_empty(), "{}", guide.slug);
            assert!(!guide.page.html.contains("{brand}"), "{}", guide.slug);
            assert!(!guide.page.html.contains("{issuer}"), "{}", guide.slug);
        }
    }

    #[test]
    fn links_between_the_built_in_guides_lead_somewhere() {
        let guides = Guides::load(&config()).unwrap();
        for guide in guides.all() {
            for link in guide.page.html.split("href=\"").skip(1) {
                let target = link.split('"').next().unwrap();
                if let Some(slug) = target.strip_prefix("/guides/") {
                    let slug = slug.split('#').next().unwrap();
                    assert!(guides.find(slug).is_some(), "{}: {target}", guide.slug);
                }
            }
        }
    }

    #[test]
    fn mistakes_in_the_front_matter_are_named() {
        assert!(error("# Hello").contains("---"));
        assert!(error("---\naccess: public\n---\nx").contains("title"));
        assert!(error("---\ntitle: A\n---\nx").contains("access"));
        assert!(error("---\ntitle: A\naccess: all\n---\nx").contains("signed-in"));
        assert!(error("---\ntitle: A\nacces: public\n---\nx").contains("acces"));
        assert!(error("---\ntitle: A\naccess: public\norder: x\n---\nx").contains("order"));
        assert!(error("---\ntitle\n---\nx").contains("name: value"));
    }

    #[test]
    fn names_that_are_no_address_are_refused() {
        for name in ["../a.md", "A.md", "a b.md", ".md"] {
            let slug = slug_of(Path::new(name));
            assert!(slug.is_err() || slug.unwrap() == "a", "{name}");
        }
        assert_eq!(
            slug_of(Path::new("folder/how-to-1.md")).unwrap(),
            "how-to-1"
        );
    }

    #[test]
    fn a_search_finds_only_what_may_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "open.md",
            "---\ntitle: Open\naccess: public\n---\nThe word is *turquoise* here.",
        );
        write(
            "closed.md",
            "---\ntitle: Closed\naccess: signed-in\n---\nAlso turquoise.",
        );
        let guides = Guides::load(&Config {
            guides_dir: Some(folder.path().into()),
            ..config()
        })
        .unwrap();
        let slugs = |query, signed_in| -> Vec<String> {
            guides
                .search(query, signed_in)
                .iter()
                .map(|f| f.guide.slug.clone())
                .collect()
        };
        assert_eq!(slugs("Turquoise", false), ["open"]);
        assert_eq!(slugs("turquoise", true), ["closed", "open"]);
        assert_eq!(slugs("turquoise here", true), ["open"]);
        assert_eq!(slugs("closed", true), ["closed"]);
        assert!(slugs("  ", true).is_empty());
        assert!(
            guides.search("turquoise", false)[0]
                .excerpt
                .contains("The word is turquoise")
        );
    }
}
