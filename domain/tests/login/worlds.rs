//! The small worlds: what was asked, who is signed in, on which computer, under which policy.

use crate::login::cast::{
    Computer, Owner, Person, Record, Role, Standing, T0, WELL, chosen, evidence, id, who,
};
use crate::login::particular::particular;
use techpass_domain::access::{DeviceMatch, Factor, Policy, Rule, Verdict};
use techpass_domain::account::{Home, Kind};
use techpass_domain::device::DeviceClass::{Gmd, NonSeGsib, SeGsib};
use techpass_domain::id::Sid;
use techpass_domain::login::requirement::ACR_NUMBER_MATCH;
use techpass_domain::login::{Arrival, Asked, Proof, Proofs, SignedIn, UpstreamProof};
use techpass_domain::problem::Problem;
use techpass_domain::time::{Seconds, Timestamp};

/// A set of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Book {
    /// What the journeys say, and what a careful operator would add.
    Usual,
    /// What an operator might write by mistake.
    Careless,
}

/// What may happen in a world beyond answering the page, so that no world grows too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Theme {
    /// Time passes.
    Time,
    /// People change their mind about who they are.
    Switch,
    /// The record and the computer change.
    Change,
    /// All of it.
    Everything,
}

/// How much of what is needed the hero's session has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Depth {
    Full,
    Part,
    /// What was proven when the account's home was elsewhere.
    Moved,
}

/// Who is signed in when the login begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Session {
    /// The hero: how much was proven, and how long ago.
    pub hero: Option<(Depth, Seconds)>,
    /// The other one, fully, half a minute ago.
    pub other: bool,
    /// Accounts known in this browser.
    pub known: usize,
}

/// Moments of proofs, by factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Facts {
    pub password: Option<Timestamp>,
    pub code: Option<Timestamp>,
    pub number: Option<Timestamp>,
    /// The home organisation's word, and whether it spoke of two factors.
    pub word: Option<(Timestamp, bool)>,
}

#[derive(Clone, Debug)]
pub struct World {
    pub role: Role,
    pub record: Record,
    pub asked: Asked,
    pub session: Session,
    pub hint: Option<Person>,
    pub computer: Computer,
    pub book: Book,
    pub theme: Theme,
}

/// What a sign-in takes, by a table that knows nothing of rules and how they are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    Prove {
        factors: &'static [Factor],
        computer_counts: bool,
    },
    Refuse(Problem),
}

const FRESH_S: Seconds = 30;
const STALE_S: Seconds = 3_600;

impl World {
    pub fn home(&self, person: Person) -> Home {
        match person {
            Person::Hero | Person::Nobody => self.role.home(),
            Person::Other => Home::Local,
            Person::Stranger => Role::Abroad.home(),
        }
    }

    /// What this sign-in takes. An independent table.
    pub fn demand(&self, person: Person, computer: Computer) -> Demand {
        use Factor::{Code, Number, Password};
        let prove = |factors, computer_counts| Demand::Prove {
            factors,
            computer_counts,
        };
        let kind = match person {
            Person::Hero | Person::Nobody => self.role.kind(),
            Person::Other | Person::Stranger => Kind::Vendor,
        };
        let foreign = match computer {
            Computer::Proven(_, Owner::Hero) => person != Person::Hero,
            Computer::Proven(_, Owner::Other) => person != Person::Other,
            _ => false,
        };
        let class = match computer {
            Computer::Proven(class, _) => Some(class),
            Computer::Unproven => None,
        };
        match (self.book, kind, class) {
            (_, Kind::Officer, _) if foreign => Demand::Refuse(Problem::DeviceForeign),
            (Book::Usual, Kind::Officer, Some(NonSeGsib)) => prove(&[Number], true),
            (Book::Usual, Kind::Officer, Some(Gmd)) => prove(&[Code, Number], true),
            (Book::Usual, Kind::Officer, Some(SeGsib)) => Demand::Refuse(Problem::DeviceSe),
            (Book::Usual, Kind::Officer, None) => Demand::Refuse(Problem::DeviceUnproven),
            (Book::Usual, Kind::Vendor, _) => prove(&[Password, Number], false),
            (Book::Usual, Kind::Product, _) if self.asked.test_client => prove(&[Password], false),
            (Book::Usual, Kind::Product, _) => prove(&[Password, Number], false),
            // A computer alone signs nobody in.
            (Book::Careless, Kind::Officer, Some(NonSeGsib)) => Demand::Refuse(Problem::TooWeak),
            (Book::Careless, Kind::Officer, Some(SeGsib)) => prove(&[Number], true),
            (Book::Careless, Kind::Officer, Some(Gmd)) => prove(&[Code], true),
            (Book::Careless, Kind::Officer, None) => prove(&[Code, Number], false),
            // Typing a login ID rings nobody's phone, and a rule that asks for nothing lets nobody in.
            (Book::Careless, Kind::Vendor | Kind::Product, _) => Demand::Refuse(Problem::TooWeak),
            _ => Demand::Refuse(Problem::NotAssigned),
        }
    }

