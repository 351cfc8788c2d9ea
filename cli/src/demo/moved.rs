//! How far the product's clock was moved, kept in the data directory: what was used by a moved clock stays used.

use crate::exit::Failure;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

fn file(data: &Path) -> PathBuf {
    data.join("clock.moved")
}

/// By how many seconds the runs before moved the clock.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub fn read(data: &Path) -> Result<i64, Failure> {
    let file = file(data);
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        Err(error) => {
            return Err(Failure::failed(format!(
                "cannot read {}: {error}",
                file.display()
            )));
        }
    };
    text.trim().parse().map_err(|_| {
        Failure::failed(format!(
            "{} holds no number of seconds; remove it to go by this computer's clock",
            file.display()
        ))
    })
}

/// Moves it by further seconds in the file, and says by how many altogether.
///
/// # Errors
/// When that is too far, or the file cannot be read or written.
pub fn further(data: &Path, seconds: i64) -> Result<i64, Failure> {
    let moved = read(data)?
        .checked_add(seconds)
        .filter(|moved| moved.unsigned_abs() <= FAR_S)
        .ok_or_else(|| Failure::refused("the clock cannot be moved that far"))?;
    // Replaced as a whole: a power cut leaves the old number or the new one.
    let new = data.join("clock.moved.new");
    super::world::write_private(&new, moved.to_string().as_bytes())?;
    std::fs::rename(&new, file(data)).map_err(Failure::system)?;
    Ok(moved)
}

/// As far as it goes, in seconds: a thousand years.
const FAR_S: u64 = 1000 * 366 * 24 * 60 * 60;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn movements_add_up_and_are_kept() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(read(data.path()).unwrap(), 0);
        assert_eq!(further(data.path(), 90).unwrap(), 90);
        assert_eq!(further(data.path(), -30).unwrap(), 60);
        for too_far in [i64::MAX, i64::MIN, 40_000_000_000] {
            assert!(further(data.path(), too_far).is_err(), "{too_far}");
        }
        assert_eq!(read(data.path()).unwrap(), 60);
    }
}
