package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// Row is one row of a table: its cells in the order of the header.
type Row struct {
	Line    int // of the file, from 1; for a cell that runs over lines, its first
	Cells   []string
	Problem *Problem // the row cannot be read as a row
	Raw     string   // what stands in the file, when Problem is set
}

// Problem says why a row is not taken.
type Problem struct {
	Column string // as the header names it; empty: the row as a whole
	Reason string
}

func (p *Problem) String() string {
	if p.Column == "" {
		return p.Reason
	}
	return p.Column + "：" + p.Reason
}

// Table is an open file whose header was found. It is read once, from one goroutine.
type Table struct {
	source
	columns columns
}

// source is one kind of file.
type source interface {
	next() (Row, error) // io.EOF after the last
	date1904() bool     // serial dates count from 1904, as old workbooks of the Macintosh do
	io.Closer
}

// headerRows is how far down the header is looked for: exports have titles and remarks above it.
const headerRows = 10

// Open opens a CSV or XLSX file, told apart by content, and finds its header. sheet names a sheet of
// a workbook; empty is the first that is visible.
func Open(path, sheet string) (*Table, error) {
	t, err := open(path, sheet, knownColumns)
	if err != nil {
		return nil, err
	}
	if err := t.findHeader(); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), t.Close())
	}
	return t, nil
}

// knownColumns is how many cells of a row name a column that is known here.
func knownColumns(cells []string) int { return newColumns(cells).known() }

// OpenNamed is Open for a table whose columns the caller names: the first rows are searched for one that
// has them all. The second result says in which cell of a row each stands.
func OpenNamed(path string, names ...string) (*Table, []int, error) {
	named := func(cells []string) int {
		n := 0
		for _, at := range find(newColumns(cells).names, names) {
			if at >= 0 {
				n++
			}
		}
		return n
	}
	t, err := open(path, "", named)
	if err != nil {
		return nil, nil, err
	}
	var first []string
	for range headerRows {
		row, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("%s: %w", path, err), t.Close())
		}
		c := newColumns(row.Cells)
		if first == nil && !blank(row.Cells) {
			first = c.names
		}
		if at := find(c.names, names); !slices.Contains(at, -1) {
			t.columns = c
			return t, at, nil
		}
	}
	if first == nil {
		return nil, nil, errors.Join(fmt.Errorf("%s is empty: it needs a header that names %q and rows below it", path, names), t.Close())
	}
	return nil, nil, errors.Join(fmt.Errorf("%s: none of the first %d rows names the columns %q; the first names %q: say which of them to take", path, headerRows, names, first[:min(len(first), 30)]), t.Close())
}

// find says where each name stands, −1 where it does not.
func find(columns, names []string) []int {
	at := make([]int, len(names))
	for i, name := range names {
		at[i] = slices.Index(columns, name)
	}
	return at
}

// open opens a file before its header; known tells how many cells of a row name a column that is known.
func open(path, sheet string, known func(cells []string) int) (*Table, error) {
	kind, err := sniff(path)
	if err != nil {
		return nil, err
	}
	t := &Table{}
	switch kind {
	case workbook:
		t.source, err = openXLSX(path, sheet)
	case oldWorkbook:
		return nil, fmt.Errorf("%s is an old Excel workbook (.xls) or one with a password: open it, save it as .xlsx or as CSV UTF-8 without a password, and import that", path)
	default:
		if sheet != "" {
			return nil, fmt.Errorf("%s is no workbook: --sheet %q is for XLSX", path, sheet)
		}
		t.source, err = openCSV(path, known)
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

type kind int

const (
	plain kind = iota
	workbook
	oldWorkbook
)

// sniff tells files apart by their first bytes: names lie.
func sniff(path string) (kind, error) {
	f, err := os.Open(path) //nolint:gosec // the operator's own argument
	if err != nil {
		return plain, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	var head [8]byte
	n, err := io.ReadFull(f, head[:])
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return plain, err
	}
	switch {
	case bytes.HasPrefix(head[:n], []byte("PK\x03\x04")):
		return workbook, nil
	case bytes.HasPrefix(head[:n], []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")):
		return oldWorkbook, nil
	}
	return plain, nil
}

// findHeader takes the first row that has a column for the words of a request.
func (t *Table) findHeader() error {
	for range headerRows {
		row, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if c := newColumns(row.Cells); c.tells() {
			t.columns = c
			return nil
		}
	}
	return fmt.Errorf("none of the first %d rows is a header with a column for the request itself: name it %s or text", headerRows, strings.Join(synonyms[fieldText][:3], ", "))
}

// Header names the columns as the file does.
func (t *Table) Header() []string { return t.columns.names }

// Next is the next row that is not empty; io.EOF after the last. Any other error ends the file.
func (t *Table) Next() (Row, error) {
	for {
		row, err := t.next()
		if err != nil {
			return Row{}, err
		}
		if row.Problem == nil && blank(row.Cells) {
			continue
		}
		return t.fit(row), nil
	}
}

// fit gives a row as many cells as the header has. Programs leave empty cells at the end of a row
// out; more cells than columns mean that a delimiter stands in a text without quotes.
func (t *Table) fit(row Row) Row {
	width := len(t.columns.names)
	for len(row.Cells) < width {
		row.Cells = append(row.Cells, "")
	}
	if !blank(row.Cells[width:]) && row.Problem == nil {
		row.Problem = &Problem{Reason: fmt.Sprintf("有 %d 列，表头只有 %d 列：含分隔符的内容应加引号", len(row.Cells), width)}
		row.Raw = strings.Join(row.Cells[width:], " ")
	}
	row.Cells = row.Cells[:width]
	return row
}

// Count is how many rows Next gives, for a progress bar. It reads the file once.
func Count(path, sheet string) (int, error) {
	t, err := Open(path, sheet)
	if err != nil {
		return 0, err
	}
	defer t.Close() //nolint:errcheck // it was only read
	for n := 0; ; n++ {
		if _, err := t.Next(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}

func blank(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}
