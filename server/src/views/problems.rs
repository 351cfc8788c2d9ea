//! The words of every problem code: what happened, why, and what a person can do about it.
//!
//! Codes are stable; their words may improve. Each code has a page `/e/CODE`. Places such as `{app}` are filled from
//! [`Facts`]; none stands at the start of a sentence, since the general words for it are lower case.

use super::refused::Facts;
use super::words::{ENGLISH, Words, fill};

/// The words of one problem, in English.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProblemText {
    /// The code, such as `DEV-501`.
    pub code: &'static str,
    /// What happened.
    pub heading: &'static str,
    /// Why.
    pub why: &'static [&'static str],
    /// What the person can do, a step each.
    pub what_to_do: &'static [&'static str],
    /// The OAuth error the application receives when the person goes back; none when there is no safe way back.
    pub to_app: Option<&'static str>,
}

/// The words of one problem with their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// What happened.
    pub heading: String,
    /// Why.
    pub why: Vec<String>,
    /// What the person can do, a step each.
    pub what_to_do: Vec<String>,
}

impl ProblemText {
    /// Fills in what is known; the rest is said in general words.
    pub fn fill(&self, facts: &Facts) -> Filled {
        let values = values(facts, &ENGLISH);
        let each = |texts: &[&str]| texts.iter().map(|text| fill(text, &values)).collect();
        Filled {
            heading: fill(self.heading, &values),
            why: each(self.why),
            what_to_do: each(self.what_to_do),
        }
    }
}

fn values<'a>(facts: &'a Facts, words: &Words) -> [(&'static str, &'a str); 8] {
    fn or<'a>(fact: &'a Option<String>, general: &'static str) -> &'a str {
        fact.as_deref().unwrap_or(general)
    }
    let help = if facts.help.is_empty() {
        words.some_help.as_str()
    } else {
        &facts.help
    };
    [
        ("brand", &facts.brand),
        ("help", help),
        ("app", or(&facts.app, words.some_app.as_str())),
        ("time", or(&facts.time, words.some_time.as_str())),
        ("account", or(&facts.account, words.some_account.as_str())),
        (
            "organisation",
            or(&facts.organisation, words.some_organisation.as_str()),
        ),
        ("address", or(&facts.address, words.some_address.as_str())),
        ("profile", or(&facts.profile, words.some_profile.as_str())),
    ]
}

/// The words of a code of the catalogue.
pub fn find(code: &str) -> Option<&'static ProblemText> {
    CATALOGUE.iter().find(|text| text.code == code)
}

/// The words of a code; of any other, the words of a failure of the system.
pub fn problem(code: &str) -> &'static ProblemText {
    find(code).unwrap_or(&UNKNOWN)
}

/// Every code with its words, in order.
pub fn all() -> &'static [ProblemText] {
    CATALOGUE
}

static UNKNOWN: ProblemText = ProblemText {
    code: "",
    heading: "Something went wrong",
    why: &[
        "This is not your fault. The problem has been recorded with the reference on this page.",
    ],
    what_to_do: &[
        "Try again in a minute.",
        "If it happens again, contact {help} and quote the reference.",
    ],
    to_app: None,
};

const DENIED: Option<&str> = Some("access_denied");
const BUSY: Option<&str> = Some("temporarily_unavailable");

macro_rules! problems {
    ($($code:literal $heading:literal to $to_app:expr; why $why:expr; do $steps:expr;)+) => {
        static CATALOGUE: &[ProblemText] = &[$(ProblemText {
            code: $code,
            heading: $heading,
            why: &$why,
            what_to_do: &$steps,
            to_app: $to_app,
        }),+];
    };
}

