package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/citizen-hotline/gateway/internal/signature"
)

// PageSink is a destination of pages that the demo plays: a DingTalk robot, or a system that takes Standard
// Webhooks.
type PageSink struct{ Title, Kind, URL, Token, Secret string }

// page is one message that arrived.
type page struct{ to, title string }

// takePage plays the other end of a destination: it checks the signature and keeps the title. A kind that the
// demo does not know is not taken.
func (s *sink) takePage(p PageSink, token, secret string, wall func() time.Time) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotice))
		var title string
		if err == nil {
			title, err = readPage(p.Kind, token, secret, r, body, wall())
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.forged++
			if p.Kind == "dingtalk" { // it says so with HTTP 200
				fmt.Fprint(w, `{"errcode":310000,"errmsg":"sign not match"}`)
				return
			}
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.pages = append(s.pages, page{p.Title, title})
		fmt.Fprint(w, `{"errcode":0,"errmsg":"ok"}`)
	})
}

func readPage(kind, token, secret string, r *http.Request, body []byte, now time.Time) (title string, err error) {
	switch kind {
	case "dingtalk":
		q := r.URL.Query()
		var at int64
		if _, err := fmt.Sscan(q.Get("timestamp"), &at); err != nil {
			return "", fmt.Errorf("timestamp: %w", err)
		}
		sent := time.UnixMilli(at)
		_, sign := signature.SignDingTalkRobot(secret, sent)
		if q.Get("access_token") != token || q.Get("sign") != sign || now.Sub(sent).Abs() > time.Hour {
			return "", signature.ErrMismatch
		}
		var m struct {
			Markdown struct{ Title string }
		}
		err = json.Unmarshal(body, &m)
		return m.Markdown.Title, err
	case "webhook":
		v, err := signature.Compile(signature.Scheme{Type: signature.TypeStandardWebhooks}, [][]byte{[]byte(secret)})
		if err != nil {
			return "", err
		}
		if err := v.Verify(signature.Request{Method: r.Method, URL: r.URL.RequestURI(), Header: r.Header, Body: body, ReceivedAt: now}); err != nil {
			return "", err
		}
		var m struct{ Title string }
		err = json.Unmarshal(body, &m)
		return m.Title, err
	default:
		return "", fmt.Errorf("no page of kind %s", kind)
	}
}

// pagesListed is how many of the last pages are printed.
const pagesListed = 20

// sayPages prints what the duty room was told: pages, not steps, of which there are many more on the tickets.
func (d *day) sayPages() {
	if d.sink == nil {
		return
	}
	d.sink.mu.Lock()
	list := slices.Clone(d.sink.pages)
	d.sink.mu.Unlock()
	if len(list) == 0 {
		return
	}
	d.say("\n对外通知（本机收下，没有外发）共 %d 条：", len(list))
	for _, p := range list[max(0, len(list)-pagesListed):] {
		d.say("  %s  %s", p.to, p.title)
	}
}
