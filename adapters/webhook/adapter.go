// Package webhook is the channel that needs no code: the pack says in YAML how a sender signs, in
// what form its deliveries come, which parts of them are requests and where their fields go.
//
// It is no programming language: expressions have no loops over time, no I/O, no clock and a bound
// on memory, and they are compiled when the pack is loaded, so that a mistake is found before
// the first delivery.
package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/signature"
	"github.com/citizen-hotline/gateway/ticket"
)

// Spec declares the channel.
func Spec() adapters.Spec {
	return adapters.Spec{
		Name:  "webhook",
		Title: "通用回调",
		Doc: "Deliveries of any platform, device or vendor that calls an address: how they are signed, decoded, picked apart and mapped " +
			"is said in the pack. Social media, sensors, cameras and other systems join without code.",
		Fields: []adapters.Field{
			{Name: "verify", Title: "验签", Type: adapters.TypeObject, Required: true, Help: "type and its fields (see internal/signature), secrets: list of secret references. type: none must be written out."},
			{Name: "decode", Title: "解码", Type: adapters.TypeObject, Required: true, Help: "format: json, xml, form, csv or cloudevents; charset, unpack, lists, comma, columns."},
			{Name: "each", Title: "拆分", Type: adapters.TypeString, Help: "JSONPath of the items; each becomes a request. Default: the whole delivery, or the row, or the event."},
			{Name: "when", Title: "条件", Type: adapters.TypeString, Help: "Expression; items for which it is false are ignored."},
			{Name: "dedupe", Title: "去重键", Type: adapters.TypeString, Help: "Expression that a retry repeats; required except for cloudevents."},
			{Name: "set", Title: "字段映射", Type: adapters.TypeObject, Required: true, Help: "Field of the request: expression."},
			{Name: "tables", Title: "对照表", Type: adapters.TypeObject, Help: "name: {their code: our value}, for lookup(name, code)."},
			{Name: "media", Title: "附件", Type: adapters.TypeObject, Help: "each: JSONPath, url: expression, role; uploads: false leaves the files of a multipart body out."},
			{Name: "handshake", Title: "握手", Type: adapters.TypeObject, Help: "query: parameter to echo; when and answer: challenge in the body; cloudevents: {origins, rate}."},
			{Name: "ack", Title: "应答", Type: adapters.TypeObject, Help: "Per result: status, type, body with {receipt} {number} {text} {code}."},
			{Name: "tests", Title: "自测", Type: adapters.TypeList, Help: "Examples: request and what must become of it; run by every check of the pack."},
		},
		MaxBody:   8 << 20, // a camera sends its picture along
		Multipart: true,
		New:       newAdapter,
	}
}

type adapter struct {
	channel   adapters.Channel
	settings  settings
	verifier  *signature.Verifier
	mapping   *mapping
	handshake *handshake
	ack       map[adapters.Result]*answer
	http      *http.Client
}

func newAdapter(s adapters.Settings, d adapters.Deps) (adapters.Adapter, error) {
	a := &adapter{channel: d.Channel, http: d.HTTP}
	if err := s.Decode(&a.settings); err != nil {
		return nil, err
	}
	a.channel.Zone = cmp.Or(a.channel.Zone, time.UTC)
	var faults []error
	note := func(err error) { faults = append(faults, err) }
	var err error
	a.verifier, err = compileVerifier(a.settings.Verify, d)
	note(err)
	note(a.settings.Decode.check())
	c := &compiler{tables: a.settings.Tables, zone: a.channel.Zone}
	a.mapping, err = compileMapping(c, &a.settings)
	note(err)
	a.handshake, err = compileHandshake(c, a.settings.Handshake)
	note(err)
	a.ack, err = compileAck(a.settings.Ack)
	note(err)
	note(checkTests(a.settings.Tests))
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return a, nil
}

func compileVerifier(s verifySettings, d adapters.Deps) (*signature.Verifier, error) {
	if s.Type == "" {
		return nil, errors.New("verify.type: is required; a sender that cannot sign needs type: ip-allow, or type: none written out")
	}
	secrets := make([][]byte, 0, len(s.Secrets))
	for i, ref := range s.Secrets {
		secret, err := d.Secret(ref)
		if err != nil {
			return nil, fmt.Errorf("verify.secrets[%d]: %w", i, err)
		}
		secrets = append(secrets, []byte(secret))
	}
	v, err := signature.Compile(s.Scheme, secrets)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return v, nil
}

// Open checks the signature. Only the CloudEvents handshake is not signed; it carries nothing.
func (a *adapter) Open(in adapters.Inbound) (adapters.Inbound, error) {
	if a.handshake.isPreflight(in) {
		return in, nil
	}
	err := a.verifier.Verify(signature.Request{
		Method: in.Method, URL: requestTarget(in.URL), Query: in.Query, Header: in.Header, Body: in.Body,
		RemoteIP: in.RemoteIP, ReceivedAt: in.ReceivedAt,
	})
	if err != nil {
		return in, ticket.Errorf(ticket.Unauthenticated, "webhook.signature", "the delivery is not signed as this channel wants")
	}
	return in, nil
}

// requestTarget is path and query of an absolute URL, as the sender wrote them.
func requestTarget(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.RequestURI()
}

// Normalize makes a request of each item that passes when. An error means that the delivery cannot
// be read: it is kept and can be driven again once the mapping is mended.
func (a *adapter) Normalize(in adapters.Inbound) ([]ticket.Request, error) {
	if len(in.Body) == 0 && slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, in.Method) {
		return nil, nil // somebody looks whether we are there
	}
	docs, document, err := a.settings.Decode.decode(in)
	if err != nil {
		return nil, err
	}
	return a.mapping.requests(a, in, docs, document)
}

// maxMedia bounds what Fetch reads, bytes.
const maxMedia = 100 << 20

// Fetch gets an attachment that a delivery names by its address. Errors: ticket.NotFound when it is
// gone, ticket.Unavailable.
func (a *adapter) Fetch(ctx context.Context, ref ticket.MediaRef) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, ref.Ref, nil)
	if err != nil {
		return nil, ticket.Errorf(ticket.NotFound, "media.address", "the attachment's address cannot be used")
	}
	resp, err := a.http.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok { // the address may carry a key
			err = u.Err
		}
		return nil, ticket.Errorf(ticket.Unavailable, "media.unreachable", "the attachment cannot be fetched now").Because(err)
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return http.MaxBytesReader(nil, resp.Body, maxMedia), nil
	case http.StatusNotFound, http.StatusGone, http.StatusForbidden:
		err = ticket.Errorf(ticket.NotFound, "media.gone", "the sender no longer has the attachment (status %d)", resp.StatusCode)
	default:
		err = ticket.Errorf(ticket.Unavailable, "media.unreachable", "the attachment cannot be fetched now (status %d)", resp.StatusCode)
	}
	_ = resp.Body.Close() // nothing of it is wanted
	return nil, err
}
