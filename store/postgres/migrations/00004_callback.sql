-- +goose NO TRANSACTION
-- +goose Up
-- When a citizen is to be called next, NULL when nobody is: the list of callbacks. Gateways of the version before leave it
-- out; the tracker fills it in when it next looks at the ticket, and what no timer leads to is filled in here, but not for
-- those who want no call. Each statement may be run again: what was broken off is made anew.
ALTER TABLE tickets ADD COLUMN IF NOT EXISTS callback_at BIGINT;
UPDATE tickets SET callback_at = COALESCE(look_at, registered_at) WHERE state = 'resolved' AND (flags & 4) = 0 AND source <> 'machine' AND callback_at IS NULL
	AND position(convert_to('"no_callback":true', 'UTF8') IN doc) = 0;
DROP INDEX IF EXISTS tickets_callback;
CREATE INDEX CONCURRENTLY tickets_callback ON tickets (callback_at) WHERE callback_at IS NOT NULL AND open = 1;
-- What waits for the centre: flags 128 an owner in dispute, 256 a request to approve, 512 a supervise order to answer.
-- Extensions that were asked for before wait, too.
UPDATE tickets SET flags = flags | 256 WHERE state IN ('dispatched', 'handling', 'paused') AND (flags & 256) = 0
	AND position(convert_to('"extension":{', 'UTF8') IN doc) > 0;
DROP INDEX IF EXISTS tickets_waiting;
CREATE INDEX CONCURRENTLY tickets_waiting ON tickets (registered_at) WHERE (flags & 896) <> 0;
