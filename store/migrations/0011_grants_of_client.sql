-- What a client was given in a session entry is asked for at every answer without a person, newest first.
CREATE INDEX grants_by_client_of_sid ON grants (sid, client_id, id);
DROP INDEX grants_by_sid;
