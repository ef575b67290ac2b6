package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/wire"
)

// cloudEvents reads the three HTTP content modes of CloudEvents 1.0 (HTTP Protocol Binding §3):
// structured, batch, and binary with ce- headers. The same structured JSON comes over MQTT 3.
func cloudEvents(in adapters.Inbound, body []byte) ([]any, error) {
	mediaType := wire.MediaType(in.Header)
	if in.Header.Get("ce-specversion") != "" && !strings.HasPrefix(mediaType, "application/cloudevents") {
		event, err := binaryEvent(in.Header, mediaType, body)
		if err != nil {
			return nil, err
		}
		return checkEvents([]any{event})
	}
	tree, err := jsonTree(body)
	if err != nil {
		return nil, err
	}
	if list, ok := tree[0].([]any); ok {
		if len(list) > maxItems {
			return nil, fmt.Errorf("webhook: the batch holds more than %d events", maxItems)
		}
		return checkEvents(list)
	}
	return checkEvents(tree)
}

func binaryEvent(h http.Header, mediaType string, body []byte) (map[string]any, error) {
	event := map[string]any{}
	for name, values := range h {
		attribute, ok := strings.CutPrefix(strings.ToLower(name), "ce-")
		if !ok || len(values) != 1 {
			continue
		}
		value, err := url.PathUnescape(values[0]) // values outside ASCII are percent-encoded
		if err != nil {
			value = values[0]
		}
		event[attribute] = plain(value)
	}
	if mediaType == "" || strings.HasSuffix(mediaType, "/json") || strings.HasSuffix(mediaType, "+json") {
		if len(body) == 0 {
			return event, nil
		}
		data, err := jsonTree(body)
		if err != nil {
			return nil, err
		}
		event["data"] = data[0]
		return event, nil
	}
	event["data"] = plain(string(body))
	return event, nil
}

// checkEvents wants the four attributes that the specification requires.
func checkEvents(events []any) ([]any, error) {
	for _, e := range events {
		event, ok := e.(map[string]any)
		if !ok {
			return nil, errors.New("webhook: an event is no object")
		}
		if event["specversion"] != "1.0" {
			return nil, errors.New("webhook: specversion must be 1.0")
		}
		for _, name := range []string{"id", "source", "type"} {
			if s, ok := event[name].(string); !ok || s == "" {
				return nil, fmt.Errorf("webhook: an event has no %s", name)
			}
		}
	}
	return events, nil
}

// isPreflight reports whether in asks for permission to send (CloudEvents Web Hooks §4.1). It comes
// unsigned, before the first event.
func (h *handshake) isPreflight(in adapters.Inbound) bool {
	return h.events != nil && in.Method == http.MethodOptions && in.Header.Get("WebHook-Request-Origin") != ""
}
