package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
)

var update = flag.Bool("update", false, "write what is read to the golden files")

// read is one row of a golden file.
type read struct {
	Line   int             `json:"line"`
	Sender string          `json:"sender,omitempty"`
	Body   json.RawMessage `json:"body,omitempty"`
	Column string          `json:"column,omitempty"`
	Reason string          `json:"reason,omitempty"`
	Raw    string          `json:"raw,omitempty"`
}

// readAll reads a file to its end.
func readAll(t *testing.T, path, sheet string) []read {
	t.Helper()
	table, err := Open(path, sheet)
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close() //nolint:errcheck // it was only read
	var all []read
	for {
		row, err := table.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		r, problem := table.Report(row, "old")
		if problem != nil {
			all = append(all, read{Line: row.Line, Column: problem.Column, Reason: problem.Reason, Raw: row.Raw})
			continue
		}
		all = append(all, read{Line: row.Line, Sender: r.Sender, Body: r.Body})
	}
	if n, err := Count(path, sheet); err != nil || n != len(all) {
		t.Errorf("Count = %d, %v; the file has %d rows", n, err, len(all))
	}
	return all
}

func TestReadCSV(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.csv")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			golden := strings.TrimSuffix(file, ".csv") + ".want.json"
			got := indent(t, readAll(t, file, ""))
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		})
	}
}

func indent(t *testing.T, v any) string {
	t.Helper()
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

// book writes a workbook with a hidden first sheet and the rows on the second.
func book(t *testing.T, mac bool, rows ...[]any) string {
	t.Helper()
	f := excelize.NewFile()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	_, err := f.NewSheet("工单")
	must(err)
	must(f.SetSheetVisible("Sheet1", true))
	f.SetActiveSheet(1)
	must(f.SetSheetVisible("Sheet1", false))
	must(f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &mac}))
	for n, row := range rows {
		cell, err := excelize.CoordinatesToCellName(1, n+1)
		must(err)
		must(f.SetSheetRow("工单", cell, &row))
	}
	path := filepath.Join(t.TempDir(), "old.xlsx")
	must(f.SaveAs(path))
	must(f.Close())
	return path
}

// bodyOf gives fields of a report by name; nested ones by path.
func bodyOf(t *testing.T, r read) map[string]any {
	t.Helper()
	if r.Body == nil {
		t.Fatalf("row %d was not read: %s %s", r.Line, r.Column, r.Reason)
	}
	var m map[string]any
	if err := json.Unmarshal(r.Body, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestReadXLSX(t *testing.T) {
	t.Parallel()
	path := book(t, false,
		[]any{"2019 年度工单"},
		[]any{"工单编号", "受理时间", "来电号码", "诉求内容"},
		[]any{20191203001234, 43802.34, 13800138000, "供暖不热"},
		[]any{},
		[]any{"T-2", "2019-12-03 08:05", "+86 138-0013-8000", "路灯不亮"},
	)
	got := readAll(t, path, "")
	if len(got) != 2 || got[0].Line != 3 || got[1].Line != 5 {
		t.Fatalf("rows = %s", indent(t, got))
	}
	first := bodyOf(t, got[0])
	want := map[string]any{
		"clientReportId": "old/20191203001234", "foreignNumber": "20191203001234", "occurredAt": "2019-12-03T08:09:36", "description": "供暖不热",
		"reporter": map[string]any{"type": "citizen", "phone": "13800138000"},
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("row 3 (-want +got):\n%s", diff)
	}
	if _, err := Open(path, "没有"); err == nil || !strings.Contains(err.Error(), "工单") {
		t.Errorf("unknown sheet: %v, want the sheets there are", err)
	}
}

// The same day has a number 1,462 smaller in workbooks that count from 1904.
func TestReadXLSX1904(t *testing.T) {
	t.Parallel()
	path := book(t, true, []any{"时间", "内容"}, []any{43802.5 - 1462, "供暖不热"})
	if at := bodyOf(t, readAll(t, path, "工单")[0])["occurredAt"]; at != "2019-12-03T12:00:00" {
		t.Errorf("occurredAt = %v", at)
	}
}

// A formula counts by the result the workbook remembers.
func TestReadXLSXFormula(t *testing.T) {
	t.Parallel()
	path := book(t, false, []any{"内容", "编号"}, []any{"积水", 20191})
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// SetCellFormula keeps the value that is there, as Excel does when it saves.
	if err := f.SetCellFormula("工单", "B2", "=20000+191"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Save(), f.Close()); err != nil {
		t.Fatal(err)
	}
	if id := bodyOf(t, readAll(t, path, "")[0])["foreignNumber"]; id != "20191" {
		t.Errorf("foreignNumber = %v, want the remembered result", id)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ content, sheet, want string }{
		"old workbook":      {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1rest", "", "save it as .xlsx"},
		"broken workbook":   {"PK\x03\x04rest", "", "cannot be read as a workbook"},
		"no header":         {"1,2,3\n4,5,6\n", "", "none of the first 10 rows"},
		"no text column":    {"工单编号,来电号码\n1,13800138000\n", "", "诉求内容"},
		"empty":             {"", "", "none of the first 10 rows"},
		"binary":            {"\x00\x01\xff\xfe\x80\x81" + strings.Repeat("\x00", 100), "", "none of the first 10 rows"},
		"sheet of a CSV":    {"text\n积水\n", "工单", "is no workbook"},
		"header too far":    {strings.Repeat("-\n", 10) + "text\n积水\n", "", "none of the first 10 rows"},
		"nothing is quoted": {"13800138000,张某\n", "", "none of the first 10 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "old")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Open(path, tt.sheet)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("Open = %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), "13800138000") {
				t.Errorf("the error shows what is in the file: %v", err)
			}
		})
	}
}

// A quotation mark that never closes must not take the rest of a large file into memory, nor lose it.
func TestQuoteThatNeverCloses(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "old.csv")
	content := "id,text\n1,积水\n2,\"没有闭合\n" + strings.Repeat("3,路面塌陷\n", 5*maxRecord/16)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	table, err := Open(path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer table.Close() //nolint:errcheck // it was only read
	if row, err := table.Next(); err != nil || row.Line != 2 {
		t.Fatalf("first row: %+v, %v", row, err)
	}
	if _, err := table.Next(); err == nil || !strings.Contains(err.Error(), "line 3: a quotation mark") {
		t.Errorf("Next = %v, want the line of the quotation mark", err)
	}
}

func FuzzCSV(f *testing.F) {
	files, err := filepath.Glob("testdata/*.csv")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		source, err := newCSV(bytes.NewReader(content), knownColumns)
		if err != nil {
			t.Fatal(err)
		}
		table := &Table{source: source}
		if table.findHeader() != nil {
			return
		}
		last := 0
		for {
			row, err := table.Next()
			if err != nil {
				return
			}
			if row.Line <= last || len(row.Cells) != len(table.Header()) {
				t.Fatalf("line %d after %d, %d cells under %d columns", row.Line, last, len(row.Cells), len(table.Header()))
			}
			last = row.Line
			r, problem := table.Report(row, "old")
			if problem == nil && (r.Key == "" || len(r.Key) > maxKey || r.Sender == "" || !json.Valid(r.Body)) {
				t.Fatalf("report %+v", r)
			}
			if problem != nil && problem.Reason == "" {
				t.Fatal("a row is refused without a reason")
			}
		}
	})
}
