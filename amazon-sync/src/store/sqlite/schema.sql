CREATE TABLE sync_shelf (
    number INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    seq INTEGER NOT NULL DEFAULT 0,
    booked_us INTEGER,
    host_mark TEXT,
    last_letter INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, name)
) STRICT;

-- Seller accounts as the shelf knows them. The cursor is JSON: it is read and written whole.
CREATE TABLE sync_account (
    number INTEGER PRIMARY KEY,
    shelf INTEGER NOT NULL,
    seller TEXT NOT NULL,
    region TEXT NOT NULL,
    cursor TEXT,
    UNIQUE (shelf, seller, region)
) STRICT;

-- Items with their positions: the fold of sync_movement, kept with it.
CREATE TABLE sync_item (
    number INTEGER PRIMARY KEY,
    shelf INTEGER NOT NULL,
    code TEXT NOT NULL,
    on_hand INTEGER NOT NULL,
    reserved INTEGER NOT NULL,
    committed INTEGER NOT NULL,
    quarantine INTEGER NOT NULL,
    inbound INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    reconciled INTEGER NOT NULL,
    dirty_since INTEGER,
    shipped INTEGER NOT NULL,
    counted_us INTEGER,
    counted INTEGER,
    includes INTEGER,
    UNIQUE (shelf, code)
) STRICT;
CREATE INDEX sync_item_dirty ON sync_item (shelf, dirty_since) WHERE dirty_since IS NOT NULL;

-- What moved; row = shelf << 40 | number. kind: 0 a count, 1 an order, 2 the host. What an order
-- moved has no key here: it is made from the columns.
CREATE TABLE sync_movement (
    row INTEGER PRIMARY KEY,
    item INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    units INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    booked_us INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    order_number INTEGER,
    line TEXT,
    digest INTEGER,
    change INTEGER,
    key TEXT,
    cause TEXT
) STRICT;
CREATE INDEX sync_movement_by_item ON sync_movement (item);
-- What a count does not include: asked for with every count.
CREATE INDEX sync_movement_by_host ON sync_movement (item, at_us) WHERE kind = 2 AND bucket = 0;

CREATE TABLE sync_host_key (
    shelf INTEGER NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (shelf, key)
) STRICT, WITHOUT ROWID;

-- What is known of each order, packed (see packed.rs), and how often that changed.
CREATE TABLE sync_order (
    number INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    changes INTEGER NOT NULL,
    state BLOB NOT NULL,
    UNIQUE (account, name)
) STRICT;

-- channel: 0 the merchant's, 1 and Amazon's code, 2 and a supply source's code, so that rows sort
-- as listing keys do. The record is JSON: it is read and written whole, and sales leave it alone.
CREATE TABLE sync_listing (
    number INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    sku TEXT NOT NULL,
    channel TEXT NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0,
    sold INTEGER NOT NULL DEFAULT 0,
    intent_us INTEGER,
    record TEXT,
    UNIQUE (account, sku, channel)
) STRICT;
CREATE INDEX sync_listing_waiting ON sync_listing (account, intent_us, sku, channel)
    WHERE intent_us IS NOT NULL;

CREATE TABLE sync_letter (
    shelf INTEGER NOT NULL,
    number INTEGER NOT NULL,
    subject TEXT NOT NULL,
    code TEXT NOT NULL,
    text TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    first_us INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (shelf, number),
    UNIQUE (shelf, subject, code)
) STRICT, WITHOUT ROWID;
