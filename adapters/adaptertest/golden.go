package adaptertest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gabriel-vasile/mimetype"
	"github.com/google/go-cmp/cmp"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/ticket"
)

type goldenCase struct {
	name, dir string
	in        adapters.Inbound // as it came, signed
}

func (s *suite) cases(t testing.TB) []goldenCase {
	t.Helper()
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []goldenCase
	for _, e := range entries {
		if !e.IsDir() || e.Name() == "fuzz" {
			continue
		}
		dir := filepath.Join(s.Dir, e.Name())
		in, err := s.read(mustRead(t, filepath.Join(dir, "request.http")))
		if err != nil {
			t.Fatalf("%s: %v", dir, err)
		}
		list = append(list, goldenCase{e.Name(), dir, in})
	}
	if len(list) == 0 {
		t.Fatalf("%s holds no case", s.Dir)
	}
	return list
}

// read makes an Inbound of a request.http.
func (s *suite) read(raw []byte) (adapters.Inbound, error) {
	in := adapters.Inbound{Channel: s.Deps.Channel.ID, Header: http.Header{}, ReceivedAt: Received, RemoteIP: netip.MustParseAddr("192.0.2.1")}
	sign, started := false, false
	for {
		line, rest, found := bytes.Cut(raw, []byte("\n"))
		raw = rest
		text := strings.TrimSuffix(string(line), "\r")
		switch {
		case !started && strings.HasPrefix(text, "#"):
			if strings.TrimSpace(text[1:]) == "sign" {
				sign = true
			} else if err := directive(&in, text); err != nil {
				return in, err
			}
		case !started:
			if err := s.requestLine(&in, text); err != nil {
				return in, err
			}
			started = true
		case text == "":
			in.Body = bytes.Clone(raw)
			if in.Body == nil {
				in.Body = []byte{}
			}
			if err := s.keepFiles(&in); err != nil {
				return in, err
			}
			if sign {
				s.Sign(&in)
			}
			return in, nil
		default:
			name, value, ok := strings.Cut(text, ":")
			if !ok {
				return in, fmt.Errorf("header line %q has no colon", text)
			}
			in.Header.Add(name, strings.TrimSpace(value))
		}
		if !found {
			return in, errors.New("request.http has no blank line after its headers")
		}
	}
}

func directive(in *adapters.Inbound, line string) error {
	name, value, _ := strings.Cut(strings.TrimSpace(line[1:]), ":")
	value = strings.TrimSpace(value)
	var err error
	switch name {
	case "received-at":
		in.ReceivedAt, err = time.Parse(time.RFC3339, value)
		in.ReceivedAt = in.ReceivedAt.UTC()
	case "remote-ip":
		in.RemoteIP, err = netip.ParseAddr(value)
	default:
		err = fmt.Errorf("directive %q is not known", name)
	}
	return err
}

func (s *suite) requestLine(in *adapters.Inbound, line string) error {
	parts := strings.Fields(line)
	if len(parts) < 2 {
		return fmt.Errorf("request line %q: want METHOD PATH", line)
	}
	prefix := "/channels/" + in.Channel
	in.Method = parts[0]
	in.URL = "https://hotline.example.cn" + prefix + strings.TrimPrefix(parts[1], prefix)
	u, err := url.Parse(in.URL)
	if err != nil {
		return err
	}
	in.Query = u.Query()
	if in.Path = strings.TrimPrefix(u.Path, prefix); in.Path == "" {
		in.Path = "/"
	}
	return nil
}

// keepFiles does what the edge does for a channel that takes files: the file parts are kept under
// their hash, with a type that is sniffed.
func (s *suite) keepFiles(in *adapters.Inbound) error {
	kind, params, err := mime.ParseMediaType(in.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || !s.Spec.Multipart {
		return nil //nolint:nilerr // no Content-Type, or not ours to read
	}
	parts := multipart.NewReader(bytes.NewReader(in.Body), params["boundary"])
	for {
		p, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("multipart: %w", err)
		}
		if p.FileName() == "" {
			continue
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return fmt.Errorf("multipart: %w", err)
		}
		sum := sha256.Sum256(content)
		in.Media = append(in.Media, adapters.Upload{Field: p.FormName(), MediaRef: ticket.MediaRef{
			SHA256: hex.EncodeToString(sum[:]), MIME: mimetype.Detect(content).String(), Size: int64(len(content)), Name: p.FileName(), Fetched: true,
		}})
	}
}

