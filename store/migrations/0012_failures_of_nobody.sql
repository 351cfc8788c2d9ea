-- Failures of login IDs that nobody has are swept; those of accounts are not.
CREATE INDEX failures_of_nobody ON failures (last_at) WHERE account_id LIKE 'unknown:%';
