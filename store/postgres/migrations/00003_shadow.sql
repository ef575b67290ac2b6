-- +goose Up
-- A candidate pack beside the one in force, from the event at position pos on; what it would have decided
-- otherwise or alike, one row a ticket.
CREATE TABLE shadows (
  id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  hash   TEXT COLLATE "C" NOT NULL REFERENCES packs (hash),
  author TEXT COLLATE "C" NOT NULL,
  at     BIGINT,
  pos    BIGINT NOT NULL
);
CREATE TABLE shadow_decisions (
  shadow BIGINT NOT NULL,
  ticket BYTEA NOT NULL,
  number TEXT COLLATE "C" NOT NULL,
  was    TEXT COLLATE "C" NOT NULL, -- unit; empty: the duty desk
  would  TEXT COLLATE "C" NOT NULL,
  rule   TEXT COLLATE "C" NOT NULL, -- by which it would
  PRIMARY KEY (shadow, ticket)
);
