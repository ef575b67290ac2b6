-- +goose Up
-- What outboxes keep of pages. A notice that is paged waits in state 'waiting' under the key of its group (grp)
-- until a page takes it: gateways of before do not see it. why names rule, step and route.
ALTER TABLE outbox ADD COLUMN grp TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN page INTEGER NOT NULL DEFAULT 0; -- the page it is told in; 0: none yet
ALTER TABLE outbox ADD COLUMN why TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN repeat_at INTEGER; -- when to look whether it still stands; null: never again
ALTER TABLE outbox ADD COLUMN is_over INTEGER NOT NULL DEFAULT 0; -- its reason is over, and that is what is told
ALTER TABLE outbox ADD COLUMN silence INTEGER NOT NULL DEFAULT 0; -- what held it back
CREATE INDEX outbox_waiting ON outbox (kind, next_at, id) WHERE state = 'waiting' AND page = 0;
CREATE INDEX outbox_group ON outbox (grp, id) WHERE state = 'waiting' AND page = 0;
CREATE INDEX outbox_page ON outbox (page, id) WHERE page > 0;
CREATE INDEX outbox_repeat ON outbox (repeat_at) WHERE repeat_at IS NOT NULL;
CREATE INDEX outbox_standing ON outbox (grp) WHERE repeat_at IS NOT NULL;
CREATE INDEX outbox_silenced ON outbox (silence) WHERE silence > 0;

-- One message to a destination: what of a group was told at once. A group has at most one that is not sent yet.
CREATE TABLE pages (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  grp      TEXT NOT NULL,
  seq      INTEGER NOT NULL, -- 1, 2, … within the group
  target   TEXT NOT NULL, -- destination
  kind     TEXT NOT NULL,
  state    TEXT NOT NULL,
  count    INTEGER NOT NULL, -- notices in it
  attempts INTEGER NOT NULL,
  next_at  INTEGER NOT NULL, -- when it may be claimed
  again_at INTEGER NOT NULL, -- before then the group has no further page
  created  INTEGER NOT NULL,
  done_at  INTEGER,
  error    TEXT NOT NULL,
  UNIQUE (grp, seq)
);
CREATE INDEX pages_pending ON pages (kind, next_at, id) WHERE state = 'pending';

-- How much each destination has been sent: when the next message fits its rate (GCRA), by the world's clock.
CREATE TABLE destinations (
  id   TEXT PRIMARY KEY,
  next INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE silences (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  author      TEXT NOT NULL,
  reason      TEXT NOT NULL,
  unit        TEXT NOT NULL, -- this and those below; empty: every one
  level       TEXT NOT NULL, -- this and milder ones; empty: every one
  destination TEXT NOT NULL,
  clock       TEXT NOT NULL,
  created     INTEGER NOT NULL,
  until       INTEGER NOT NULL,
  ended_by    TEXT NOT NULL,
  ended_at    INTEGER
);
CREATE INDEX silences_until ON silences (until);
