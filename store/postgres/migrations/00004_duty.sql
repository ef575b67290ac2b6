-- +goose Up
-- An alert's life: delivered, put off, handed over, climbed, acknowledged, done. Alerts of before climb no
-- more, and those acknowledged are done. Gateways of the version before go on raising alerts meanwhile:
-- theirs are looked at at once.
ALTER TABLE alerts ADD COLUMN version BIGINT NOT NULL DEFAULT 1;
ALTER TABLE alerts ADD COLUMN root BYTEA; -- the alert it climbed from
ALTER TABLE alerts ADD COLUMN rung BIGINT NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN person TEXT COLLATE "C" NOT NULL DEFAULT ''; -- it was handed to; empty: who is on duty
ALTER TABLE alerts ADD COLUMN delivered_to TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN delivered_at BIGINT;
ALTER TABLE alerts ADD COLUMN snoozed_at BIGINT; -- first
ALTER TABLE alerts ADD COLUMN snoozed_until BIGINT;
ALTER TABLE alerts ADD COLUMN done_by TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN done_at BIGINT;
ALTER TABLE alerts ADD COLUMN look_at BIGINT; -- when the watch looks at it
ALTER TABLE alerts ALTER COLUMN look_at SET DEFAULT 0;
UPDATE alerts SET done_by = acked_by, done_at = acked_at WHERE acked_at IS NOT NULL;
CREATE INDEX alerts_look ON alerts (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX alerts_root ON alerts (root) WHERE root IS NOT NULL;
CREATE INDEX alerts_undone ON alerts (pos) WHERE done_at IS NULL;

-- What became of an alert, for good.
CREATE TABLE alert_log (
  id       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  alert    BYTEA NOT NULL,
  at       BIGINT,
  who      TEXT COLLATE "C" NOT NULL, -- login; empty: the gateway
  what     TEXT COLLATE "C" NOT NULL,
  post     TEXT COLLATE "C" NOT NULL, -- where it is since
  person   TEXT COLLATE "C" NOT NULL,
  until_at BIGINT,
  sealed   BYTEA -- the reason
);
CREATE INDEX alert_log_alert ON alert_log (alert);

-- What people arranged on top of the rosters of the pack. Nobody can be arranged for a post at a time for
-- which somebody is: of times on a line for each post, those that touch are refused.
CREATE TABLE duty_overrides (
  pos          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id           BYTEA NOT NULL,
  post         TEXT COLLATE "C" NOT NULL,
  from_at      BIGINT NOT NULL,
  to_at        BIGINT NOT NULL,
  who          TEXT COLLATE "C" NOT NULL,
  kind         TEXT COLLATE "C" NOT NULL,
  swap         BYTEA, -- the same for both halves
  author       TEXT COLLATE "C" NOT NULL,
  at           BIGINT,
  withdrawn_by TEXT COLLATE "C" NOT NULL,
  withdrawn_at BIGINT,
  sealed       BYTEA, -- the reason
  CONSTRAINT duty_overrides_id UNIQUE (id),
  CONSTRAINT duty_overrides_order CHECK (from_at < to_at),
  CONSTRAINT duty_overrides_apart EXCLUDE USING gist (box(point(hashtext(post), from_at), point(hashtext(post), to_at - 1)) WITH &&)
    WHERE (withdrawn_at IS NULL)
);
CREATE INDEX duty_overrides_post ON duty_overrides (post, from_at) WHERE withdrawn_at IS NULL;
