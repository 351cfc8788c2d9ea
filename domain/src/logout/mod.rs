//! Log-out: what a request may do without asking, what ends, and who must be told.

use crate::client::{Client, LogoutStyle};
use crate::id::{ClientId, Sid};
use crate::oidc::params::with_query;

/// What the person may choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// One account.
    One(Sid),
    /// Every account of this browser.
    All,
}

/// What the end-session endpoint does with a request (RP-Initiated Logout §2, §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nobody is signed in: say so, ask nothing.
    NothingToEnd,
    /// Ask which account; this one is preselected.
    Ask {
        /// The entry that the application used, or the only one.
        preselected: Option<Sid>,
    },
    /// End this one at once: a valid hint names it, it is the only one, and the client is registered for that.
    End(Sid),
}

/// Decides what to do. `hinted` is the session entry that a *valid* `id_token_hint` names and that is signed in in this
/// very browser; an invalid hint is no hint.
pub fn plan(signed_in: &[Sid], hinted: Option<&Sid>, style: LogoutStyle) -> Plan {
    let hinted = hinted.filter(|sid| signed_in.contains(sid));
    match (signed_in, hinted) {
        ([], _) => Plan::NothingToEnd,
        ([only], Some(sid)) if only == sid && style == LogoutStyle::Direct => {
            Plan::End(sid.clone())
        }
        (_, Some(sid)) => Plan::Ask {
            preselected: Some(sid.clone()),
        },
        ([only], None) => Plan::Ask {
            preselected: Some(only.clone()),
        },
        _ => Plan::Ask { preselected: None },
    }
}

/// The entries that end: what was chosen, and with the last one that is signed in everything that is `over` by its time as
/// well. Whoever is told that nobody is signed in here stays logged out, also when a clock that was ahead is set right. A
/// choice that is not of this browser ends nothing of it.
pub fn ends(signed_in: &[Sid], over: &[Sid], choice: &Choice) -> Vec<Sid> {
    let chosen = |sid: &&Sid| match choice {
        Choice::All => true,
        Choice::One(one) => one == *sid,
    };
    let nobody_left = signed_in.iter().all(|sid| chosen(&sid));
    let also = over.iter().filter(|sid| nobody_left || chosen(sid));
    let ended = signed_in.iter().filter(chosen).chain(also);
    ended.cloned().collect()
}

/// A client that used a session entry, and how it wants to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// Which client.
    pub client: ClientId,
    /// In which entry.
    pub sid: Sid,
    /// Its `backchannel_logout_uri`, if it has one.
    pub backchannel_logout_uri: Option<String>,
}

/// One logout token to deliver (Back-Channel Logout §2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// To whom.
    pub client: ClientId,
    /// About which entry.
    pub sid: Sid,
    /// Where.
    pub uri: String,
}

/// Who must be told that these entries ended: every client that used one of them and can be told, once each.
pub fn notices(ended: &[Sid], used: &[Used]) -> Vec<Notice> {
    let mut notices: Vec<Notice> = Vec::new();
    for one in used.iter().filter(|one| ended.contains(&one.sid)) {
        let Some(uri) = &one.backchannel_logout_uri else {
            continue;
        };
        let notice = Notice {
            client: one.client.clone(),
            sid: one.sid.clone(),
            uri: uri.clone(),
        };
        if !notices.contains(&notice) {
            notices.push(notice);
        }
    }
    notices
}

