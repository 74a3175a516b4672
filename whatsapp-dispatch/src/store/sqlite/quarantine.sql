
-- Changes of webhooks that could not be given to anybody, in the order in which they came.
CREATE TABLE quarantine (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    id        BLOB NOT NULL UNIQUE,
    at_us     INTEGER NOT NULL,
    code      TEXT NOT NULL,
    waba      TEXT NOT NULL,
    number_id TEXT,
    field     TEXT NOT NULL,
    change    BLOB NOT NULL
) STRICT;