    /// What a signed-in person proved, and when.
    pub fn session_of(&self, person: Person) -> Option<(Timestamp, Facts)> {
        let (depth, age_s) = match person {
            Person::Hero => self.session.hero?,
            Person::Other if self.session.other => (Depth::Full, FRESH_S),
            _ => return None,
        };
        let at = T0.plus(-age_s);
        let role = match person {
            Person::Hero => self.role,
            _ => Role::Vendor,
        };
        let mut facts = Facts::default();
        match (role, depth) {
            (Role::Officer, Depth::Moved) | (Role::Abroad, Depth::Full) => {
                facts.word = Some((at, true));
            }
            (Role::Officer, Depth::Part) => facts.code = Some(at),
            (Role::Officer, Depth::Full) => {
                facts.code = Some(at);
                facts.number = Some(at);
            }
            (Role::Abroad, Depth::Part) => {}
            (_, Depth::Part) => facts.password = Some(at),
            (_, Depth::Full | Depth::Moved) => {
                facts.password = Some(at);
                facts.number = Some(at);
            }
        }
        Some((at, facts))
    }

    /// The session's entry as the shell hands it over.
    pub fn signed_in(&self, person: Person, record: Record) -> Option<SignedIn> {
        let (auth_time, facts) = self.session_of(person)?;
        let proof = |at: Option<Timestamp>| {
            at.map(|at| Proof {
                account: id(person),
                at,
            })
        };
        Some(SignedIn {
            who: who(self.role, person, record),
            sid: sid(person),
            auth_time,
            proofs: Proofs {
                password: proof(facts.password),
                code: proof(facts.code),
                number: proof(facts.number),
                upstream: facts.word.map(|(at, strong)| word(person, at, strong)),
                // What was shown of the computer then says nothing now.
                device: proof(Some(auth_time)),
            },
        })
    }

    pub fn arrival(&self) -> Arrival {
        let people = [Person::Hero, Person::Other];
        let signed_in = people
            .iter()
            .filter_map(|p| self.signed_in(*p, self.record));
        Arrival {
            signed_in: signed_in.collect(),
            known: self.session.known,
            hint: self
                .hint
                .map(|person| chosen(self.role, person, self.record)),
            stranger: false,
            device: evidence(self.computer),
        }
    }

    /// The computers that may be shown on looking again.
    pub fn computers(&self) -> &'static [Computer] {
        match self.role {
            Role::Officer => &[
                Computer::Unproven,
                Computer::Proven(NonSeGsib, Owner::Hero),
                Computer::Proven(Gmd, Owner::Shared),
                Computer::Proven(NonSeGsib, Owner::Other),
            ],
            _ => &[Computer::Proven(NonSeGsib, Owner::Other)],
        }
    }
}

/// The `sid` of a person's entry.
pub fn sid(person: Person) -> Sid {
    Sid::new(format!("sid_{}", id(person)))
}

/// What the home organisation says of a person.
pub fn word(person: Person, at: Timestamp, strong: bool) -> UpstreamProof {
    let amr = if strong {
        &["pop", "swk", "mfa"][..]
    } else {
        &["pwd"]
    };
    UpstreamProof {
        account: id(person),
        at,
        amr: amr.iter().map(|&value| value.to_owned()).collect(),
        acr: strong.then(|| ACR_NUMBER_MATCH.to_owned()),
    }
}

