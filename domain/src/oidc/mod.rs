//! The OpenID Provider's rules, one short function per rule, without I/O and without cryptography: where a hash or a
//! signature is needed, the caller computes it and passes it in.
//!
//! | file | standard |
//! |---|---|
//! | [`params`] | RFC 6749 §3.1, Appendix B: reading requests, writing answers into a URI |
//! | [`authorization`], [`answer`] | OpenID Connect Core §3.1.2, RFC 6749 §4.1, RFC 9700 §2.1, RFC 9207, Form Post |
//! | [`request_object`], [`acr`], [`refusal`] | Core §6, §5.5.1.1, §3.1.2.6 |
//! | [`scope`], [`prompt`] | RFC 6749 §3.3, Core §3.1.2.1 |
//! | [`pkce`] | RFC 7636 |
//! | [`client_auth`] | RFC 6749 §2.3, Core §9, RFC 7523 §3 |
//! | [`token`] | RFC 6749 §4.1.3, §5.2, §6 |
//! | [`code`], [`refresh`] | RFC 6749 §4.1.2, RFC 9700 §2.1.1 and §4.14 |
//! | [`bearer`] | RFC 6750 |
//! | [`claims`] | Core §2, §5.1, §5.4; RFC 9068; Back-Channel Logout §2.4 |
//! | [`claims_request`], [`subject`] | Core §5.5, §8 |
//! | [`jwt`], [`upstream`] | RFC 7515, RFC 8725; Core §3.1.3.7 |
//! | [`jwk`], [`freshness`] | RFC 7517, Core §10.1: keys of clients; RFC 9111: how long what was fetched is good |
//! | [`client_credentials`], [`device`] | RFC 6749 §4.4, RFC 9068; RFC 8628 |
//! | [`introspection`] | RFC 7662, RFC 7009 |
//! | [`discovery`] | OpenID Connect Discovery §3, RFC 8414 |
//! | [`registration`] | Dynamic Client Registration, RFC 7591, RFC 7592: what a client may be, whoever registers it |
//! | [`end_session`] | RP-Initiated Logout |
//! | [`rules`] | the table of all rules, with section and test |
//! | [`error`] | the error codes of all of them |

pub mod acr;
pub mod answer;
pub mod authorization;
pub mod bearer;
pub mod claims;
pub mod claims_request;
pub mod client_auth;
pub mod client_credentials;
pub mod code;
pub mod device;
pub mod discovery;
pub mod end_session;
pub mod error;
pub mod freshness;
pub mod introspection;
pub mod jwk;
pub mod jwt;
pub mod params;
pub mod pkce;
pub mod prompt;
pub mod redirect_uri;
pub mod refresh;
pub mod refusal;
pub mod registration;
pub mod request_object;
pub mod rules;
pub mod scope;
pub mod subject;
pub mod token;
pub mod upstream;

#[cfg(test)]
mod tests;
