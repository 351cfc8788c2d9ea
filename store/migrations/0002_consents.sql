-- What people allowed clients to have, one row for each account and client.
CREATE TABLE consents (
    account_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    data TEXT NOT NULL,
    given_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, client_id)
);

-- Whom a pairwise subject stands for; it cannot be computed backwards.
CREATE TABLE subjects (
    sub TEXT PRIMARY KEY,
    account_id TEXT NOT NULL
);

CREATE INDEX grants_by_account ON grants (account_id, client_id);
