//! The state diagram, drawn from what the machine did.

use crate::moves::Move;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use techpass_domain::login::{Next, Outcome};

/// Which pages follow which, and why.
#[derive(Default)]
pub struct Picture {
    starts: BTreeSet<&'static str>,
    arrows: BTreeMap<(&'static str, &'static str), BTreeSet<&'static str>>,
}

/// A page's name, or how a login ended.
pub fn name(next: &Next) -> &'static str {
    match next {
        Next::Ask(prompt) => prompt.name(),
        Next::Collect => "Collect",
        Next::Finish(Outcome::Granted) => "Granted",
        Next::Finish(Outcome::Refused(_)) => "Refused",
    }
}

impl Picture {
    pub fn start(&mut self, at: &Next) {
        self.starts.insert(name(at));
    }

    pub fn arrow(&mut self, from: &Next, by: Move, to: &Next) {
        if !matches!(by, Move::Record(_)) {
            let labels = self.arrows.entry((name(from), name(to))).or_default();
            labels.insert(by.label());
        }
    }

    pub fn add(&mut self, more: Picture) {
        self.starts.extend(more.starts);
        for (ends, labels) in more.arrows {
            self.arrows.entry(ends).or_default().extend(labels);
        }
    }

    /// Mermaid. What is possible on every page, and time that changes no page, would hide the rest and is left out.
    pub fn mermaid(&self) -> String {
        let mut text = String::from("stateDiagram-v2\n");
        for start in &self.starts {
            writeln!(text, "    [*] --> {start}").unwrap();
        }
        for ((from, to), labels) in &self.arrows {
            let told = labels
                .iter()
                .filter(|label| !["cancelled", "another account"].contains(label))
                .filter(|label| from != to || **label != "time passes");
            let told: Vec<&str> = told.copied().collect();
            if !told.is_empty() {
                writeln!(text, "    {from} --> {to}: {}", told.join(", ")).unwrap();
            }
        }
        text.push_str("    Granted --> [*]\n    Refused --> [*]\n");
        text
    }
}
