-- +goose Up
-- An alert's life: delivered, put off, handed over, climbed, acknowledged, done. Alerts of before climb no
-- more, and those acknowledged are done.
ALTER TABLE alerts ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE alerts ADD COLUMN holder TEXT NOT NULL DEFAULT ''; -- the unit whose work it is about; empty: unit
ALTER TABLE alerts ADD COLUMN root BLOB; -- the alert it climbed from
ALTER TABLE alerts ADD COLUMN rung INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN person TEXT NOT NULL DEFAULT ''; -- it was handed to; empty: who is on duty
ALTER TABLE alerts ADD COLUMN delivered_to TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN delivered_at INTEGER;
ALTER TABLE alerts ADD COLUMN snoozed_at INTEGER; -- first
ALTER TABLE alerts ADD COLUMN snoozed_until INTEGER;
ALTER TABLE alerts ADD COLUMN done_by TEXT NOT NULL DEFAULT '';
ALTER TABLE alerts ADD COLUMN done_at INTEGER;
ALTER TABLE alerts ADD COLUMN look_at INTEGER; -- when the relay looks at it
UPDATE alerts SET done_by = acked_by, done_at = acked_at WHERE acked_at IS NOT NULL;
CREATE INDEX tickets_paused ON tickets (due_at) WHERE state = 'paused';
CREATE INDEX alerts_look ON alerts (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX alerts_root ON alerts (root) WHERE root IS NOT NULL;
CREATE INDEX alerts_undone ON alerts (pos) WHERE done_at IS NULL;

-- What became of an alert, for good.
CREATE TABLE alert_log (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  alert    BLOB NOT NULL,
  at       INTEGER,
  who      TEXT NOT NULL, -- login; empty: the gateway
  what     TEXT NOT NULL,
  post     TEXT NOT NULL, -- where it is since
  person   TEXT NOT NULL,
  until_at INTEGER,
  sealed   BLOB -- the reason
);
CREATE INDEX alert_log_alert ON alert_log (alert);

-- What people arranged on top of the rosters of the pack.
CREATE TABLE duty_overrides (
  pos          INTEGER PRIMARY KEY,
  id           BLOB NOT NULL UNIQUE,
  post         TEXT NOT NULL,
  from_at      INTEGER NOT NULL,
  to_at        INTEGER NOT NULL,
  who          TEXT NOT NULL,
  kind         TEXT NOT NULL,
  swap         BLOB, -- the same for both halves
  author       TEXT NOT NULL,
  at           INTEGER,
  withdrawn_by TEXT NOT NULL,
  withdrawn_at INTEGER,
  sealed       BLOB, -- the reason
  CHECK (from_at < to_at)
);
CREATE INDEX duty_overrides_post ON duty_overrides (post, from_at) WHERE withdrawn_at IS NULL;
CREATE INDEX duty_overrides_to ON duty_overrides (to_at);

-- Nobody can be arranged for a post at a time for which somebody is.
-- +goose StatementBegin
CREATE TRIGGER duty_overrides_apart BEFORE INSERT ON duty_overrides WHEN NEW.withdrawn_at IS NULL BEGIN
  SELECT RAISE(ABORT, 'duty_overrides_apart') FROM duty_overrides
  WHERE post = NEW.post AND withdrawn_at IS NULL AND from_at < NEW.to_at AND to_at > NEW.from_at;
END;
-- +goose StatementEnd