// golden runs one case as the gateway would and compares.
func (s *suite) golden(t *testing.T, c goldenCase) {
	requests, reply, err := s.deliver(t, c)
	wantJSON, wantErr, wantReply := filepath.Join(c.dir, "want.json"), filepath.Join(c.dir, "want.err"), filepath.Join(c.dir, "want.reply.http")
	if err != nil {
		compare(t, wantErr, describe(err))
		absent(t, wantJSON, "the delivery was refused: "+describe(err))
	} else {
		compare(t, wantJSON, marshal(t, requests))
		absent(t, wantErr, "the delivery was taken")
	}
	if _, statErr := os.Stat(wantReply); reply != nil && (statErr == nil || *update) {
		compare(t, wantReply, dump(*reply))
	}
}

func (s *suite) deliver(t *testing.T, c goldenCase) ([]ticket.Request, *adapters.Reply, error) {
	in, err := s.open(c.in)
	var requests []ticket.Request
	if err == nil {
		if h, ok := s.adapter.(adapters.Handshaker); ok {
			if r, ok := h.Handshake(clone(in)); ok {
				return nil, &r, nil
			}
		}
		if q, ok := s.adapter.(adapters.Querier); ok && s.Desk != nil {
			if r, ok := q.Query(t.Context(), clone(in), s.Desk); ok {
				return nil, &r, nil
			}
		}
		requests, err = s.normalize(t, in)
	}
	ack, ok := s.adapter.(adapters.Acknowledger)
	if !ok {
		return requests, nil, err
	}
	out := outcome(c.in, requests, err)
	if path := filepath.Join(c.dir, "outcome.json"); exists(path) {
		out = adapters.Outcome{Nonce: out.Nonce, At: out.At}
		if err := json.Unmarshal(mustRead(t, path), &out); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	r := ack.Acknowledge(clone(c.in), out)
	return requests, &r, err
}

// outcome is what intake would store for a delivery, with fixed numbers.
func outcome(in adapters.Inbound, requests []ticket.Request, err error) adapters.Outcome {
	out := adapters.Outcome{Result: adapters.Accepted, Delivery: "R260713000001", At: in.ReceivedAt, Nonce: "0123456789abcdef"}
	var e *ticket.Error
	switch {
	case err == nil && len(requests) == 0:
		out.Result = adapters.Ignored
	case err == nil:
		out.Text = "您的诉求已受理，工单号 LY2607130001233，查询码 7K3M9P。"
		for range requests {
			out.Tickets = append(out.Tickets, adapters.TicketRef{Number: "LY2607130001233", Code: "7K3M9P", Unit: "柳青街道办事处"})
		}
	case ticket.IsKind(err, ticket.Unauthenticated), ticket.IsKind(err, ticket.Forbidden):
		out.Result = adapters.Refused
	case errors.As(err, &e) && e.Kind == ticket.Invalid:
		out.Result, out.Code, out.Text, out.Errors = adapters.Rejected, e.Code, e.Message, e.Fields
	default:
		out.Result, out.Tickets = adapters.Quarantined, []adapters.TicketRef{{Number: "LY2607130001233", Code: "7K3M9P"}}
	}
	return out
}

// describe is the text of want.err.
func describe(err error) string {
	var e *ticket.Error
	if !errors.As(err, &e) {
		return "unreadable\n"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", e.Kind, e.Code)
	for _, f := range e.Fields {
		fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Message)
	}
	return b.String()
}

func marshal(t *testing.T, requests []ticket.Request) string {
	t.Helper()
	if requests == nil {
		requests = []ticket.Request{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(requests); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func dump(r adapters.Reply) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\n", r.Status, http.StatusText(r.Status))
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[name] {
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	b.WriteString("\n")
	b.Write(r.Body)
	return b.String()
}

func compare(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path) //nolint:gosec // a test's own folder
	if err != nil {
		t.Fatalf("%v; it would be:\n%s", err, got)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

func absent(t *testing.T, path, why string) {
	t.Helper()
	if !exists(path) {
		return
	}
	if *update {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is there, but %s", path, why)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
