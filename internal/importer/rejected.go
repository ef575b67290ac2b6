package importer

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// Rejections writes the rows that were not taken to a CSV file that can be mended and imported itself:
// line, column and reason lead the columns of the table. The file is made with the first of them.
// It holds personal data and is for its owner's eyes only.
type Rejections struct {
	path   string
	header []string
	file   *os.File
	out    *csv.Writer
}

// NewRejections prepares the file at path for the rows under a header. An older file there is replaced
// once there is a row to write.
func NewRejections(path string, header []string) *Rejections {
	return &Rejections{path: path, header: header}
}

// Write puts one row on record.
func (r *Rejections) Write(row Row, p Problem) error {
	if r.file == nil {
		if err := r.open(); err != nil {
			return fmt.Errorf("rejected rows cannot be kept: %w; name another file with --rejected", err)
		}
	}
	line := append([]string{strconv.Itoa(row.Line), p.Column, p.Reason}, row.Cells...)
	if row.Raw != "" {
		line = append(line, row.Raw)
	}
	for i, cell := range line {
		line[i] = escape(cell)
	}
	if err := r.out.Write(line); err != nil {
		return fmt.Errorf("rejected rows: %w", err)
	}
	return nil
}

func (r *Rejections) open() error {
	f, err := os.OpenFile(r.path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	r.file, r.out = f, csv.NewWriter(f)
	if _, err := f.WriteString("\uFEFF"); err != nil { // Excel takes a CSV without it for GB18030
		return err
	}
	return r.out.Write(append([]string{"行号", "列", "原因"}, r.header...))
}

// Close ends the file. Path is empty when no row was rejected.
func (r *Rejections) Close() (path string, err error) {
	if r.file == nil {
		return "", nil
	}
	r.out.Flush()
	return r.path, errors.Join(r.out.Error(), r.file.Close())
}
