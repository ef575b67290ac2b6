package wire

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/citizen-hotline/gateway/internal/text"
)

// XML decodes one XML document into a pointer, after the checks of [XMLText].
// Errors: *FormatError, *text.CharsetError.
func XML(body []byte, into any) error {
	b, err := XMLText(body)
	if err != nil {
		return err
	}
	if err := newXMLDecoder(b).Decode(into); err != nil {
		return xmlError(err, "a value has the wrong form")
	}
	return nil
}

// XMLText returns the document as UTF-8, for decoders that walk it themselves (encoding/xml needs
// a CharsetReader that hands its input on when the prolog still names another charset; see
// [XMLDecoder]). The encoding of the prolog is honoured, NUL becomes U+FFFD and the other control
// characters are dropped, because platforms let citizens' text through as it is.
//
// Errors: *FormatError for a DOCTYPE (which rules out declared entities), nesting beyond MaxDepth,
// a second document or a syntax error; *text.CharsetError.
func XMLText(body []byte) ([]byte, error) {
	s, err := text.Decode(body, prologCharset(body))
	if err != nil {
		return nil, err
	}
	s, _ = text.Clean(s, 0)
	b := []byte(s)
	return b, checkXML(b)
}

// XMLDecoder is a decoder over a document that passed [XMLText].
func XMLDecoder(body []byte) (*xml.Decoder, error) {
	b, err := XMLText(body)
	if err != nil {
		return nil, err
	}
	return newXMLDecoder(b), nil
}

func newXMLDecoder(utf8 []byte) *xml.Decoder {
	dec := xml.NewDecoder(bytes.NewReader(utf8))
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // decoded already
	return dec
}

func checkXML(b []byte) error {
	refuse := func(dec *xml.Decoder, reason string) error {
		return &FormatError{Format: "XML", Offset: dec.InputOffset(), Reason: reason}
	}
	dec := newXMLDecoder(b)
	depth, roots := 0, 0
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			if roots == 0 {
				return refuse(dec, "it holds no element")
			}
			return nil
		}
		if err != nil {
			return xmlError(err, "syntax error")
		}
		switch tok := tok.(type) {
		case xml.Directive:
			return refuse(dec, "a DOCTYPE is not allowed")
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			if depth++; depth > MaxDepth {
				return refuse(dec, "nested too deep")
			}
			if roots > 1 {
				return refuse(dec, "there is more after the document")
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(tok)) > 0 {
				return refuse(dec, "there is text outside the document")
			}
		}
	}
}

// xmlError drops what encoding/xml and strconv quote of the content.
func xmlError(err error, reason string) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) && strings.Contains(syntax.Msg, "EOF") {
		reason = "it ends too early"
	}
	return &FormatError{Format: "XML", Reason: reason}
}

var prolog = regexp.MustCompile(`^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']`)

func prologCharset(body []byte) string {
	if m := prolog.FindSubmatch(body[:min(len(body), 300)]); m != nil {
		return string(m[1])
	}
	return ""
}
