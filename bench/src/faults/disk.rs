//! A disk that loses power: what was flushed is there, of the rest whatever it pleases.

use super::person::Dice;
use super::shim::{Done, Record};
use std::mem;

/// What a disk writes at once.
const SECTOR: usize = 512;

/// One file of it.
#[derive(Clone, Default)]
pub struct File {
    /// What no power cut takes away; nothing when the file was never flushed.
    durable: Option<Vec<u8>>,
    /// What may have reached the disk or not.
    pending: Vec<(u64, Change)>,
}

#[derive(Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

impl File {
    /// A file that was there before.
    pub fn new(durable: Option<Vec<u8>>) -> File {
        File {
            durable,
            pending: Vec::new(),
        }
    }

    /// Takes a line of the record.
    pub fn take(&mut self, record: Record) {
        match record.done {
            Done::Write(at, data) => self
                .pending
                .push((record.ended_ns, Change::Write(at, data))),
            Done::Truncate(to) => self.pending.push((record.ended_ns, Change::Truncate(to))),
            Done::Sync(begun) => {
                let durable = self.durable.get_or_insert_default();
                let (flushed, pending) = mem::take(&mut self.pending)
                    .into_iter()
                    .partition(|(ended, _): &(u64, Change)| *ended <= begun);
                self.pending = pending;
                flushed
                    .into_iter()
                    .for_each(|(_, change)| apply(durable, &change, |_| true));
            }
        }
    }

    /// What is found after a power cut now; `None` when there is no such file.
    pub fn after_cut(&self, dice: &mut Dice) -> Option<Vec<u8>> {
        let mood = dice.roll(4);
        let mut found = self.durable.clone();
        for (_, change) in &self.pending {
            let reached = match mood {
                0 => false,
                1 => true,
                _ => dice.roll(2) == 0,
            };
            if reached {
                // Torn: some sectors of it and not others.
                let torn = mood == 3;
                apply(found.get_or_insert_default(), change, |_| {
                    !torn || dice.roll(2) == 0
                });
            }
        }
        found
    }

    /// How many changes are not durable.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }
}

fn apply(file: &mut Vec<u8>, change: &Change, mut reached: impl FnMut(usize) -> bool) {
    match change {
        Change::Truncate(to) => file.resize(usize::try_from(*to).unwrap_or(0), 0),
        Change::Write(at, data) => {
            let at = usize::try_from(*at).unwrap_or(0);
            file.resize(file.len().max(at + data.len()), 0);
            let (mut at, mut data) = (at, data.as_slice());
            while !data.is_empty() {
                // Sectors are where the disk has them, not where the write began.
                let length = (SECTOR - at % SECTOR).min(data.len());
                let (part, rest) = data.split_at(length);
                if reached(at / SECTOR)
                    && let Some(place) = file.get_mut(at..at + length)
                {
                    place.copy_from_slice(part);
                }
                (at, data) = (at + length, rest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(ended_ns: u64, done: Done) -> Record {
        Record {
            ended_ns,
            file: 1,
            done,
        }
    }

    #[test]
    fn what_was_flushed_stays_and_the_rest_may_go() {
        let mut file = File::new(None);
        let mut dice = Dice::new(1);
        assert_eq!(file.clone().after_cut(&mut dice), None);
        file.take(record(1, Done::Write(0, vec![1; 1024])));
        // Ended after the flush began: not part of it.
        file.take(record(3, Done::Write(512, vec![2; 512])));
        file.take(record(4, Done::Sync(2)));
        assert_eq!(file.pending(), 1);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..64 {
            let found = file.after_cut(&mut dice).unwrap_or_default();
            assert!(
                found
                    .get(..512)
                    .is_some_and(|first| first.iter().all(|byte| *byte == 1))
            );
            seen.insert(found.get(512..).map(<[u8]>::to_vec));
        }
        assert_eq!(
            seen.len(),
            2,
            "both the old and the new second half are found"
        );
    }
}
