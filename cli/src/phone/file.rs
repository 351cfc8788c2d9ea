//! The phone file: JSON that only its owner may read, replaced as a whole, never written in place.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The only form there is so far.
const VERSION: u32 = 1;

/// What the file holds. It has no `Debug`, since keys and seeds are in it.
#[derive(Serialize, Deserialize)]
pub struct Content {
    version: u32,
    /// The enrolled profiles, oldest first.
    pub profiles: Vec<Stored>,
}

/// One profile in the file.
#[derive(Clone, Serialize, Deserialize)]
pub struct Stored {
    /// The server's public address.
    pub issuer: String,
    /// What the server calls this phone.
    pub authenticator_id: String,
    /// The login ID.
    pub account: String,
    /// What the profile is called.
    pub label: String,
    /// Whose account it is.
    pub organisation: String,
    /// The private key: PKCS#8 in base64.
    pub key: String,
    /// The seed of the verification codes (RFC 6238): base32.
    pub seed: String,
    /// What to add to this computer's clock to get the server's.
    #[serde(default)]
    pub offset_s: i64,
    /// Certificate authorities to trust for this server besides the computer's own, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

impl Default for Content {
    fn default() -> Self {
        Content {
            version: VERSION,
            profiles: Vec::new(),
        }
    }
}

/// Fails when there is no such file.
///
/// # Errors
/// When it is not there, with what makes one.
pub fn must_be_there(path: &Path) -> Result<()> {
    if !path.exists() {
        bail!(
            "there is no phone file {}; `enrol` makes it with the first profile",
            path.display()
        );
    }
    Ok(())
}

/// Reads the file; one that is not there is a phone without profiles.
///
/// # Errors
/// When it cannot be read or is no phone file.
pub fn read(path: &Path) -> Result<Content> {
    let shown = path.display();
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Content::default()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
    };
    // The parser's own words could repeat a secret out of the file.
    let Ok(content) = serde_json::from_slice::<Content>(&bytes) else {
        bail!("{shown} is not a phone file");
    };
    if content.version != VERSION {
        bail!(
            "{shown} was written by another version of this program (form {}, known is {VERSION})",
            content.version
        );
    }
    Ok(content)
}

/// Reads, changes and writes the file while nobody else does, so that two commands at once lose nothing.
///
/// # Errors
/// When the file or its folder cannot be read or written. Then it is as it was.
pub fn change(path: &Path, by: impl FnOnce(&mut Content)) -> Result<Content> {
    let _locked = lock(path)?;
    let mut content = read(path)?;
    by(&mut content);
    write(path, &content).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(content)
}

/// Fails now if the file could not be written later, before anything is used up.
///
/// # Errors
/// When its folder is not there or not writable.
pub fn try_out(path: &Path) -> Result<()> {
    drop(lock(path)?);
    tempfile::Builder::new()
        .tempfile_in(folder(path))
        .map(drop)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// The lock stands on a file of its own: the phone file itself is replaced, and a lock would go with the old one.
fn lock(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let name = PathBuf::from(name);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&name)
        .with_context(|| format!("cannot write {}", name.display()))?;
    file.lock()
        .with_context(|| format!("cannot lock {}", name.display()))?;
    Ok(file)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn write(path: &Path, content: &Content) -> Result<()> {
    // Made with mode 0600.
    let mut file = tempfile::Builder::new()
        .prefix(".phone-")
        .tempfile_in(folder(path))?;
    serde_json::to_writer_pretty(&mut file, content)?;
    file.write_all(b"\n")?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    File::open(folder(path))?.sync_all()?;
    Ok(())
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
    use std::os::unix::fs::PermissionsExt;
    use std::thread;

    fn stored(account: &str) -> Stored {
        Stored {
            issuer: "https://wog.example".to_owned(),
            authenticator_id: "phn_1".to_owned(),
            account: account.to_owned(),
            label: "WOG".to_owned(),
            organisation: "Agency".to_owned(),
            key: "key".to_owned(),
            seed: "seed".to_owned(),
            offset_s: -3,
            ca: None,
        }
    }

    #[test]
    fn only_the_owner_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mei.phone");
        change(&path, |content| {
            content.profiles.push(stored("a@agency.example"))
        })
        .unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let back = read(&path).unwrap();
        assert_eq!(back.profiles[0].account, "a@agency.example");
        assert_eq!(back.profiles[0].offset_s, -3);
    }

    #[test]
    fn commands_at_once_lose_no_profile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mei.phone");
        let threads: Vec<_> = (0..8)
            .map(|n| {
                let path = path.clone();
                thread::spawn(move || {
                    change(&path, |content| {
                        content.profiles.push(stored(&n.to_string()))
                    })
                    .map(drop)
                    .unwrap();
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let mut accounts: Vec<_> = read(&path)
            .unwrap()
            .profiles
            .into_iter()
            .map(|p| p.account)
            .collect();
        accounts.sort();
        assert_eq!(accounts, ["0", "1", "2", "3", "4", "5", "6", "7"]);
        let left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .filter(|name| name.to_string_lossy().starts_with(".phone-"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }

    #[test]
    fn a_strange_file_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mei.phone");
        for text in ["not json: secret", "{}", r#"{"version":9,"profiles":[]}"#] {
            fs::write(&path, text).unwrap();
            let error = change(&path, |content| content.profiles.push(stored("a")))
                .err()
                .unwrap();
            assert!(!format!("{error:#}").contains("secret"));
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn a_file_from_before_there_were_authorities_in_it_still_opens() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mei.phone");
        let text = r#"{"version":1,"profiles":[{"issuer":"https://wog.example","authenticator_id":"phn_1","account":"a",
            "label":"WOG","organisation":"Agency","key":"key","seed":"seed","offset_s":0}]}"#;
        fs::write(&path, text).unwrap();
        let content = change(&path, |_| ()).unwrap();
        assert_eq!(content.profiles[0].ca, None);
        assert!(!fs::read_to_string(&path).unwrap().contains("\"ca\""));
    }

    #[test]
    fn a_folder_that_is_not_there_is_noticed_early() {
        let folder = tempfile::tempdir().unwrap();
        assert!(try_out(&folder.path().join("nowhere/mei.phone")).is_err());
        assert!(try_out(&folder.path().join("mei.phone")).is_ok());
        assert!(
            read(&folder.path().join("mei.phone"))
                .unwrap()
                .profiles
                .is_empty()
        );
    }
}
