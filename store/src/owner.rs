//! Whose files are. A command that an administrator runs must not leave files that the service cannot open.

use std::fs::File;
use std::io;
use std::path::Path;

/// The directory that a file is in.
pub fn directory(path: &Path) -> &Path {
    let parent = path.parent();
    let parent = parent.filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Gives a file that was just made by the superuser to whoever has another file or directory. Nothing is done for anybody
/// else, nor where the superuser may not do that.
///
/// # Errors
/// What the system says.
#[cfg(unix)]
pub fn hand_over(made: &File, like: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    if made.metadata()?.uid() != 0 {
        return Ok(());
    }
    let like = std::fs::metadata(like)?;
    if like.uid() == 0 {
        return Ok(());
    }
    match fchown(made, Some(like.uid()), Some(like.gid())) {
        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(()),
    }
}

/// There are no owners here.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn hand_over(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}
