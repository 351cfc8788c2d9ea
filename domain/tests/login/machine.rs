//! The login as the explorer sees it: the real one, or one that was broken on purpose.

use techpass_domain::login::{
    Achieved, Arrival, Asked, Effect, Event, Login, Next, Rules, Unexpected, Who,
};
use techpass_domain::time::Timestamp;

/// What [`Machine::step`] answers.
pub type Stepped = Result<(Login, Vec<Effect>), Unexpected>;

/// Every method does what the product does; a fault overrides what it breaks.
pub trait Machine: Sync {
    fn begin(&self, asked: Asked, arrival: Arrival, now: Timestamp) -> Login {
        Login::begin(asked, arrival, now)
    }
    fn refreshed(&self, login: Login, fresh: Who) -> Login {
        login.refreshed(fresh)
    }
    fn next(&self, login: &Login, rules: &Rules<'_>, now: Timestamp) -> Next {
        login.next(rules, now)
    }
    fn step(&self, login: Login, event: Event, rules: &Rules<'_>, now: Timestamp) -> Stepped {
        login.step(event, rules, now)
    }
    fn achieved(&self, login: &Login, rules: &Rules<'_>, now: Timestamp) -> Option<Achieved> {
        login.achieved(rules, now)
    }
}

/// The product.
pub struct Real;

impl Machine for Real {}
