package webhook

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/internal/wire"
)

// The formats of decode.format.
const (
	formatJSON        = "json"
	formatXML         = "xml"
	formatForm        = "form"
	formatCSV         = "csv"
	formatCloudEvents = "cloudevents"
)

// Limits of one delivery.
const (
	maxItems  = 1000
	maxParts  = 100
	maxFields = 1000
)

func (d decodeSettings) check() error {
	var faults []error
	formats := []string{formatJSON, formatXML, formatForm, formatCSV, formatCloudEvents}
	if !slices.Contains(formats, d.Format) {
		faults = append(faults, fmt.Errorf("decode.format: %q is not known; use one of %s", d.Format, strings.Join(formats, ", ")))
	}
	if d.Charset != "" {
		if _, err := text.Decode([]byte("x"), d.Charset); err != nil {
			faults = append(faults, fmt.Errorf("decode.charset: %q is not known; use utf-8 or gb18030", d.Charset))
		}
	}
	if len(d.Lists) > 0 && d.Format != formatXML {
		faults = append(faults, errors.New("decode.lists: is for format xml only"))
	}
	if d.Format != formatCSV && (d.Comma != "" || len(d.Columns) > 0) {
		faults = append(faults, errors.New("decode.comma and decode.columns: are for format csv only"))
	}
	if d.Comma != "" && utf8.RuneCountInString(d.Comma) != 1 {
		faults = append(faults, fmt.Errorf("decode.comma: %q must be one character", d.Comma))
	}
	return errors.Join(faults...)
}

// decode returns the documents of a delivery as trees of map[string]any, []any, string, int, float64,
// bool and nil. document names the multipart field the documents stood in, if they did.
func (d decodeSettings) decode(in adapters.Inbound) (docs []any, document string, err error) {
	body, charset := in.Body, d.Charset
	if charset == "" {
		charset = wire.Charset(in.Header)
	}
	if strings.HasPrefix(wire.MediaType(in.Header), "multipart/") {
		fields, part, err := d.parts(in)
		if err != nil {
			return nil, "", err
		}
		if d.Format == formatForm {
			docs, err = d.formTree(fields, charset)
			return docs, "", err
		}
		body, document, charset = part.content, part.name, d.Charset
	}
	if d.Format == formatForm {
		form, err := formOf(in)
		if err != nil {
			return nil, "", err
		}
		docs, err = d.formTree(form, charset)
		return docs, "", err
	}
	if charset != "" && d.Format != formatXML { // a prolog speaks for itself
		s, err := text.Decode(body, charset)
		if err != nil {
			return nil, "", err
		}
		body = []byte(s)
	}
	switch d.Format {
	case formatXML:
		docs, err = d.xmlTree(body)
	case formatCSV:
		docs, err = d.csvRows(body)
	case formatCloudEvents:
		docs, err = cloudEvents(in, body)
	default:
		docs, err = jsonTree(body)
	}
	if err != nil {
		return nil, "", err
	}
	return docs, document, d.unpack(docs)
}

type part struct {
	name    string
	content []byte
}

// parts reads a multipart body: its plain fields, and the first part in the wanted format. Cameras
// send the event as a file of its own beside the picture.
func (d decodeSettings) parts(in adapters.Inbound) (url.Values, part, error) {
	fields, document := url.Values{}, part{}
	_, params, err := mime.ParseMediaType(in.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return nil, document, errors.New("webhook: multipart without a boundary")
	}
	reader := multipart.NewReader(bytes.NewReader(in.Body), params["boundary"])
	for range maxParts {
		p, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			if document.content == nil && d.Format != formatForm {
				return nil, document, fmt.Errorf("webhook: no part of the multipart body is %s", d.Format)
			}
			return fields, document, nil
		}
		if err != nil {
			return nil, document, errors.New("webhook: the multipart body is broken")
		}
		content, err := io.ReadAll(p) // bounded: the whole body is in memory and within MaxBody
		if err != nil {
			return nil, document, errors.New("webhook: the multipart body is broken")
		}
		if p.FileName() == "" {
			fields.Add(p.FormName(), string(content))
		}
		if document.content == nil && d.fits(p) {
			document = part{p.FormName(), content}
		}
	}
	return nil, document, fmt.Errorf("webhook: the multipart body has more than %d parts", maxParts)
}

func (d decodeSettings) fits(p *multipart.Part) bool {
	mediaType := wire.MediaType(http.Header(p.Header))
	format := d.Format
	if format == formatCloudEvents {
		format = formatJSON
	}
	return strings.HasSuffix(mediaType, "/"+format) || strings.HasSuffix(mediaType, "+"+format) || strings.HasSuffix(strings.ToLower(p.FileName()), "."+format)
}

func jsonTree(body []byte) ([]any, error) {
	var tree any
	if err := wire.JSON(body, &tree); err != nil {
		return nil, err
	}
	return []any{plain(tree)}, nil
}

// plain turns json.Number into int where it fits and float64 otherwise; whole numbers beyond int
// stay text, so that a long id keeps its digits. Text loses U+0000 and control characters.
func plain(tree any) any {
	switch v := tree.(type) {
	case map[string]any:
		for _, key := range slices.Collect(maps.Keys(v)) {
			value := plain(v[key])
			delete(v, key)
			key, _ = text.Clean(key, 0)
			v[key] = value
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case string:
		s, _ := text.Clean(v, 0)
		return s
	case json.Number:
		return number(string(v))
	}
	return tree
}

func number(s string) any {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) || !strings.ContainsAny(s, ".eE") {
		return s
	}
	return f
}

