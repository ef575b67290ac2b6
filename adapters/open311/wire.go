package open311

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/ticket"
)

// The two formats of the protocol. XML is the one every client reads.
const (
	formatXML  = "xml"
	formatJSON = "json"
)

// resource is what a path names: /requests/42.json → requests, 42, json.
type resource struct {
	name   string // discovery, services, requests, tokens, or something unknown
	id     string
	format string
}

// resourceOf reads a path below the endpoint. Besides the protocol's own form it takes the format
// as a segment of its own (node-open311 asks for requests/json) and, where no format is named,
// what the client accepts.
func resourceOf(path string, h http.Header) resource {
	path = strings.Trim(path, "/")
	r := resource{format: formatXML}
	if strings.Contains(h.Get("Accept"), "application/json") {
		r.format = formatJSON
	}
	for _, format := range [...]string{formatXML, formatJSON} {
		for _, mark := range [...]string{".", "/"} {
			if rest, ok := strings.CutSuffix(path, mark+format); ok {
				path, r.format = rest, format
			}
		}
	}
	r.name, r.id, _ = strings.Cut(path, "/")
	return r
}

// Element and member names are those of GeoReport v2; where the two formats differ in shape, JSON
// follows the Spark convention: the container is dropped and a list stays a list.

type serviceList struct {
	XMLName  xml.Name  `xml:"services"`
	Services []service `xml:"service"`
}

type service struct {
	Code        string `xml:"service_code" json:"service_code"`
	Name        string `xml:"service_name" json:"service_name"`
	Description string `xml:"description" json:"description"`
	Metadata    bool   `xml:"metadata" json:"metadata"`
	Type        string `xml:"type" json:"type"`
	Keywords    string `xml:"keywords" json:"keywords"`
	Group       string `xml:"group" json:"group"`
}

type definition struct {
	XMLName    xml.Name    `xml:"service_definition" json:"-"`
	Code       string      `xml:"service_code" json:"service_code"`
	Attributes []attribute `xml:"attributes>attribute" json:"attributes"`
}

type attribute struct {
	Variable            bool    `xml:"variable" json:"variable"`
	Code                string  `xml:"code" json:"code"`
	Datatype            string  `xml:"datatype" json:"datatype"`
	Required            bool    `xml:"required" json:"required"`
	DatatypeDescription string  `xml:"datatype_description" json:"datatype_description"`
	Order               int     `xml:"order" json:"order"`
	Description         string  `xml:"description" json:"description"`
	Values              []value `xml:"values>value" json:"values,omitempty"`
}

type value struct {
	Key  string `xml:"key" json:"key"`
	Name string `xml:"name" json:"name"`
}

type requestList struct {
	XMLName  xml.Name  `xml:"service_requests"`
	Requests []request `xml:"request"`
}

// request is a published ticket. Identifiers are text, so that clients keep their digits; a date or
// coordinate we do not have is absent in XML and null in JSON, because clients parse what is there.
type request struct {
	ID          string   `xml:"service_request_id" json:"service_request_id"`
	Status      string   `xml:"status" json:"status"`
	StatusNotes string   `xml:"status_notes" json:"status_notes"`
	ServiceName string   `xml:"service_name" json:"service_name"`
	ServiceCode string   `xml:"service_code" json:"service_code"`
	Description string   `xml:"description" json:"description"`
	Agency      string   `xml:"agency_responsible" json:"agency_responsible"`
	Notice      string   `xml:"service_notice" json:"service_notice"`
	Requested   *string  `xml:"requested_datetime" json:"requested_datetime"`
	Updated     *string  `xml:"updated_datetime" json:"updated_datetime"`
	Expected    *string  `xml:"expected_datetime" json:"expected_datetime"`
	Address     string   `xml:"address" json:"address"`
	AddressID   string   `xml:"address_id" json:"address_id"`
	Zipcode     string   `xml:"zipcode" json:"zipcode"`
	Lat         *float64 `xml:"lat" json:"lat"`
	Long        *float64 `xml:"long" json:"long"`
	MediaURL    string   `xml:"media_url" json:"media_url"`
}

type submissionList struct {
	XMLName     xml.Name     `xml:"service_requests"`
	Submissions []submission `xml:"request"`
}

// submission answers a POST: a ticket number, or a token when the number is not known yet.
type submission struct {
	ID      *string `xml:"service_request_id" json:"service_request_id,omitempty"`
	Token   *string `xml:"token" json:"token,omitempty"`
	Notice  string  `xml:"service_notice" json:"service_notice"`
	Account *string `xml:"account_id" json:"account_id"`
}

type tokenList struct {
	XMLName xml.Name   `xml:"service_requests"`
	Tokens  []tokenFor `xml:"request"`
}

type tokenFor struct {
	ID    string `xml:"service_request_id" json:"service_request_id"`
	Token string `xml:"token" json:"token"`
}

type discovery struct {
	XMLName    xml.Name   `xml:"discovery" json:"-"`
	Changeset  string     `xml:"changeset" json:"changeset"`
	Contact    string     `xml:"contact" json:"contact"`
	KeyService string     `xml:"key_service" json:"key_service"`
	Endpoints  []endpoint `xml:"endpoints>endpoint" json:"endpoints"`
}

type endpoint struct {
	Specification string   `xml:"specification" json:"specification"`
	URL           string   `xml:"url" json:"url"`
	Changeset     string   `xml:"changeset" json:"changeset"`
	Type          string   `xml:"type" json:"type"`
	Formats       []string `xml:"formats>format" json:"formats"`
}

type faultList struct {
	XMLName xml.Name `xml:"errors"`
	Faults  []fault  `xml:"error"`
}

type fault struct {
	Code        int    `xml:"code" json:"code"`
	Description string `xml:"description" json:"description"`
}

// render writes body in the format asked for. xmlBody carries the container that JSON drops.
func render(status int, format string, xmlBody, jsonBody any) adapters.Reply {
	var b bytes.Buffer
	var err error
	contentType := "text/xml; charset=utf-8"
	if format == formatJSON {
		contentType = "application/json; charset=utf-8"
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		err = enc.Encode(jsonBody)
	} else {
		b.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n")
		err = xml.NewEncoder(&b).Encode(xmlBody)
	}
	if err != nil { // a coordinate that is not a number; the protocol knows no 500
		status = http.StatusServiceUnavailable
		b.Reset()
	}
	return adapters.Reply{Status: status, Header: http.Header{"Content-Type": {contentType}}, Body: b.Bytes()}
}

// refuse is an error in the protocol's form; the code in the body repeats the status.
func refuse(status int, format string, descriptions ...string) adapters.Reply {
	faults := make([]fault, 0, len(descriptions))
	for _, d := range descriptions {
		faults = append(faults, fault{status, d})
	}
	return render(status, format, faultList{Faults: faults}, faults)
}

// refuseError gives err the nearest status the protocol has: 400, 403, 404, 429 or 503.
func refuseError(format string, err error) adapters.Reply {
	status, description := http.StatusServiceUnavailable, "the service cannot answer at the moment, please try again later"
	switch {
	case ticket.IsKind(err, ticket.NotFound):
		status, description = http.StatusNotFound, "not found"
	case ticket.IsKind(err, ticket.Invalid):
		status, description = http.StatusBadRequest, err.Error()
	case ticket.IsKind(err, ticket.Forbidden), ticket.IsKind(err, ticket.Unauthenticated):
		status, description = http.StatusForbidden, "not allowed"
	case ticket.IsKind(err, ticket.TooMany):
		status, description = http.StatusTooManyRequests, "too many requests, please slow down"
	}
	return refuse(status, format, description)
}
