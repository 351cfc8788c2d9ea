-- Identifiers are text, times are Unix seconds, JSON is text, truth is 0 or 1. Secrets are kept as SHA-256 or sealed.

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    login_id TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    data TEXT NOT NULL
);

CREATE TABLE links (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX links_by_account ON links (account_id);

CREATE TABLE passwords (
    account_id TEXT PRIMARY KEY REFERENCES accounts (id),
    phc TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE failures (
    account_id TEXT NOT NULL,
    factor TEXT NOT NULL,
    count BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, factor)
);

CREATE TABLE authenticators (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    data TEXT NOT NULL,
    sealed_seed BYTEA NOT NULL,
    last_step BIGINT,
    removed_at BIGINT
);
CREATE INDEX authenticators_by_account ON authenticators (account_id);

CREATE TABLE challenges (
    id TEXT PRIMARY KEY,
    login_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    closed TEXT,
    closed_at BIGINT
);
CREATE INDEX challenges_by_subject ON challenges (subject, created_at);
CREATE INDEX challenges_by_expiry ON challenges (expires_at);

CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    data TEXT NOT NULL
);

CREATE TABLE devices (
    id TEXT PRIMARY KEY,
    key_sha256 TEXT NOT NULL UNIQUE,
    data TEXT NOT NULL,
    removed_at BIGINT
);

CREATE TABLE logins (
    id TEXT PRIMARY KEY,
    address_sha256 TEXT NOT NULL UNIQUE,
    browser_sha256 TEXT NOT NULL,
    version BIGINT NOT NULL,
    data TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX logins_by_expiry ON logins (expires_at);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    secret_sha256 TEXT NOT NULL UNIQUE,
    previous_sha256 TEXT,
    previous_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_previous ON sessions (previous_sha256);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE entries (
    sid TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    data TEXT NOT NULL,
    ended_at BIGINT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX entries_by_session ON entries (session_id);
CREATE INDEX entries_by_account ON entries (account_id);
CREATE INDEX entries_by_expiry ON entries (expires_at);

CREATE TABLE remembered (
    browser_sha256 TEXT NOT NULL,
    account_id TEXT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (browser_sha256, account_id)
);

CREATE TABLE grants (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    sid TEXT NOT NULL,
    data TEXT NOT NULL,
    revoked_at BIGINT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX grants_by_sid ON grants (sid);
CREATE INDEX grants_by_expiry ON grants (expires_at);

CREATE TABLE refresh_tokens (
    token_sha256 TEXT PRIMARY KEY,
    grant_id TEXT NOT NULL,
    generation BIGINT NOT NULL,
    data TEXT NOT NULL,
    used_at BIGINT,
    successor_sha256 TEXT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

CREATE TABLE single_use (
    kind TEXT NOT NULL,
    key_sha256 TEXT NOT NULL,
    data TEXT NOT NULL,
    used_at BIGINT,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (kind, key_sha256)
);
CREATE INDEX single_use_by_expiry ON single_use (expires_at);

CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    alg TEXT NOT NULL,
    state TEXT NOT NULL,
    public_jwk TEXT NOT NULL,
    sealed_private BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);

CREATE TABLE outbox (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    done_at BIGINT,
    last_error TEXT
);
CREATE INDEX outbox_by_due ON outbox (done_at, due_at);

CREATE TABLE audit (
    seq TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    account_id TEXT,
    client_id TEXT,
    reference TEXT,
    detail TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_reference ON audit (reference);
