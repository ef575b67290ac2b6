-- +goose Up
-- When a citizen is to be called next, NULL when nobody is: the list of callbacks. Gateways of the version before leave it
-- out; the tracker fills it in when it next looks at the ticket, and what no timer leads to is filled in here.
ALTER TABLE tickets ADD COLUMN callback_at INTEGER;
UPDATE tickets SET callback_at = COALESCE(look_at, registered_at) WHERE state = 'resolved' AND (flags & 4) = 0 AND source <> 'machine';
CREATE INDEX tickets_callback ON tickets (callback_at) WHERE callback_at IS NOT NULL;
-- What waits for the centre: flags 128 an owner in dispute, 256 a request to approve, 512 a supervise order to answer.
CREATE INDEX tickets_waiting ON tickets (registered_at) WHERE (flags & 896) <> 0;
