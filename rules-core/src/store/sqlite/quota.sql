-- What is kept of a meter: its newest window, as it was opened, and the units used in it.
CREATE TABLE quota_meter (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    kind INTEGER NOT NULL,
    start_us INTEGER NOT NULL,
    end_us INTEGER,
    used INTEGER NOT NULL CHECK (0 <= used),
    UNIQUE (tenant, name, kind)
) STRICT;
-- A charge that was granted something. `refused` is the position of the meter that allowed least.
CREATE TABLE quota_charge (
    id BLOB PRIMARY KEY,
    units INTEGER NOT NULL,
    refunded INTEGER NOT NULL DEFAULT 0 CHECK (refunded <= units),
    refused INTEGER,
    refused_limit INTEGER,
    resets_us INTEGER,
    forget_us INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX quota_charge_forget ON quota_charge (forget_us) WHERE forget_us IS NOT NULL;
-- The windows that a charge was taken from.
CREATE TABLE quota_charged (
    charge BLOB NOT NULL,
    meter INTEGER NOT NULL,
    start_us INTEGER NOT NULL,
    PRIMARY KEY (charge, meter)
) STRICT, WITHOUT ROWID;
CREATE TABLE quota_refund (
    charge BLOB NOT NULL,
    id BLOB NOT NULL,
    forget_us INTEGER,
    PRIMARY KEY (charge, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX quota_refund_forget ON quota_refund (forget_us) WHERE forget_us IS NOT NULL;

-- Different members in a rolling stretch of time.
CREATE TABLE crowd (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    members INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, name)
) STRICT;
CREATE TABLE crowd_member (
    crowd INTEGER NOT NULL,
    member BLOB NOT NULL,
    at_us INTEGER NOT NULL,
    -- The admission, and when the member was admitted before it.
    by BLOB NOT NULL,
    before_us INTEGER,
    PRIMARY KEY (crowd, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX crowd_member_by_age ON crowd_member (crowd, at_us);
CREATE INDEX crowd_member_by_admission ON crowd_member (by);
