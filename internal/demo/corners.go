package demo

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/citizen-hotline/gateway/ticket"
)

// gridWorkerReports: who files is not whose matter it is. The device signs the body.
func gridWorkerReports(ctx context.Context, d *day, r *record) error {
	at := d.places.gate.north(-90)
	a, err := d.form(ctx, "grid", fields{
		"clientReportId": d.places.key("grid-1"), "type": ticket.TypeReport, "category": "01.03.02", "offlineQueued": true,
		"description": "巡查发现人行道井盖被冲走，已临时围挡，请尽快补装",
		"reporter":    fields{"type": "gridWorker", "id": d.places.key("grid-worker"), "name": "赵某", "gridCode": "371302003004"},
		"appellant":   fields{"name": "沿街商户李某", "phone": d.places.phone(24)},
		"location":    fields{"lng": at.lng, "lat": at.lat, "crs": "WGS84"},
	})
	if err != nil {
		return err
	}
	r.took(a)
	r.expect(is(ticket.UrgencyUrgent), underPolicy("urgent"), that("提交人与诉求人分开", func(v *view) bool { return v.Appellant.Phone != "" && v.FiledBy.Name != "" && v.FiledBy.Phone == "" }))
	return nil
}

// open311Post files as a civic application does; what is not published stays unseen there.
func open311Post(ctx context.Context, d *day, r *record) error {
	at := d.places.gate.east(120).north(-60)
	number, err := d.open311(ctx, url.Values{
		"service_code": {"01.03.03"}, "lat": {degrees(at.lat)}, "long": {degrees(at.lng)}, "description": {"Street light out since the storm, the whole block is dark. 路灯不亮"},
		"first_name": {"Wei"}, "last_name": {"Zhang"}, "phone": {d.places.phone(25)}, "device_id": {d.places.key("device")},
	})
	if err != nil {
		return err
	}
	r.Number = number
	res, err := d.wire.ask(ctx, nil, http.MethodGet, "/open311/v2/requests/"+number+".json", nil)
	if status(err) == 0 && err != nil {
		return err
	}
	r.must(status(err) == http.StatusNotFound || string(res.body) == "[]", "what nobody agreed to publish can be read: %.100s", res.body)
	services, err := d.wire.ask(ctx, nil, http.MethodGet, "/open311/v2/services.json", nil)
	if err != nil {
		return err
	}
	var list []json.RawMessage
	r.must(json.Unmarshal(services.body, &list) == nil && len(list) > 20, "%d services", len(list))
	r.note("%d 项服务可选；未同意公开的查不到", len(list))
	r.expect(ownedBy("b-shizheng"))
	return nil
}

// readable looks a public ticket up by Open311.
func (d *day) readable(ctx context.Context, r *record) error {
	if r.Number == "" {
		return nil
	}
	var list []struct {
		ID      string  `json:"service_request_id"`
		Status  string  `json:"status"`
		Lat     float64 `json:"lat"`
		Service string  `json:"service_code"`
	}
	if err := d.wire.json(ctx, nil, http.MethodGet, "/open311/v2/requests/"+r.Number+".json", nil, &list); err != nil {
		return err
	}
	if r.must(len(list) == 1 && list[0].ID == r.Number && list[0].Status == "open", "Open311 does not show it: %+v", list) {
		r.must(len(strings.TrimRight(degrees(list[0].Lat), "0")) <= len("35.123"), "the public sees it to the metre: %v", list[0].Lat)
	}
	return nil
}

func degrees(f float64) string { return strconv.FormatFloat(f, 'f', 6, 64) }

