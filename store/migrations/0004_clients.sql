-- When a client's secret was last used, to the hour; beside the client, so that noting it never undoes a change of it.
CREATE TABLE secret_uses (
    client_id TEXT NOT NULL,
    secret_sha256 TEXT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (client_id, secret_sha256)
);

-- A client that is removed takes its grants along.
CREATE INDEX grants_by_client ON grants (client_id);
