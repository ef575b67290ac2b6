-- +goose Up
-- A candidate pack beside the one in force, from the event at position pos on; what it would have decided
-- otherwise or alike, one row a ticket.
CREATE TABLE shadows (
  id     INTEGER PRIMARY KEY AUTOINCREMENT, -- an id never comes again: gateways tell shadows apart by it
  hash   TEXT NOT NULL REFERENCES packs (hash),
  author TEXT NOT NULL,
  at     INTEGER,
  pos    INTEGER NOT NULL
);
CREATE TABLE shadow_decisions (
  shadow INTEGER NOT NULL,
  ticket BLOB NOT NULL,
  number TEXT NOT NULL,
  was    TEXT NOT NULL, -- unit; empty: the duty desk
  would  TEXT NOT NULL,
  rule   TEXT NOT NULL, -- by which it would
  PRIMARY KEY (shadow, ticket)
) WITHOUT ROWID;