/// The rules of a book, as an operator writes them.
pub fn policy(book: Book) -> Policy {
    use Factor::{Code, Number, Password};
    let rule = |kind, devices: &[DeviceMatch], then| Rule {
        name: format!("{kind:?} {devices:?}"),
        kinds: vec![kind],
        devices: devices.to_vec(),
        test_clients_only: false,
        then,
    };
    let require = |factors: &[Factor]| Verdict::Require(factors.to_vec());
    let gsib = [DeviceMatch::NonSeGsib];
    let (gmd, se) = ([DeviceMatch::Gmd], [DeviceMatch::SeGsib]);
    let unproven = [DeviceMatch::Unproven];
    let rules = match book {
        Book::Usual => vec![
            rule(Kind::Officer, &gsib, require(&[Number])),
            rule(Kind::Officer, &gmd, require(&[Code, Number])),
            rule(Kind::Officer, &se, Verdict::Deny(Problem::DeviceSe)),
            rule(
                Kind::Officer,
                &unproven,
                Verdict::Deny(Problem::DeviceUnproven),
            ),
            rule(Kind::Vendor, &[], require(&[Password, Number])),
            Rule {
                test_clients_only: true,
                ..rule(Kind::Product, &[], require(&[Password]))
            },
            rule(Kind::Product, &[], require(&[Password, Number])),
        ],
        Book::Careless => vec![
            rule(Kind::Officer, &gsib, require(&[])),
            rule(Kind::Officer, &se, require(&[Number])),
            rule(Kind::Officer, &gmd, require(&[Code])),
            rule(Kind::Officer, &unproven, require(&[Code, Number])),
            rule(Kind::Vendor, &[], require(&[Number])),
            rule(Kind::Product, &[], require(&[])),
        ],
    };
    Policy { rules }
}

fn requests(test_client: bool) -> Vec<Asked> {
    let mut all = Vec::new();
    let prompts = [
        (false, false, false),
        (true, false, false),
        (false, true, false),
        (false, false, true),
        (false, true, true),
    ];
    for (none, force_login, select_account) in prompts {
        for consent in [false, true] {
            for max_age in [None, Some(60)] {
                all.push(Asked {
                    none,
                    force_login,
                    select_account,
                    consent,
                    max_age,
                    test_client,
                    ..Asked::default()
                });
            }
        }
    }
    all
}

/// Sessions, with the hints worth trying beside each.
fn sessions(role: Role) -> Vec<(Session, Option<Person>)> {
    let of = |hero, other, known| Session { hero, other, known };
    let nobody = of(None, false, 0);
    let fresh = Some((Depth::Full, FRESH_S));
    let both = of(fresh, true, 2);
    let mut all = vec![
        (nobody, None),
        (nobody, Some(Person::Hero)),
        (nobody, Some(Person::Nobody)),
        (of(None, false, 1), None),
        (of(fresh, false, 1), None),
        (of(fresh, false, 1), Some(Person::Hero)),
        (of(fresh, false, 1), Some(Person::Other)),
        (of(fresh, false, 2), None),
        (of(Some((Depth::Part, FRESH_S)), false, 1), None),
        (of(Some((Depth::Full, STALE_S)), false, 1), None),
        (both, None),
        (both, Some(Person::Hero)),
    ];
    if matches!(role, Role::Officer | Role::Abroad) {
        all.push((of(Some((Depth::Moved, FRESH_S)), false, 1), None));
    }
    all
}

fn computers(role: Role) -> Vec<Computer> {
    let mut all = vec![
        Computer::Unproven,
        Computer::Proven(NonSeGsib, Owner::Other),
    ];
    if role == Role::Officer {
        all.extend([
            Computer::Proven(NonSeGsib, Owner::Hero),
            Computer::Proven(NonSeGsib, Owner::Shared),
            Computer::Proven(Gmd, Owner::Hero),
            Computer::Proven(Gmd, Owner::Other),
            Computer::Proven(SeGsib, Owner::Hero),
        ]);
    }
    all
}

