package sender

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/citizen-hotline/gateway/internal/paging"
)

// texter makes a provider send text messages, as the pack describes the request.
type texter struct{ base }

// textMost is how many characters a text message has: three parts of one are still read as one.
const textMost = 200

func (s texter) Send(ctx context.Context, m *paging.Message) error {
	var failed []error
	for n, to := range s.d.Text.To {
		// Each has an id of its own: some providers take an id only once.
		if err := s.one(ctx, m, to, m.ID+"-"+strconv.Itoa(n+1)); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

func (s texter) one(ctx context.Context, m *paging.Message, to, id string) error {
	t := s.d.Text
	values := map[string]string{"{text}": m.Short(textMost), "{to}": to, "{id}": id, "{secret}": s.secret}
	escape := escapeJSON
	if strings.Contains(strings.ToLower(contentType(t)), "form-urlencoded") {
		escape = url.QueryEscape
	}
	req, err := s.request(ctx, cmp.Or(t.Method, http.MethodPost), fill(s.address, values, url.QueryEscape), []byte(fill(t.Body, values, escape)))
	if err != nil {
		return err
	}
	if t.Body != "" {
		req.Header.Set("Content-Type", contentType(t))
	}
	for name, v := range t.Headers {
		req.Header.Set(name, fill(v, values, plainHeader))
	}
	answer, err := s.do(req)
	if err != nil || t.OK.Pointer == "" {
		return err
	}
	var body any
	dec := json.NewDecoder(strings.NewReader(string(answer)))
	dec.UseNumber()
	if err := dec.Decode(&body); err != nil {
		return &RefusalError{Destination: s.d.ID, Code: "answer", Message: "is not JSON"}
	}
	got, ok := lookup(body, t.OK.Pointer)
	if said := fmt.Sprint(got); !ok || said != t.OK.Equals {
		return &RefusalError{Destination: s.d.ID, Code: t.OK.Pointer + " " + short(said)}
	}
	return nil
}

// lookup follows a JSON pointer (RFC 6901).
func lookup(v any, pointer string) (any, bool) {
	for _, part := range strings.Split(pointer, "/")[1:] {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[part]
			if !ok {
				return nil, false
			}
			v = next
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(at) {
				return nil, false
			}
			v = at[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// fill puts values into a template in one pass: a value that looks like a placeholder stays what it is.
func fill(template string, values map[string]string, escape func(string) string) string {
	var pairs []string
	for name, v := range values {
		pairs = append(pairs, name, escape(v))
	}
	return strings.NewReplacer(pairs...).Replace(template)
}

func escapeJSON(s string) string {
	b, err := marshal(s)
	if err != nil {
		return ""
	}
	return string(b[1 : len(b)-1])
}

func plainHeader(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, s)
}

func contentType(t *paging.Text) string {
	for name, v := range t.Headers {
		if strings.EqualFold(name, "Content-Type") {
			return v
		}
	}
	return "application/json; charset=utf-8"
}
