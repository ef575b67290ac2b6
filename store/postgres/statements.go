package postgres

import (
	"fmt"
	"strings"

	"github.com/citizen-hotline/gateway/store/tables"
)

// statement writes the rows of many steps at once: each value of a step is one element of an array.
type statement struct {
	text   string
	types  []string // of the arrays' elements, in the order of a step's values
	expect string   // the table of which every row must be touched; their number is the last value
}

// shape is what a statement is made of. Columns are written as in the migration: name and type.
type shape struct {
	before  string // up to the rows, which are called u
	columns string
	after   string
	expect  string // the table of which every row must be touched
}

// insert is the shape of a plain insert.
func insert(table, columns string) shape {
	names := make([]string, 0, 24)
	for column := range strings.SplitSeq(columns, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(column), " ")
		names = append(names, name)
	}
	return shape{before: `INSERT INTO ` + table + ` (` + strings.Join(names, ", ") + `) SELECT * FROM `, columns: columns}
}

const ticketBody = `version bigint, state text, open smallint, channel text, source text, category text, region text, unit text,
	urgency text, flags smallint, registered_at bigint, due_at bigint, look_at bigint, callback_at bigint, incident bytea, phone_ix bytea, sender_ix bytea, thread text,
	fold_key text, call_id text, doc bytea, sealed bytea`

const callBody = `line text, agent text, state text, rang_at bigint, answered_at bigint, ended_at bigint, seconds bigint,
	call_back text, updated_at bigint, sealed bytea`

const alertBody = `version bigint, root bytea, unit text, post text, person text, rung bigint, delivered_to text, delivered_at bigint, acked_by text,
	acked_at bigint, snoozed_at bigint, snoozed_until bigint, done_by text, done_at bigint, look_at bigint`

// shapes gives each statement its text. offset is added to the number of the writing transaction
// to make the positions of events.
func shapes(offset int64) [tables.StatementCount]shape {
	access := insert("access_log", `at bigint, ticket bytea, what text, actor bytea, fields bytea, sealed bytea`)
	units := insert("ticket_units", `unit text, ticket bytea`)
	units.after = ` ON CONFLICT DO NOTHING`
	cursors := insert("cursors", `channel text, value text, at bigint`)
	cursors.after = ` ON CONFLICT (channel) DO UPDATE SET value = excluded.value, at = excluded.at`
	return [tables.StatementCount]shape{
		tables.InsertRequest: insert("requests", `channel text, key text, hash bytea, delivery bytea, ticket bytea, at bigint, sealed bytea`),
		tables.InsertTicket:  insert("tickets", `id bytea, number text, `+ticketBody+`, delivery bytea`),
		tables.UpdateTicket: {
			before:  `UPDATE tickets t SET ` + sets(ticketBody) + ` FROM `,
			columns: ticketBody + `, id bytea, expect bigint`,
			after:   ` WHERE t.id = u.id AND t.version = u.expect`,
			expect:  "tickets",
		},
		tables.AddUnit:   units,
		tables.DropUnit:  {before: `DELETE FROM ticket_units x USING `, columns: `unit text, ticket bytea`, after: ` WHERE x.unit = u.unit AND x.ticket = u.ticket`},
		tables.EndEvents: {before: `UPDATE events x SET sealed = NULL FROM `, columns: `ticket bytea, seq bigint`, after: ` WHERE x.ticket = u.ticket AND x.seq < u.seq`},
		tables.InsertEvent: {
			before: fmt.Sprintf(`INSERT INTO events (pos, ticket, seq, hash, doc, sealed)
				SELECT ((pg_current_xact_id()::text::bigint + %d) << 20) + u.n, u.ticket, u.seq, u.hash, u.doc, u.sealed FROM `, offset),
			columns: `ticket bytea, seq bigint, hash bytea, doc bytea, sealed bytea, n ordinal`,
		},
		tables.InsertDelivery: insert("deliveries", `id bytea, channel text, received_at bigint, state text, code text, sealed bytea`),
		tables.RedriveDelivery: {
			before: `UPDATE deliveries d SET state = u.state, code = u.code FROM `, columns: `state text, code text, id bytea`,
			after: ` WHERE d.id = u.id`, expect: "deliveries",
		},
		tables.InsertNotice: insert("outbox", `key text, ticket bytea, kind text, target text, state text, grp text, why text, due_at bigint, next_at bigint, created bigint, sealed bytea`),
		tables.InsertAlert: insert("alerts", `id bytea, key text, ticket bytea, number text, unit text, region text, level text, post text,
			text text, at bigint, acked_by text, acked_at bigint, root bytea, person text, look_at bigint, holder text`),
		tables.UpdateAlert: {
			before:  `UPDATE alerts a SET ` + sets(alertBody) + ` FROM `,
			columns: alertBody + `, id bytea, expect bigint, was bigint`,
			after:   ` WHERE a.id = u.id AND a.version = u.expect AND coalesce(a.acked_at, 0) = u.was`,
			expect:  "alerts",
		},
		tables.InsertAlertEntry: insert("alert_log", `alert bytea, at bigint, who text, what text, post text, person text, until_at bigint, sealed bytea`),
		tables.InsertCall:       insert("calls", `id bytea, channel text, call_id text, `+callBody),
		tables.UpdateCall: {
			before:  `UPDATE calls c SET version = c.version + 1, ` + sets(callBody) + ` FROM `,
			columns: callBody + `, channel text, call_id text, version bigint`,
			after:   ` WHERE c.channel = u.channel AND c.call_id = u.call_id AND c.version = u.version`,
			expect:  "calls",
		},
		tables.InsertAccess: access,
		tables.PutCursor:    cursors,
	}
}

