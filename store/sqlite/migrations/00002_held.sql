-- +goose Up
-- What ends with time passes over the held tickets: flag 16.
CREATE INDEX tickets_held ON tickets (id) WHERE (flags & 16) <> 0;
