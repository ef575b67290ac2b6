-- +goose NO TRANSACTION
-- +goose Up
-- What ends with time passes over the held tickets: flag 16. Gateways of the version before go on writing
-- meanwhile. An index whose building was broken off is there, but of no use: it is made anew.
DROP INDEX IF EXISTS tickets_held;
CREATE INDEX CONCURRENTLY tickets_held ON tickets (id) WHERE (flags & 16) <> 0;
