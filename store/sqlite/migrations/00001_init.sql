-- +goose Up
-- Times are Unix milliseconds, NULL when unknown. Columns named sealed hold personal data,
-- encrypted and bound to their row. What lists filter by stands before the documents, so that a
-- scan need not read them.

CREATE TABLE meta (
  key   TEXT PRIMARY KEY,
  value BLOB
) WITHOUT ROWID;

CREATE TABLE deliveries (
  pos         INTEGER PRIMARY KEY,
  id          BLOB NOT NULL UNIQUE,
  channel     TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  state       TEXT NOT NULL,
  code        TEXT NOT NULL,
  sealed      BLOB
);
CREATE INDEX deliveries_quarantined ON deliveries (received_at) WHERE state = 'quarantined';

CREATE TABLE requests (
  channel  TEXT NOT NULL,
  key      TEXT NOT NULL,
  hash     BLOB NOT NULL,
  delivery BLOB,
  ticket   BLOB,
  at       INTEGER,
  sealed   BLOB,
  PRIMARY KEY (channel, key)
) WITHOUT ROWID;

CREATE TABLE tickets (
  pos           INTEGER PRIMARY KEY,
  id            BLOB NOT NULL UNIQUE,
  number        TEXT NOT NULL UNIQUE,
  version       INTEGER NOT NULL,
  state         TEXT NOT NULL,
  open          INTEGER NOT NULL,
  channel       TEXT NOT NULL,
  source        TEXT NOT NULL,
  category      TEXT NOT NULL,
  region        TEXT NOT NULL,
  unit          TEXT NOT NULL,
  urgency       TEXT NOT NULL,
  flags         INTEGER NOT NULL, -- 1 confidential, 2 public, 4 historic, 8 provisional deadline
  registered_at INTEGER NOT NULL,
  due_at        INTEGER NOT NULL, -- 4611686018427387904 when there is none: last in every order
  look_at       INTEGER,
  delivery      BLOB,
  incident      BLOB,
  phone_ix      BLOB,
  sender_ix     BLOB,
  thread        TEXT NOT NULL,
  fold_key      TEXT NOT NULL,
  call_id       TEXT NOT NULL,
  doc           BLOB NOT NULL,
  sealed        BLOB
);
CREATE INDEX tickets_registered ON tickets (registered_at);
CREATE INDEX tickets_due ON tickets (due_at) WHERE open = 1;
CREATE INDEX tickets_triage ON tickets (registered_at) WHERE state = 'triage';
CREATE INDEX tickets_look ON tickets (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX tickets_phone ON tickets (phone_ix) WHERE phone_ix IS NOT NULL;
CREATE INDEX tickets_sender ON tickets (sender_ix) WHERE sender_ix IS NOT NULL AND open = 1;
CREATE INDEX tickets_thread ON tickets (channel, thread) WHERE thread <> '' AND open = 1;
CREATE UNIQUE INDEX tickets_fold ON tickets (channel, fold_key) WHERE fold_key <> '' AND open = 1;
CREATE INDEX tickets_incident ON tickets (incident) WHERE incident IS NOT NULL;
CREATE INDEX tickets_call ON tickets (call_id) WHERE call_id <> '';

CREATE TABLE ticket_units (
  unit   TEXT NOT NULL,
  ticket BLOB NOT NULL,
  PRIMARY KEY (unit, ticket)
) WITHOUT ROWID;

CREATE TABLE events (
  pos    INTEGER PRIMARY KEY AUTOINCREMENT,
  ticket BLOB NOT NULL,
  seq    INTEGER NOT NULL,
  hash   BLOB NOT NULL,
  doc    BLOB NOT NULL,
  sealed BLOB,
  UNIQUE (ticket, seq)
);

CREATE TABLE outbox (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  key      TEXT NOT NULL UNIQUE,
  ticket   BLOB,
  kind     TEXT NOT NULL,
  target   TEXT NOT NULL,
  state    TEXT NOT NULL,
  attempts INTEGER NOT NULL,
  due_at   INTEGER,
  next_at  INTEGER NOT NULL, -- when it may be claimed: due, a later try, or the end of a lease
  created  INTEGER,
  done_at  INTEGER,
  error    TEXT NOT NULL,
  sealed   BLOB
);
CREATE INDEX outbox_pending ON outbox (next_at, kind) WHERE state = 'pending';
CREATE INDEX outbox_dead ON outbox (state) WHERE state = 'dead';

CREATE TABLE calls (
  pos         INTEGER PRIMARY KEY,
  id          BLOB NOT NULL UNIQUE,
  channel     TEXT NOT NULL,
  call_id     TEXT NOT NULL,
  version     INTEGER NOT NULL,
  line        TEXT NOT NULL,
  agent       TEXT NOT NULL,
  state       TEXT NOT NULL,
  rang_at     INTEGER,
  answered_at INTEGER,
  ended_at    INTEGER,
  seconds     INTEGER NOT NULL,
  call_back   TEXT NOT NULL,
  updated_at  INTEGER,
  sealed      BLOB,
  UNIQUE (channel, call_id)
);
CREATE INDEX calls_due ON calls (call_back) WHERE call_back = 'due';

CREATE TABLE alerts (
  pos      INTEGER PRIMARY KEY,
  id       BLOB NOT NULL UNIQUE,
  key      TEXT NOT NULL UNIQUE,
  ticket   BLOB,
  number   TEXT NOT NULL,
  unit     TEXT NOT NULL,
  region   TEXT NOT NULL,
  level    TEXT NOT NULL,
  post     TEXT NOT NULL,
  text     TEXT NOT NULL,
  at       INTEGER,
  acked_by TEXT NOT NULL,
  acked_at INTEGER
);
CREATE INDEX alerts_open ON alerts (pos) WHERE acked_at IS NULL;

CREATE TABLE access_log (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  at     INTEGER,
  ticket BLOB,
  what   TEXT NOT NULL,
  actor  BLOB NOT NULL,
  fields BLOB NOT NULL,
  sealed BLOB
);
CREATE INDEX access_log_ticket ON access_log (ticket);

CREATE TABLE cursors (
  channel TEXT PRIMARY KEY,
  value   TEXT NOT NULL,
  at      INTEGER
) WITHOUT ROWID;

CREATE TABLE media (
  sha256 TEXT PRIMARY KEY,
  at     INTEGER,
  sealed BLOB
) WITHOUT ROWID;

CREATE TABLE numbers (
  day  TEXT PRIMARY KEY,
  next INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE packs (
  hash    TEXT PRIMARY KEY,
  author  TEXT NOT NULL,
  note    TEXT NOT NULL,
  at      INTEGER,
  archive BLOB
);
CREATE TABLE pack_activations (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  hash   TEXT NOT NULL REFERENCES packs (hash),
  author TEXT NOT NULL,
  note   TEXT NOT NULL,
  at     INTEGER
);

CREATE TABLE users (
  login      TEXT PRIMARY KEY,
  token_hash BLOB UNIQUE,
  doc        BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE sessions (
  hash    BLOB PRIMARY KEY,
  login   TEXT NOT NULL,
  created INTEGER,
  seen    INTEGER,
  ends    INTEGER
) WITHOUT ROWID;
CREATE INDEX sessions_login ON sessions (login);

CREATE TABLE track_failures (
  number       TEXT PRIMARY KEY,
  count        INTEGER NOT NULL,
  since        INTEGER NOT NULL,
  locked_until INTEGER
) WITHOUT ROWID;
