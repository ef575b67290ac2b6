package api

import (
	"errors"
	"testing"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/ticket"
)

// FuzzRegistration reads anything as an agent's form: it is refused as Invalid or becomes one request.
func FuzzRegistration(f *testing.F) {
	f.Add([]byte(`{"agent":"a","area_code":"0539","form":{"channel":"phone-12345","text":"积水","place":{"lng":118.3,"lat":35.1}}}`))
	f.Add([]byte(`{"form":{"happened_at":"2026-07-13T08:30:00+08:00","appellant":{"phone":"138 0013 8000"}}}`))
	f.Add([]byte("{\"form\":{\"text\":\"\x00\"}}"))
	f.Add([]byte(`[[[[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		requests, err := takenDown{}.Normalize(adapters.Inbound{Body: body})
		if err != nil {
			if e, ok := errors.AsType[*ticket.Error](err); !ok || e.Kind != ticket.Invalid {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if len(requests) != 1 || requests[0].Kind != ticket.KindCase {
			t.Fatalf("became %+v", requests)
		}
		again, err := takenDown{}.Normalize(adapters.Inbound{Body: body})
		if err != nil || again[0].Key != requests[0].Key || again[0].Text != requests[0].Text {
			t.Fatalf("read again it is %+v, %v", again, err)
		}
	})
}
