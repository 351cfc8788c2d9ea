//! The C library's calls, bent: what reaches the disk and when, flushes that fail, a clock that is wrong, a process that
//! ends at a chosen step.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Kinds of steps, in the order of the shim's numbers.
pub const STEPS: [&str; 10] = [
    "before a write to the database",
    "after a write to the database",
    "before a write to its log",
    "after a write to its log",
    "before a flush of the database",
    "after a flush of the database",
    "before a flush of its log",
    "after a flush of its log",
    "before an answer",
    "after an answer",
];

/// What a server is started with, and what is set while it runs.
pub struct Shim {
    library: PathBuf,
    control: PathBuf,
    /// What it writes down.
    pub log: PathBuf,
}

impl Shim {
    /// Compiles it; there must be a C compiler.
    pub fn build(folder: &Path) -> Result<Shim> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim/fault.c");
        let library = folder.join("fault.so");
        let built = Command::new("cc")
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .args([&library, &source])
            .output()
            .context("there is no C compiler `cc`")?;
        if !built.status.success() {
            bail!(
                "the shim does not compile: {}",
                String::from_utf8_lossy(&built.stderr)
            );
        }
        let control = folder.join("control");
        std::fs::write(&control, [0; 48])?;
        let log = folder.join("writes.log");
        Ok(Shim {
            library,
            control,
            log,
        })
    }

    /// The environment of a server that uses it, with what it writes to this database written down.
    pub fn environment(&self, watched: Option<&Path>) -> Vec<(String, String)> {
        let mut all = vec![
            ("LD_PRELOAD".to_owned(), self.library.display().to_string()),
            (
                "FAULT_CONTROL".to_owned(),
                self.control.display().to_string(),
            ),
        ];
        if let Some(watched) = watched {
            all.push(("FAULT_WATCH".to_owned(), watched.display().to_string()));
            all.push(("FAULT_LOG".to_owned(), self.log.display().to_string()));
        }
        all
    }

    /// The environment of a program whose steps around this database are counted.
    pub fn counting(&self, watched: &Path) -> Vec<(String, String)> {
        let mut all = self.environment(None);
        all.push(("FAULT_WATCH".to_owned(), watched.display().to_string()));
        all
    }

    /// Counts steps from here, and ends the process at one of them; 0 for none.
    pub fn die_at(&self, step: i64) -> Result<()> {
        self.set(16, 0)?;
        self.set(24, 0)?;
        self.set(40, 0)?;
        self.set(32, step)?;
        self.set(16, 1)
    }

    /// Counts no longer; how many steps there were, and of which kind the last one was, if the process died at it.
    pub fn counted(&self) -> Result<(i64, Option<&'static str>)> {
        self.set(16, 0)?;
        let file = File::open(&self.control)?;
        let word = |at: u64| -> Result<i64> {
            let mut bytes = [0; 8];
            file.read_exact_at(&mut bytes, at)?;
            Ok(i64::from_ne_bytes(bytes))
        };
        let kind = usize::try_from(word(40)?)?;
        Ok((
            word(24)?,
            kind.checked_sub(1).and_then(|at| STEPS.get(at)).copied(),
        ))
    }

    /// Moves the wall clock by so many seconds from the true time.
    pub fn clock(&self, seconds: i64) -> Result<()> {
        self.set(0, seconds)
    }

    /// Lets every flush of the database fail, or none.
    pub fn failing(&self, failing: bool) -> Result<()> {
        self.set(8, i64::from(failing))
    }

    fn set(&self, offset: u64, value: i64) -> Result<()> {
        let file = File::options().write(true).open(&self.control)?;
        Ok(file.write_all_at(&value.to_ne_bytes(), offset)?)
    }
}

/// What was done to a file.
pub enum Done {
    /// Bytes at an offset.
    Write(u64, Vec<u8>),
    /// A new length.
    Truncate(u64),
    /// Everything that had ended before this moment became durable.
    Sync(u64),
}

/// One line of what the shim wrote down.
pub struct Record {
    /// When it had ended, in nanoseconds of the monotonic clock.
    pub ended_ns: u64,
    /// 1 for the database, 2 for its log.
    pub file: u32,
    /// What it was.
    pub done: Done,
}

/// All of them, by time.
pub fn records(path: &Path) -> Result<Vec<Record>> {
    let bytes = std::fs::read(path)?;
    let (mut rest, mut all) = (bytes.as_slice(), Vec::new());
    while let Some((head, after)) = rest.split_first_chunk::<32>() {
        let word = |at: usize| {
            let bytes = head.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u64::from_ne_bytes)
        };
        let (kind, file) = (word(24) as u32, (word(24) >> 32) as u32);
        let length = usize::try_from(word(16))?;
        let (done, after) = match kind {
            1 => {
                let Some((data, after)) = after.split_at_checked(length) else {
                    break; // Cut off in the middle of a line, as the server was.
                };
                (Done::Write(word(8), data.to_vec()), after)
            }
            2 => (Done::Truncate(word(8)), after),
            3 => (Done::Sync(word(8)), after),
            other => bail!("the shim wrote a line of an unknown kind {other}"),
        };
        all.push(Record {
            ended_ns: word(0),
            file,
            done,
        });
        rest = after;
    }
    all.sort_by_key(|record| record.ended_ns);
    Ok(all)
}
