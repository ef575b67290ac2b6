package sender

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/internal/paging"
)

// alertmanager hands pages to Prometheus' Alertmanager (POST /api/v2/alerts), which may then do the paging: a
// group is one alert there. What it is known by are its labels; the number of tickets is an annotation, since an
// alert whose labels change is another alert.
type alertmanager struct{ base }

// postedAlert is one of the alerts of https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml.
type postedAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt,omitzero"`
	EndsAt      time.Time         `json:"endsAt,omitzero"`
}

func (s alertmanager) Send(ctx context.Context, m *paging.Message) error {
	shift := s.deps.Wall().Sub(m.At) // the city's clock may run ahead in a demonstration
	level := strings.Join(m.Levels, ",")
	a := postedAlert{
		Labels: map[string]string{"alertname": "HotlineDeadline", "source": "hotline", "level": level, "route": m.Route},
		Annotations: map[string]string{
			"summary": m.Title(), "description": strings.Join(m.Lines(), "\n"), "tickets": strconv.Itoa(m.Count + m.Standing), "page": m.ID,
		},
		StartsAt: m.Since.Add(shift),
	}
	for name, v := range map[string]string{"unit": m.UnitID, "unit_name": m.Unit, "clock": m.Clock} {
		if v != "" {
			a.Labels[name] = v
		}
	}
	if m.Urgent {
		a.Labels["urgency"] = "emergency"
		a.Labels["ticket"] = m.Items[0].Number // emergencies are never one alert with others
	}
	switch {
	case m.Over:
		a.EndsAt = m.At.Add(shift)
	case m.Lasts > 0:
		a.EndsAt = m.At.Add(shift + m.Lasts) // it is told again before; should the gateway die, the alert ends
	}
	text, err := marshal([]postedAlert{a})
	if err != nil {
		return err
	}
	req, err := s.request(ctx, http.MethodPost, strings.TrimSuffix(s.address, "/")+"/api/v2/alerts", text)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	_, err = s.do(req)
	return err
}
