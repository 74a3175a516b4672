CREATE TABLE campaign (
    number INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    source TEXT NOT NULL,
    salt BLOB NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    revision INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    released_us INTEGER,
    ended_us INTEGER,
    starts_us INTEGER,
    expires_after_us INTEGER,
    max_attempts INTEGER NOT NULL,
    round INTEGER NOT NULL DEFAULT 0,
    reopening TEXT,
    cursor TEXT,
    batches INTEGER NOT NULL DEFAULT 0,
    queued INTEGER NOT NULL DEFAULT 0,
    begun INTEGER NOT NULL DEFAULT 0,
    accepted INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    risked INTEGER NOT NULL DEFAULT 0,
    doubled INTEGER NOT NULL DEFAULT 0,
    -- Parameters that nobody needs any more are gone before this row, as of this revision.
    slim_row INTEGER NOT NULL DEFAULT 0,
    slim_revision INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, name)
) STRICT;

-- What is sent or followed up, asked for many times a second.
CREATE INDEX campaign_active ON campaign (number) WHERE status IN ('released', 'paused', 'cancelled');
CREATE INDEX campaign_released ON campaign (number) WHERE status = 'released';
-- What is to be exported and removed one day.
CREATE INDEX campaign_ended ON campaign (number)
    WHERE status IN ('finished', 'cancelled', 'sealed', 'exported');

-- Records counted by where they stand and why.
CREATE TABLE campaign_count (
    campaign INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    code TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (campaign, bucket, code)
) STRICT, WITHOUT ROWID;

-- What was planned. Written once; row = campaign << 32 | record.
CREATE TABLE message (
    row INTEGER PRIMARY KEY,
    line INTEGER NOT NULL,
    verdict INTEGER NOT NULL,
    code TEXT,
    person BLOB,
    id BLOB,
    number INTEGER,
    consent INTEGER,
    zone TEXT,
    parameters BLOB NOT NULL
) STRICT;

-- One message per person and step of a campaign. People who turned out to be one have one message:
-- their other ids lead to it, too.
CREATE TABLE message_id (
    campaign INTEGER NOT NULL,
    id BLOB NOT NULL,
    row INTEGER NOT NULL,
    PRIMARY KEY (campaign, id)
) STRICT, WITHOUT ROWID;

-- What is known of the delivery of 32 neighbouring records, packed (see pages.rs);
-- page = row / 32. Which of them are planned stands here too.
CREATE TABLE delivery (
    page INTEGER PRIMARY KEY,
    facts BLOB NOT NULL
) STRICT;

-- Facts by WhatsApp's id whose message is not known yet, or was not searched for.
CREATE TABLE orphan (
    tenant TEXT NOT NULL,
    wamid TEXT NOT NULL,
    kind TEXT NOT NULL,
    code TEXT,
    at_us INTEGER NOT NULL,
    kept_us INTEGER NOT NULL,
    searched INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, wamid, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX orphan_by_age ON orphan (kept_us);
CREATE INDEX orphan_to_search ON orphan (searched) WHERE searched = 0;