/// The page of a client's that ends its session when a browser loads it, for one ended entry (Front-Channel Logout §2, §3):
/// its own query stays, and `iss` and `sid` join it where the client needs them.
pub fn frame(client: &Client, issuer: &str, sid: &Sid) -> Option<String> {
    let uri = client.frontchannel_logout_uri.as_ref()?;
    if !client.frontchannel_logout_session_required {
        return Some(uri.clone());
    }
    Some(with_query(uri, &[("iss", issuer), ("sid", sid.as_str())]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::cloned_ref_to_slice_refs)] // A table reads better in one form.
    use super::*;

    fn sid(name: &str) -> Sid {
        Sid::new(name)
    }

    #[test]
    fn what_a_request_does() {
        let (a, b, foreign) = (sid("a"), sid("b"), sid("x"));
        let ask = |s: Option<&Sid>| Plan::Ask {
            preselected: s.cloned(),
        };
        let table: &[(&[Sid], Option<&Sid>, LogoutStyle, Plan)] = &[
            (&[], None, LogoutStyle::Ask, Plan::NothingToEnd),
            (&[], Some(&a), LogoutStyle::Direct, Plan::NothingToEnd),
            (&[a.clone()], None, LogoutStyle::Ask, ask(Some(&a))),
            (&[a.clone()], None, LogoutStyle::Direct, ask(Some(&a))),
            (&[a.clone()], Some(&a), LogoutStyle::Ask, ask(Some(&a))),
            (
                &[a.clone()],
                Some(&a),
                LogoutStyle::Direct,
                Plan::End(a.clone()),
            ),
            (
                &[a.clone()],
                Some(&foreign),
                LogoutStyle::Direct,
                ask(Some(&a)),
            ),
            (
                &[a.clone(), b.clone()],
                Some(&b),
                LogoutStyle::Direct,
                ask(Some(&b)),
            ),
            (&[a.clone(), b.clone()], None, LogoutStyle::Ask, ask(None)),
        ];
        for (signed_in, hinted, style, expected) in table {
            assert_eq!(
                plan(signed_in, *hinted, *style),
                *expected,
                "{signed_in:?} {hinted:?}"
            );
        }
    }

    #[test]
    fn a_frame_names_the_session_where_the_client_needs_that() {
        let client = |uri: Option<&str>, required| Client {
            frontchannel_logout_uri: uri.map(str::to_owned),
            frontchannel_logout_session_required: required,
            ..Client::new(ClientId::new("docs"), "Docs".into(), Default::default())
        };
        let plain = Some("https://docs.example/out?a=1");
        for (client, expected) in [
            (client(None, true), None),
            (client(plain, false), plain),
            (
                client(plain, true),
                Some("https://docs.example/out?a=1&iss=https%3A%2F%2Ftechpass.example&sid=s1"),
            ),
        ] {
            let frame = frame(&client, "https://techpass.example", &sid("s1"));
            assert_eq!(frame.as_deref(), expected);
        }
    }

    #[test]
    fn exactly_the_chosen_account_ends() {
        let here = [sid("a"), sid("b")];
        assert_eq!(ends(&here, &[], &Choice::One(sid("b"))), [sid("b")]);
        assert_eq!(ends(&here, &[], &Choice::One(sid("x"))), []);
        assert_eq!(ends(&here, &[], &Choice::All), here);
    }

    #[test]
    fn what_is_over_ends_when_it_is_chosen_and_with_the_last() {
        let (here, over) = ([sid("a"), sid("b")], [sid("o"), sid("p")]);
        let one = |name: &str| Choice::One(sid(name));
        assert_eq!(ends(&here, &over, &one("a")), [sid("a")]);
        assert_eq!(ends(&here, &over, &one("o")), [sid("o")]);
        assert_eq!(
            ends(&here, &over, &Choice::All),
            [sid("a"), sid("b"), sid("o"), sid("p")]
        );
        assert_eq!(
            ends(&here[..1], &over, &one("a")),
            [sid("a"), sid("o"), sid("p")]
        );
        // The form is older than the clock's step.
        assert_eq!(ends(&[], &over, &one("o")), over);
        assert_eq!(ends(&[], &over, &Choice::All), over);
    }

    #[test]
    fn every_client_of_the_ended_account_is_told_once_and_no_other() {
        let used = |client: &str, s: &str, uri: Option<&str>| Used {
            client: ClientId::new(client),
            sid: sid(s),
            backchannel_logout_uri: uri.map(str::to_owned),
        };
        let all = [
            used("docs", "a", Some("https://docs.example/bc")),
            used("docs", "a", Some("https://docs.example/bc")),
            used("docs", "b", Some("https://docs.example/bc")),
            used("silent", "a", None),
        ];
        let told = notices(&[sid("a")], &all);
        assert_eq!(
            told,
            [Notice {
                client: ClientId::new("docs"),
                sid: sid("a"),
                uri: "https://docs.example/bc".into(),
            }]
        );
    }
}
