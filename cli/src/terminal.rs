//! Text that others wrote, on a terminal.

use techpass_domain::text;

/// Characters of a text that a line shows.
const CHARACTERS_MAX: usize = 300;

/// Text as it may stand on a terminal: no control characters, nothing that hides or turns what stands beside it, not
/// endless.
pub fn printable(text: &str) -> String {
    text::printable(text, CHARACTERS_MAX)
}
