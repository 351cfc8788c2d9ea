//! Each promise broken once, and the same history with the promise kept.

use super::*;

const SECOND: u64 = 1_000_000;

/// Events a tenth of a second apart, each taking a hundredth.
#[derive(Default)]
struct Story(Vec<Event>);

impl Story {
    fn at(mut self, begun_us: u64, ended_us: u64, what: What, got: Got) -> Story {
        self.0.push(Event {
            actor: 0,
            begun_us,
            ended_us,
            what,
            got,
            status: match got {
                Got::Taken => 200,
                Got::Unknown => 0,
                Got::Refused | Got::Busy => 404,
            },
            retry_after: false,
            account: "mei".to_owned(),
            subject: None,
        });
        self
    }

    fn then(self, what: What, got: Got) -> Story {
        let at = 100_000 * (self.0.len() as u64 + 1);
        self.at(at, at + 10_000, what, got)
    }

    /// Signed in, with tokens `f`/`r0`.
    fn begun() -> Story {
        let code = || "c".to_owned();
        let session = || "s".to_owned();
        Story::default()
            .then(
                What::SignIn {
                    session: session(),
                    code: code(),
                },
                Got::Taken,
            )
            .then(redeem(), Got::Taken)
    }

    fn rules(&self) -> Vec<Rule> {
        check(&self.0, 0)
            .into_iter()
            .map(|found| found.rule)
            .collect()
    }
}

fn redeem() -> What {
    What::Redeem {
        session: "s".to_owned(),
        code: "c".to_owned(),
        family: "f".to_owned(),
        refresh: "r0".to_owned(),
    }
}

fn rotate(refresh: &str, next: &str) -> What {
    What::Rotate {
        family: "f".to_owned(),
        refresh: refresh.to_owned(),
        next: next.to_owned(),
    }
}

fn silent(code: &str) -> What {
    What::Silent {
        session: "s".to_owned(),
        code: code.to_owned(),
    }
}

fn log_out() -> What {
    What::LogOut {
        session: "s".to_owned(),
    }
}

fn userinfo() -> What {
    What::UserInfo {
        family: "f".to_owned(),
    }
}

fn answer(choice: &str) -> What {
    What::Answer {
        request: "q".to_owned(),
        choice: choice.to_owned(),
    }
}

#[test]
fn an_honest_history_passes() {
    let story = Story::begun()
        .then(rotate("r0", "r1"), Got::Taken)
        .then(userinfo(), Got::Taken)
        .then(silent("c2"), Got::Taken)
        .then(answer("approve"), Got::Taken)
        .then(answer("approve"), Got::Taken)
        .then(answer("decline"), Got::Refused)
        .then(log_out(), Got::Taken)
        .then(silent("c3"), Got::Refused)
        .then(userinfo(), Got::Refused)
        .then(rotate("r1", "r2"), Got::Refused);
    assert_eq!(story.rules(), []);
}

#[test]
fn a_code_that_works_twice_is_caught() {
    let story = Story::begun().then(redeem(), Got::Taken);
    assert!(story.rules().contains(&Rule::Twice));
}

#[test]
fn a_verification_code_that_works_twice_is_caught() {
    let step = || What::Step {
        account: "mei".to_owned(),
        step: 7,
    };
    let story = Story::default()
        .then(step(), Got::Taken)
        .then(step(), Got::Refused);
    assert_eq!(story.rules(), []);
    assert_eq!(story.then(step(), Got::Taken).rules(), [Rule::Twice]);
}

#[test]
fn a_request_that_was_approved_and_declined_is_caught() {
    let story = Story::default().then(answer("approve"), Got::Taken);
    assert_eq!(
        story.then(answer("decline"), Got::Taken).rules(),
        [Rule::Twice]
    );
}

#[test]
fn two_working_successors_of_one_refresh_token_are_caught() {
    let story = Story::begun()
        .then(rotate("r0", "r1"), Got::Taken)
        // The answer seemed lost: another successor takes its place. That is right, while only one of them works.
        .then(rotate("r0", "r1b"), Got::Taken)
        .then(rotate("r1b", "r2"), Got::Taken);
    assert_eq!(story.rules(), []);
    assert_eq!(
        story.then(rotate("r1", "r2b"), Got::Taken).rules(),
        [Rule::Twice]
    );
}

