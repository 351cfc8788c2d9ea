//! Writes every page to a folder, to look at them: `cargo run --example pages -- FOLDER`.
//!
//! The files refer to `/assets/…`, so serve the folder with the server's assets beside them, or open them through any
//! static file server whose root holds both.

use std::path::{Path, PathBuf};
use techpass_server::views::{
    AccountRow, Allowed, AllowedBy, Applications, Back, CheckAgain, Code, Consent, DeviceAsk,
    DeviceCode, DeviceDone, DeviceRegistered, EnrolDevice, Facts, FormPost, Hidden, Home, Info,
    LogOut, LogOutRow, LoggedOut, Number, NumberEnded, Outcome, Password, PickAccount, ProblemDoc,
    Refused, Shell, SignIn, Topic, ViewError,
};

type Named = (&'static str, Result<String, ViewError>);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: pages FOLDER")?;
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    let techpass = shell("TechPass");
    let wog = shell("WOG");
    write(&folder, entering(&techpass, &wog))?;
    write(&folder, numbers(&wog))?;
    write(&folder, refusals(&wog))?;
    write(&folder, leaving(&techpass))?;
    write(&folder, others(&techpass, &wog))?;
    Ok(())
}

fn write(folder: &Path, pages: Vec<Named>) -> Result<(), Box<dyn std::error::Error>> {
    for (name, page) in pages {
        std::fs::write(folder.join(format!("{name}.html")), page?)?;
    }
    Ok(())
}

fn shell(brand: &str) -> Shell {
    Shell {
        brand: brand.to_owned(),
        demo_ribbon: true,
        reference: "7K4M-2Q9X".to_owned(),
        asset_version: "1".to_owned(),
    }
}

fn hidden() -> Hidden {
    vec![("v".to_owned(), "3".to_owned())]
}

fn app() -> Option<String> {
    Some("Docs portal".to_owned())
}

fn entering(techpass: &Shell, wog: &Shell) -> Vec<Named> {
    let sign_in = SignIn {
        action: "/s/1".to_owned(),
        hidden: hidden(),
        app: app(),
        pick_url: Some("/s/1".to_owned()),
        ..SignIn::default()
    };
    let wrong = SignIn {
        login_id: "mei.tan".to_owned(),
        error: Some("Enter the whole address, like name@agency.example".to_owned()),
        ..sign_in.clone()
    };
    let accounts = [
        ("Mei Tan", "mei.tan@agency.example", Some("Agency"), true),
        ("Siti Rahim", "siti_rahim@techpass.example", None, false),
    ];
    let accounts = accounts.map(|(name, login_id, organisation, signed_in)| AccountRow {
        handle: login_id.to_owned(),
        name: name.to_owned(),
        login_id: login_id.to_owned(),
        organisation: organisation.map(str::to_owned),
        signed_in,
    });
    let pick = PickAccount {
        action: "/s/1".to_owned(),
        hidden: hidden(),
        app: app(),
        accounts: accounts.to_vec(),
    };
    let password = Password {
        action: "/s/1".to_owned(),
        hidden: hidden(),
        login_id: "siti_rahim@techpass.example".to_owned(),
        ..Password::default()
    };
    let password_wrong = Password {
        error: Some("The email or password is not right.".to_owned()),
        warning: Some("2 more tries before this is locked for 15 minutes.".to_owned()),
        ..password.clone()
    };
    let code = Code {
        action: "/s/1".to_owned(),
        hidden: hidden(),
        login_id: "arjun.nair@agency.example".to_owned(),
        profile_label: "SG Govt M365".to_owned(),
        error: None,
    };
    let code_wrong = Code {
        error: Some("That code has already been used. Wait for the next one.".to_owned()),
        ..code.clone()
    };
    vec![
        ("sign-in", sign_in.render(techpass)),
        ("sign-in-error", wrong.render(techpass)),
        ("pick-account", pick.render(techpass)),
        ("password", password.render(techpass)),
        ("password-error", password_wrong.render(techpass)),
        ("code", code.render(wog)),
        ("code-error", code_wrong.render(wog)),
    ]
}