// gb18030 comes from an older client that writes the national encoding.
func gb18030(ctx context.Context, d *day, r *record) error {
	const words = "小区三号楼二单元水管爆裂，楼道里全是水，㐂㙓龘"
	body, err := json.Marshal(fields{
		"clientReportId": d.places.key("gb18030"), "type": ticket.TypeHelp, "description": d.places.street + words, "consent": true,
		"reporter": fields{"type": "citizen", "name": "老客户端", "phone": d.places.phone(26)},
	})
	if err != nil {
		return err
	}
	if body, err = simplifiedchinese.GB18030.NewEncoder().Bytes(body); err != nil {
		return err
	}
	a, err := d.own(ctx, outgoing{channel: "community", path: "/", contentType: "application/json; charset=GB18030", body: body})
	if err != nil {
		return err
	}
	r.took(a)
	r.expect(that("一个字不少", func(v *view) bool { return contains(v.Text, words) }))
	return nil
}

// confidential is seen by the unit that handles it and by those on duty, by nobody else.
func confidential(ctx context.Context, d *day, r *record) error {
	a, err := d.form(ctx, "mayor-mailbox", fields{
		"clientReportId": d.places.key("confidential"), "type": ticket.TypeReport, "confidential": true,
		"description": "反映某村干部侵吞集体土地补偿款，请为我保密",
		"reporter":    fields{"type": "citizen", "name": "不愿具名", "phone": d.places.phone(27)},
	})
	if err != nil {
		return err
	}
	if !r.took(a) {
		return nil
	}
	r.expect(ownedBy("b-jiwei"), decidedBy("s-discipline"), that("保密", func(v *view) bool { return v.Confidential }))
	_, err = d.ticket(ctx, deskLogin, r.Number)
	r.must(status(err) == http.StatusNotFound, "the desk sees it (%v)", err)
	r.note("分拨席看不见")
	return nil
}

// outOfWorld: who can correct itself is told what to correct.
func outOfWorld(ctx context.Context, d *day, r *record) error {
	report := fields{
		"clientReportId": d.places.key("nowhere"), "type": ticket.TypeHelp, "description": d.places.street + "门口的路灯杆歪了", "consent": true,
		"reporter": fields{"type": "citizen", "phone": d.places.phone(28)}, "location": fields{"lng": 1181.2, "lat": 95.0, "crs": "GCJ02"},
	}
	a, err := d.form(ctx, "app", report)
	if err != nil {
		return err
	}
	named := false
	for _, e := range a.Errors {
		named = named || strings.HasPrefix(e.Name, "location")
	}
	r.must(a.http == http.StatusUnprocessableEntity && named, "it was answered %d %s", a.http, a.Code)
	at := d.places.gate.east(-120)
	report["location"] = fields{"lng": at.lng, "lat": at.lat, "crs": "WGS84"}
	report["clientReportId"] = d.places.key("nowhere-mended")
	if a, err = d.form(ctx, "app", report); err != nil {
		return err
	}
	r.took(a)
	r.note("422 指出坐标，改后受理")
	return nil
}

// sameKeyOtherContent: a key belongs to one report.
func sameKeyOtherContent(ctx context.Context, d *day, r *record) error {
	at := d.places.gate.north(-400)
	report := fields{
		"clientReportId": d.places.key("twice"), "type": ticket.TypeComplaint, "category": "01.03.04", "description": "人行道地砖松动，一踩一脚水",
		"reporter": fields{"type": "citizen", "phone": d.places.phone(29)}, "location": fields{"lng": at.lng, "lat": at.lat, "crs": "WGS84"},
	}
	first, err := d.form(ctx, "miniapp", report)
	if err != nil {
		return err
	}
	if !r.took(first) {
		return nil
	}
	again, err := d.form(ctx, "miniapp", report)
	if err != nil {
		return err
	}
	r.must(again.http == http.StatusOK && again.Number == first.Number, "the same report again was answered %d %s", again.http, again.Number)
	report["description"] = "完全不同的另一件事：河边有人烧烤"
	other, err := d.form(ctx, "miniapp", report)
	if err != nil {
		return err
	}
	r.must(other.http == http.StatusConflict && other.Number == "", "other content was answered %d %s", other.http, other.Number)
	r.note("重发得同一编号，换内容得 409")
	return nil
}
