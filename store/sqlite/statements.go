package sqlite

// statement names one prepared statement of the writer.
type statement int

const (
	begin statement = iota
	commit
	rollback
	savepoint
	release
	rollbackTo
	insertDelivery
	redriveDelivery
	insertRequest
	insertTicket
	updateTicket
	whichTicket
	addUnit
	dropUnit
	insertEvent
	insertNotice
	insertCall
	updateCall
	insertAlert
	insertAccess
	putCursor
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

	insertDelivery:  `INSERT INTO deliveries (id, channel, received_at, state, code, sealed) VALUES (?, ?, ?, ?, ?, ?)`,
	redriveDelivery: `UPDATE deliveries SET state = ?, code = ? WHERE id = ?`,
	insertRequest:   `INSERT INTO requests (channel, key, hash, delivery, ticket, at, sealed) VALUES (?, ?, ?, ?, ?, ?, ?)`,

	insertTicket: `INSERT INTO tickets (id, number, version, state, open, channel, source, category, region, unit, urgency, flags,
		registered_at, due_at, look_at, incident, phone_ix, sender_ix, thread, fold_key, call_id, doc, sealed, delivery)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	updateTicket: `UPDATE tickets SET version = ?, state = ?, open = ?, channel = ?, source = ?, category = ?, region = ?, unit = ?,
		urgency = ?, flags = ?, registered_at = ?, due_at = ?, look_at = ?, incident = ?, phone_ix = ?, sender_ix = ?, thread = ?,
		fold_key = ?, call_id = ?, doc = ?, sealed = ? WHERE id = ? AND version = ?`,
	whichTicket: `SELECT (SELECT count(*) FROM tickets WHERE id = ?), (SELECT count(*) FROM tickets WHERE number = ?)`,
	addUnit:     `INSERT OR IGNORE INTO ticket_units (unit, ticket) VALUES (?, ?)`,
	dropUnit:    `DELETE FROM ticket_units WHERE unit = ? AND ticket = ?`,
	insertEvent: `INSERT INTO events (ticket, seq, hash, doc, sealed) VALUES (?, ?, ?, ?, ?)`,

	insertNotice: `INSERT INTO outbox (key, ticket, kind, target, state, attempts, due_at, next_at, created, error, sealed)
		VALUES (?, ?, ?, ?, 'pending', 0, ?, ?, ?, '', ?)`,
	insertCall: `INSERT INTO calls (id, channel, call_id, version, line, agent, state, rang_at, answered_at, ended_at, seconds,
		call_back, updated_at, sealed) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	updateCall: `UPDATE calls SET version = version + 1, line = ?, agent = ?, state = ?, rang_at = ?, answered_at = ?, ended_at = ?,
		seconds = ?, call_back = ?, updated_at = ?, sealed = ? WHERE channel = ? AND call_id = ? AND version = ?`,
	insertAlert: `INSERT INTO alerts (id, key, ticket, number, unit, region, level, post, text, at, acked_by, acked_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	insertAccess: `INSERT INTO access_log (at, ticket, what, actor, fields, sealed) VALUES (?, ?, ?, ?, ?, ?)`,
	putCursor: `INSERT INTO cursors (channel, value, at) VALUES (?, ?, ?)
		ON CONFLICT (channel) DO UPDATE SET value = excluded.value, at = excluded.at`,

	foldLog: `PRAGMA wal_checkpoint(PASSIVE)`,
}
