-- +goose Up
-- The tables of both engines have the same names and columns; package store/tables says what stands
-- in them. Times are Unix milliseconds, NULL when unknown. Columns named sealed hold personal data,
-- encrypted and bound to their row; they are kept as they are, because they do not compress. Texts
-- compare byte by byte, as in the other engine.

CREATE TABLE meta (
  key   TEXT COLLATE "C" PRIMARY KEY,
  value BYTEA
);

CREATE TABLE deliveries (
  pos         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id          BYTEA NOT NULL,
  channel     TEXT COLLATE "C" NOT NULL,
  received_at BIGINT NOT NULL,
  state       TEXT COLLATE "C" NOT NULL,
  code        TEXT COLLATE "C" NOT NULL,
  sealed      BYTEA,
  CONSTRAINT deliveries_id UNIQUE (id)
);
CREATE INDEX deliveries_quarantined ON deliveries (received_at) WHERE state = 'quarantined';

CREATE TABLE requests (
  channel  TEXT COLLATE "C" NOT NULL,
  key      TEXT COLLATE "C" NOT NULL,
  hash     BYTEA NOT NULL,
  delivery BYTEA,
  ticket   BYTEA,
  at       BIGINT,
  sealed   BYTEA,
  CONSTRAINT requests_key PRIMARY KEY (channel, key)
);

CREATE TABLE tickets (
  pos           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id            BYTEA NOT NULL,
  number        TEXT COLLATE "C" NOT NULL,
  version       BIGINT NOT NULL,
  state         TEXT COLLATE "C" NOT NULL,
  open          SMALLINT NOT NULL,
  channel       TEXT COLLATE "C" NOT NULL,
  source        TEXT COLLATE "C" NOT NULL,
  category      TEXT COLLATE "C" NOT NULL,
  region        TEXT COLLATE "C" NOT NULL,
  unit          TEXT COLLATE "C" NOT NULL,
  urgency       TEXT COLLATE "C" NOT NULL,
  flags         SMALLINT NOT NULL, -- 1 confidential, 2 public, 4 historic, 8 provisional deadline
  registered_at BIGINT NOT NULL,
  due_at        BIGINT NOT NULL, -- 4611686018427387904 when there is none: last in every order
  look_at       BIGINT,
  delivery      BYTEA,
  incident      BYTEA,
  phone_ix      BYTEA,
  sender_ix     BYTEA,
  thread        TEXT COLLATE "C" NOT NULL,
  fold_key      TEXT COLLATE "C" NOT NULL,
  call_id       TEXT COLLATE "C" NOT NULL,
  doc           BYTEA NOT NULL,
  sealed        BYTEA,
  CONSTRAINT tickets_id UNIQUE (id),
  CONSTRAINT tickets_number UNIQUE (number)
);
CREATE INDEX tickets_registered ON tickets (registered_at, pos);
CREATE INDEX tickets_due ON tickets (due_at, pos) WHERE open = 1;
CREATE INDEX tickets_triage ON tickets (registered_at, pos) WHERE state = 'triage';
CREATE INDEX tickets_look ON tickets (look_at, pos) WHERE look_at IS NOT NULL;
CREATE INDEX tickets_phone ON tickets (phone_ix) WHERE phone_ix IS NOT NULL;
CREATE INDEX tickets_sender ON tickets (sender_ix) WHERE sender_ix IS NOT NULL AND open = 1;
CREATE INDEX tickets_thread ON tickets (channel, thread) WHERE thread <> '' AND open = 1;
CREATE UNIQUE INDEX tickets_fold ON tickets (channel, fold_key) WHERE fold_key <> '' AND open = 1;
CREATE INDEX tickets_incident ON tickets (incident) WHERE incident IS NOT NULL;
CREATE INDEX tickets_call ON tickets (call_id) WHERE call_id <> '';

CREATE TABLE ticket_units (
  unit   TEXT COLLATE "C" NOT NULL,
  ticket BYTEA NOT NULL,
  PRIMARY KEY (unit, ticket)
);

CREATE TABLE events (
  pos    BIGINT PRIMARY KEY, -- the transaction's number × 2²⁰ + the row's number in it
  ticket BYTEA NOT NULL,
  seq    BIGINT NOT NULL,
  hash   BYTEA NOT NULL,
  doc    BYTEA NOT NULL,
  sealed BYTEA,
  CONSTRAINT events_seq UNIQUE (ticket, seq)
);

CREATE TABLE outbox (
  id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key      TEXT COLLATE "C" NOT NULL,
  ticket   BYTEA,
  kind     TEXT COLLATE "C" NOT NULL,
  target   TEXT COLLATE "C" NOT NULL,
  state    TEXT COLLATE "C" NOT NULL DEFAULT 'pending',
  attempts BIGINT NOT NULL DEFAULT 0,
  due_at   BIGINT,
  next_at  BIGINT NOT NULL, -- when it may be claimed: due, a later try, or the end of a lease
  created  BIGINT,
  done_at  BIGINT,
  error    TEXT NOT NULL DEFAULT '',
  sealed   BYTEA,
  CONSTRAINT outbox_key UNIQUE (key)
);
CREATE INDEX outbox_pending ON outbox (next_at, id) WHERE state = 'pending';
CREATE INDEX outbox_dead ON outbox (id) WHERE state = 'dead';