fn numbers(wog: &Shell) -> Vec<Named> {
    let number = Number {
        action: "/s/1".to_owned(),
        hidden: hidden(),
        login_id: "mei.tan@agency.example".to_owned(),
        number: "52".to_owned(),
        status: "Waiting for you to approve on your phone.".to_owned(),
        expires_in_s: 98,
        events_url: "/s/1/events".to_owned(),
        status_url: "/s/1/status".to_owned(),
        next_url: "/s/1".to_owned(),
        renew_allowed: true,
        app: app(),
        several: false,
        error: None,
    };
    let early = Number {
        several: true,
        error: Some(
            "Not approved yet. Enter the number on your phone first, then continue.".to_owned(),
        ),
        ..number.clone()
    };
    let ended = NumberEnded {
        action: "/s/1".to_owned(),
        hidden: hidden(),
        login_id: "mei.tan@agency.example".to_owned(),
        heading: "The number has expired".to_owned(),
        sentence: "Nothing was approved. Get a new number when you have your phone at hand."
            .to_owned(),
        renew: true,
        limited_until: None,
        app: app(),
        problem_code: Some("AUT-403".to_owned()),
    };
    vec![
        ("number", number.render(wog)),
        ("number-error", early.render(wog)),
        ("number-ended", ended.render(wog)),
    ]
}

fn refusals(wog: &Shell) -> Vec<Named> {
    let facts = Facts {
        brand: "WOG".to_owned(),
        help: "the service desk at help@agency.example".to_owned(),
        app: app(),
        ..Facts::default()
    };
    let mut device = Refused::of("DEV-506", &facts);
    device.back = Some(Back {
        label: "Back to Docs portal".to_owned(),
        action: "/s/1".to_owned(),
        hidden: hidden(),
    });
    device.check_again = Some(CheckAgain {
        action: "/s/1".to_owned(),
        hidden: hidden(),
    });
    device.details = vec![
        ("Time".to_owned(), "2026-03-12 14:04:11 UTC".to_owned()),
        ("Policy".to_owned(), "Managed devices".to_owned()),
    ];
    let mut redirect = Refused::of("REQ-102", &facts);
    redirect.developer = Some(vec![
        ("Sent".to_owned(), "https://docs.example/calback".to_owned()),
        (
            "Registered".to_owned(),
            "https://docs.example/callback".to_owned(),
        ),
    ]);
    let mut failure = Refused::of("SYS-803", &facts);
    failure.start_again = Some("/".to_owned());
    vec![
        ("refused-device", device.render(wog)),
        ("refused-redirect", redirect.render(wog)),
        ("refused-failure", failure.render(wog)),
    ]
}

fn leaving(techpass: &Shell) -> Vec<Named> {
    let rows = [
        (
            "Arjun Nair",
            "arjun.nair@agency.example",
            vec!["Docs portal", "Cloud console"],
            true,
        ),
        ("Siti Rahim", "siti_rahim@techpass.example", vec![], false),
    ];
    let rows = rows.map(|(name, login_id, used_by, selected)| LogOutRow {
        sid: login_id.to_owned(),
        name: name.to_owned(),
        login_id: login_id.to_owned(),
        used_by: used_by.into_iter().map(str::to_owned).collect(),
        selected,
    });
    let ask = LogOut {
        action: "/logout/confirm".to_owned(),
        hidden: hidden(),
        app: app(),
        accounts: rows.to_vec(),
    };
    let done = LoggedOut {
        ended: vec!["Arjun Nair (arjun.nair@agency.example)".to_owned()],
        apps: vec![
            ("Docs portal".to_owned(), Outcome::Done),
            ("Cloud console".to_owned(), Outcome::Pending),
            ("Build tool".to_owned(), Outcome::NoAnswer),
        ],
        remaining: vec!["Siti Rahim (siti_rahim@techpass.example)".to_owned()],
        back: Some((
            "Back to Docs portal".to_owned(),
            "http://localhost:8080/".to_owned(),
        )),
        login_again: Some("http://localhost:8080/login".to_owned()),
        frames: Vec::new(),
        onward: None,
    };
    vec![
        ("log-out", ask.render(techpass)),
        ("logged-out", done.render(techpass)),
        ("logged-out-nobody", LoggedOut::default().render(techpass)),
    ]
}

