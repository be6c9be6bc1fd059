-- The ledger. Events are the truth; the other tables are the picture of this moment that commands
-- read, written in the same transaction. What SQL can forbid, it forbids here.

CREATE TABLE IF NOT EXISTS events (
    sequence       INTEGER PRIMARY KEY,
    time_us        INTEGER NOT NULL,
    generation     INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    actor          TEXT NOT NULL,
    batch          TEXT NOT NULL,
    "order"        TEXT NOT NULL,
    card           TEXT NOT NULL,
    work           TEXT NOT NULL,
    station        TEXT NOT NULL,
    box            TEXT NOT NULL,
    person_key     TEXT NOT NULL,
    approval_key   TEXT NOT NULL,
    chip_serial    TEXT NOT NULL,
    machine_serial TEXT NOT NULL,
    data           TEXT NOT NULL,
    previous       TEXT NOT NULL,
    digest         TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS events_by_card ON events (card) WHERE card <> '';
CREATE INDEX IF NOT EXISTS events_by_order ON events ("order") WHERE "order" <> '';
CREATE INDEX IF NOT EXISTS station_changes ON events (station) WHERE kind = 'station_changed';

CREATE TRIGGER IF NOT EXISTS events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER IF NOT EXISTS events_are_never_deleted BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
CREATE TRIGGER IF NOT EXISTS events_have_no_gap BEFORE INSERT ON events
WHEN NEW.sequence <> (SELECT COALESCE(MAX(sequence), 0) + 1 FROM events)
BEGIN SELECT RAISE(ABORT, 'the ledger was written by somebody else'); END;

CREATE TABLE IF NOT EXISTS batches (
    id TEXT PRIMARY KEY, package_number TEXT NOT NULL UNIQUE, product TEXT NOT NULL,
    county TEXT NOT NULL, state TEXT NOT NULL, received_us INTEGER NOT NULL,
    applications INTEGER NOT NULL, refused INTEGER NOT NULL, reason TEXT NOT NULL,
    closed_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, batch TEXT NOT NULL REFERENCES batches (id), position INTEGER NOT NULL,
    county TEXT NOT NULL, product TEXT NOT NULL, express INTEGER NOT NULL,
    reason_code TEXT NOT NULL, received_us INTEGER NOT NULL, promise_date TEXT NOT NULL,
    state TEXT NOT NULL, person_key TEXT NOT NULL, approval_key TEXT NOT NULL,
    load TEXT NOT NULL, fee_type TEXT NOT NULL, fee_cents INTEGER NOT NULL,
    attempts INTEGER NOT NULL, spoiled INTEGER NOT NULL, reason TEXT NOT NULL,
    card TEXT NOT NULL, done_us INTEGER NOT NULL, counted INTEGER NOT NULL,
    UNIQUE (batch, position)
) STRICT, WITHOUT ROWID;
-- A record that is sent again while its first order stands waits as a held order for a person.
CREATE UNIQUE INDEX IF NOT EXISTS one_standing_order_per_approval ON orders (approval_key)
    WHERE state NOT IN ('cancelled', 'held');
CREATE UNIQUE INDEX IF NOT EXISTS one_counted_order_per_person ON orders (person_key)
    WHERE counted <> 0;

CREATE TABLE IF NOT EXISTS cards (
    id TEXT PRIMARY KEY, "order" TEXT NOT NULL REFERENCES orders (id), attempt INTEGER NOT NULL,
    line TEXT NOT NULL, state TEXT NOT NULL, place TEXT NOT NULL, issued_us INTEGER NOT NULL,
    chip_serial TEXT NOT NULL, card_serial TEXT NOT NULL, state_before_doubt TEXT NOT NULL,
    reason_before_doubt TEXT NOT NULL, reason TEXT NOT NULL, box TEXT NOT NULL, may_be_at TEXT NOT NULL, UNIQUE ("order", attempt)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS one_live_card_per_order ON cards ("order")
    WHERE state NOT IN ('spoiled', 'destroyed');
CREATE UNIQUE INDEX IF NOT EXISTS one_card_per_chip ON cards (chip_serial) WHERE chip_serial <> '';
CREATE UNIQUE INDEX IF NOT EXISTS one_card_per_serial ON cards (card_serial) WHERE card_serial <> '';

CREATE TABLE IF NOT EXISTS works (
    id TEXT PRIMARY KEY, act TEXT NOT NULL, station TEXT NOT NULL, cards TEXT NOT NULL,
    state TEXT NOT NULL, begun_us INTEGER NOT NULL, source TEXT NOT NULL,
    destination TEXT NOT NULL, note TEXT NOT NULL, finished_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What open works hold, each thing at most once: a station ("station NAME") has one open work, and
-- so has a card ("card ID"), of which a work may cover several. One small table, because every
-- page that a commit touches is written and synced.
CREATE TABLE IF NOT EXISTS open_works (
    holds TEXT PRIMARY KEY, work TEXT NOT NULL REFERENCES works (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS boxes (
    id TEXT PRIMARY KEY, batch TEXT NOT NULL REFERENCES batches (id), county TEXT NOT NULL,
    line TEXT NOT NULL, tray TEXT NOT NULL, state TEXT NOT NULL, opened_us INTEGER NOT NULL,
    cards INTEGER NOT NULL, sealed_us INTEGER NOT NULL, dispatched_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS one_open_box_per_tray ON boxes (line, tray) WHERE state = 'open';

CREATE TABLE IF NOT EXISTS stations (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, since_us INTEGER NOT NULL, reason TEXT NOT NULL,
    code TEXT NOT NULL, machine_serial TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS lines (
    id TEXT PRIMARY KEY, running INTEGER NOT NULL, reason TEXT NOT NULL,
    loaded INTEGER NOT NULL, returned INTEGER NOT NULL, samples INTEGER NOT NULL,
    taken INTEGER NOT NULL, CHECK (loaded - returned - samples - taken >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS refusals (
    id TEXT PRIMARY KEY, package_number TEXT NOT NULL, batch TEXT NOT NULL,
    position INTEGER NOT NULL, at_us INTEGER NOT NULL, held INTEGER NOT NULL, reasons TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row a day, county, product and load: years of figures without reading years of events.
CREATE TABLE IF NOT EXISTS day_counts (
    id TEXT PRIMARY KEY, day TEXT NOT NULL, county TEXT NOT NULL, product TEXT NOT NULL,
    load TEXT NOT NULL, received INTEGER NOT NULL, refused INTEGER NOT NULL, made INTEGER NOT NULL,
    spoiled INTEGER NOT NULL, dispatched INTEGER NOT NULL, counted INTEGER NOT NULL,
    fees_cents INTEGER NOT NULL, relieved INTEGER NOT NULL, CHECK (counted <= dispatched)
) STRICT, WITHOUT ROWID;

-- Personal data, encrypted under a key per batch that is not in this file; never part of an event.
CREATE TABLE IF NOT EXISTS sealed (
    batch TEXT NOT NULL, position INTEGER NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (batch, position)
) STRICT, WITHOUT ROWID;
