//! Every sentence of the sign-in pages, by key: the one English catalogue.
//!
//! A further language is one more value of [`Words`]; a sentence that it lacks does not compile. The words of problems
//! are in [`super::problems`]. Values to fill in stand in braces, such as `{app}`.

use std::fmt;

/// A sentence, or a pattern with values to fill in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text(&'static str);

impl Text {
    /// The pattern as it stands in the catalogue.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The sentence with its values. Each place is filled once: braces inside a value stay as they are, and so does a
    /// place without a value.
    pub fn fill<const N: usize>(self, values: [(&str, &str); N]) -> String {
        fill(self.0, &values)
    }

    /// The sentence with its only value.
    pub fn with(self, name: &str, value: impl fmt::Display) -> String {
        fill(self.0, &[(name, &value.to_string())])
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Fills the places of a pattern in one pass.
pub(super) fn fill(pattern: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let found = after.split_once('}').and_then(|(name, tail)| {
            let value = values.iter().find(|(key, _)| *key == name);
            value.map(|(_, value)| (*value, tail))
        });
        match found {
            Some((value, tail)) => {
                out.push_str(value);
                rest = tail;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

macro_rules! catalogue {
    ($($key:ident = $english:literal),+ $(,)?) => {
        /// The sentences of one language.
        #[derive(Clone, Debug)]
        pub struct Words {
            /// The language, as in the `lang` attribute.
            pub lang: &'static str,
            $(#[doc = $english] pub $key: Text,)+
        }

        /// English.
        pub static ENGLISH: Words = Words { lang: "en", $($key: Text($english),)+ };

        impl Words {
            /// Every key with its sentence.
            pub fn all(&self) -> Vec<(&'static str, Text)> {
                vec![$((stringify!($key), self.$key)),+]
            }
        }
    };
}

catalogue! {
    // The frame.
    title = "{heading} – {brand}",
    error_title = "Error: {title}",
    skip = "Skip to the content",
    ribbon = "Demonstration service – not a government website",
    help = "Help",
    privacy = "Privacy",
    terms = "Terms",
    reference = "Ref",
    problem_heading = "There is a problem",
    continue_to = "to continue to {app}",
    account = "Account",
    another_account = "Use another account",
    cancel = "Cancel",
    cancel_to = "Cancel and go back to {app}",
    back_to = "Back to {app}",
    minutes_seconds = "{minutes} min {seconds} s",
    seconds = "{seconds} s",

    // Sign in.
    sign_in_heading = "Sign in",
    login_id_label = "Email or {id} ID",
    login_id_hint = "Public officers use their work email, such as name@agency.example.",
    login_id_empty = "Enter your email or {id} ID",
    login_id_incomplete = "Enter the whole address, like name@agency.example",
    next = "Next",
    pick_link = "Pick an account used in this browser",
    trouble = "Trouble signing in?",
    trouble_which = "Not sure what to enter: public officers use their work email. Vendors use the {id} ID from their invitation, not their contact email.",
    trouble_password = "Forgotten your password: ask your administrator to reset it.",
    trouble_phone = "New or lost phone: ask your administrator to enrol you again.",
    trouble_disabled = "Account disabled: whoever invited you, or your administrator, can open it again.",

    // Pick an account.
    pick_heading = "Pick an account",
    pick_list = "Accounts used in this browser",
    signed_in = "Signed in",
    signed_out = "Signed out",
    remove_accounts = "Remove an account from this list",
    remove_hint = "This forgets the account in this browser and logs it out here. The account itself stays.",
    remove_account = "Remove {name} from this list",

    // Password.
    password_heading = "Enter your password",
    password_label = "Password",
    password_empty = "Enter your password",
    password_wrong = "The email or password is not right.",
    password_forgotten = "Forgotten your password?",
    password_forgotten_how = "Ask your administrator to reset it. A reset also unlocks an account that is locked after wrong passwords.",
    tries_left = "{tries} more tries before this is locked for {minutes} minutes.",
    one_try_left = "1 more try before this is locked for {minutes} minutes.",
    locked_until = "Too many wrong tries. You can try again at {time}.",
    show = "Show",
    show_password = "password",
    caps_lock = "Caps Lock is on.",
    sign_in_button = "Sign in",

    // Verification code.
    code_heading = "Enter your verification code",
    code_profile = "Open your Authenticator app and find the profile {profile}.",
    code_label = "Verification code",
    code_hint = "6 digits. It changes every 30 seconds.",
    code_empty = "Enter the 6 digits shown under {profile} in your Authenticator app",
    code_wrong = "That code is not right. Look for the profile {profile} on your phone, wait for the next code and try again.",
    code_used = "That code has already been used. Wait for the next one.",
    code_clock = "Your phone's clock looks {difference}. Set it to automatic time, then try again.",
    code_trouble = "I can't get a code",
    code_trouble_profile = "Your phone may hold several profiles. Only the code of {profile} works here.",
    code_trouble_clock = "If a code is not accepted, set the phone's date and time to automatic and wait for the next code.",
    code_trouble_phone = "New or lost phone, or no app yet: ask your administrator to enrol you again.",

    // Number match.
    number_heading = "Approve sign in request",
    number_open_app = "Open your Authenticator app, and enter the number shown to sign in.",
    number_waiting = "Waiting for you to approve on your phone.",
    number_warning = "30 seconds left. You can get a new number.",
    number_warning_no_renew = "30 seconds left.",
    number_approved = "Approved. Taking you to {app}…",
    number_approved_no_app = "Approved. Taking you on…",
    number_lifetime = "This number works for {time}.",
    number_several = "Several requests are waiting on your phone. Check there that you answer the one with this page's application and time.",
    number_not_approved = "Not approved yet. Enter the number on your phone first, then continue.",
    number_continue = "I have approved it – continue",
    number_new = "Get a new number",
    number_trouble = "I can't use my Authenticator app right now",
    number_trouble_open = "Nothing on your phone? Open the Authenticator app yourself; the request waits inside.",
    number_trouble_online = "Check that the phone is online, and that it is the phone you enrolled.",
    number_trouble_phone = "New or lost phone: ask your administrator to enrol you again.",
    digit_0 = "zero",
    digit_1 = "one",
    digit_2 = "two",
    digit_3 = "three",
    digit_4 = "four",
    digit_5 = "five",
    digit_6 = "six",
    digit_7 = "seven",
    digit_8 = "eight",
    digit_9 = "nine",

    // A number that is over.
    ended_expired_heading = "The number has expired",
    ended_expired = "Nothing was approved. Get a new number when you have your phone at hand.",
    ended_wrong_heading = "That was not the number",
    ended_wrong = "The number entered on the phone was not the one shown here, so the request has ended. Get a new number and try again.",
    ended_superseded_heading = "This number is no longer used",
    ended_superseded = "You asked for a new number in another tab. Use that tab, or continue here.",
    ended_limit_over = "The request was replaced or taken back. Get a new number to continue here.",
    ended_limited_heading = "Too many requests",
    ended_limited = "Several requests were sent to your phone in a short time.",
    limited_until = "You can get a new number at {time}.",

    // Refusals and failures.
    why = "Why",
    what_to_do = "What you can do",
    check_again = "Check again",
    start_again = "Start again",
    go_there = "Go to the right address",
    quote_this = "If you ask for help, quote this",
    problem_code = "Code",
    details = "Details for support",
    copy_details = "Copy details",
    details_copied = "Details copied",
    about_code = "What {code} means",
    developer_heading = "For the application's developers",
    developer_hint = "Shown because this application is marked for tests.",

    // Log out.
    log_out_heading = "Log out",
    log_out_legend = "Which account do you want to log out?",
    log_out_used_by = "Used by {apps}",
    log_out_not_used = "Not used by an application at the moment",
    log_out_all = "All accounts",
    log_out_told = "Logging out ends the account's session here and tells the applications listed with it.",
    log_out_app_done = "{app} has already ended its own session, so it is safe to close this page.",
    log_out_open = "What stays open",
    log_out_open_device = "You stay signed in to the computer itself and to your organisation.",
    log_out_open_other = "Accounts you do not choose stay signed in in this browser.",
    log_out_button = "Log out",
    stay_button = "Stay logged in",
    logged_out_heading = "You are logged out",
    logged_out_nobody = "Nobody is signed in in this browser.",
    logged_out_of = "Logged out in this browser:",
    logged_out_apps = "Applications that were told",
    outcome_done = "done",
    outcome_pending = "being told now",
    outcome_no_answer = "no answer; its session ends by itself later",
    still_signed_in = "Still signed in in this browser:",
    log_out_others = "Log out of these too",
    log_in_again = "Log in again",
    shared_computer = "On a shared computer, close the browser as well.",

    logged_out_onward = "Go on",
    logged_out_frames = "Applications are being told in this page.",

    // A device without a browser.
    device_code_heading = "Let a device in",
    device_code_about = "Type the code that the device shows.",
    device_code_label = "Code on the device",
    device_code_hint = "Eight letters, such as WDJB-MJHT.",
    device_code_wrong = "No device is waiting with this code. Look at the device; codes are good for ten minutes.",
    device_code_warning = "Only go on if you started this yourself, on a device that is in front of you. If somebody sent \
        you the code or this address, close this page.",
    device_ask_heading = "Let {app} in on another device?",
    device_ask_warning = "Whoever holds that device will act as you. Allow it only if it is yours, in front of you, and \
        shows the code {code} now. If somebody sent you a code or a link, press Deny.",
    device_ask_app = "Application",
    device_ask_account = "Your account",
    device_ask_from = "Asked from",
    device_ask_when = "Asked at",
    device_ask_gets = "It would get:",
    device_ask_allow = "Allow",
    device_ask_deny = "Deny",
    device_done_heading = "The device is let in",
    device_done_allowed = "{app} goes on by itself in a moment. You can close this page.",
    device_denied_heading = "The device is not let in",
    device_done_denied = "{app} gets nothing. If you did not start this, tell your help desk.",

    // Consent.
    consent_heading = "Allow {app} to use your account?",
    consent_host = "{app} is at {host}.",
    consent_scopes = "What it asks for",
    consent_later = "You can refuse; {app} is then told that you did not allow it.",
    consent_policy = "How {app} uses what it learns",
    consent_terms = "The terms of {app}",
    consent_withdraw = "What you allow is kept until you remove it, under “Applications you allowed” on the front page.",
    allow = "Allow",
    deny = "Don't allow",
    scope_openid = "Know that it is you each time you sign in",
    scope_profile = "See your name and organisation",
    scope_email = "See your email address",
    scope_address = "See your postal address",
    scope_phone = "See your phone number",
    scope_offline_access = "Stay connected while you are away, until you log out or withdraw this",
    scope_other = "Use “{scope}”",
    claim_name = "See your name",
    claim_family_name = "See your family name",
    claim_given_name = "See your given name",
    claim_middle_name = "See your middle name",
    claim_nickname = "See your nickname",
    claim_preferred_username = "See your login ID",
    claim_profile = "See the address of your profile page",
    claim_picture = "See your picture",
    claim_website = "See your website",
    claim_gender = "See your gender",
    claim_birthdate = "See your date of birth",
    claim_zoneinfo = "See your time zone",
    claim_locale = "See your language",
    claim_updated_at = "See when your record last changed",
    claim_organisation = "See your organisation",
    claim_email_verified = "See whether your email address was checked",
    claim_phone_number_verified = "See whether your phone number was checked",
    claim_other = "See your “{claim}”",

    // Back to an application by a form.
    form_post_heading = "Going back to {app}",
    form_post_about = "Press the button to go back to {app}, if this page does not go on by itself.",
    form_post_button = "Continue",

    // Applications that people allowed to use their accounts.
    applications_heading = "Applications you allowed",
    applications_about = "Applications that you allowed to use your account. Removing access also ends what they hold now; they can ask again.",
    applications_none = "No application was allowed to use this account.",
    applications_since = "Since {time}",
    applications_remove = "Remove access",

    // Computers.
    enrol_heading = "Register this computer",
    enrol_as = "This browser will be recognised as",
    enrol_owner = "For use by",
    enrol_anybody = "anybody who may use this computer",
    enrol_how = "A key made for this browser is kept here. It proves the computer at each sign-in; it does not sign anybody in by itself.",
    enrol_button = "Register this computer",
    registered_heading = "This computer is registered",
    registered_as = "This browser is now recognised as",
    registered_next = "You can close this page and sign in.",

    // Pages that only say something.
    home_heading = "{brand} sign-in service",
    home_about = "Applications send you here when you log in, and back when you are done.",
    home_signed_in = "Signed in in this browser",
    home_nobody = "Nobody is signed in in this browser. To log in, start from the application you want to use.",
    home_log_out = "Log out",
    terms_heading = "Terms of use",
    help_sign_in = "To sign in, start from the application you want to use. Enter your work email or your {brand} ID, then follow the page: depending on your computer and your account it asks for a password, a verification code, or a number to enter on your phone.",
    help_phone = "The number is shown in the browser and entered on the phone. Nobody from support ever asks you for a password, a code or a number.",
    help_report = "If your phone asks about a sign-in that you did not start, choose “No, it's not me” and report it.",
    help_contact = "For anything else, contact {help}. Quote the code and the reference shown on the page.",
    privacy_kept = "{brand} keeps your name, login ID, contact details and organisation, the computers and phones registered for you, and a record of each sign-in: when, to which application, from which kind of computer, and how it ended.",
    privacy_shared = "An application receives what it is registered for, at most: who you are, and the name, email, address or phone number that belong to the parts it asks for.",
    privacy_cookies = "The cookies of this service keep you signed in, keep a sign-in together while it runs, remember the accounts used in this browser, and prove a registered computer. There are no others, and nothing is loaded from elsewhere.",
    terms_use = "Use {brand} only with an account that was given to you, and only for the work it was given for.",
    terms_share = "Do not share passwords, verification codes or phones, and approve only sign-ins that you started yourself.",
    terms_log = "Sign-ins are recorded to protect accounts. If something looks wrong, contact {help}.",
    problem_doc_heading = "{code}: {heading}",
    problem_doc_app = "What the application receives",
    problem_doc_app_none = "Nothing. The person stays on this server's page.",
    problem_doc_reference = "Each time this happens the page shows a reference. With it the help desk finds what was decided and why.",
    some_app = "the application",
    some_time = "the time shown on the page",
    some_account = "this account",
    some_organisation = "your organisation",
    some_address = "the address your organisation gave you",
    some_profile = "of this service",
    some_help = "your help desk",
}

impl Words {
    /// The name of a digit from 0 to 9.
    pub fn digit(&self, digit: u32) -> Option<&'static str> {
        let names = [
            self.digit_0,
            self.digit_1,
            self.digit_2,
            self.digit_3,
            self.digit_4,
            self.digit_5,
            self.digit_6,
            self.digit_7,
            self.digit_8,
            self.digit_9,
        ];
        names
            .get(usize::try_from(digit).ok()?)
            .map(|text| text.as_str())
    }

    /// Seconds as a person says them, below zero as zero.
    pub fn duration(&self, seconds: i64) -> String {
        let seconds = seconds.max(0);
        let (minutes, rest) = ((seconds / 60).to_string(), (seconds % 60).to_string());
        if seconds < 60 {
            self.seconds.fill([("seconds", rest.as_str())])
        } else {
            self.minutes_seconds
                .fill([("minutes", minutes.as_str()), ("seconds", rest.as_str())])
        }
    }

    /// What a scope lets an application do.
    pub fn scope(&self, scope: &str) -> String {
        let known = match scope {
            "openid" => self.scope_openid,
            "profile" => self.scope_profile,
            "email" => self.scope_email,
            "address" => self.scope_address,
            "phone" => self.scope_phone,
            "offline_access" => self.scope_offline_access,
            other => return self.scope_other.fill([("scope", other)]),
        };
        known.to_string()
    }

    /// What a claim that is asked for by name tells an application.
    pub fn claim(&self, claim: &str) -> String {
        let known = match claim {
            "name" => self.claim_name,
            "family_name" => self.claim_family_name,
            "given_name" => self.claim_given_name,
            "middle_name" => self.claim_middle_name,
            "nickname" => self.claim_nickname,
            "preferred_username" => self.claim_preferred_username,
            "profile" => self.claim_profile,
            "picture" => self.claim_picture,
            "website" => self.claim_website,
            "gender" => self.claim_gender,
            "birthdate" => self.claim_birthdate,
            "zoneinfo" => self.claim_zoneinfo,
            "locale" => self.claim_locale,
            "updated_at" => self.claim_updated_at,
            "organisation" => self.claim_organisation,
            "email" => self.scope_email,
            "email_verified" => self.claim_email_verified,
            "address" => self.scope_address,
            "phone_number" => self.scope_phone,
            "phone_number_verified" => self.claim_phone_number_verified,
            other => return self.claim_other.fill([("claim", other)]),
        };
        known.to_string()
    }

    /// How many tries are left before a pause of `minutes`.
    pub fn tries_left(&self, tries: i64, minutes: i64) -> String {
        let (tries_text, minutes) = (tries.to_string(), minutes.to_string());
        let values = [
            ("tries", tries_text.as_str()),
            ("minutes", minutes.as_str()),
        ];
        if tries == 1 {
            self.one_try_left.fill(values)
        } else {
            self.tries_left.fill(values)
        }
    }
}
