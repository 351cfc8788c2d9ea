-- Devices without a browser that wait for somebody to let them in (RFC 8628).
CREATE TABLE device_grants (
    id TEXT PRIMARY KEY,
    device_sha256 TEXT NOT NULL UNIQUE,
    user_code TEXT NOT NULL UNIQUE,
    client_id TEXT NOT NULL,
    data TEXT NOT NULL,
    state TEXT NOT NULL,
    sid TEXT,
    grant_id TEXT,
    interval_s BIGINT NOT NULL,
    polled_at BIGINT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX device_grants_by_expiry ON device_grants (expires_at);

-- One key of each algorithm signs, and one comes next, however many servers look after them.
CREATE UNIQUE INDEX signing_keys_one_each ON signing_keys (alg, state) WHERE state IN ('active', 'next');
