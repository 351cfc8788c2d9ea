//! What a grant says about itself, against what really happened.

use crate::login::cast::{Person, T0, id};
use crate::login::checks::{Broken, Check, View, broken};
use crate::login::worlds::{Demand, Facts, sid, word};
use techpass_domain::login::requirement::{ACR_NUMBER_MATCH, ACR_SINGLE_FACTOR};
use techpass_domain::login::{Achieved, Evidence, Next, Proof};
use techpass_domain::time::Timestamp;

impl View<'_> {
    /// Judges what the machine says the login achieved.
    pub fn achieved(self, next: &Next, achieved: Option<&Achieved>) -> Result<(), Broken> {
        let (achieved, person) = match (achieved, next, self.ghost.claimed) {
            (Some(achieved), Next::Collect, Some(person)) => (achieved, person),
            (None, Next::Collect, _) | (Some(_), _, _) => return broken(Check::Facts, achieved),
            (None, _, _) => return Ok(()),
        };
        let entry = self.ghost.entry.then(|| sid(person));
        if achieved.account != id(person) || achieved.entry != entry {
            return broken(Check::Facts, achieved);
        }
        self.auth_time(achieved.auth_time)?;
        self.methods(achieved, person)
    }

    fn auth_time(self, auth_time: Timestamp) -> Result<(), Broken> {
        let (world, now) = (self.world, self.now);
        let session = self.ghost.counting(world, now);
        let moments = |facts: Facts| {
            let word = facts.word.map(|(at, _)| at.min(now));
            [facts.password, facts.code, facts.number, word]
        };
        let mut real: Vec<Timestamp> = moments(self.ghost.here).into_iter().flatten().collect();
        if let Some((at, _)) = session {
            real.push(at);
        }
        let rests_on_session = session.is_some_and(|(_, facts)| {
            let pairs = moments(facts).into_iter().zip(moments(self.ghost.here));
            pairs
                .into_iter()
                .any(|(before, here)| before.is_some() && here.is_none())
        });
        let newest = match session {
            Some((at, _)) if rests_on_session => at,
            _ => now,
        };
        let young = world.asked.max_age.is_none_or(|max_age| {
            auth_time >= T0.plus(-max_age)
                && (auth_time >= T0 || now.0 - auth_time.0 <= max_age || session.is_none())
        });
        // Complete with the last proof, where no session counts.
        let complete = session.is_some() || real.iter().max() == Some(&auth_time);
        match real.contains(&auth_time) && complete && auth_time <= newest && young {
            true => Ok(()),
            false => broken(Check::AuthTime, (auth_time, real, now)),
        }
    }

    fn methods(self, achieved: &Achieved, person: Person) -> Result<(), Broken> {
        let (world, ghost, now) = (self.world, self.ghost, self.now);
        let (mut amr, acr) = match (ghost.demand(world), ghost.word(world, now)) {
            (None, Some((at, strong))) => (word(person, at, strong).amr, ACR_NUMBER_MATCH),
            (None, None) => return broken(Check::Methods, achieved),
            (Some(demand), _) => {
                let session = ghost.counting(world, now).map(|(_, facts)| facts);
                let of = |get: fn(&Facts) -> Option<Timestamp>| {
                    get(&ghost.here).is_some() || session.as_ref().is_some_and(|s| get(s).is_some())
                };
                let computer = matches!(
                    demand,
                    Demand::Prove {
                        computer_counts: true,
                        ..
                    }
                );
                let number = of(|facts| facts.number);
                let all = [
                    ("pop", computer),
                    ("pwd", of(|facts| facts.password)),
                    ("otp", of(|facts| facts.code)),
                    ("swk", number),
                ];
                let used = all.iter().filter(|(_, used)| *used);
                let mut amr: Vec<String> = used.map(|(value, _)| (*value).to_owned()).collect();
                let several = amr.len() > 1;
                amr.extend(several.then(|| "mfa".to_owned()));
                let acr = match number && several {
                    true => ACR_NUMBER_MATCH,
                    false => ACR_SINGLE_FACTOR,
                };
                (amr, acr)
            }
        };
        let mut said = achieved.amr.clone();
        said.sort();
        amr.sort();
        match said == amr && achieved.acr == acr {
            true => Ok(()),
            false => broken(Check::Methods, (&achieved.amr, &achieved.acr, amr, acr)),
        }
    }

    /// Everything the machine keeps belongs to the chosen account.
    pub fn kept(self, evidence: &Evidence) -> Result<(), Broken> {
        let owner = self.ghost.claimed.map(id);
        let here = &evidence.here;
        let own = [&here.password, &here.code, &here.number, &here.device];
        let accounts = own
            .into_iter()
            .flatten()
            .map(|Proof { account, .. }| account);
        let accounts = accounts.chain(here.upstream.iter().map(|proof| &proof.account));
        let foreign = accounts
            .into_iter()
            .any(|account| Some(account) != owner.as_ref());
        let proven = self.ghost.here != Facts::default();
        match foreign || (evidence.proven_here() && !proven) {
            true => broken(Check::Switch, evidence),
            false => Ok(()),
        }
    }
}
