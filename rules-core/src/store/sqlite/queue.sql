-- Records are stored packed, up to a few hundred in one blob, so that most of them are never a
-- row of their own.

CREATE TABLE queue_state (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    -- Records that wait, the delayed ones included.
    depth INTEGER NOT NULL,
    -- The floor of the race between tenants.
    floor INTEGER NOT NULL,
    -- Counts leases, so that outlets take turns when there are too many to look at.
    turn INTEGER NOT NULL
) STRICT;
INSERT INTO queue_state (id, depth, floor, turn) VALUES (1, 0, 0, 0);

CREATE TABLE queue_tenant (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    weight INTEGER NOT NULL,
    virtual_time INTEGER NOT NULL DEFAULT 0,
    -- The floor of the race between its lanes.
    floor INTEGER NOT NULL DEFAULT 0,
    lanes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX queue_tenant_idle ON queue_tenant (virtual_time) WHERE lanes = 0;

CREATE TABLE queue_outlet (
    id INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    lanes INTEGER NOT NULL DEFAULT 0,
    -- Lanes with due records and without a hold of their own.
    ready INTEGER NOT NULL DEFAULT 0,
    -- 1 for a hold on the outlet plus 2 for one on the tenant.
    held INTEGER NOT NULL,
    turn INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, name)
) STRICT;
CREATE INDEX queue_outlet_ready ON queue_outlet (turn, id) WHERE ready > 0 AND held = 0;

CREATE TABLE queue_lane (
    id INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    outlet INTEGER NOT NULL,
    tenant_name TEXT NOT NULL,
    outlet_name TEXT NOT NULL,
    topic TEXT NOT NULL,
    weight INTEGER NOT NULL,
    virtual_time INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL,
    waiting INTEGER NOT NULL DEFAULT 0,
    delayed INTEGER NOT NULL DEFAULT 0,
    -- Live leases that hold records of the lane.
    leases INTEGER NOT NULL DEFAULT 0,
    -- The next chunk goes to `tail`, one that comes back to `head` - 1.
    head INTEGER NOT NULL DEFAULT 0,
    tail INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant_name, outlet_name, topic)
) STRICT;
CREATE INDEX queue_lane_ready ON queue_lane (outlet, virtual_time) WHERE waiting > 0 AND held = 0;

CREATE TRIGGER queue_lane_opens AFTER INSERT ON queue_lane BEGIN
    UPDATE queue_outlet SET lanes = lanes + 1 WHERE id = NEW.outlet;
    UPDATE queue_tenant SET lanes = lanes + 1 WHERE id = NEW.tenant;
END;
CREATE TRIGGER queue_lane_becomes_ready AFTER UPDATE OF waiting, held ON queue_lane
WHEN (0 < NEW.waiting AND NEW.held = 0) <> (0 < OLD.waiting AND OLD.held = 0) BEGIN
    UPDATE queue_outlet SET ready = ready + iif(0 < NEW.waiting AND NEW.held = 0, 1, -1) WHERE id = NEW.outlet;
END;
CREATE TRIGGER queue_lane_empties AFTER UPDATE OF waiting, delayed, leases ON queue_lane
WHEN NEW.waiting = 0 AND NEW.delayed = 0 AND NEW.leases = 0 BEGIN
    DELETE FROM queue_lane WHERE id = NEW.id;
END;
CREATE TRIGGER queue_lane_closes AFTER DELETE ON queue_lane BEGIN
    UPDATE queue_tenant SET lanes = lanes - 1 WHERE id = OLD.tenant;
    UPDATE queue_outlet SET lanes = lanes - 1 WHERE id = OLD.outlet;
    DELETE FROM queue_outlet WHERE id = OLD.outlet AND lanes = 0;
END;

-- Packed records. A row belongs to one chunk, delay or lease.
CREATE TABLE queue_body (
    id INTEGER PRIMARY KEY,
    records BLOB NOT NULL
) STRICT;

-- What waits: `records` of the body from byte `start` on.
CREATE TABLE queue_chunk (
    lane INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    body INTEGER NOT NULL,
    start INTEGER NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (lane, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE queue_delay (
    due_us INTEGER NOT NULL,
    body INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    start INTEGER NOT NULL,
    records INTEGER NOT NULL,
    PRIMARY KEY (due_us, body)
) STRICT, WITHOUT ROWID;
CREATE INDEX queue_delay_lane ON queue_delay (lane);

CREATE TABLE queue_lease (
    id INTEGER PRIMARY KEY,
    token BLOB NOT NULL UNIQUE,
    deadline_us INTEGER NOT NULL,
    -- Lanes and how many records of each, in the order of the receipts.
    slices BLOB NOT NULL,
    -- One bit per receipt.
    settled BLOB NOT NULL,
    body INTEGER NOT NULL
) STRICT;
CREATE INDEX queue_lease_deadline ON queue_lease (deadline_us);

CREATE TABLE queue_batch (
    id BLOB PRIMARY KEY,
    until_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX queue_batch_until ON queue_batch (until_us);

-- An empty outlet stands for the whole tenant, an empty topic for the whole outlet.
CREATE TABLE queue_hold (
    tenant TEXT NOT NULL,
    outlet TEXT NOT NULL,
    topic TEXT NOT NULL,
    until_us INTEGER,
    code TEXT NOT NULL,
    PRIMARY KEY (tenant, outlet, topic)
) STRICT, WITHOUT ROWID;
CREATE INDEX queue_hold_until ON queue_hold (until_us) WHERE until_us IS NOT NULL;

CREATE TABLE queue_weight (
    tenant TEXT NOT NULL,
    outlet TEXT NOT NULL,
    topic TEXT NOT NULL,
    weight INTEGER NOT NULL,
    PRIMARY KEY (tenant, outlet, topic)
) STRICT, WITHOUT ROWID;

CREATE TABLE queue_dead (
    number INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    outlet TEXT NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    at_us INTEGER NOT NULL,
    first TEXT NOT NULL,
    last TEXT NOT NULL,
    retries INTEGER NOT NULL,
    recoveries INTEGER NOT NULL
) STRICT;
