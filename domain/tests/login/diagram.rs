//! The state diagram, drawn from what the machine did.

use crate::login::moves::Move;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use techpass_domain::login::{Effect, Next, Outcome};

/// Which pages follow which, and why.
#[derive(Default)]
pub struct Picture {
    starts: BTreeSet<&'static str>,
    arrows: BTreeMap<(&'static str, &'static str), BTreeSet<&'static str>>,
    effects: BTreeMap<&'static str, BTreeSet<String>>,
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
        for (event, effects) in more.effects {
            self.effects.entry(event).or_default().extend(effects);
        }
    }

    pub fn effects(&mut self, of: Move, effects: &[Effect]) {
        let known = self.effects.entry(of.label()).or_default();
        for effect in effects {
            let text = match effect {
                Effect::NotifyPhones(_) => "NotifyPhones".to_owned(),
                Effect::EndNumber(_, end) => format!("EndNumber({end:?})"),
                Effect::Hold(_) => "Hold".to_owned(),
                other => format!("{other:?}"),
            };
            if !known.contains(&text) {
                known.insert(text);
            }
        }
    }

    /// A table of what each page takes.
    pub fn events_by_page(&self) -> String {
        let mut pages: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for ((from, _), labels) in &self.arrows {
            let events = labels.iter().filter(|label| **label != "time passes");
            pages.entry(from).or_default().extend(events);
        }
        pages.retain(|_, events| !events.is_empty());
        let all = pages.iter().map(|(page, events)| {
            let events: Vec<&str> = events.iter().copied().collect();
            format!("| {page} | {} |\n", events.join(", "))
        });
        format!(
            "| page | what it takes |\n|---|---|\n{}",
            all.collect::<String>()
        )
    }

    /// A table of what each event makes the shell do.
    pub fn effects_by_event(&self) -> String {
        let all = self.effects.iter().map(|(event, effects)| {
            let effects: Vec<String> = effects.iter().map(|effect| format!("`{effect}`")).collect();
            let effects = if effects.is_empty() {
                "nothing".to_owned()
            } else {
                effects.join(", ")
            };
            format!("| {event} | {effects} |\n")
        });
        format!(
            "| event | effects seen |\n|---|---|\n{}",
            all.collect::<String>()
        )
    }

    /// Mermaid. What is possible on every page would hide the rest and is left out; so are authentications that grow
    /// too old.
    pub fn mermaid(&self) -> String {
        let mut text = String::from("stateDiagram-v2\n");
        for start in &self.starts {
            writeln!(text, "    [*] --> {start}").unwrap();
        }
        for ((from, to), labels) in &self.arrows {
            let told = labels
                .iter()
                .filter(|label| !["cancelled", "another account"].contains(label))
                .filter(|label| **label != "time passes" || (*to == "NumberOver" && from != to));
            let told: Vec<&str> = told.copied().collect();
            if !told.is_empty() {
                writeln!(text, "    {from} --> {to}: {}", told.join(", ")).unwrap();
            }
        }
        text.push_str("    Granted --> [*]\n    Refused --> [*]\n");
        text
    }
}