CREATE TABLE calls (
  pos         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id          BYTEA NOT NULL,
  channel     TEXT COLLATE "C" NOT NULL,
  call_id     TEXT COLLATE "C" NOT NULL,
  version     BIGINT NOT NULL DEFAULT 1,
  line        TEXT COLLATE "C" NOT NULL,
  agent       TEXT COLLATE "C" NOT NULL,
  state       TEXT COLLATE "C" NOT NULL,
  rang_at     BIGINT,
  answered_at BIGINT,
  ended_at    BIGINT,
  seconds     BIGINT NOT NULL,
  call_back   TEXT COLLATE "C" NOT NULL,
  updated_at  BIGINT,
  sealed      BYTEA,
  CONSTRAINT calls_id UNIQUE (id),
  CONSTRAINT calls_call_id UNIQUE (channel, call_id)
);
CREATE INDEX calls_due ON calls (pos) WHERE call_back = 'due';

CREATE TABLE alerts (
  pos      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id       BYTEA NOT NULL,
  key      TEXT COLLATE "C" NOT NULL,
  ticket   BYTEA,
  number   TEXT COLLATE "C" NOT NULL,
  unit     TEXT COLLATE "C" NOT NULL,
  region   TEXT COLLATE "C" NOT NULL,
  level    TEXT COLLATE "C" NOT NULL,
  post     TEXT COLLATE "C" NOT NULL,
  text     TEXT COLLATE "C" NOT NULL,
  at       BIGINT,
  acked_by TEXT COLLATE "C" NOT NULL,
  acked_at BIGINT,
  CONSTRAINT alerts_id UNIQUE (id),
  CONSTRAINT alerts_key UNIQUE (key)
);
CREATE INDEX alerts_open ON alerts (pos) WHERE acked_at IS NULL;

CREATE TABLE access_log (
  id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at     BIGINT,
  ticket BYTEA,
  what   TEXT COLLATE "C" NOT NULL,
  actor  BYTEA NOT NULL,
  fields BYTEA NOT NULL,
  sealed BYTEA
);
CREATE INDEX access_log_ticket ON access_log (ticket);

CREATE TABLE cursors (
  channel TEXT COLLATE "C" PRIMARY KEY,
  value   TEXT COLLATE "C" NOT NULL,
  at      BIGINT
);

CREATE TABLE media (
  sha256 TEXT COLLATE "C" PRIMARY KEY,
  at     BIGINT,
  sealed BYTEA
);

CREATE TABLE numbers (
  day  TEXT COLLATE "C" PRIMARY KEY,
  next BIGINT NOT NULL
);

CREATE TABLE packs (
  hash    TEXT COLLATE "C" PRIMARY KEY,
  author  TEXT COLLATE "C" NOT NULL,
  note    TEXT COLLATE "C" NOT NULL,
  at      BIGINT,
  archive BYTEA
);
CREATE TABLE pack_activations (
  id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash   TEXT COLLATE "C" NOT NULL REFERENCES packs (hash),
  author TEXT COLLATE "C" NOT NULL,
  note   TEXT COLLATE "C" NOT NULL,
  at     BIGINT
);

CREATE TABLE users (
  login      TEXT COLLATE "C" PRIMARY KEY,
  token_hash BYTEA,
  doc        BYTEA NOT NULL,
  CONSTRAINT users_token UNIQUE (token_hash)
);

CREATE TABLE sessions (
  hash    BYTEA PRIMARY KEY,
  login   TEXT COLLATE "C" NOT NULL,
  created BIGINT,
  seen    BIGINT,
  ends    BIGINT
);
CREATE INDEX sessions_login ON sessions (login);

CREATE TABLE track_failures (
  number       TEXT COLLATE "C" PRIMARY KEY,
  count        BIGINT NOT NULL,
  since        BIGINT NOT NULL,
  locked_until BIGINT
);

ALTER TABLE deliveries ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE requests ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE tickets ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE events ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE outbox ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE calls ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE access_log ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE media ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE packs ALTER COLUMN archive SET STORAGE EXTERNAL;

-- Rows of the usual size stay whole, and nobody tries to compress them.
ALTER TABLE deliveries SET (toast_tuple_target = 8160);
ALTER TABLE tickets SET (toast_tuple_target = 8160);
ALTER TABLE events SET (toast_tuple_target = 8160);
ALTER TABLE outbox SET (toast_tuple_target = 8160);

-- A pipeline cannot look at one answer before it sends the next statement. So a statement that must
-- touch all its rows says so here, and ends the transaction when it did not.
-- +goose StatementBegin
CREATE FUNCTION hotline_expect(touched BIGINT, wanted BIGINT, what TEXT) RETURNS BIGINT LANGUAGE plpgsql AS $$
BEGIN
  IF touched <> wanted THEN
    RAISE EXCEPTION 'rows of % that are as expected: % of %', what, touched, wanted USING ERRCODE = 'HL001', TABLE = what;
  END IF;
  RETURN touched;
END $$;
-- +goose StatementEnd