// sets lists columns as assignments from u.
func sets(columns string) string {
	var list []string
	for column := range strings.SplitSeq(columns, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(column), " ")
		list = append(list, name+` = u.`+name)
	}
	return strings.Join(list, ", ")
}

// statements makes the text of each shape.
func statements(offset int64) (all [tables.StatementCount]statement) {
	for n, s := range shapes(offset) {
		var names, arrays []string
		st := &all[n]
		for column := range strings.SplitSeq(s.columns, ",") {
			name, kind, _ := strings.Cut(strings.TrimSpace(column), " ")
			st.types = append(st.types, kind)
			names = append(names, name)
			arrays = append(arrays, fmt.Sprintf("$%d::%s[]", len(st.types), strings.Replace(kind, ordinal, "bigint", 1)))
		}
		st.text = s.before + `unnest(` + strings.Join(arrays, ", ") + `) AS u(` + strings.Join(names, ", ") + `)` + s.after
		if st.expect = s.expect; st.expect != "" {
			st.text = fmt.Sprintf(`WITH touched AS (%s RETURNING 1) SELECT hotline_expect((SELECT count(*) FROM touched), $%d::bigint, '%s')`,
				st.text, len(st.types)+1, s.expect)
		}
	}
	return all
}

// ordinal is the type of a column that is no value of the step, but its number in the transaction.
const ordinal = "ordinal"

// args turns the values of steps into one array for each column. The first has the number from.
func (st *statement) args(from int, steps ...*tables.Step) []any {
	args := make([]any, len(st.types), len(st.types)+1)
	for column, kind := range st.types {
		switch kind {
		case "text":
			args[column] = array[string](steps, column)
		case "bytea":
			args[column] = array[[]byte](steps, column)
		case ordinal:
			list := make([]int64, len(steps))
			for i := range list {
				list[i] = int64(from + i)
			}
			args[column] = list
		default:
			args[column] = numbers(steps, column)
		}
	}
	if st.expect != "" {
		args = append(args, int64(len(steps)))
	}
	return args
}

// array is one column of the steps; what is not there is the zero value, for bytes NULL.
func array[T any](steps []*tables.Step, column int) []T {
	list := make([]T, len(steps))
	for i, s := range steps {
		list[i], _ = s.Args[column].(T)
	}
	return list
}

// numbers is one column of numbers, NULL where there is none.
func numbers(steps []*tables.Step, column int) []*int64 {
	list := make([]*int64, len(steps))
	for i, s := range steps {
		if v, ok := s.Args[column].(int64); ok {
			list[i] = &v
		}
	}
	return list
}
