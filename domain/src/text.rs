//! Text that people are shown by name: no character in it may be invisible or turn what stands around it, since a name
//! that looks like another one is a name of somebody else.

/// Characters that nobody sees, or that change how others are shown: first and last of each range, in order. They are those
/// of the general categories Cf (format), Zl and Zp (separators of lines and paragraphs), those that Unicode calls
/// `Default_Ignorable_Code_Point` (Unicode 16, `DerivedCoreProperties.txt`), and those that are no characters at all.
const HIDDEN: [(char, char); 27] = [
    // Soft hyphen; combining grapheme joiner.
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    // Arabic and Syriac number signs and marks.
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    // Hangul and Khmer fillers; Mongolian selectors.
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    // Zero-width spaces and joiners, marks of direction.
    ('\u{200b}', '\u{200f}'),
    // Line and paragraph separators, embeddings and overrides of direction.
    ('\u{2028}', '\u{202e}'),
    // Word joiner, invisible operators, isolates of direction, deprecated controls.
    ('\u{2060}', '\u{206f}'),
    // Another Hangul filler; what is no character; variation selectors; byte order mark; a third filler.
    ('\u{3164}', '\u{3164}'),
    ('\u{fdd0}', '\u{fdef}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    // Ignored and not assigned; annotations; what is no character.
    ('\u{fff0}', '\u{fffb}'),
    ('\u{fffe}', '\u{ffff}'),
    // Kaithi number signs; joiners of Egyptian hieroglyphs; controls of shorthand and of music.
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    // Tags, variation selectors, and what is kept free for more of them.
    ('\u{e0000}', '\u{e0fff}'),
];

/// A character that no name may have: a control character, or one that cannot be seen or turns what stands around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the character U+{:04X} cannot be seen or changes how others are shown", u32::from(*.0))]
pub struct Hidden(pub char);

/// Whether a character is a control character (Cc), or invisible or turning.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || HIDDEN
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&c))
}

/// Whether a text can be shown as it is. Joiners that some scripts write inside words are refused too: where they make
/// no difference to the eye, they make two names of one.
///
/// # Errors
/// The first character that stands against it.
pub fn shown(text: &str) -> Result<(), Hidden> {
    match text.chars().find(|c| is_hidden(*c)) {
        Some(c) => Err(Hidden(c)),
        None => Ok(()),
    }
}

/// A text of somebody else's as it can be shown, at most so many characters: without what [`shown`] refuses.
pub fn printable(text: &str, characters_max: usize) -> String {
    text.chars()
        .filter(|c| !is_hidden(*c))
        .take(characters_max)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_nothing_that_cannot_be_seen_or_turns_others() {
        for good in [
            "",
            "Mei Tan",
            "Zoë Brontë",
            "O'Connor-Łukasz",
            "山田 太郎",
            "ラーメン屋ﾗｰﾒﾝ",
            "김철수",
            "Наталья",
            "محمد بن علي",
            "रवि शंकर",
            "🙂 Café №1",
            "a\u{301}",
        ] {
            assert_eq!(shown(good), Ok(()), "{good}");
            assert_eq!(printable(good, 100), good);
        }
        for (bad, c) in [
            ("TechPass\u{200b}", '\u{200b}'),
            ("\u{202e}latrop scoD", '\u{202e}'),
            ("a\u{2066}b\u{2069}", '\u{2066}'),
            ("a\u{200d}b", '\u{200d}'),
            ("a\u{200c}b", '\u{200c}'),
            ("a\u{ad}b", '\u{ad}'),
            ("a\u{feff}", '\u{feff}'),
            ("a\u{2028}b", '\u{2028}'),
            ("a\u{2029}b", '\u{2029}'),
            ("a\u{3164}", '\u{3164}'),
            ("a\u{e0041}", '\u{e0041}'),
            ("a\u{fe0f}", '\u{fe0f}'),
            ("a\nb", '\n'),
            ("a\u{1b}[31m", '\u{1b}'),
            ("a\u{85}b", '\u{85}'),
        ] {
            assert_eq!(shown(bad), Err(Hidden(c)), "{bad:?}");
        }
        assert_eq!(printable("a\u{1b}[31m\u{202e}b\n", 100), "a[31mb");
        assert_eq!(printable("abc", 2), "ab");
    }

    #[test]
    fn the_message_names_the_character() {
        let text = Hidden('\u{200b}').to_string();
        assert_eq!(
            text,
            "the character U+200B cannot be seen or changes how others are shown"
        );
    }

    #[test]
    fn the_ranges_are_in_order_and_apart() {
        for (first, last) in HIDDEN {
            assert!(first <= last, "{first:?}");
        }
        for pair in HIDDEN.windows(2) {
            assert!(
                matches!(pair, [(_, last), (first, _)] if last < first),
                "{pair:?}"
            );
        }
    }
}
