package open311

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/citizen-hotline/gateway/adapters"
	"github.com/citizen-hotline/gateway/internal/wire"
)

// Limits of GET /requests; the span and the number are the protocol's.
const (
	maxSpan  = 90 * 24 * time.Hour
	maxShown = 1000
	maxPage  = 10_000
)

// Query answers everything that is not the post of a request, and posts for a service that is not
// offered: only the desk knows the services, and Normalize must not ask it.
func (a *adapter) Query(ctx context.Context, in adapters.Inbound, desk adapters.PublicDesk) (adapters.Reply, bool) {
	r := resourceOf(in.Path, in.Header)
	if isPost(in) {
		return checkService(in, r.format, desk)
	}
	if in.Method != http.MethodGet && in.Method != http.MethodHead {
		return refuse(http.StatusBadRequest, r.format, "only GET is allowed here; requests are posted to /requests."+r.format), true
	}
	if r.name == "discovery" && r.id == "" {
		return a.discovery(in, r.format), true
	}
	if f := a.settings.jurisdictionFault(in.Query.Get("jurisdiction_id")); f != "" {
		status := http.StatusBadRequest
		if strings.Contains(f, "not found") {
			status = http.StatusNotFound
		}
		return refuse(status, r.format, "jurisdiction_id: "+f), true
	}
	switch {
	case r.name == "services" && r.id == "":
		return services(r.format, desk), true
	case r.name == "services":
		return serviceDefinition(r.format, r.id, desk), true
	case r.name == "requests" && r.id == "":
		return a.requests(ctx, in, r.format, desk), true
	case r.name == "requests":
		return a.requestByID(ctx, r, desk), true
	case r.name == "tokens" && r.id != "":
		return token(ctx, r, desk), true
	}
	return refuse(http.StatusNotFound, r.format, "there is no such resource; see /discovery.xml"), true
}

// discovery tells developers what is here. The address is the one they used.
func (a *adapter) discovery(in adapters.Inbound, format string) adapters.Reply {
	base, _, _ := strings.Cut(in.URL, "?")
	base = strings.TrimSuffix(base, in.Path)
	kind := "production"
	if a.settings.Test {
		kind = "test"
	}
	d := discovery{
		Changeset: formatSince, Contact: a.settings.Contact, KeyService: a.settings.KeyService,
		Endpoints: []endpoint{{
			Specification: "http://wiki.open311.org/GeoReport_v2", URL: base, Changeset: formatSince, Type: kind,
			Formats: []string{"text/xml", "application/json"},
		}},
	}
	return render(http.StatusOK, format, d, d)
}

// checkService refuses a post whose service code is unknown or whose required attributes are missing.
// A post that is wrong in other ways goes on: Normalize says all that is wrong with it.
func checkService(in adapters.Inbound, format string, desk adapters.PublicDesk) (adapters.Reply, bool) {
	form, err := formOf(in)
	code := (&params{Values: form}).one("service_code")
	if err != nil || code == "" {
		return adapters.Reply{}, false
	}
	offered := desk.Services()
	i := slices.IndexFunc(offered, func(s adapters.Service) bool { return s.Code == code })
	if i < 0 {
		return refuse(http.StatusNotFound, format, "service_code: not found; GET /services lists the codes"), true
	}
	answers := (&params{Values: form}).attributes()
	var faults []string
	for _, at := range offered[i].Attributes {
		if at.Required && answers["attribute."+at.Code] == "" {
			faults = append(faults, "attribute["+at.Code+"]: is required; GET /services/"+code+"."+format+" describes it")
		}
	}
	if len(faults) == 0 {
		return adapters.Reply{}, false
	}
	return refuse(http.StatusBadRequest, format, faults...), true
}

func services(format string, desk adapters.PublicDesk) adapters.Reply {
	list := []service{}
	for _, s := range desk.Services() {
		list = append(list, service{
			Code: s.Code, Name: s.Name, Description: s.Description, Metadata: len(s.Attributes) > 0,
			Type: "realtime", Keywords: strings.Join(s.Keywords, ","), Group: s.Group,
		})
	}
	return render(http.StatusOK, format, serviceList{Services: list}, list)
}

func serviceDefinition(format, code string, desk adapters.PublicDesk) adapters.Reply {
	for _, s := range desk.Services() {
		if s.Code != code {
			continue
		}
		d := definition{Code: s.Code, Attributes: []attribute{}}
		for i, at := range s.Attributes {
			w := attribute{
				Variable: true, Code: at.Code, Datatype: at.Datatype, Required: at.Required,
				DatatypeDescription: at.Hint, Order: i + 1, Description: at.Description,
			}
			for _, v := range at.Values {
				w.Values = append(w.Values, value(v))
			}
			d.Attributes = append(d.Attributes, w)
		}
		return render(http.StatusOK, format, d, d)
	}
	return refuse(http.StatusNotFound, format, "service_code: not found")
}

