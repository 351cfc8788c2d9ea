//! Files that must be whole and private.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use techpass_store::owner;

/// A name beside a file, for what is not finished.
pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Creates a file that only its owner may read; never over one that is there. Made by the superuser it belongs to whoever
/// has the directory.
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    owner::hand_over(&file, owner::directory(path))?;
    Ok(file)
}

/// Puts a file in another's place, durably: a crash leaves the one or the other, whole. It belongs to whoever had the other.
pub fn put_in_place(finished: &Path, at: &Path) -> io::Result<()> {
    let file = File::open(finished)?;
    if at.exists() {
        owner::hand_over(&file, at)?;
    }
    file.sync_all()?;
    std::fs::rename(finished, at)?;
    sync_directory(at)
}

/// Gives a finished file its name, durably, unless there is a file of that name.
pub fn put_in_free_place(finished: &Path, at: &Path) -> io::Result<()> {
    File::open(finished)?.sync_all()?;
    match std::fs::hard_link(finished, at) {
        Ok(()) => std::fs::remove_file(finished)?,
        // A file system without links.
        Err(_) if !at.exists() => std::fs::rename(finished, at)?,
        Err(error) => return Err(error),
    }
    sync_directory(at)
}

/// Writes a small private file whole or not at all, and never over one that is there.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = beside(path, ".new");
    clear(&unfinished)?;
    let written = create_private(&unfinished)
        .and_then(|mut file| file.write_all(bytes))
        .and_then(|()| put_in_free_place(&unfinished, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    written
}

fn sync_directory(at: &Path) -> io::Result<()> {
    File::open(owner::directory(at))?.sync_all()
}

/// Writes a small private file in the place of what is there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = beside(path, ".new");
    clear(&unfinished)?;
    create_private(&unfinished)?.write_all(bytes)?;
    put_in_place(&unfinished, path)
}

/// Removes what an earlier try left.
fn clear(unfinished: &Path) -> io::Result<()> {
    match std::fs::remove_file(unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::{MetadataExt, chown};

    #[test]
    fn a_replaced_file_keeps_its_owner_when_the_superuser_replaces_it() {
        let folder = tempfile::tempdir().unwrap();
        if folder.path().metadata().unwrap().uid() != 0 {
            println!("skipped: only the superuser can give files away");
            return;
        }
        let file = folder.path().join("epoch");
        let owner = || {
            (
                file.metadata().unwrap().uid(),
                file.metadata().unwrap().gid(),
            )
        };
        replace(&file, b"1").unwrap();
        assert_eq!(owner(), (0, 0));
        chown(&file, Some(4321), Some(1234)).unwrap();
        replace(&file, b"2").unwrap();
        assert_eq!(owner(), (4321, 1234));
        std::fs::remove_file(&file).unwrap();
        chown(folder.path(), Some(77), Some(78)).unwrap();
        replace(&file, b"3").unwrap();
        assert_eq!(owner(), (77, 78));
    }

    #[test]
    fn a_new_file_is_whole_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(beside(&file, ".new"), "left").unwrap();
        write_new(&file, b"whole").unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
        let again = write_new(&file, b"other").unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&file).unwrap(), b"whole");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
