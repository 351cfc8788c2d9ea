//! Names of things: one type each, so that one can never be passed for another.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes a value that was made by the server or read from its database.
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }
            /// The text, as it stands in the database and in protocol messages.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// An account; the `sub` of the tokens of this issuer (OpenID Connect Core §2). Never reused.
    AccountId
);
id!(
    /// A client, `client_id` (RFC 6749 §2.2).
    ClientId
);
id!(
    /// The row of one login. Not the secret in its address: that one is kept only as a hash.
    LoginId
);
id!(
    /// The signed-in state of one browser.
    SessionId
);
id!(
    /// One account in one session; the `sid` of ID tokens and logout tokens.
    Sid
);
id!(
    /// What a client was given for an account; parent of a code and its tokens.
    GrantId
);
id!(
    /// A number shown in a browser and waiting to be typed on a phone.
    ChallengeId
);
id!(
    /// An enrolled phone application and its key.
    AuthenticatorId
);
id!(
    /// A registered computer.
    DeviceId
);
id!(
    /// The name of an upstream provider in the configuration of this instance, such as `wog`.
    UpstreamId
);
id!(
    /// What a person reads to the help desk: eight characters, `7K4M-2Q9X`.
    Reference
);
