-- The key of the digests that stand for names, and whether any two names are one person's.
CREATE TABLE person_key (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    key BLOB NOT NULL,
    merged INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What is known about people, under the digest of a name: their profile, or the id under which
-- they are known instead. Somebody about whom nothing was learned has no row.
CREATE TABLE person (
    tenant TEXT NOT NULL,
    person BLOB NOT NULL,
    profile TEXT,
    merged_into BLOB,
    PRIMARY KEY (tenant, person)
) STRICT, WITHOUT ROWID;

-- The random name of a person in the event log. Without its row nobody knows whose it was.
CREATE TABLE person_token (
    tenant TEXT NOT NULL,
    person BLOB NOT NULL,
    token BLOB NOT NULL,
    PRIMARY KEY (tenant, person)
) STRICT, WITHOUT ROWID;
