package sqlite

import "github.com/citizen-hotline/gateway/store/tables"

// statement names one prepared statement of the writer: those of changes, then its own.
type statement = tables.Statement

const (
	begin = tables.StatementCount + iota
	commit
	rollback
	savepoint
	release
	rollbackTo
	whichTicket
	foldLog
	statementCount
)

var statementTexts = [statementCount]string{
	begin:      `BEGIN IMMEDIATE`,
	commit:     `COMMIT`,
	rollback:   `ROLLBACK`,
	savepoint:  `SAVEPOINT change`,
	release:    `RELEASE change`,
	rollbackTo: `ROLLBACK TO change`,

	tables.InsertDelivery:  `INSERT INTO deliveries (id, channel, received_at, state, code, sealed) VALUES (?, ?, ?, ?, ?, ?)`,
	tables.RedriveDelivery: `UPDATE deliveries SET state = ?, code = ? WHERE id = ?`,
	tables.InsertRequest:   `INSERT INTO requests (channel, key, hash, delivery, ticket, at, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)`,

	tables.InsertTicket: `INSERT INTO tickets (id, number, version, state, open, channel, source, category, region, unit, urgency, flags,
		registered_at, due_at, look_at, callback_at, incident, phone_ix, sender_ix, thread, fold_key, call_id, doc, sealed, delivery)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	tables.UpdateTicket: `UPDATE tickets SET version = ?, state = ?, open = ?, channel = ?, source = ?, category = ?, region = ?, unit = ?,
		urgency = ?, flags = ?, registered_at = ?, due_at = ?, look_at = ?, callback_at = ?, incident = ?, phone_ix = ?, sender_ix = ?, thread = ?,
		fold_key = ?, call_id = ?, doc = ?, sealed = ? WHERE id = ? AND version = ?`,
	whichTicket:        `SELECT (SELECT count(*) FROM tickets WHERE id = ?), (SELECT count(*) FROM tickets WHERE number = ?)`,
	tables.AddUnit:     `INSERT OR IGNORE INTO ticket_units (unit, ticket) VALUES (?, ?)`,
	tables.DropUnit:    `DELETE FROM ticket_units WHERE unit = ? AND ticket = ?`,
	tables.EndEvents:   `UPDATE events SET sealed = NULL WHERE ticket = ? AND seq < ?`,
	tables.InsertEvent: `INSERT INTO events (ticket, seq, hash, doc, sealed) VALUES (?, ?, ?, ?, ?)`,

	tables.InsertNotice: `INSERT INTO outbox (key, ticket, kind, target, state, grp, why, attempts, due_at, next_at, created, error, sealed)
		VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, '', ?)`,
	tables.InsertCall: `INSERT INTO calls (id, channel, call_id, version, line, agent, state, rang_at, answered_at, ended_at, seconds,
		call_back, updated_at, sealed) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	tables.UpdateCall: `UPDATE calls SET version = version + 1, line = ?, agent = ?, state = ?, rang_at = ?, answered_at = ?, ended_at = ?,
		seconds = ?, call_back = ?, updated_at = ?, sealed = ? WHERE channel = ? AND call_id = ? AND version = ?`,
	tables.InsertAlert: `INSERT INTO alerts (id, key, ticket, number, unit, region, level, post, text, at, acked_by, acked_at, root, person, look_at, holder)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	tables.UpdateAlert: `UPDATE alerts SET version = ?, root = ?, unit = ?, post = ?, person = ?, rung = ?, delivered_to = ?, delivered_at = ?, acked_by = ?,
		acked_at = ?, snoozed_at = ?, snoozed_until = ?, done_by = ?, done_at = ?, look_at = ?
		WHERE id = ? AND version = ? AND coalesce(acked_at, 0) = ?`,
	tables.InsertAlertEntry: `INSERT INTO alert_log (alert, at, who, what, post, person, until_at, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
	tables.InsertAccess:     `INSERT INTO access_log (at, ticket, what, actor, fields, sealed) VALUES (?, ?, ?, ?, ?, ?)`,
	tables.PutCursor: `INSERT INTO cursors (channel, value, at) VALUES (?, ?, ?)
		ON CONFLICT (channel) DO UPDATE SET value = excluded.value, at = excluded.at`,

	foldLog: `PRAGMA wal_checkpoint(PASSIVE)`,
}
