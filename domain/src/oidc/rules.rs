//! The table of rules: which check applies at which endpoint, by which section of which standard, where the function is
//! and which test holds it to the specification. `docs/rules.md` is drawn from it.

/// One rule of one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, unique.
    pub id: &'static str,
    /// Where it applies.
    pub endpoint: &'static str,
    /// The standard and its section.
    pub section: &'static str,
    /// What holds, and what a violation is answered with.
    pub what: &'static str,
    /// The function that decides: a path below `domain/src/oidc`, or from the root of the repository after a `/`, and a
    /// name.
    pub by: &'static str,
    /// The test: a path below `domain/src/oidc/tests`, or from the root after a `/`, and a name.
    pub test: &'static str,
}

macro_rules! rules {
    ($($endpoint:literal { $($id:ident: $section:literal, $what:literal, $by:literal, $test:literal;)+ })+) => {
        /// Every rule, by endpoint, in the order in which they are checked.
        pub const RULES: &[Rule] = &[$($(Rule {
            id: stringify!($id),
            endpoint: $endpoint,
            section: $section,
            what: $what,
            by: $by,
            test: $test,
        },)+)+];
    };
}

rules! {
    "Every endpoint" {
        parameter_once: "RFC 6749 §3.1", "A parameter is sent at most once; one without a value counts as omitted.",
            "params.rs#add", "params.rs#a_repeated_parameter_is_named_and_has_no_value";
        parameter_encoding: "RFC 6749 App. B", "Parameters are percent-encoded UTF-8, at most 100 of at most 16 KiB each.",
            "params.rs#decode", "params.rs#the_limits_are_where_they_are_said_to_be";
        unknown_parameter: "Core §3.1.2.1", "Parameters that are not known are ignored.",
            "authorization.rs#request", "authorization.rs#stage_three_refuses_by_the_code_of_each_rule";
        error_description: "RFC 6749 §4.1.2.1", "Descriptions keep to the permitted characters.",
            "error.rs#new", "error.rs#a_description_keeps_to_the_permitted_characters";
        error_uri: "RFC 6749 §4.1.2.1", "An error about something that the person met names the page that explains it.",
            "answer.rs#answer", "authorization.rs#answers_carry_state_exactly_and_the_issuer_behind_the_query_that_was_there";
        error_codes: "RFC 6749 §4.1.2.1, §5.2; Core §3.1.2.6; RFC 6750 §3.1", "Codes are the registered words.",
            "error.rs#as_str", "error.rs#the_codes_are_the_registered_words";
        no_open_redirect: "RFC 9700 §4.11", "Nobody is sent to an address that was not registered.",
            "authorization.rs#trust", "/e2e/tests/cases/requests.rs#nothing_goes_to_an_address_that_is_not_registered";
    }
    "Authorization: request" {
        client_id: "RFC 6749 §4.1.1", "There is one `client_id`, of a registered client; otherwise a page.",
            "authorization.rs#identify", "authorization.rs#stage_one_wants_one_client_id";
        redirect_uri_required: "Core §3.1.2.1", "`redirect_uri` is required; otherwise a page.",
            "authorization.rs#trust", "authorization.rs#stage_two_trusts_only_a_registered_address_sent_once";
        redirect_uri_registered: "RFC 9700 §2.1; Core §3.1.2.1", "It is one of those registered, byte for byte; otherwise a page.",
            "redirect_uri.rs#is_registered", "redirect_uri.rs#near_misses_of_a_registered_address_are_refused";
        redirect_uri_loopback: "RFC 8252 §7.3", "Of a native client's loopback address the port may differ: of one that says so, or has no secret.",
            "redirect_uri.rs#same_loopback", "redirect_uri.rs#only_the_port_of_a_native_clients_loopback_address_may_differ";
        redirect_uri_fragment: "RFC 6749 §3.1.2", "It has no fragment.",
            "redirect_uri.rs#is_registered", "redirect_uri.rs#a_registered_fragment_is_never_used";
        state_once: "RFC 6749 §3.1", "`redirect_uri`, `state` and `response_mode` decide about the answer's way: sent twice, a page.",
            "authorization.rs#once", "authorization.rs#stage_two_trusts_only_a_registered_address_sent_once";
        repeated: "RFC 6749 §3.1", "Any other parameter sent twice is `invalid_request`.",
            "authorization.rs#nothing_repeated", "authorization.rs#stage_three_refuses_by_the_code_of_each_rule";
        registration: "Core §7.2.1", "`registration` is `registration_not_supported`.",
            "authorization.rs#nothing_unsupported", "authorization.rs#stage_three_refuses_by_the_code_of_each_rule";
        response_type: "RFC 6749 §3.1.1; RFC 9700 §2.1.2", "Required, and `code`; else `unsupported_response_type`.",
            "authorization.rs#response_type", "authorization.rs#stage_three_refuses_by_the_code_of_each_rule";
        response_mode: "Multiple Response Types §2.1", "`query` or `form_post`; another is `invalid_request` by the default mode.",
            "authorization.rs#response_mode", "authorization.rs#stage_three_refuses_by_the_code_of_each_rule";
        grant_type: "RFC 6749 §4.1.2.1; Registration §2", "A client not registered for `authorization_code` is `unauthorized_client`.",
            "authorization.rs#grant_type", "authorization.rs#a_client_without_the_grant_type_gets_no_code";
        scope_openid: "Core §3.1.2.1", "`scope` holds `openid`; else `invalid_scope`.",
            "authorization.rs#scope_of", "authorization.rs#stage_three_refuses_by_the_code_of_each_rule";
        scope_unknown: "Core §3.1.2.1", "Scopes that are not known are ignored.",
            "scope.rs#supported", "scope.rs#unknown_values_are_ignored_and_only_whole_values_count";
        scope_beyond: "RFC 6749 §4.1.2.1", "A scope that the client is not registered for is `invalid_scope`.",
            "scope.rs#beyond", "authorization.rs#stage_three_refuses_by_the_code_of_each_rule";
        offline_refreshable: "Core §11; RFC 6749 §5.1", "`offline_access` is granted only to a client that is registered for refresh tokens.",
            "scope.rs#given_to", "scope.rs#offline_access_is_for_clients_that_get_refresh_tokens";
        scope_syntax: "RFC 6749 §3.3", "A scope has the permitted characters.",
            "scope.rs#parse", "scope.rs#a_scope_is_a_set_in_order";
        offline_access: "Core §11", "`offline_access` needs consent, an administrator's or the person's.",
            "/domain/src/login/requirement.rs#consent_is_due", "/domain/tests/login/stories/session.rs#what_was_allowed_before_is_not_asked_again_unless_the_request_says_so";
        prompt: "Core §3.1.2.1; Initiating User Registration §4.1", "`none` alone, or some of `login`, `consent`, `select_account`; else `invalid_request`.",
            "prompt.rs#parse", "scope.rs#prompt_values";
        max_age: "Core §3.1.2.1", "A whole number of seconds; else `invalid_request`.",
            "authorization.rs#max_age", "authorization.rs#stage_three_refuses_by_the_code_of_each_rule";
        default_max_age: "Registration §2", "`default_max_age` and `default_acr_values` count where the request says nothing.",
            "authorization.rs#acr_values", "authorization.rs#what_the_client_registered_counts_where_the_request_says_nothing";
        pkce_required: "RFC 7636 §4.4.1; RFC 9700 §2.1.1", "`code_challenge` is required, but of confidential clients registered without; else `invalid_request`.",
            "authorization.rs#code_challenge", "authorization.rs#only_a_confidential_client_registered_for_it_comes_without_pkce";
        pkce_method: "RFC 7636 §4.3; RFC 9700 §2.1.1", "`code_challenge_method` is `S256`; else `invalid_request`.",
            "authorization.rs#code_challenge", "authorization.rs#stage_three_refuses_by_the_code_of_each_rule";
        pkce_challenge: "RFC 7636 §4.2", "A challenge is 43 characters of base64url.",
            "pkce.rs#is_challenge", "scope.rs#challenge_and_verifier_syntax";
        claims_form: "Core §5.5, §5.5.1", "`claims` is JSON of its form; else `invalid_request`.",
            "claims_request.rs#one", "claims_request.rs#what_is_not_of_the_form_is_an_invalid_request";
        claims_unknown: "Core §5.5", "Members and claims that are not known are ignored.",
            "claims_request.rs#wanted", "claims_request.rs#claims_are_read_from_both_members_and_unknown_ones_are_ignored";
        acr_essential: "Core §5.5.1.1", "An essential `acr` that no sign-in reaches is `unmet_authentication_requirements`.",
            "acr.rs#reachable", "authorization.rs#stage_three_refuses_by_the_code_of_each_rule";
        locales: "Core §3.1.2.1, §5.2", "`display`, `ui_locales`, `claims_locales` and `login_hint` never break a request.",
            "authorization.rs#request", "authorization.rs#stage_three_refuses_by_the_code_of_each_rule";
    }
    "Authorization: request object" {
        object_one_way: "Core §6.1, §6.2", "`request` and `request_uri` exclude each other: `invalid_request`.",
            "request_object.rs#source", "request_object.rs#an_object_comes_in_one_way_and_only_from_a_registered_address";
        object_uri: "Core §6.2; Registration §2", "`request_uri` is registered, compared without fragment, at most 512 characters; else `invalid_request_uri`.",
            "request_object.rs#registered", "request_object.rs#an_object_comes_in_one_way_and_only_from_a_registered_address";
        object_alg: "Core §6.1; Registration §2", "Signed as registered, or by any supported algorithm, `none` among them; else `invalid_request_object`.",
            "request_object.rs#form", "request_object.rs#the_registration_says_how_an_object_is_signed";
        object_unsigned: "RFC 7519 §6", "`none` has an empty signature, and nothing else has.",
            "jwt.rs#unsigned", "request_object.rs#the_registration_says_how_an_object_is_signed";
        object_crit: "RFC 7515 §4.1.11", "An object with `crit` is refused.",
            "jwt.rs#unsigned", "request_object.rs#the_registration_says_how_an_object_is_signed";
        object_members: "RFC 7519 §4", "No member is there twice.",
            "jwt.rs#object", "request_object.rs#an_object_twice_over_in_one_member_is_none";
        object_outside: "Core §6.1", "`client_id`, `response_type` and `scope` with `openid` are outside too; else `invalid_request`.",
            "request_object.rs#outside_is_complete", "request_object.rs#claims_are_checked_rule_by_rule";
        object_nested: "Core §6.1", "It holds no `request` and no `request_uri`.",
            "request_object.rs#not_nested", "request_object.rs#claims_are_checked_rule_by_rule";
        object_iss: "Core §6.1; RFC 9101 §10.8", "`iss` is the client, and `sub` is not.",
            "request_object.rs#from_the_client", "request_object.rs#claims_are_checked_rule_by_rule";
        object_aud: "Core §6.1", "`aud` names this issuer.",
            "request_object.rs#for_this_server", "request_object.rs#claims_are_checked_rule_by_rule";
        object_time: "RFC 7519 §4.1.4, §4.1.5", "It has not expired and is valid already.",
            "request_object.rs#of_this_moment", "request_object.rs#claims_are_checked_rule_by_rule";
        object_same: "Core §6.1", "`client_id` and `response_type` are the same inside and outside.",
            "request_object.rs#same_as_outside", "request_object.rs#claims_are_checked_rule_by_rule";
        object_supersedes: "Core §6.1", "What is inside takes the place of what is outside.",
            "request_object.rs#merged", "request_object.rs#what_is_inside_takes_the_place_of_what_is_outside";
        object_untrusted: "Core §6.1; RFC 9700 §4.11", "A redirect URI inside counts only after the object was verified.",
            "authorization.rs#refused_early", "authorization.rs#an_early_refusal_goes_only_where_the_request_itself_may_be_answered";
    }
    "Authorization: sign-in" {
        prompt_none: "Core §3.1.2.1, §3.1.2.6", "`prompt=none` shows no page, and the error says what is missing.",
            "/domain/src/login/mod.rs#silent_refusal", "/domain/tests/login/rules.rs#every_login_of_every_small_world_keeps_the_promises";
        prompt_login: "Core §3.1.2.1", "`prompt=login` authenticates again.",
            "/domain/src/login/requirement.rs#session_that_counts", "/domain/tests/login/stories/session.rs#prompt_login_asks_for_everything_again";
        prompt_select: "Core §3.1.2.1", "`prompt=select_account` lets a person choose.",
            "/domain/src/login/requirement.rs#first_unmet", "/domain/tests/login/rules.rs#every_login_of_every_small_world_keeps_the_promises";
        prompt_consent: "Core §3.1.2.1, §3.1.2.4", "`prompt=consent` asks, whatever was allowed before; without approval the client has what the person allows.",
            "/domain/src/login/requirement.rs#consent_is_due", "/domain/tests/login/stories/session.rs#what_was_allowed_before_is_not_asked_again_unless_the_request_says_so";
        max_age_counts: "Core §3.1.2.1", "An authentication older than `max_age` does not count.",
            "/domain/src/login/requirement.rs#session_that_counts", "/domain/tests/login/rules.rs#every_login_of_every_small_world_keeps_the_promises";
        acr_reached: "Core §5.5.1.1", "An essential class is reached or the login fails; a voluntary one is preferred.",
            "acr.rs#strength", "acr.rs#an_essential_class_is_demanded_and_a_voluntary_one_preferred";
        acr_stated: "Core §5.5.1.1", "The class stated is one of those asked for where it can be.",
            "acr.rs#stated", "acr.rs#an_essential_class_is_demanded_and_a_voluntary_one_preferred";
        subject_named: "Core §3.1.2.1, §5.5.1", "Where `id_token_hint` or `sub` names an account, no other one is granted anything: `login_required`.",
            "/domain/src/login/mod.rs#is_the_one", "/domain/tests/login/rules.rs#every_login_of_every_small_world_keeps_the_promises";
        hint_ours: "Core §3.1.2.1", "`id_token_hint` is one of ours, expired ones too.",
            "end_session.rs#hint", "end_session.rs#a_hint_is_one_of_ours_even_when_expired";
        refusal_code: "RFC 6749 §4.1.2.1; Core §3.1.2.6", "A login without a code is answered with the error that fits.",
            "refusal.rs#code_of", "refusal.rs#a_client_is_told_what_its_request_could_not_have";
        consent_reach: "Core §3.1.2.4", "Consent reaches no further than it was given.",
            "/domain/src/consent.rs#covers", "/domain/src/consent.rs#consent_reaches_no_further_than_it_was_given";
    }
    "Authorization: answer" {
        answer_state: "RFC 6749 §4.1.2", "`state` comes back exactly, long ones too.",
            "answer.rs#answer", "authorization.rs#long_and_odd_states_come_back_as_they_were";
        answer_iss: "RFC 9207 §2", "Every answer, errors included, has `iss`.",
            "answer.rs#answer", "authorization.rs#answers_carry_state_exactly_and_the_issuer_behind_the_query_that_was_there";
        answer_query: "RFC 6749 §3.1.2", "The query of the redirect URI is kept.",
            "params.rs#with_query", "params.rs#parameters_go_behind_the_query_that_is_there";
        answer_form: "Form Post Response Mode §2", "`form_post` posts the same fields, errors included.",
            "answer.rs#answer", "authorization.rs#a_form_holds_the_answer_as_it_is";
        form_page: "Form Post Response Mode §2", "The page works without scripts, and permits exactly one.",
            "/server/src/web/page.rs#answer", "/e2e/tests/cases/authorization.rs#an_answer_by_form_needs_no_script_and_permits_one";
    }
    "Subjects" {
        sector: "Core §8.1; Registration §5", "The sector of pairwise subjects is the host of `sector_identifier_uri`, else the only redirect host.",
            "subject.rs#sector", "subject.rs#the_sector_is_the_host_that_the_specification_names";
    }
    "Client authentication" {
        client_header: "RFC 6749 §2.3.1", "By `Authorization: Basic`, form-urlencoded before base64.",
            "client_auth.rs#in_header", "client_auth.rs#a_client_may_authenticate_in_the_header";
        client_body: "RFC 6749 §2.3.1", "By `client_id` and `client_secret` in the form, never in two ways at once.",
            "client_auth.rs#with_secret", "client_auth.rs#a_client_may_authenticate_in_the_body";
        client_method: "Core §9; Registration §2", "By the registered method and no other: `invalid_client`.",
            "client_auth.rs#method_fits", "client_auth.rs#a_client_authenticates_by_its_registered_method_and_no_other";
        client_secret_alive: "RFC 6749 §2.3.1", "Two secrets are good side by side, each until its end.",
            "client_auth.rs#living_secret", "client_auth.rs#two_secrets_are_good_side_by_side_until_one_ends";
        client_assertion_alg: "RFC 7523 §3; Registration §2", "The algorithm of an assertion comes from the registration.",
            "client_auth.rs#assertion_algorithms", "client_auth.rs#algorithms_come_from_the_registration";
        client_assertion: "RFC 7523 §3; Core §9", "An assertion is the client's, for us, for now and for once.",
            "client_auth.rs#check_assertion", "client_auth.rs#an_assertion_is_for_us_for_now_and_for_once";
    }
    "Registration" {
        registration_defaults: "Registration §2", "What is left out has the defaults of the specification.",
            "registration/mod.rs#read", "registration.rs#what_is_left_out_has_the_defaults_of_the_specification";
        registration_echo: "Registration §3.2", "Everything that is registered is in the answer.",
            "registration/shown.rs#metadata", "registration.rs#everything_that_is_registered_is_echoed_and_reads_back";
        registration_managed: "RFC 7592 §2.1, §2.3", "Its access token reads and removes a registration; a removed client and its tokens are dead.",
            "/server/src/oidc/registration.rs#get", "/e2e/tests/cases/registration.rs#a_client_registers_itself_and_signs_people_in_until_it_is_removed";
        registration_update: "RFC 7592 §2.2", "An update replaces everything.",
            "registration/mod.rs#read", "registration.rs#an_update_replaces_everything";
        registration_redirect_uris: "Registration §2; RFC 8252 §7", "Redirect URIs are of the kinds that the application type permits: `invalid_redirect_uri`.",
            "registration/uri.rs#redirect_uri", "registration.rs#which_redirect_uris_may_be_registered";
        registration_grants: "Registration §2", "Grant types and response types fit each other: `invalid_client_metadata`.",
            "registration/mod.rs#response_types", "registration.rs#grant_and_response_types_fit_each_other";
        registration_replaced: "RFC 7591 §2", "Of grant types and response types that a client asks for by itself, those that are not given here are left out while one remains.",
            "registration/mod.rs#grant_types", "registration.rs#what_is_not_given_here_is_left_out_while_something_remains";
        registration_keys: "Registration §2; RFC 7517 §4", "Keys are public, and the method has those it needs.",
            "registration/mod.rs#keys_fit_method", "registration.rs#keys_are_public_and_fit_the_method";
        registration_algs: "Registration §2", "Algorithms are those of this server.",
            "registration/mod.rs#signing_alg", "registration.rs#algorithms_are_those_of_this_server";
        registration_sector: "Registration §5; Core §8.1", "A sector is one host, or a list that holds every redirect URI.",
            "registration/sector.rs#sector_permits", "registration.rs#a_sector_is_one_host_or_a_list_that_holds_all";
    }
    "Token: request" {
        token_grant_type: "RFC 6749 §4.1.3, §5.2", "`grant_type` is one that is supported, with what it needs.",
            "token.rs#parse", "token.rs#what_may_be_asked_for";
        pkce_verifier: "RFC 7636 §4.1", "A verifier is 43 to 128 unreserved characters.",
            "pkce.rs#is_verifier", "scope.rs#challenge_and_verifier_syntax";
        code_client: "RFC 6749 §4.1.3", "A code redeems for its own client only: `invalid_grant`.",
            "code.rs#redeem", "code.rs#who_redeems_a_code_and_who_revokes_its_grant";
        code_redirect_uri: "RFC 6749 §4.1.3; Core §3.1.3.2", "With the redirect URI of its request.",
            "code.rs#redeem", "code.rs#who_redeems_a_code_and_who_revokes_its_grant";
        code_pkce: "RFC 7636 §4.6; RFC 9700 §4.8.2", "With the verifier of its challenge, and without one where there was none.",
            "pkce.rs#redeems", "scope.rs#a_challenge_needs_its_verifier_and_none_needs_none";
        code_lifetime: "RFC 6749 §4.1.2", "For sixty seconds.",
            "code.rs#redeem", "code.rs#a_code_lives_sixty_seconds";
        code_once: "RFC 6749 §4.1.2", "Once; a replay by its own client ends what it gave.",
            "code.rs#revokes_grant", "code.rs#only_a_rightful_replay_revokes_and_every_refusal_is_invalid_grant";
        code_race: "RFC 6749 §4.1.2", "Of many at once one redeems.",
            "/server/src/oidc/token.rs#redeem", "/e2e/tests/cases/tokens.rs#of_a_hundred_redemptions_one_succeeds_and_then_its_tokens_are_dead";
        refresh_client: "RFC 6749 §6", "A refresh token is good for its own client only: `invalid_grant`.",
            "refresh.rs#rotate", "refresh.rs#another_client_learns_nothing_and_revokes_nothing";
        refresh_rotation: "RFC 9700 §4.14.2", "Each use replaces it; one that was used before ends the family.",
            "refresh.rs#rotate", "refresh.rs#a_used_token_is_a_replay_unless_its_answer_was_lost";
        refresh_end: "RFC 9700 §4.14.2", "No rotation moves the end of the family.",
            "refresh.rs#rotate", "refresh.rs#a_fresh_token_rotates_and_never_outlives_its_family";
        refresh_scope: "RFC 6749 §6", "A refresh narrows the scope and never widens it: `invalid_scope`.",
            "scope.rs#narrowed", "scope.rs#a_refresh_narrows_and_never_widens";
        token_status: "RFC 6749 §5.2", "Errors are 400, `invalid_client` 401 with a challenge where the header was tried.",
            "error.rs#www_authenticate", "error.rs#a_challenge_is_shown_to_who_tried_the_header_and_failed";
    }
    "Token: machines and devices" {
        machine_confidential: "RFC 6749 §4.4, §4.4.2", "Client credentials are for confidential clients registered for them.",
            "client_credentials.rs#confidential", "introspection.rs#machines_get_what_they_are_registered_for_and_nothing_about_people";
        machine_scope: "RFC 6749 §4.4.2", "A machine gets scopes that it is registered for, and none about people.",
            "client_credentials.rs#granted", "introspection.rs#machines_get_what_they_are_registered_for_and_nothing_about_people";
        machine_token: "RFC 9068 §2.2", "A machine's token speaks of the client alone.",
            "client_credentials.rs#access_token", "introspection.rs#a_machines_token_speaks_of_the_client_alone";
        device_scope: "RFC 8628 §3.1", "A device asks for no more than its client may.",
            "device.rs#scope_of", "device.rs#a_device_asks_for_no_more_than_its_client_may";
        device_code_typed: "RFC 8628 §6.1", "A user code is read as people type it.",
            "device.rs#user_code", "device.rs#a_user_code_is_read_as_people_type_it";
        device_poll: "RFC 8628 §3.5", "A device hears `authorization_pending`, `slow_down`, `access_denied` or `expired_token` until it gets tokens, once.",
            "device.rs#poll", "device.rs#what_a_device_is_told";
        device_answer: "RFC 8628 §5.4", "Only who signed in for a device answers for it, once and in time.",
            "device.rs#may_answer", "device.rs#only_who_signed_in_for_a_device_answers_for_it_and_only_once_and_in_time";
    }
    "Introspection and revocation" {
        token_kind: "RFC 7662 §2.1; RFC 7009 §2.1", "A token is told by its form; `token_type_hint` is only a hint.",
            "introspection.rs#kind", "introspection.rs#tokens_are_told_by_their_form";
        introspect_who: "RFC 7662 §2.1, §4", "Only a client that authenticates asks, and learns only what concerns it.",
            "introspection.rs#may_know", "introspection.rs#who_may_ask_and_learn_and_revoke";
        introspect_answer: "RFC 7662 §2.2", "An answer has the token's own facts; any other token is `active: false` and nothing more.",
            "introspection.rs#access_token", "introspection.rs#an_answer_has_the_tokens_own_facts_and_the_name_only_with_its_scope";
        revoke_who: "RFC 7009 §2.1", "A client revokes its own tokens only.",
            "introspection.rs#may_revoke", "introspection.rs#who_may_ask_and_learn_and_revoke";
    }
    "ID token" {
        id_token_claims: "Core §2, §3.1.3.6", "`iss`, `sub`, `aud`, `exp`, `iat`, `auth_time`, `nonce`, `acr`, `amr`, `sid`, `at_hash`, and nothing about the person.",
            "claims.rs#id_token", "claims.rs#an_id_token_states_the_sign_in_and_nothing_of_the_person";
        id_token_refreshed: "Core §12.2", "One that comes with a refresh has no `nonce`.",
            "claims.rs#id_token", "claims.rs#an_id_token_states_the_sign_in_and_nothing_of_the_person";
        id_token_asked: "Core §5.5", "Claims asked for by name are where they are wanted and nowhere else.",
            "claims.rs#person", "claims.rs#claims_asked_for_by_name_are_given_where_they_are_wanted_and_nowhere_else";
        auth_time: "Core §2", "`auth_time` is the moment of a real authentication.",
            "/domain/src/login/achieved.rs#achieved", "/domain/tests/login/rules.rs#every_login_of_every_small_world_keeps_the_promises";
    }
    "Access token" {
        access_token_claims: "RFC 9068 §2.2, §4", "A JWT for one resource, read back by that one only.",
            "claims.rs#check_access_token", "claims.rs#an_access_token_is_read_back_by_its_own_resource_only";
        token_types: "RFC 8725 §3.11", "One kind of token never passes for another.",
            "jwt.rs#is_typ", "jwt.rs#one_kind_of_token_never_passes_for_another";
        token_members: "RFC 8725 §2.4; RFC 7515 §4", "No token has a member twice, at any depth.",
            "jwt.rs#object", "jwt.rs#no_object_has_a_member_twice_at_any_depth";
        token_form: "RFC 7515 §5.2", "Malformed and unsigned tokens are refused.",
            "jwt.rs#parse", "jwt.rs#malformed_and_unsigned_tokens_are_refused";
    }
    "UserInfo" {
        bearer_place: "RFC 6750 §2.1, §2.2, §2.3", "A token comes in the header or in the form, never in both and never in the query: `invalid_request`.",
            "bearer.rs#access_token", "error.rs#where_an_access_token_may_stand";
        bearer_refusal: "RFC 6750 §3, §3.1", "A refusal challenges, and names no error when nothing was sent.",
            "bearer.rs#www_authenticate", "error.rs#a_resources_refusal_names_no_error_when_nothing_was_sent";
        userinfo_scopes: "Core §5.3.2, §5.4", "`sub`, and the claims of the granted scopes that the record has.",
            "claims.rs#userinfo", "claims.rs#userinfo_gives_the_claims_of_the_granted_scopes_and_no_others";
        userinfo_types: "Core §5.1", "Claims have the JSON types of the standard, or are left out.",
            "claims.rs#typed", "claims.rs#a_claim_of_the_wrong_type_is_left_out";
        userinfo_verified: "Core §5.1", "Nothing says that an absent address is verified.",
            "claims.rs#person", "claims.rs#nothing_says_an_absent_address_is_verified";
        userinfo_signed: "Core §5.3.2", "A signed answer has `iss` and `aud`.",
            "claims.rs#signed_userinfo", "claims.rs#a_signed_answer_says_whose_it_is_and_for_whom";
    }
    "Discovery" {
        discovery_works: "Discovery §3; RFC 8414 §2", "Only what works is listed.",
            "discovery.rs#metadata", "discovery.rs#discovery_lists_what_works";
        discovery_names: "Discovery §3", "Every member has a registered name.",
            "discovery.rs#metadata", "discovery.rs#every_member_has_a_registered_name";
        discovery_claims: "Discovery §3", "Every claim that is given is announced.",
            "claims.rs#supported", "claims.rs#every_claim_that_is_given_is_announced";
    }
    "Log-out: end session" {
        end_hint: "RP-Initiated §2", "A hint is one of ours, expired ones too; another takes the way back.",
            "end_session.rs#hint", "end_session.rs#a_hint_is_one_of_ours_even_when_expired";
        end_client: "RP-Initiated §2", "Hint and `client_id` agree.",
            "end_session.rs#client_of", "end_session.rs#hint_and_client_id_must_agree";
        end_return: "RP-Initiated §3", "Only a registered address is gone back to, with `state` exactly and only when it came.",
            "end_session.rs#return_of", "end_session.rs#only_a_registered_address_is_gone_back_to";
        end_asks: "RP-Initiated §2", "Nothing ends without a press, or a valid hint where the client is registered so.",
            "/domain/src/logout/mod.rs#plan", "/domain/src/logout/mod.rs#what_a_request_does";
        end_chosen: "RP-Initiated §2", "Exactly the chosen account ends.",
            "/domain/src/logout/mod.rs#ends", "/domain/src/logout/mod.rs#exactly_the_chosen_account_ends";
    }
    "Log-out: back channel" {
        back_told: "Back-Channel §2.3", "Every client of the ended account is told once, and no other.",
            "/domain/src/logout/mod.rs#notices", "/domain/src/logout/mod.rs#every_client_of_the_ended_account_is_told_once_and_no_other";
        back_token: "Back-Channel §2.4", "A logout token has its event, `sub`, `sid` and `jti`, and never a `nonce`.",
            "claims.rs#logout_token", "claims.rs#a_logout_token_has_its_event_and_never_a_nonce";
    }
    "Log-out: front channel" {
        front_uri: "Front-Channel §2", "`frontchannel_logout_uri` has scheme, host and port of a redirect URI.",
            "registration/uri.rs#frontchannel", "registration.rs#addresses_are_addresses";
        front_frame: "Front-Channel §3", "`iss` and `sid` come together, where the client needs them, behind the address's own query.",
            "/domain/src/logout/mod.rs#frame", "/domain/src/logout/mod.rs#a_frame_names_the_session_where_the_client_needs_that";
        front_page: "Front-Channel §3", "The page after log-out loads each client's address in a frame that its policy permits, then goes on.",
            "/domain/src/logout/mod.rs#frame", "/server/src/oidc/tests/logout.rs#applications_with_a_page_for_it_are_told_in_the_browser";
    }
    "Relying on an upstream" {
        upstream_id_token: "Core §3.1.3.7", "Each rule of validation refuses by its own error.",
            "upstream.rs#upstream_id_token", "upstream.rs#each_rule_refuses_by_its_own_error";
        upstream_iss: "RFC 9207 §2.4", "An answer comes from the provider that was asked.",
            "upstream.rs#answers", "upstream.rs#an_answer_names_the_provider_that_was_asked";
        upstream_logout: "Back-Channel §2.6", "A logout token is believed only whole.",
            "upstream.rs#upstream_logout_token", "upstream.rs#logout_tokens_are_believed_only_whole";
    }
}