#[test]
fn a_session_that_is_gone_is_caught_unless_a_log_out_may_have_come() {
    let lost = Story::begun().then(silent("c2"), Got::Refused);
    assert_eq!(lost.rules(), [Rule::Lost]);
    let unsure = Story::begun()
        .then(log_out(), Got::Unknown)
        .then(silent("c2"), Got::Refused);
    assert_eq!(unsure.rules(), []);
}

#[test]
fn a_refresh_token_that_is_gone_is_caught_unless_its_use_was_unanswered() {
    let lost = Story::begun().then(rotate("r0", "r1"), Got::Refused);
    assert_eq!(lost.rules(), [Rule::Lost]);
    let unsure = Story::begun()
        .then(rotate("r0", "r1"), Got::Unknown)
        .then(rotate("r0", "r1b"), Got::Refused);
    assert_eq!(unsure.rules(), []);
}

#[test]
fn a_code_that_is_gone_is_caught_while_it_is_young() {
    let told = || {
        Story::default().then(
            What::SignIn {
                session: "s".into(),
                code: "c".into(),
            },
            Got::Taken,
        )
    };
    assert_eq!(told().then(redeem(), Got::Refused).rules(), [Rule::Lost]);
    let old = told().at(70 * SECOND, 71 * SECOND, redeem(), Got::Refused);
    assert_eq!(old.rules(), []);
}

#[test]
fn a_token_and_a_request_that_are_gone_are_caught() {
    assert_eq!(
        Story::begun().then(userinfo(), Got::Refused).rules(),
        [Rule::Lost]
    );
    assert_eq!(
        Story::default()
            .then(answer("approve"), Got::Refused)
            .rules(),
        [Rule::Lost]
    );
}

#[test]
fn whatever_works_after_a_log_out_is_caught() {
    for what in [silent("c2"), rotate("r0", "r1"), userinfo()] {
        let story = Story::begun()
            .then(log_out(), Got::Taken)
            .then(what, Got::Taken);
        assert_eq!(story.rules(), [Rule::Alive]);
    }
    // A code of a sign-in that overlapped the log-out.
    let late = What::Redeem {
        session: "s".into(),
        code: "c2".into(),
        family: "f2".into(),
        refresh: "r9".into(),
    };
    let story = Story::begun()
        .at(SECOND, 2 * SECOND, log_out(), Got::Taken)
        .at(SECOND, 2 * SECOND, silent("c2"), Got::Taken)
        .at(3 * SECOND, 4 * SECOND, late, Got::Taken);
    assert_eq!(story.rules(), [Rule::Alive]);
}

#[test]
fn what_overlaps_a_log_out_may_have_come_before_it() {
    let story = Story::begun()
        .at(SECOND, 3 * SECOND, log_out(), Got::Taken)
        .at(2 * SECOND, 4 * SECOND, silent("c2"), Got::Taken);
    assert_eq!(story.rules(), []);
}

#[test]
fn tokens_that_outlive_a_replay_or_a_revocation_are_caught() {
    let revoke = What::Revoke {
        family: "f".to_owned(),
    };
    for end in [(redeem(), Got::Refused), (revoke, Got::Taken)] {
        let story = Story::begun().then(end.0, end.1);
        assert_eq!(story.rules(), []);
        assert_eq!(story.then(userinfo(), Got::Taken).rules(), [Rule::Alive]);
    }
}

#[test]
fn an_end_may_take_its_slack_to_be_seen() {
    let story = Story::begun()
        .then(log_out(), Got::Taken)
        .then(userinfo(), Got::Taken);
    assert_eq!(check(&story.0, SECOND), []);
    assert_eq!(check(&story.0, 0).len(), 1);
}

#[test]
fn somebody_elses_answer_is_caught() {
    let mut story = Story::begun().then(userinfo(), Got::Taken);
    if let Some(last) = story.0.last_mut() {
        last.subject = Some("arjun".to_owned());
    }
    assert_eq!(story.rules(), [Rule::Foreign]);
}

#[test]
fn five_hundred_is_caught_and_a_refusal_needs_a_time() {
    let mut story = Story::begun().then(userinfo(), Got::Busy);
    for (status, retry_after, found) in [
        (500, false, 1),
        (503, false, 1),
        (503, true, 0),
        (429, true, 0),
    ] {
        if let Some(last) = story.0.last_mut() {
            (last.status, last.retry_after) = (status, retry_after);
        }
        assert_eq!(story.rules().len(), found, "{status}");
    }
}
