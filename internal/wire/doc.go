// Package wire reads and answers the formats that channels share: JSON and XML with limits, times
// as people and machines write them, and problem documents (RFC 9457).
//
// It is pure, and it is not a channel: it knows no platform's fields. Its errors never quote what
// was sent, which may hold personal data.
package wire

import (
	"fmt"
	"mime"
	"net/http"
	"strings"

	"github.com/citizen-hotline/gateway/internal/text"
)

// MaxDepth is how deep JSON and XML may be nested. Real channels stay below ten.
const MaxDepth = 32

// FormatError says why a body cannot be read. It is no ticket.Error on purpose: whether the sender
// can correct itself, or the delivery is quarantined, is for the adapter to say.
type FormatError struct {
	Format string // JSON or XML
	Field  string // dotted path of the value that has the wrong type, when that is known
	Offset int64  // byte in the UTF-8 text where reading ended, 0 when unknown
	Reason string
}

func (e *FormatError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "wire: not readable as %s", e.Format)
	if e.Field != "" {
		fmt.Fprintf(&b, ": %s", e.Field)
	}
	if e.Offset > 0 {
		fmt.Fprintf(&b, ": at byte %d", e.Offset)
	}
	return b.String() + ": " + e.Reason
}

// Charset is the charset a Content-Type declares, empty when it declares none.
func Charset(h http.Header) string {
	_, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return params["charset"]
}

// MediaType is the type a Content-Type declares, in lower case and without parameters.
func MediaType(h http.Header) string {
	t, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// Text is the body as UTF-8 without a byte order mark, read in the charset that the Content-Type
// declares, else in the one it is most likely written in. Errors: *text.CharsetError.
func Text(body []byte, h http.Header) ([]byte, error) {
	s, err := text.Decode(body, Charset(h))
	if err != nil {
		return nil, err
	}
	return []byte(s), nil
}
