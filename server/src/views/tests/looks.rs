//! Contrast and weight, since both are promises.

use super::*;
use std::collections::BTreeMap;

const CSS: &str = include_str!("../../../assets/pages.css");
const SCRIPTS: [&str; 3] = [
    include_str!("../../../assets/number.js"),
    include_str!("../../../assets/password.js"),
    include_str!("../../../assets/details.js"),
];

/// The colours of the first `:root` after `from`.
fn colours(from: &str) -> BTreeMap<&str, [f64; 3]> {
    let block = from
        .split_once(":root {")
        .unwrap()
        .1
        .split_once('}')
        .unwrap()
        .0;
    let rules = block
        .split(';')
        .filter_map(|rule| rule.trim().split_once(": #"));
    rules
        .map(|(name, hex)| {
            (
                name,
                [0, 2, 4].map(|at| channel(hex.get(at..at + 2).unwrap())),
            )
        })
        .collect()
}

/// A channel of a colour as light (WCAG 2.2, relative luminance).
fn channel(hex: &str) -> f64 {
    let value = f64::from(u8::from_str_radix(hex, 16).unwrap()) / 255.0;
    if value <= 0.04045 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let light = |c: [f64; 3]| 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2] + 0.05;
    let (one, other) = (light(one), light(other));
    one.max(other) / one.min(other)
}

#[test]
fn text_stands_out_from_what_is_behind_it_in_light_and_dark() {
    let dark = CSS.split_once("prefers-color-scheme: dark").unwrap().1;
    for (mode, colours) in [("light", colours(CSS)), ("dark", colours(dark))] {
        let pairs = [
            ("text", "card"),
            ("text", "ground"),
            ("text", "raised"),
            ("text", "note-ground"),
            ("text", "bad-ground"),
            ("muted", "card"),
            ("muted", "ground"),
            ("muted", "raised"),
            ("muted", "note-ground"),
            ("accent", "card"),
            ("accent-deep", "card"),
            ("accent", "raised"),
            ("accent", "note-ground"),
            ("on-accent", "accent"),
            ("on-accent", "accent-deep"),
            ("bad", "card"),
            ("bad", "bad-ground"),
            ("good", "card"),
            ("good", "raised"),
        ];
        for (front, back) in pairs {
            let ratio = contrast(
                colours[&*format!("--{front}")],
                colours[&*format!("--{back}")],
            );
            assert!(ratio >= 4.5, "{mode}: {front} on {back} is {ratio:.2}");
        }
        // Borders of fields and the focus ring (WCAG 2.2, 1.4.11 and 2.4.13).
        for front in ["--line", "--accent"] {
            let ratio = contrast(colours[front], colours["--card"]);
            assert!(ratio >= 3.0, "{mode}: {front} is {ratio:.2}");
        }
    }
}

#[test]
fn people_who_ask_for_less_motion_or_more_contrast_are_heard() {
    for wish in [
        "prefers-reduced-motion",
        "prefers-contrast",
        "forced-colors",
        "color-scheme: light dark",
    ] {
        assert!(CSS.contains(wish), "{wish}");
    }
    assert!(CSS.contains("outline: 3px solid"));
}

#[test]
fn pages_are_light() {
    // The promise is 14 KB of HTML and CSS and 12 KB of scripts, compressed. Text like this shrinks to a third, so these
    // limits on what is uncompressed keep it with room to spare.
    let biggest = pages("Docs portal")
        .into_iter()
        .map(|(_, html)| html.len())
        .max()
        .unwrap();
    assert!(biggest < 8 * 1024, "{biggest}");
    assert!(CSS.len() < 20 * 1024, "{}", CSS.len());
    let scripts: usize = SCRIPTS.iter().map(|script| script.len()).sum();
    assert!(scripts < 12 * 1024, "{scripts}");
}

#[test]
fn nothing_is_fetched_from_elsewhere() {
    for text in SCRIPTS.iter().chain(&[CSS]) {
        assert!(!text.contains("http:") && !text.contains("https:") && !text.contains("//cdn"));
    }
}
