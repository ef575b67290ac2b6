package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/internal/replay"
)

// candidate is the pack of Linyi with one more rule: street lamps go to the city's office.
func candidate(t *testing.T) string {
	t.Helper()
	dir := copyOf(t)
	rule := `- id: r-try-lamps
  title: 路灯一律由市市政中心处置
  stage: rules
  when: {keywords: {any: [路灯不亮]}}
  then: {unit: b-shizheng, urgency: urgent, policy: flood}
`
	if err := os.WriteFile(filepath.Join(dir, "rules", "25-try.yaml"), []byte(rule), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// asked replays and reads the report.
func asked(t *testing.T, w Where, o ReplayOptions) (r replay.Report, err error) {
	t.Helper()
	var out bytes.Buffer
	o.JSON = true
	err = Replay(t.Context(), w, o, Report{Out: &out})
	if err != nil && !errors.Is(err, ErrChecks) {
		t.Fatal(err)
	}
	if e := json.Unmarshal(out.Bytes(), &r); e != nil {
		t.Fatalf("%v: %s", e, out.String())
	}
	return r, err
}

// A candidate is tried on what was recorded, while a gateway has the data, before it is trusted.
func TestACandidateIsTriedOnWhatWasRecorded(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"file", "server"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			w := grown(t, in)
			if err := Retention(t.Context(), w, RetentionOptions{}, Report{Out: io.Discard}); err != nil {
				t.Fatal(err)
			}
			st := opens(t, w) // as a gateway that serves
			defer st.Close()  //nolint:errcheck // nothing was written
			dir := candidate(t)
			r, err := asked(t, w, ReplayOptions{Candidate: dir, FailOver: -1})
			if err != nil {
				t.Fatal(err)
			}
			if r.Requests != 12 || r.Moved != 12 || r.Unread != 8 || r.Urgency != 12 || r.Earlier != 12 || r.Later != 0 {
				t.Errorf("found %+v", r)
			}
			if len(r.Flows) != 1 || r.Flows[0].To != "b-shizheng" || r.Flows[0].Count != 12 || len(r.Samples) != 2 {
				t.Fatalf("flows %+v, %d samples", r.Flows, len(r.Samples))
			}
			if s := r.Samples[0]; !strings.Contains(s.After, "r-try-lamps") || strings.Contains(s.Before, "r-try-lamps") || !strings.Contains(s.Before, "承办单位") {
				t.Errorf("the sample says\n%s\n%s", s.Before, s.After)
			}
			// The same pack moves nothing.
			if r, err := asked(t, w, ReplayOptions{Candidate: linyi, FailOver: 0}); err != nil || r.Moved != 0 || r.Urgency+r.Earlier+r.Later != 0 {
				t.Errorf("the pack in force against itself: %+v, %v", r, err)
			}
			for limit, want := range map[float64]error{0.02: ErrChecks, 1: nil} {
				if _, err := asked(t, w, ReplayOptions{Candidate: dir, FailOver: limit}); !errors.Is(err, want) {
					t.Errorf("with at most %v of them moved: %v, want %v", limit, err, want)
				}
			}
			if r, _ := asked(t, w, ReplayOptions{Candidate: dir, FailOver: -1, Since: 365 * 24 * 60 * 60 * 1e9}); r.Requests != 10 {
				t.Errorf("%d requests of the last year, want 10", r.Requests)
			}
			var out bytes.Buffer
			if err := Replay(t.Context(), w, ReplayOptions{Candidate: dir, FailOver: 0.02}, Report{Out: &out}); !errors.Is(err, ErrChecks) ||
				!strings.Contains(out.String(), "改派 12 件（100.00 %）") || !strings.HasSuffix(out.String(), "more than 2.00 % would move\n") {
				t.Errorf("%v\n%s", err, out.String())
			}
		})
	}
}

// Requests may also come from a file, and both packs from folders: then no data is needed.
func TestACandidateIsTriedOnAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "requests.csv")
	rows := "工单编号,受理时间,诉求内容,地址\nA1,2026-03-02 09:00,路灯不亮好几天了,沂水县\nA2,2026-03-02 10:00,井盖丢失,兰山区银雀山街道\n,,,\n"
	if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := asked(t, Where{Data: t.TempDir()}, ReplayOptions{Candidate: candidate(t), City: linyi, File: file, FailOver: -1})
	if err != nil || r.Requests != 2 || r.Moved != 1 || r.Earlier != 1 || r.Samples[0].Number != "A1" {
		t.Errorf("found %+v, %v", r, err)
	}
}
