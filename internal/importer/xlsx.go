package importer

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Limits of a workbook: unpacked, and of what is kept in memory of one part of it; larger parts go
// to temporary files. A workbook of a million requests stays below.
const (
	maxUnpacked = 2 << 30
	maxInMemory = 16 << 20
)

// xlsxSource reads one sheet of a workbook. Cells are raw: dates are serial numbers, formulas
// their last result.
type xlsxSource struct {
	book  *excelize.File
	rows  *excelize.Rows
	line  int
	mac   bool
	sheet string
}

func openXLSX(path, sheet string) (*xlsxSource, error) {
	book, err := excelize.OpenFile(path, excelize.Options{RawCellValue: true, UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: maxInMemory})
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read as a workbook: %w; save it anew as .xlsx, or as CSV UTF-8", path, err)
	}
	s := &xlsxSource{book: book}
	if err := s.open(sheet); err != nil {
		_ = book.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func (s *xlsxSource) open(sheet string) error {
	sheets := s.book.GetSheetList()
	if sheet == "" {
		for _, name := range sheets {
			if visible, err := s.book.GetSheetVisible(name); err == nil && visible {
				sheet = name
				break
			}
		}
	}
	if !slices.Contains(sheets, sheet) {
		return fmt.Errorf("there is no sheet %q; it has: %s", sheet, strings.Join(sheets, ", "))
	}
	props, err := s.book.GetWorkbookProps()
	if err != nil {
		return err
	}
	s.mac = props.Date1904 != nil && *props.Date1904
	s.sheet = sheet
	s.rows, err = s.book.Rows(sheet)
	return err
}

func (s *xlsxSource) next() (Row, error) {
	if !s.rows.Next() {
		if err := s.rows.Error(); err != nil {
			return Row{}, fmt.Errorf("sheet %s, row %d: %w", s.sheet, s.line+1, err)
		}
		return Row{}, io.EOF
	}
	s.line++
	cells, err := s.rows.Columns()
	if err != nil {
		return Row{}, fmt.Errorf("sheet %s, row %d: %w", s.sheet, s.line, err)
	}
	return Row{Line: s.line, Cells: unescape(cells)}, nil
}

func (s *xlsxSource) date1904() bool { return s.mac }

func (s *xlsxSource) Close() error {
	err := s.rows.Close()
	if e := s.book.Close(); err == nil {
		err = e
	}
	return err
}
