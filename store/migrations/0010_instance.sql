-- What the instance knows of itself: the epoch that tells a restored copy apart, and when the last backup was made.

CREATE TABLE instance (
    name TEXT PRIMARY KEY,
    number BIGINT NOT NULL
);