// unpack decodes fields that hold JSON as text, in place: Douyin's content, OneNET's msg. A field
// that is no text stays as it is: some platforms send both forms.
func (d decodeSettings) unpack(docs []any) error {
	for _, path := range d.Unpack {
		names := strings.Split(path, ".")
		for _, doc := range docs {
			parent, _ := doc.(map[string]any)
			for _, name := range names[:len(names)-1] {
				parent, _ = parent[name].(map[string]any)
			}
			last := names[len(names)-1]
			packed, ok := parent[last].(string)
			if !ok {
				continue
			}
			tree, err := jsonTree([]byte(packed))
			if err != nil {
				return fmt.Errorf("webhook: decode.unpack %s: %w", path, err)
			}
			parent[last] = tree[0]
		}
	}
	return nil
}

func formOf(in adapters.Inbound) (url.Values, error) {
	if len(in.Body) == 0 {
		return in.Query, nil
	}
	if mediaType := wire.MediaType(in.Header); mediaType != "" && mediaType != "application/x-www-form-urlencoded" {
		return nil, fmt.Errorf("webhook: the body is declared %.60q, not a form", mediaType)
	}
	form, err := url.ParseQuery(string(in.Body))
	if err != nil || !bytes.ContainsRune(in.Body, '=') {
		return nil, errors.New("webhook: the body is not a form")
	}
	return form, nil
}

// formTree makes one document of a form; a name that is given several times is a list. The charset is
// that of the bytes behind the percent signs.
func (d decodeSettings) formTree(form url.Values, charset string) ([]any, error) {
	if len(form) > maxFields {
		return nil, fmt.Errorf("webhook: the form has more than %d fields", maxFields)
	}
	tree := map[string]any{}
	for name, values := range form {
		list := make([]any, 0, len(values))
		for _, v := range values {
			s, err := text.Decode([]byte(v), charset)
			if err != nil {
				return nil, err
			}
			list = append(list, s)
		}
		tree[name] = list
		if len(list) == 1 {
			tree[name] = list[0]
		}
	}
	docs := []any{plain(tree)}
	return docs, d.unpack(docs)
}

// csvRows makes one document of each row, keyed by the header row or decode.columns.
func (d decodeSettings) csvRows(body []byte) ([]any, error) {
	s, err := text.Decode(body, "")
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(strings.NewReader(s))
	if d.Comma != "" {
		r.Comma, _ = utf8.DecodeRuneInString(d.Comma)
	}
	columns := d.Columns
	var rows []any
	for {
		fields, err := r.Read()
		switch {
		case errors.Is(err, io.EOF):
			if len(rows) == 0 {
				return nil, errors.New("webhook: the CSV holds no row")
			}
			return rows, nil
		case err != nil:
			if at, ok := errors.AsType[*csv.ParseError](err); ok {
				return nil, fmt.Errorf("webhook: the CSV is broken in line %d", at.Line)
			}
			return nil, errors.New("webhook: the CSV is broken")
		case columns == nil:
			columns = fields
			continue
		case len(fields) != len(columns):
			return nil, fmt.Errorf("webhook: row %d of the CSV has %d fields, want %d", len(rows)+1, len(fields), len(columns))
		case len(rows) == maxItems:
			return nil, fmt.Errorf("webhook: the CSV has more than %d rows", maxItems)
		}
		row := make(map[string]any, len(fields))
		for i, name := range columns {
			row[strings.TrimSpace(name)] = fields[i]
		}
		rows = append(rows, plain(row))
	}
}

// xmlTree makes a document of the root element: child elements by local name, attributes as @name,
// text as #text where an element has either of these, the root's own name as #name. An element that
// stands there several times is a list.
func (d decodeSettings) xmlTree(body []byte) ([]any, error) {
	dec, err := wire.XMLDecoder(body)
	if err != nil {
		return nil, err
	}
	for {
		token, err := dec.Token()
		if err != nil {
			return nil, errors.New("webhook: the XML holds no element")
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		value, err := d.element(dec, start)
		if err != nil {
			return nil, err
		}
		tree, ok := value.(map[string]any)
		if !ok {
			tree = map[string]any{"#text": value}
		}
		tree["#name"] = start.Name.Local
		return []any{tree}, nil
	}
}

// element reads up to the end of start. Depth is bounded: the document passed wire's check.
func (d decodeSettings) element(dec *xml.Decoder, start xml.StartElement) (any, error) {
	tree := map[string]any{}
	for _, a := range start.Attr {
		if a.Name.Local != "xmlns" && a.Name.Space != "xmlns" {
			tree["@"+a.Name.Local] = a.Value
		}
	}
	var words strings.Builder
	for {
		token, err := dec.Token()
		if err != nil {
			return nil, errors.New("webhook: the XML is broken")
		}
		switch token := token.(type) {
		case xml.CharData:
			words.Write(token)
		case xml.StartElement:
			value, err := d.element(dec, token)
			if err != nil {
				return nil, err
			}
			d.add(tree, token.Name.Local, value)
		case xml.EndElement:
			s := strings.TrimSpace(words.String())
			if len(tree) == 0 {
				return s, nil
			}
			if s != "" {
				tree["#text"] = s
			}
			return tree, nil
		}
	}
}

func (d decodeSettings) add(tree map[string]any, name string, value any) {
	switch before := tree[name].(type) {
	case nil:
		if slices.Contains(d.Lists, name) {
			value = []any{value}
		}
		tree[name] = value
	case []any:
		tree[name] = append(before, value)
	default:
		tree[name] = []any{before, value}
	}
}