problems! {
    "REQ-101" "This application is not known here" to None;
    why ["The application that sent you is not registered with {brand}, so you were not sent back to it."];
    do ["Go back and check that you opened the right address.", "Tell the application's owner the code and the reference on this page."];

    "REQ-102" "This application is not set up correctly" to None;
    why ["The application asked to send you back to an address that is not registered for it. To keep your account safe, you were not sent there."];
    do ["Tell the application's owner the code and the reference on this page."];

    "REQ-103" "This request cannot be answered" to None;
    why ["The application, or the link you followed, asked for something in a way that {brand} does not support."];
    do ["Start again from the application.", "If it happens again, tell the application's owner the code and the reference on this page."];

    "REQ-104" "This application is not set up correctly" to Some("invalid_request");
    why ["The sign-in was started without a protection (PKCE) that {brand} requires of this application."];
    do ["Tell the application's owner the code and the reference on this page."];

    "REQ-105" "This application asked for something it may not have" to Some("invalid_scope");
    why ["What {app} may ask for is set by its registration, and this request went beyond it."];
    do ["Go back and start again.", "If it happens again, tell the application's owner the code and the reference on this page."];

    "REQ-106" "This sign-in request has expired" to Some("invalid_request");
    why ["The request that the application made is too old, or has been used already."];
    do ["Go back to the application and log in again."];

    "REQ-108" "The application keeps asking you to sign in" to None;
    why ["You were sent here many times within a minute, although you are signed in. To stop the loop, you stay on this page."];
    do ["Wait a minute, then open the application again.", "Allow cookies for the application's address if your browser blocks them.", "If it happens again, tell the application's owner the code and the reference on this page."];

    "REQ-109" "You opened the wrong address" to None;
    why ["This server answers only under its own address, so that nobody can be led to a copy of it."];
    do ["Use {address}, or start from the application you want to use."];

    "SES-201" "This page has expired" to None;
    why ["The page was open for too long, was used already, or belongs to another browser or tab. Nothing was changed."];
    do ["Start again from the application you want to use."];

    "SES-202" "Cookies are blocked" to None;
    why ["Your browser did not send back the cookie that keeps this sign-in together. Without it nobody can be signed in safely."];
    do ["Allow cookies for this site, then start again.", "If you followed a saved link, start from the application instead."];

    "ACC-301" "The email or password is not right" to None;
    why ["What was entered does not fit an account here."];
    do ["Check the email or ID and try again.", "If you have forgotten the password, contact {help}."];

    "ACC-302" "This account is locked for a while" to DENIED;
    why ["There were too many wrong tries. Further tries are not accepted until {time}."];
    do ["Wait until {time}, then sign in again.", "If those tries were not yours, contact {help}."];

    "ACC-303" "This account is disabled" to DENIED;
    why ["An account is disabled when it has not been used for 90 days, or by an administrator."];
    do ["Ask {help}, or whoever invited you, to enable it again."];

    "ACC-304" "This account is closed" to DENIED;
    why ["The account has been closed and can no longer be used to sign in."];
    do ["If you still need access, ask {help} or whoever invited you for a new invitation."];

    "ACC-305" "This invitation has expired" to DENIED;
    why ["Invitations work for a limited time, and a newer invitation replaces an older one."];
    do ["Look for a newer invitation in your mail.", "Otherwise ask whoever invited you for a new one."];

    "ACC-306" "The terms of use have to be accepted first" to Some("interaction_required");
    why ["The terms or the privacy statement are new or have changed since you last accepted them."];
    do ["Sign in again, read them and accept them to continue."];

    "ACC-307" "This account is on hold" to DENIED;
    why ["A sign-in request of this account was reported as not made by its owner. Until that is cleared up, nobody can sign in with it."];
    do ["Contact {help} and quote the reference on this page."];

    "ACC-308" "You cannot use this account here" to DENIED;
    why ["It was asked for another account, or this kind of account cannot use {app}."];
    do ["Go back and sign in with another account.", "If you believe this account should work, contact {help}."];

    "AUT-401" "The verification code was not right" to DENIED;
    why ["The code does not belong to this moment and this profile. An officer has two profiles on the phone; only the one named on the page fits."];
    do ["Look for the profile {profile} in your Authenticator app, wait for the next code, and try again."];

    "AUT-402" "This verification code has been used" to DENIED;
    why ["A code works once."];
    do ["Wait for the next code, then try again."];

    "AUT-403" "The number has expired" to DENIED;
    why ["A number works for two minutes. Nothing was approved."];
    do ["Get a new number when you have your phone at hand."];

    "AUT-404" "The sign-in request was declined" to DENIED;
    why ["Somebody chose “No, it's not me” on the phone, so this sign-in was stopped."];
    do ["If you did that by mistake, sign in again.", "If you did not, contact {help}."];

    "AUT-405" "The number entered on the phone was wrong" to DENIED;
    why ["The number entered on the phone was not the one shown in this browser, so the request ended."];
    do ["Get a new number, and enter exactly that one on your phone.", "If the request on your phone was not yours, choose “No, it's not me” there."];

    "AUT-406" "Your phone could not be reached" to DENIED;
    why ["The request could not be delivered to the phone enrolled for this account."];
    do ["Check that the phone is online and open the Authenticator app; the request waits inside.", "If the phone is lost or new, contact {help}."];

    "AUT-407" "Too many requests were sent to your phone" to DENIED;
    why ["So that nobody can be worn down by requests, only a few are sent in a short time."];
    do ["Wait until {time}, then try again.", "If you did not ask for them, contact {help}."];

    "AUT-408" "No phone is enrolled for this account" to DENIED;
    why ["Signing in needs an approval on your phone, and no phone has been set up for this account."];
    do ["Open the enrolment link you were sent, on your phone.", "If you have none, or it has expired, contact {help}."];

    "AUT-409" "The passkey was not accepted" to DENIED;
    why ["The passkey does not belong to this account, or the browser stopped before it was used."];
    do ["Try again, or sign in another way."];

    "AUT-410" "Your phone's clock is off" to DENIED;
    why ["The code fits a moment in the past or the future, so the phone's clock differs too much."];
    do ["Set the phone's date and time to automatic.", "Wait for the next code, then try again."];

    "DEV-501" "This computer is not recognised" to DENIED;
    why ["Only computers that are registered may be used for {app}, and this browser has not proven that it runs on one."];
    do ["Use a government computer that is registered for you, in the browser it was registered with.", "If this is one, register it as your organisation's guide explains, then check again.", "For help with that, contact {help}."];

    "DEV-502" "Registration of this computer is not finished" to DENIED;
    why ["The computer is known, but its registration still has a step to go."];
    do ["Finish the installation on the computer, then check again.", "If it has been waiting for more than a day, contact {help}."];

    "DEV-503" "This computer did not pass its security check" to DENIED;
    why ["The computer is registered, but its last check found something that has to be put right first."];
    do ["Install the updates that are waiting, and check that protection software is running.", "Synchronise the computer with device management, then check again.", "If it still fails, contact {help}."];

    "DEV-504" "There is no recent news from this computer" to DENIED;
    why ["Registered computers report their state regularly. This one has not done so for more than 26 hours."];
    do ["Connect the computer to the internet and synchronise it with device management.", "Wait a few minutes, then check again."];

    "DEV-505" "This computer is registered to somebody else" to DENIED;
    why ["A personal computer can be used only by the person it is registered to."];
    do ["Use a computer that is registered to you.", "If this one was given to you, ask {help} to register it in your name."];

    "DEV-506" "This type of computer cannot be used here" to DENIED;
    why ["This is a computer with secured email (SE GSIB). Such computers have no access to the internet and may not be used for {app}."];
    do ["Use a non-SE GSIB computer: there you approve with a number on your phone.", "Or use a GMD: there you enter a verification code and then approve with a number.", "If this is not an SE GSIB, contact {help}."];

    "DEV-507" "This computer's certificate has expired" to DENIED;
    why ["The certificate that proves the computer is past its date."];
    do ["Synchronise the computer with device management to renew it, then check again.", "If that does not help, contact {help}."];

    "DEV-508" "This computer's operating system is too old" to DENIED;
    why ["The version of its operating system no longer receives security updates."];
    do ["Update the operating system, then check again.", "Until then, use another registered computer."];

    "DEV-509" "This computer has been blocked" to DENIED;
    why ["Your organisation's security team has blocked this computer."];
    do ["Use another registered computer.", "Contact {help} and quote the reference on this page."];

    "POL-601" "You have not been given access to this application" to DENIED;
    why ["You are signed in as {account}, but {app} is open only to people who have been assigned to it."];
    do ["Ask the application's owner for access.", "If you have several accounts, sign in with another one."];

    "POL-602" "You cannot sign in from this network" to DENIED;
    why ["The network you are using may not be used for {app}."];
    do ["Connect to your organisation's network, then try again."];

    "POL-603" "This application is turned off" to DENIED;
    why ["The owner or the operator has turned {app} off, so nobody can sign in to it at the moment."];
    do ["Ask the application's owner when it will be available again."];

    "POL-604" "A stronger sign-in is needed" to DENIED;
    why ["What was shown so far is not enough for {app}, and nothing more can be asked for this account on this computer."];
    do ["Sign in from a registered computer, with your phone at hand.", "If no phone is enrolled for you, contact {help}."];

    "RAT-701" "Too many tries" to BUSY;
    why ["There were too many tries in a short time. The next is possible at {time}."];
    do ["Wait until {time}, then try again."];

    "RAT-702" "Too many people are signing in at the moment" to BUSY;
    why ["{brand} has more to do at this moment than it can. This is not your fault, and nothing was changed."];
    do ["Try again in a few seconds.", "If it happens again, contact {help} and quote the reference."];

    "SYS-801" "Signing in at {organisation} did not work" to BUSY;
    why ["The sign-in of your organisation did not answer, or its answer could not be accepted. This is not your fault."];
    do ["Start again in a minute.", "If it happens again, contact {help} and quote the reference."];

    "SYS-802" "Your computer could not be checked" to BUSY;
    why ["The check of your computer did not work. This is not your fault, and says nothing about the computer."];
    do ["Check again in a minute.", "If it happens again, contact {help} and quote the reference."];

    "SYS-803" "Signing in does not work at the moment" to BUSY;
    why ["The database of {brand} does not answer. This is not your fault, and nothing was changed."];
    do ["Try again in a minute.", "If it happens again, contact {help} and quote the reference."];

    "SYS-804" "Signing in is not available at the moment" to Some("server_error");
    why ["Something in {brand} went wrong, or it is being maintained. This is not your fault."];
    do ["Try again in a few minutes.", "If it happens again, contact {help} and quote the reference."];
}