func (a *adapter) requests(ctx context.Context, in adapters.Inbound, format string, desk adapters.PublicDesk) adapters.Reply {
	filter, faults := filterOf(in)
	if len(faults) > 0 {
		return refuse(http.StatusBadRequest, format, faults...)
	}
	found, err := desk.PublicTickets(ctx, filter)
	if err != nil {
		return refuseError(format, err)
	}
	return a.render(format, found)
}

func (a *adapter) requestByID(ctx context.Context, r resource, desk adapters.PublicDesk) adapters.Reply {
	t, err := desk.PublicTicket(ctx, r.id)
	if err != nil {
		return refuseError(r.format, err)
	}
	return a.render(r.format, []adapters.PublicTicket{t})
}

func token(ctx context.Context, r resource, desk adapters.PublicDesk) adapters.Reply {
	number, err := desk.ByReceipt(ctx, r.id)
	if err != nil {
		return refuseError(r.format, err)
	}
	list := []tokenFor{{ID: number, Token: r.id}}
	return render(http.StatusOK, r.format, tokenList{Tokens: list}, list)
}

// filterOf reads the parameters of GET /requests. Numbers override everything else; without dates
// the last 90 days are shown.
func filterOf(in adapters.Inbound) (f adapters.PublicFilter, faults []string) {
	q := in.Query
	f.Limit, f.Page = maxShown, 1
	if s := q.Get("page"); s != "" {
		var ok bool
		if f.Page, ok = whole(s, 1, maxPage); !ok {
			faults = append(faults, fmt.Sprintf("page: must be 1 to %d", maxPage))
		}
	}
	if s := q.Get("page_size"); s != "" {
		var ok bool
		if f.Limit, ok = whole(s, 1, maxShown); !ok {
			faults = append(faults, fmt.Sprintf("page_size: must be 1 to %d", maxShown))
		}
	}
	if f.Numbers = commaList(q.Get("service_request_id")); len(f.Numbers) > 0 {
		if len(f.Numbers) > maxShown {
			faults = append(faults, fmt.Sprintf("service_request_id: at most %d are answered at once", maxShown))
		}
		return f, faults
	}
	f.Categories = commaList(q.Get("service_code"))
	if len(f.Categories) > maxShown {
		faults = append(faults, fmt.Sprintf("service_code: at most %d are taken", maxShown))
	}
	for _, s := range commaList(q.Get("status")) {
		open := s == "open"
		switch {
		case !open && s != "closed":
			faults = append(faults, "status: must be open, closed or both with a comma")
		case f.Open == nil:
			f.Open = &open
		case *f.Open != open:
			f.Open = nil
			return withDates(f, faults, in)
		}
	}
	return withDates(f, faults, in)
}

// withDates sets From and To of a filter; the parameters include both ends, to the second.
func withDates(f adapters.PublicFilter, faults []string, in adapters.Inbound) (adapters.PublicFilter, []string) {
	read := func(name string) time.Time {
		s := in.Query.Get(name)
		if s == "" {
			return time.Time{}
		}
		// A plus sign that was not escaped arrives as a blank.
		t, err := wire.Time(strings.Replace(s, " ", "+", 1), time.UTC)
		if err != nil {
			t, err = wire.Time(s, time.UTC)
		}
		if err != nil {
			faults = append(faults, name+": must be a time such as 2026-01-02T15:04:05Z")
		}
		return t
	}
	f.From, f.To = read("start_date"), read("end_date")
	if len(faults) > 0 {
		return f, faults
	}
	switch {
	case f.From.IsZero() && f.To.IsZero():
		f.From = in.ReceivedAt.Add(-maxSpan)
		return f, nil
	case f.From.IsZero():
		f.From = f.To.Add(-maxSpan)
	case f.To.IsZero():
		f.To = f.From.Add(maxSpan)
	case f.To.Before(f.From):
		faults = append(faults, "end_date: lies before start_date")
	case f.To.Sub(f.From) > maxSpan:
		faults = append(faults, "start_date: the span to end_date may be at most 90 days")
	}
	f.To = f.To.Add(time.Second)
	return f, faults
}

func commaList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

func (a *adapter) render(format string, found []adapters.PublicTicket) adapters.Reply {
	list := make([]request, 0, len(found))
	for _, t := range found {
		list = append(list, a.request(t))
	}
	return render(http.StatusOK, format, requestList{Requests: list}, list)
}

// request shows a ticket: the protocol has two states, what is finer stands in status_notes.
func (a *adapter) request(t adapters.PublicTicket) request {
	r := request{
		ID: t.Number, Status: "closed", StatusNotes: t.StateTitle,
		ServiceName: t.Service, ServiceCode: t.Category, Description: t.Summary, Agency: t.Unit,
		Requested: a.stamp(t.Registered), Updated: a.stamp(t.Updated), Expected: a.stamp(t.Expected), Address: t.Region,
	}
	if t.Open {
		r.Status = "open"
	}
	if t.PublicReply != "" {
		r.StatusNotes = strings.TrimPrefix(t.StateTitle+"："+t.PublicReply, "：")
	}
	if t.Lng != 0 || t.Lat != 0 {
		r.Lat, r.Long = &t.Lat, &t.Lng
	}
	return r
}
