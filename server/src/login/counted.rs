//! What a step of a login adds to the metrics.

use super::Bound;
use crate::app::App;
use crate::metrics::{PathLabel, SignInLabels};
use techpass_domain::account::Home;
use techpass_domain::device::{DeviceClass, DeviceEvidence};
use techpass_domain::login::{Chosen, Event, LIFETIME_S, Next, Outcome, Refusal};

/// Counts events that were taken, and the end of the login when they are one.
pub(super) fn steps(app: &App, after: &Bound, events: &[Event]) {
    for (kind, outcome) in events.iter().filter_map(challenge) {
        app.metrics.challenge(kind, outcome);
    }
    if let Next::Finish(outcome) = after.next(app) {
        ended(app, after, outcome);
    }
}

fn challenge(event: &Event) -> Option<(&'static str, &'static str)> {
    let judged = |right: &bool| if *right { "right" } else { "wrong" };
    Some(match event {
        Event::PasswordChecked { right } => ("password", judged(right)),
        Event::CodeChecked { right } => ("code", judged(right)),
        Event::NumberSent { .. } => ("number", "sent"),
        Event::NumberLimited { .. } => ("number", "limited"),
        Event::NumberAnswered { right, .. } => ("number", judged(right)),
        Event::NumberDeclined { reported: true, .. } => ("number", "reported"),
        Event::NumberDeclined { .. } => ("number", "declined"),
        Event::UpstreamReturned { .. } => ("upstream", "right"),
        Event::UpstreamRefused => ("upstream", "refused"),
        _ => return None,
    })
}

fn ended(app: &App, after: &Bound, outcome: Outcome) {
    let (result, code) = match outcome {
        Outcome::Granted => ("ok", ""),
        Outcome::Refused(refusal) => refused(refusal),
    };
    let path = path(after);
    let labels = SignInLabels { result, path, code };
    app.metrics.sign_ins.get_or_create(&labels).inc();
    if outcome == Outcome::Granted {
        let took = LIFETIME_S - after.data.login.expires_at.since(app.now());
        let took = u32::try_from(took).unwrap_or(0);
        let seconds = app
            .metrics
            .sign_in_seconds
            .get_or_create(&PathLabel { path });
        seconds.observe(f64::from(took));
    }
}

fn refused(refusal: Refusal) -> (&'static str, &'static str) {
    match refusal {
        Refusal::Expired => ("abandoned", "expired"),
        Refusal::Cancelled(None) => ("abandoned", ""),
        Refusal::Cancelled(Some(problem)) => ("abandoned", problem.code()),
        Refusal::Problem(problem) => ("denied", problem.code()),
        Refusal::Upstream => ("denied", "upstream"),
        Refusal::LoginRequired => ("denied", "login_required"),
        Refusal::InteractionRequired => ("denied", "interaction_required"),
        Refusal::AccountSelectionRequired => ("denied", "account_selection_required"),
        Refusal::ConsentRequired => ("denied", "consent_required"),
    }
}

/// Which way the person went.
fn path(after: &Bound) -> &'static str {
    let evidence = &after.data.login.evidence;
    if let Some(Home::Upstream(_)) = evidence.chosen.as_ref().map(Chosen::home) {
        return "upstream";
    }
    match &evidence.device {
        DeviceEvidence::Key { class, .. } => match class {
            DeviceClass::NonSeGsib => "gsib",
            DeviceClass::Gmd => "gmd",
            DeviceClass::SeGsib => "se-gsib",
        },
        DeviceEvidence::Unproven => "vendor",
    }
}
