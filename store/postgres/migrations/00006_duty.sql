-- +goose NO TRANSACTION
-- +goose Up
-- An alert's life: delivered, put off, handed over, climbed, acknowledged, done. Alerts of before climb no
-- more, and those acknowledged are done. Gateways of the version before go on meanwhile: the alerts they
-- raise are looked at at once. Broken off, it can begin again.
ALTER TABLE alerts ADD COLUMN IF NOT EXISTS version BIGINT NOT NULL DEFAULT 1,
  ADD COLUMN IF NOT EXISTS holder TEXT COLLATE "C" NOT NULL DEFAULT '', -- the unit whose work it is about; empty: unit
  ADD COLUMN IF NOT EXISTS root BYTEA, -- the alert it climbed from
  ADD COLUMN IF NOT EXISTS rung BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS person TEXT COLLATE "C" NOT NULL DEFAULT '', -- it was handed to; empty: who is on duty
  ADD COLUMN IF NOT EXISTS delivered_to TEXT COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS delivered_at BIGINT,
  ADD COLUMN IF NOT EXISTS snoozed_at BIGINT, -- first
  ADD COLUMN IF NOT EXISTS snoozed_until BIGINT,
  ADD COLUMN IF NOT EXISTS done_by TEXT COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS done_at BIGINT,
  ADD COLUMN IF NOT EXISTS look_at BIGINT; -- when the relay looks at it
ALTER TABLE alerts ALTER COLUMN look_at SET DEFAULT 0;
UPDATE alerts SET done_by = acked_by, done_at = acked_at WHERE acked_at IS NOT NULL AND done_at IS NULL;
-- An index whose building was broken off is there, but of no use: it is made anew.
DROP INDEX IF EXISTS alerts_look;
CREATE INDEX CONCURRENTLY alerts_look ON alerts (look_at) WHERE look_at IS NOT NULL;
DROP INDEX IF EXISTS alerts_root;
CREATE INDEX CONCURRENTLY alerts_root ON alerts (root) WHERE root IS NOT NULL;
DROP INDEX IF EXISTS alerts_undone;
CREATE INDEX CONCURRENTLY alerts_undone ON alerts (pos) WHERE done_at IS NULL;
DROP INDEX IF EXISTS tickets_paused;
CREATE INDEX CONCURRENTLY tickets_paused ON tickets (due_at) WHERE state = 'paused';

-- What became of an alert, for good.
CREATE TABLE IF NOT EXISTS alert_log (
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
CREATE INDEX IF NOT EXISTS alert_log_alert ON alert_log (alert);

-- What people arranged on top of the rosters of the pack. Nobody can be arranged for a post at a time for
-- which somebody is: of times on a line for each post, those that touch are refused.
CREATE TABLE IF NOT EXISTS duty_overrides (
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
CREATE INDEX IF NOT EXISTS duty_overrides_post ON duty_overrides (post, from_at) WHERE withdrawn_at IS NULL;
CREATE INDEX IF NOT EXISTS duty_overrides_to ON duty_overrides (to_at);
