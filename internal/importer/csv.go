package importer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxRecord is the largest row of a CSV file, bytes of UTF-8. A quotation mark that is never closed
// makes one row of the rest of the file: it must not fill the memory.
const maxRecord = 4 << 20

// csvSource reads delimited text.
type csvSource struct {
	file   io.Closer
	tape   *tape
	reader *csv.Reader
	lines  int // read so far
}

func openCSV(path string, known func(cells []string) int) (*csvSource, error) {
	f, err := os.Open(path) //nolint:gosec // the operator's own argument
	if err != nil {
		return nil, err
	}
	s, err := newCSV(f, known)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	s.file = f
	return s, nil
}

func newCSV(f io.ReadSeeker, known func(cells []string) int) (*csvSource, error) {
	enc, err := charset(f)
	if err != nil {
		return nil, err
	}
	open := func() (io.Reader, error) {
		_, err := f.Seek(0, io.SeekStart)
		return transform.NewReader(f, unicode.BOMOverride(enc.NewDecoder())), err
	}
	head, err := open()
	if err != nil {
		return nil, err
	}
	comma, err := delimiter(io.LimitReader(head, 64<<10), known)
	if err != nil {
		return nil, err
	}
	whole, err := open()
	if err != nil {
		return nil, err
	}
	s := &csvSource{tape: &tape{from: whole}}
	s.reader = newReader(s.tape, comma)
	return s, nil
}

func newReader(r io.Reader, comma rune) *csv.Reader {
	c := csv.NewReader(r)
	c.Comma, c.FieldsPerRecord = comma, -1
	return c
}

// charset is how a file without a byte order mark is written: UTF-8 when all of it is valid, else
// GB18030, as Excel saves CSV in China.
func charset(f io.Reader) (encoding.Encoding, error) {
	_, err := io.Copy(io.Discard, transform.NewReader(f, encoding.UTF8Validator))
	switch {
	case err == nil:
		return unicode.UTF8, nil
	case errors.Is(err, encoding.ErrInvalidUTF8):
		return simplifiedchinese.GB18030, nil
	}
	return nil, err
}

// delimiter is the one under which the header has most columns that are known.
func delimiter(head io.Reader, known func(cells []string) int) (rune, error) {
	text, err := io.ReadAll(head)
	if err != nil {
		return 0, err
	}
	best, most := ',', 0
	for _, comma := range []rune{',', ';', '\t'} {
		r := newReader(bytes.NewReader(text), comma)
		r.LazyQuotes = true
		for range headerRows {
			cells, err := r.Read()
			if err != nil {
				break
			}
			if n := known(cells); n > most {
				best, most = comma, n
			}
		}
	}
	return best, nil
}

func (s *csvSource) next() (Row, error) {
	cells, err := s.reader.Read()
	raw := s.tape.cut(s.reader.InputOffset())
	before := s.lines
	s.lines += bytes.Count(raw, []byte("\n"))
	var syntax *csv.ParseError
	switch {
	case err == nil:
		line, _ := s.reader.FieldPos(0)
		return Row{Line: line, Cells: unescape(cells)}, nil
	case errors.Is(err, errTooLong):
		return Row{}, fmt.Errorf("line %d: a quotation mark opens here and does not close within %d MiB: close it and run the import again", before+1, maxRecord>>20)
	case !errors.As(err, &syntax):
		return Row{}, err // io.EOF, or the disk
	case errors.Is(err, csv.ErrBareQuote):
		if cells, ok := s.lenient(raw); ok {
			return Row{Line: syntax.StartLine, Cells: unescape(cells)}, nil
		}
	}
	return Row{Line: syntax.StartLine, Raw: string(raw), Problem: &Problem{
		Reason: fmt.Sprintf("第 %d 至 %d 行的引号不配对，无法分列", syntax.StartLine, syntax.Line),
	}}, nil
}

// lenient reads a row that has a quotation mark inside a cell without quotes, as in: 5" 管道.
func (s *csvSource) lenient(raw []byte) (cells []string, ok bool) {
	r := newReader(bytes.NewReader(raw), s.reader.Comma)
	r.LazyQuotes = true
	cells, err := r.Read()
	if err != nil {
		return nil, false
	}
	_, err = r.Read()
	return cells, errors.Is(err, io.EOF)
}

func (s *csvSource) date1904() bool { return false }
func (s *csvSource) Close() error   { return s.file.Close() }

var errTooLong = errors.New("importer: row is too long")

// tape remembers what was read since the last cut, so that a row that cannot be read can be shown.
type tape struct {
	from io.Reader
	kept []byte
	at   int64 // offset of kept
}

func (t *tape) Read(p []byte) (int, error) {
	if len(t.kept) > maxRecord {
		return 0, errTooLong
	}
	n, err := t.from.Read(p)
	t.kept = append(t.kept, p[:n]...)
	return n, err
}

// cut gives what was read up to an offset and forgets it. The result holds until the next Read.
func (t *tape) cut(offset int64) []byte {
	n := min(max(offset-t.at, 0), int64(len(t.kept)))
	raw := t.kept[:n]
	t.kept, t.at = t.kept[n:], t.at+n
	return raw
}

// dangerous begin a cell that a spreadsheet would run as a formula
// (https://owasp.org/www-community/attacks/CSV_Injection).
const dangerous = "=+-@\t\r＝＋－＠"

// escape makes a cell harmless to spreadsheets.
func escape(cell string) string {
	if i := strings.IndexAny(cell, dangerous); i == 0 {
		return "'" + cell
	}
	return cell
}

// unescape takes back what escape did, so that a mended file of rejected rows reads as the first.
func unescape(cells []string) []string {
	for i, c := range cells {
		if rest, ok := strings.CutPrefix(c, "'"); ok && strings.IndexAny(rest, dangerous) == 0 {
			cells[i] = rest
		}
	}
	return cells
}