fn others(techpass: &Shell, wog: &Shell) -> Vec<Named> {
    let words = techpass.words();
    let consent = Consent {
        action: "/s/1".to_owned(),
        hidden: hidden(),
        app: "Test suite".to_owned(),
        home_host: "https://suite.example".to_owned(),
        account: "probe@techpass.example".to_owned(),
        allows: ["openid", "profile", "email"]
            .map(|scope| words.scope(scope))
            .to_vec(),
        policy: Some("https://suite.example/policy".to_owned()),
        terms: None,
    };
    let applications = Applications {
        accounts: vec![AllowedBy {
            id: "acc_1".to_owned(),
            name: "Probe".to_owned(),
            login_id: "probe@techpass.example".to_owned(),
            allowed: vec![Allowed {
                client: "suite".to_owned(),
                app: "Test suite".to_owned(),
                since: "2026-11-24 22:05:37 UTC".to_owned(),
                allows: vec![words.scope("email")],
            }],
        }],
    };
    let form_post = FormPost {
        action: "https://suite.example/callback".to_owned(),
        hidden: hidden(),
        app: "Test suite".to_owned(),
        script: "",
    };
    let enrol = EnrolDevice {
        action: "/device/enrol".to_owned(),
        hidden: hidden(),
        class_title: "GMD".to_owned(),
        owner: Some("arjun.nair@agency.example".to_owned()),
    };
    let registered = DeviceRegistered {
        class_title: "GMD".to_owned(),
    };
    let home = Home {
        brand: "TechPass".to_owned(),
        accounts: vec![("Mei Tan".to_owned(), "mei.tan@agency.example".to_owned())],
    };
    let info = |topic| Info {
        topic,
        help: "the service desk at help@agency.example".to_owned(),
    };
    let mut pages = vec![
        ("consent", consent.render(techpass)),
        ("applications", applications.render(techpass)),
        ("form-post", form_post.render(techpass)),
        ("enrol-device", enrol.render(wog)),
        ("device-registered", registered.render(wog)),
        ("home", home.render(techpass)),
        ("help", info(Topic::Help).render(techpass)),
        ("privacy", info(Topic::Privacy).render(techpass)),
        ("terms", info(Topic::Terms).render(techpass)),
    ];
    pages.extend(device_grant(techpass));
    pages.extend(ProblemDoc::of("DEV-501").map(|page| ("problem-doc", page.render(techpass))));
    pages
}

fn device_grant(techpass: &Shell) -> Vec<Named> {
    let words = techpass.words();
    let code = DeviceCode {
        action: "/device".to_owned(),
        user_code: "WDJB-MJH".to_owned(),
        error: Some(words.device_code_wrong.to_string()),
    };
    let ask = DeviceAsk {
        action: "/device/ask".to_owned(),
        app: "Meeting room screen".to_owned(),
        account: "probe@techpass.example".to_owned(),
        user_code: "WDJB-MJHT".to_owned(),
        from: "192.0.2.7".to_owned(),
        at: "2026-11-24 22:05:37 UTC".to_owned(),
        scopes: vec![words.scope("openid"), words.scope("email")],
    };
    let done = |allowed| DeviceDone {
        app: "Meeting room screen".to_owned(),
        allowed,
    };
    vec![
        ("device-code-error", code.render(techpass)),
        ("device-ask", ask.render(techpass)),
        ("device-done", done(true).render(techpass)),
        ("device-denied", done(false).render(techpass)),
    ]
}
