-- +goose Up
-- What outboxes keep of pages. A notice that is paged waits in state 'waiting' under the key of its group (grp)
-- until a page takes it: gateways of before do not see it. why names rule, step and route.
ALTER TABLE outbox ADD COLUMN grp TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN page BIGINT NOT NULL DEFAULT 0; -- the page it is told in; 0: none yet
ALTER TABLE outbox ADD COLUMN why TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN repeat_at BIGINT; -- when to look whether it still stands; null: never again
ALTER TABLE outbox ADD COLUMN is_over BIGINT NOT NULL DEFAULT 0; -- its reason is over, and that is what is told
ALTER TABLE outbox ADD COLUMN silence BIGINT NOT NULL DEFAULT 0; -- what held it back
CREATE INDEX outbox_waiting ON outbox (kind, next_at, id) WHERE state = 'waiting' AND page = 0;
CREATE INDEX outbox_group ON outbox (grp, id) WHERE state = 'waiting' AND page = 0;
CREATE INDEX outbox_page ON outbox (page, id) WHERE page > 0;
CREATE INDEX outbox_repeat ON outbox (repeat_at) WHERE repeat_at IS NOT NULL;
CREATE INDEX outbox_standing ON outbox (grp) WHERE repeat_at IS NOT NULL;
CREATE INDEX outbox_silenced ON outbox (silence) WHERE silence > 0;

-- One message to a destination: what of a group was told at once. A group has at most one that is not sent yet.
CREATE TABLE pages (
  id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  grp      TEXT COLLATE "C" NOT NULL,
  seq      BIGINT NOT NULL, -- 1, 2, … within the group
  target   TEXT COLLATE "C" NOT NULL, -- destination
  kind     TEXT COLLATE "C" NOT NULL,
  state    TEXT COLLATE "C" NOT NULL,
  count    BIGINT NOT NULL, -- notices in it
  attempts BIGINT NOT NULL,
  next_at  BIGINT NOT NULL, -- when it may be claimed
  again_at BIGINT NOT NULL, -- before then the group has no further page
  created  BIGINT NOT NULL,
  done_at  BIGINT,
  error    TEXT COLLATE "C" NOT NULL,
  CONSTRAINT pages_seq UNIQUE (grp, seq)
);
CREATE INDEX pages_pending ON pages (kind, next_at, id) WHERE state = 'pending';

-- How much each destination has been sent: when the next message fits its rate (GCRA), by the world's clock.
CREATE TABLE destinations (
  id   TEXT COLLATE "C" PRIMARY KEY,
  next BIGINT NOT NULL
);

CREATE TABLE silences (
  id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  author      TEXT COLLATE "C" NOT NULL,
  reason      TEXT COLLATE "C" NOT NULL,
  unit        TEXT COLLATE "C" NOT NULL, -- this and those below; empty: every one
  level       TEXT COLLATE "C" NOT NULL, -- this and milder ones; empty: every one
  destination TEXT COLLATE "C" NOT NULL,
  clock       TEXT COLLATE "C" NOT NULL,
  created     BIGINT NOT NULL,
  until       BIGINT NOT NULL,
  ended_by    TEXT COLLATE "C" NOT NULL,
  ended_at    BIGINT
);
CREATE INDEX silences_until ON silences (until);
