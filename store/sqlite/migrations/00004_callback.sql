-- +goose Up
-- When a citizen is to be called next, NULL when nobody is: the list of callbacks. Gateways of the version before leave it
-- out; the tracker fills it in when it next looks at the ticket, and what no timer leads to is filled in here, but not for
-- those who want no call.
ALTER TABLE tickets ADD COLUMN callback_at INTEGER;
UPDATE tickets SET callback_at = COALESCE(look_at, registered_at) WHERE state = 'resolved' AND (flags & 4) = 0 AND source <> 'machine'
	AND instr(CAST(doc AS TEXT), '"no_callback":true') = 0;
CREATE INDEX tickets_callback ON tickets (callback_at) WHERE callback_at IS NOT NULL AND open = 1;
-- What waits for the centre: flags 128 an owner in dispute, 256 a request to approve, 512 a supervise order to answer.
-- Extensions that were asked for before wait, too.
UPDATE tickets SET flags = flags | 256 WHERE state IN ('dispatched', 'handling', 'paused') AND instr(CAST(doc AS TEXT), '"extension":{') > 0;
CREATE INDEX tickets_waiting ON tickets (registered_at) WHERE (flags & 896) <> 0;
