//! What was measured, and how it is shown.

use crate::load::Outcome;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Who was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The bare program of the same parts.
    Floor,
    /// TechPass.
    Product,
    /// node oidc-provider.
    Peer,
}

/// One kind of load on one server, repeated.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// Which load.
    pub case: String,
    /// On whom.
    pub who: Who,
    /// Every repetition.
    pub runs: Vec<Outcome>,
}

impl Figure {
    /// The median of something over the repetitions.
    pub fn median(&self, of: fn(&Outcome) -> f64) -> f64 {
        median(self.runs.iter().map(of).collect())
    }

    fn spread(&self) -> (f64, f64) {
        let rates = self.runs.iter().map(|run| run.rate);
        let low = rates.clone().fold(f64::INFINITY, f64::min);
        (low, rates.fold(0.0, f64::max))
    }
}

/// The middle of some values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Everything of one run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// The machine.
    pub machine: String,
    /// The share of the cores that others used before it began.
    pub in_use_before: f64,
    /// Whether that was little enough to judge.
    pub judged: bool,
    /// Loads.
    pub figures: Vec<Figure>,
    /// Single values by name.
    pub facts: BTreeMap<String, f64>,
    /// What could not be measured, and why.
    pub notes: Vec<String>,
}

impl Report {
    /// Adds a repetition.
    pub fn add(&mut self, case: &str, who: Who, outcome: Outcome) {
        eprintln!("  {}", line(case, who, &outcome));
        let known = self.figures.iter_mut();
        let known = known.into_iter().find(|f| f.case == case && f.who == who);
        match known {
            Some(figure) => figure.runs.push(outcome),
            None => self.figures.push(Figure {
                case: case.to_owned(),
                who,
                runs: vec![outcome],
            }),
        }
    }

    /// Adds a single value.
    pub fn fact(&mut self, name: &str, value: f64) {
        eprintln!("  {name}: {value:.2}");
        self.facts.insert(name.to_owned(), value);
    }

    /// Says what could not be measured.
    pub fn note(&mut self, text: String) {
        eprintln!("  {text}");
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    /// The figure of a load on somebody.
    pub fn figure(&self, case: &str, who: Who) -> Option<&Figure> {
        self.figures.iter().find(|f| f.case == case && f.who == who)
    }

    /// The median rate of a load on somebody.
    pub fn rate(&self, case: &str, who: Who) -> Option<f64> {
        let figure = self.figure(case, who)?;
        Some(figure.median(|run| run.rate)).filter(|rate| *rate > 0.0)
    }

    /// The loads as a table in Markdown.
    pub fn table(&self) -> String {
        let mut text = String::from(
            "| load | on | a second (least–most) | p50 ms | p99 ms | failed |\n|---|---|---|---|---|---|\n",
        );
        for figure in &self.figures {
            let (low, high) = figure.spread();
            let failed: u64 = figure.runs.iter().map(|run| run.failed).sum();
            let _ = writeln!(
                text,
                "| {} | {} | {} ({}–{}) | {:.2} | {:.2} | {failed} |",
                figure.case,
                name(figure.who),
                short(figure.median(|run| run.rate)),
                short(low),
                short(high),
                figure.median(|run| run.p50_ms),
                figure.median(|run| run.p99_ms),
            );
        }
        if !self.facts.is_empty() {
            text.push_str("\n| value | |\n|---|---|\n");
        }
        for (name, value) in &self.facts {
            let _ = writeln!(text, "| {name} | {} |", short(*value));
        }
        for note in &self.notes {
            let _ = writeln!(text, "\n{note}");
        }
        text
    }
}

fn line(case: &str, who: Who, outcome: &Outcome) -> String {
    let mut text = format!(
        "{case:<24} {:<8} {:>10}/s   p50 {:>8.2} ms   p99 {:>8.2} ms",
        name(who),
        short(outcome.rate),
        outcome.p50_ms,
        outcome.p99_ms
    );
    if let Some(why) = &outcome.why {
        let _ = write!(text, "   {} failed: {why}", outcome.failed);
    }
    text
}

/// What somebody is called in a table.
pub fn name(who: Who) -> &'static str {
    match who {
        Who::Floor => "floor",
        Who::Product => "TechPass",
        Who::Peer => "peer",
    }
}

/// A number as people read it.
pub fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
