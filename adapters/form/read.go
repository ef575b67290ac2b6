package form

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strconv"
	"strings"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/text"
	"github.com/citizen-hotline/gateway/internal/wire"
	"github.com/citizen-hotline/gateway/ticket"
)

// Limits of a multipart body besides its size. Fields are the paths of a report, so there are few.
const (
	maxFields     = 64
	maxFieldBytes = 128 << 10 // description: 20,000 characters of at most four bytes, and room
)

// read decodes the body: JSON, or a multipart form with the JSON in a part named report, or with
// one field per value. File parts are left out: they come as Inbound.Media.
func read(in adapters.Inbound) (report, error) {
	var (
		r   report
		err error
	)
	switch wire.MediaType(in.Header) {
	case "multipart/form-data":
		var doc []byte
		if doc, err = fromMultipart(in); err == nil {
			err = wire.JSON(doc, &r)
		}
	case "application/json", "text/json", "text/plain", "": // a browser's beacon sends text/plain
		err = wire.JSONOf(in.Body, in.Header, &r)
	default:
		err = ticket.Errorf(ticket.Invalid, codeFormat, "请以 application/json 或 multipart/form-data 提交")
	}
	return r, wire.Correctable(err, codeFormat)
}

// fromMultipart returns the JSON document of a multipart form.
func fromMultipart(in adapters.Inbound) ([]byte, error) {
	_, params, err := mime.ParseMediaType(in.Header.Get("Content-Type"))
	if err != nil || params["boundary"] == "" {
		return nil, ticket.Errorf(ticket.Invalid, codeFormat, "multipart/form-data 缺少 boundary")
	}
	parts := multipart.NewReader(bytes.NewReader(in.Body), params["boundary"])
	doc := map[string]any{}
	for n := 0; ; {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return json.Marshal(doc)
		}
		if err != nil {
			return nil, ticket.Errorf(ticket.Invalid, codeFormat, "multipart/form-data 不完整，请重新提交")
		}
		if p.FileName() != "" && p.FormName() != "report" {
			continue
		}
		if n++; n > maxFields {
			return nil, ticket.Errorf(ticket.Invalid, codeFormat, "表单项过多，最多 %d 项", maxFields)
		}
		value, err := io.ReadAll(io.LimitReader(p, maxFieldBytes+1))
		switch {
		case err != nil:
			return nil, ticket.Errorf(ticket.Invalid, codeFormat, "multipart/form-data 不完整，请重新提交")
		case len(value) > maxFieldBytes:
			return nil, ticket.Errorf(ticket.Invalid, codeFormat, "表单项过长，最多 %d KB", maxFieldBytes>>10)
		case p.FormName() == "report":
			return value, nil
		}
		if err := put(doc, p.FormName(), value); err != nil {
			return nil, err
		}
	}
}

// put sets one field of a form in the document, at its path.
func put(doc map[string]any, path string, raw []byte) error {
	s, err := text.Decode(raw, "")
	if err != nil {
		return err
	}
	var value any = s
	switch trimmed := strings.TrimSpace(s); {
	case path == "photos":
		list, _ := doc[path].([]string)
		list = append(list, trimmed)
		value = list
	case trimmed == "":
		return nil
	case numberFields[path]:
		f, err := strconv.ParseFloat(trimmed, 64)
		if err != nil || f != f || f > 1e9 || f < -1e9 {
			return invalid(ticket.Field{Name: path, Message: "应为数字"})
		}
		value = f
	case boolFields[path]:
		b, ok := boolean(trimmed)
		if !ok {
			return invalid(ticket.Field{Name: path, Message: "应为 true 或 false"})
		}
		value = b
	}
	at := doc
	if parent, name, nested := strings.Cut(path, "."); nested {
		child, ok := doc[parent].(map[string]any)
		if !ok {
			child = map[string]any{}
			doc[parent] = child
		}
		at, path = child, name
	}
	at[path] = value
	return nil
}

// boolean reads what forms send; a ticked box says "on".
func boolean(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "1", "on", "yes", "是":
		return true, true
	case "false", "0", "off", "no", "否":
		return false, true
	}
	return false, false
}