/// Every world, in an order that mixes them well. Records other than a good one are tried with fewer requests, since
/// what they change does not depend on the rest of the request.
pub fn worlds() -> Vec<World> {
    let mut all = Vec::new();
    let roles = [
        Role::Officer,
        Role::Vendor,
        Role::Product,
        Role::Guest,
        Role::Abroad,
    ];
    for role in roles {
        for (book, record) in books_and_records(role) {
            for asked in requests(false).into_iter().chain(requests(true)) {
                for (session, hint) in sessions(role) {
                    all.extend(computers(role).into_iter().map(|computer| World {
                        role,
                        record,
                        asked: asked.clone(),
                        session,
                        hint,
                        computer,
                        book,
                        theme: Theme::Time,
                    }));
                }
            }
        }
    }
    all.retain(|world| {
        let asked = &world.asked;
        let odd = asked.consent || asked.max_age.is_some() || asked.force_login;
        // A product at another client than a test client does as a vendor does; what it has of a test client counts.
        let part = matches!(world.session.hero, Some((Depth::Part, _)));
        (match world.role {
            Role::Product => asked.test_client || part || world.book == Book::Careless,
            _ => !asked.test_client,
        }) && (world.is_plain() || !(odd || asked.select_account))
    });
    all.extend(particular(&all));
    let themed = all.iter().flat_map(|world| {
        let themes = world.themes().into_iter();
        themes.map(|theme| World {
            theme,
            ..world.clone()
        })
    });
    mixed(themed.collect())
}

fn books_and_records(role: Role) -> Vec<(Book, Record)> {
    let mut all = vec![(Book::Usual, WELL), (Book::Careless, WELL)];
    if role != Role::Guest {
        for standing in [Standing::OnHold, Standing::Disabled, Standing::Closed] {
            all.push((Book::Usual, Record { standing, ..WELL }));
        }
        let phone = false;
        all.push((Book::Usual, Record { phone, ..WELL }));
        all.push((Book::Careless, Record { phone, ..WELL }));
    }
    all
}

impl World {
    /// What happens in it. Where two things have nothing to do with each other (consent and the clock, say), they are not
    /// tried in every combination; and where something changes on the way, it need not begin in every way.
    fn themes(&self) -> Vec<Theme> {
        let Asked {
            none,
            force_login: login,
            select_account: select,
            consent,
            ..
        } = self.asked;
        if none {
            return vec![Theme::Time];
        }
        let plain = self.is_plain();
        let aged = self.asked.max_age.is_some();
        let simple = !login && !select && !consent && !aged;
        let usual_computer = match self.role {
            Role::Officer => self.computer == Computer::Proven(NonSeGsib, Owner::Shared),
            _ => self.computer == Computer::Unproven,
        };
        let hinted = self.hint.is_some();
        let stranger = self.session.hero.is_none() && self.session.known > 0;
        let timed = plain && !hinted && !select && (!consent || (aged && !login));
        let one = !(login && select || aged);
        let switched = one || !(login || select || consent);
        let everything = self.session.other && !hinted && aged && consent && !select && !login;
        let all = [
            (timed, Theme::Time),
            (switched && (simple || !stranger), Theme::Switch),
            (
                simple && !hinted && self.record == WELL && usual_computer,
                Theme::Change,
            ),
            (
                plain && everything && usual_computer && !self.asked.test_client,
                Theme::Everything,
            ),
        ];
        let wanted = all.into_iter().filter(|(wanted, _)| *wanted);
        wanted.map(|(_, theme)| theme).collect()
    }

    pub fn is_plain(&self) -> bool {
        self.record
            == Record {
                allowed: self.record.allowed,
                ..WELL
            }
            && self.book == Book::Usual
            && self.role != Role::Guest
    }
}

/// The same worlds in strides, so that the first few hundred already hold something of everything.
fn mixed(all: Vec<World>) -> Vec<World> {
    let stride = 7_919; // a prime that divides no list of worlds
    assert!(!all.len().is_multiple_of(stride));
    (0..all.len())
        .map(|n| all[n * stride % all.len()].clone())
        .collect()
}
