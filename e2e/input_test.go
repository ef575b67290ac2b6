package e2e

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/citizen-hotline/gateway/internal/signature"
)

// delivery is one request to a channel.
type delivery struct {
	path   string
	header http.Header
	body   []byte
}

// bad is a delivery that must neither break anything nor vanish.
type bad struct {
	name string
	delivery
	want []int  // statuses of the channel's own kind
	kind string // Content-Type of the answer begins with this
	says string // the answer holds this
}

const (
	jsonKind    = "application/json"
	problemKind = "application/problem+json"
	xmlKind     = "text/xml"
)

// Whatever comes in, each channel answers in its own kind, and nothing is lost or broken.
func TestBadInput(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, o *office) {
		//nolint:paralleltest // one gateway, and afterwards a look at it
		for channel, list := range map[string][]bad{
			"form": badForms(), "phone": badCalls(o), "wechat": badPushes(o), "open311": badOpen311(), "webhook": badWebhooks(o), "edge": badEdge(),
		} {
			t.Run(channel, func(t *testing.T) {
				for _, b := range list {
					t.Run(b.name, func(t *testing.T) { b.check(t, o) })
				}
			})
		}
		if resp := o.send(http.MethodGet, "/readyz", nil, nil); resp.Status != http.StatusOK {
			t.Errorf("afterwards the gateway is not ready: %d", resp.Status)
		}
	})
}

func (b bad) check(t *testing.T, o *office) {
	t.Helper()
	a, err := o.try(http.MethodPost, b.path, b.header, b.body)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	if !slices.Contains(b.want, a.Status) {
		t.Errorf("status %d, want %v: %.300s", a.Status, b.want, a.Body)
	}
	if kind := a.Header.Get("Content-Type"); b.kind != "" && !strings.HasPrefix(kind, b.kind) {
		t.Errorf("answered in %q, want %s", kind, b.kind)
	}
	if !bytes.Contains(a.Body, []byte(b.says)) {
		t.Errorf("%q is not in the answer %.300s", b.says, a.Body)
	}
	if bytes.Contains(a.Body, []byte("goroutine")) || bytes.Contains(a.Body, []byte(".go:")) {
		t.Errorf("the answer shows the program's inside: %.300s", a.Body)
	}
}

// deep is JSON of n lists in each other.
func deep(n int) []byte {
	return []byte(`{"clientReportId":"deep","description":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`)
}

// garbage is no text in any charset.
var garbage = []byte("{\"clientReportId\":\"g\",\"description\":\"\xff\xfe\x81\xff\xff\"}")

func badForms() []bad {
	plain := http.Header{"Content-Type": {"application/json"}}
	form := func(name string, change fields, want int, says string) bad {
		report := fields{"clientReportId": "bad-" + name, "type": "help", "description": "金雀山街道三里庄社区路灯不亮", "reporter": fields{"type": "citizen", "phone": "13905391234"}}
		maps.Copy(report, change)
		body, err := json.Marshal(report)
		if err != nil {
			panic(err)
		}
		kind := problemKind
		if want/100 == 2 {
			kind = jsonKind
		}
		return bad{name, delivery{"/channels/miniapp/", plain, body}, []int{want}, kind, says}
	}
	raw := func(name string, header http.Header, body []byte, want ...int) bad {
		return bad{name, delivery{"/channels/miniapp/", header, body}, want, problemKind, ""}
	}
	at := func(lng, lat float64) fields {
		return fields{"location": fields{"lng": lng, "lat": lat, "crs": "WGS84"}}
	}
	return []bad{
		raw("empty", plain, nil, 422),
		raw("not JSON", plain, []byte("井盖缺失"), 422),
		raw("deep JSON", plain, deep(100_000), 422),
		raw("half a document", plain, []byte(`{"clientReportId":"h","description":"`), 422),
		raw("garbage for UTF-8", http.Header{"Content-Type": {"application/json; charset=utf-8"}}, garbage, 422),
		raw("unknown charset", http.Header{"Content-Type": {"application/json; charset=klingon"}}, garbage, 415, 422),
		raw("XML", http.Header{"Content-Type": {"application/xml"}}, []byte(`<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>`), 415, 422),
		raw("multipart without a boundary", http.Header{"Content-Type": {"multipart/form-data"}}, []byte("x"), 422),
		raw("multipart broken off", http.Header{"Content-Type": {"multipart/form-data; boundary=b"}}, []byte("--b\r\nContent-Disposition: form-data; name=\"report\"\r\n\r\n{}"), 422),
		form("1 MiB of text", fields{"description": strings.Repeat("水", 1<<20/3)}, 422, "description"),
		form("NUL", fields{"description": "井盖\x00缺失，三里庄社区门口"}, 201, "number"),
		form("emoji", fields{"description": "🚧🕳️ 三里庄社区门口井盖没了 👨‍👩‍👧‍👦"}, 201, "number"),
		form("outside the world", at(1181.2, 95), 422, "location"),
		form("0,0", at(0, 0), 422, "location"),
		form("swapped", at(35.06, 118.345), 422, "location"),
		form("half a position", fields{"location": fields{"lng": 118.3}}, 422, "location"),
		form("1970", fields{"occurredAt": "1970-01-01T00:00:00+08:00"}, 422, "occurredAt"),
		form("2099", fields{"occurredAt": "2099-01-01T00:00:00+08:00"}, 422, "occurredAt"),
		form("no date", fields{"occurredAt": "上个月"}, 422, "occurredAt"),
		form("unknown type", fields{"type": "rant"}, 422, "type"),
		form("unknown category", fields{"category": "99.99.99"}, 201, "number"),
		form("unknown region", fields{"region": "999999"}, 201, "number"),
		form("a unit of one's own choice", fields{"unit": "b-paishui"}, 422, "unit"),
		form("an agent on a public form", fields{"reporter": fields{"type": "agent"}}, 422, "reporter.type"),
		form("no key", fields{"clientReportId": ""}, 422, "clientReportId"),
		form("no words", fields{"description": ""}, 422, "description"),
		form("numbers for words", fields{"description": 7}, 422, ""),
		form("a formula", fields{"description": "=cmd|'/C calc'!A0 三里庄社区路灯", "clientReportId": "bad-formula"}, 201, "number"),
	}
}

func badCalls(o *office) []bad {
	const ref = "env:HOTLINE_PHONE_12345_SECRET"
	events := func(name string, body []byte, want int) bad {
		return bad{name, delivery{"/channels/phone-12345/events", o.signed(ref, body), body}, []int{want}, jsonKind, ""}
	}
	agent := func(name, body string, says string) bad {
		return bad{name, delivery{"/channels/phone-12345/ticket", o.signed(ref, []byte(body)), []byte(body)}, []int{422}, problemKind, says}
	}
	unsigned := []byte(`{"event":"ring","callId":"c"}`)
	forged := o.signed("env:SOMETHING_ELSE", unsigned)
	return []bad{
		{"not signed", delivery{"/channels/phone-12345/events", http.Header{"Content-Type": {"application/json"}}, unsigned}, []int{401, 403}, problemKind, ""},
		{"forged", delivery{"/channels/phone-12345/events", forged, unsigned}, []int{401, 403}, problemKind, ""},
		events("unknown event", []byte(`{"event":"yodel","callId":"c1"}`), 200),
		events("clock of 1970", []byte(`{"event":"ring","callId":"c2","at":"1970-01-01T00:00:00Z"}`), 200),
		events("clock of 2099", []byte(`{"event":"ring","callId":"c3","at":4070908800}`), 200),
		events("not JSON: quarantined", []byte(`ring ring`), 200),
		events("deep JSON: quarantined", deep(100_000), 200),
		events("garbage: quarantined", garbage, 200),
		events("a call without an id: quarantined", []byte(`{"event":"ring"}`), 200),
		agent("form not JSON", `text=井盖`, ""),
		agent("form without words", `{"clientReportId":"a1","agent":"A1"}`, "text"),
		agent("form with a place on the moon", `{"clientReportId":"a2","agent":"A1","text":"路灯","place":{"lng":700,"lat":1}}`, "place"),
		agent("form of 2099", `{"clientReportId":"a3","agent":"A1","text":"路灯","occurredAt":"2099-01-01"}`, "occurredAt"),
		agent("form of unknown type", `{"clientReportId":"a4","agent":"A1","text":"路灯","type":"rant"}`, "type"),
	}
}

// push seals a message as WeChat does.
func (o *office) push(message string, change func(q url.Values)) delivery {
	const appID = "wx0c1e2d3f4a5b6c7d"
	token, key := secret("env:HOTLINE_WECHAT_TOKEN"), secret("env:HOTLINE_WECHAT_AES_KEY")
	encrypt, err := signature.SealWXBiz(key, [16]byte{1, 2, 3}, []byte(message), appID)
	if err != nil {
		panic(err)
	}
	stamp, nonce := strconv.FormatInt(o.clock().Unix(), 10), "n1"
	q := url.Values{"timestamp": {stamp}, "nonce": {nonce}, "encrypt_type": {"aes"}, "msg_signature": {signature.WXSignature(token, stamp, nonce, encrypt)}}
	if change != nil {
		change(q)
	}
	body := fmt.Sprintf("<xml><ToUserName><![CDATA[gh]]></ToUserName><Encrypt><![CDATA[%s]]></Encrypt></xml>", encrypt)
	return delivery{"/channels/wechat/?" + q.Encode(), http.Header{"Content-Type": {"text/xml"}}, []byte(body)}
}

func badPushes(o *office) []bad {
	message := func(id, more string) string {
		return fmt.Sprintf("<xml><ToUserName>gh</ToUserName><FromUserName>o1</FromUserName><CreateTime>%d</CreateTime><MsgId>%s</MsgId>%s</xml>", o.clock().Unix(), id, more)
	}
	taken := func(name, msg, says string) bad { return bad{name, o.push(msg, nil), []int{200}, "text/", says} }
	refused := func(name string, d delivery) bad { return bad{name, d, []int{401, 403}, "", ""} }
	old := strconv.FormatInt(o.clock().Unix()-3600, 10)
	return []bad{
		refused("one digit of the signature", o.push("<xml/>", func(q url.Values) {
			s := []byte(q.Get("msg_signature"))
			s[0] ^= 1
			q.Set("msg_signature", string(s))
		})),
		refused("old", o.push("<xml/>", func(q url.Values) { q.Set("timestamp", old) })),
		refused("in the clear", delivery{"/channels/wechat/?timestamp=1&nonce=2&signature=3", http.Header{}, []byte(message("1", "<MsgType>text</MsgType><Content>井盖</Content>"))}),
		refused("an envelope with a DOCTYPE", delivery{"/channels/wechat/?timestamp=1&nonce=2&msg_signature=3", http.Header{}, []byte(`<!DOCTYPE x><xml><Encrypt>aa</Encrypt></xml>`)}),
		refused("nothing", delivery{"/channels/wechat/", http.Header{}, nil}),
		taken("DOCTYPE inside: quarantined", `<!DOCTYPE x [<!ENTITY e "e">]>`+message("2", "<MsgType>text</MsgType><Content>&e;</Content>"), ""),
		taken("half a message: quarantined", "<xml><ToUserName>gh", ""),
		taken("garbage inside: quarantined", "\xff\xfe\x00\x01", ""),
		taken("unknown type", message("3", "<MsgType>hologram</MsgType>"), ""),
		taken("emoji and the end of a CDATA", message("4", "<MsgType>text</MsgType><Content>三里庄社区路灯坏了 🚦 ]]&gt; 很黑</Content>"), "Encrypt"),
		taken("1 MiB of text", message("5", "<MsgType>text</MsgType><Content>"+strings.Repeat("水", 1<<20/3)+"</Content>"), "Encrypt"),
		taken("a place on the moon", message("6", "<MsgType>location</MsgType><Location_X>900</Location_X><Location_Y>900</Location_Y>"), ""),
		taken("1970", strings.Replace(message("7", "<MsgType>text</MsgType><Content>银雀山街道五里堡社区路灯不亮</Content>"), strconv.FormatInt(o.clock().Unix(), 10), "0", 1), ""),
	}
}

func badOpen311() []bad {
	post := func(name string, change url.Values, want int, says string) bad {
		form := url.Values{
			"api_key": {secret("env:HOTLINE_OPEN311_SECRET")}, "jurisdiction_id": {"linyi.example"}, "service_code": {"01.03.03"},
			"lat": {"35.06"}, "long": {"118.345"}, "description": {"Street light out, " + name},
		}
		maps.Copy(form, change)
		return bad{name, delivery{"/open311/v2/requests.xml", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, []byte(form.Encode())}, []int{want}, xmlKind, says}
	}
	raw := func(name, contentType, body string, want ...int) bad {
		path := "/open311/v2/requests.xml?api_key=" + url.QueryEscape(secret("env:HOTLINE_OPEN311_SECRET"))
		return bad{name, delivery{path, http.Header{"Content-Type": {contentType}}, []byte(body)}, want, xmlKind, "<errors>"}
	}
	return []bad{
		post("no key", url.Values{"api_key": nil}, 403, "<code>403</code>"),
		post("wrong key", url.Values{"api_key": {"xyz"}}, 403, "<code>403</code>"),
		post("other jurisdiction", url.Values{"jurisdiction_id": {"atlantis"}}, 404, "jurisdiction"),
		post("unknown service", url.Values{"service_code": {"99.99"}}, 404, "service_code"),
		post("no service", url.Values{"service_code": nil}, 400, "service_code"),
		post("0,0", url.Values{"lat": {"0"}, "long": {"0"}}, 400, "<error>"),
		post("swapped", url.Values{"lat": {"118.345"}, "long": {"35.06"}}, 400, "<error>"),
		post("no numbers", url.Values{"lat": {"north"}, "long": {"east"}}, 400, "<error>"),
		post("5,000 characters", url.Values{"description": {strings.Repeat("水", 5000)}}, 400, "description"),
		post("NUL and emoji", url.Values{"description": {"lamp\x00 is out 💡"}}, 200, "service_request_id"),
		raw("JSON for a form", "application/json", `{"service_code":"01.03.03"}`, 400),
		raw("badly escaped", "application/x-www-form-urlencoded", "service_code=%zz", 400),
		raw("multipart without an end", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"lat\"\r\n\r\n1", 400),
	}
}

// hook signs a body as Standard Webhooks say.
func (o *office) hook(channel, ref, id string, body []byte) delivery {
	at := o.clock()
	s, err := signature.SignStandardWebhook(secret(ref), id, at, body)
	if err != nil {
		panic(err)
	}
	return delivery{"/channels/" + channel + "/", http.Header{
		"Content-Type": {"application/json"}, "Webhook-Id": {id},
		"Webhook-Timestamp": {strconv.FormatInt(at.Unix(), 10)}, "Webhook-Signature": {s},
	}, body}
}

func badWebhooks(o *office) []bad {
	const ref = "env:HOTLINE_FLOOD_GAUGE_SECRET"
	taken := func(name string, body []byte) bad {
		return bad{name, o.hook("flood-gauge", ref, "bad-"+hex.EncodeToString([]byte(name)), body), []int{200, 202}, "", ""}
	}
	basic := http.Header{"Content-Type": {"application/xml; charset=gb18030"}}
	req := http.Request{Header: basic}
	req.SetBasicAuth("urban-mgmt", secret("env:HOTLINE_URBAN_MGMT_SECRET"))
	altered := o.hook("flood-gauge", ref, "altered", []byte(`{"type":"level.alarm"}`))
	altered.body = []byte(`{"type":"level.clear"}`)
	return []bad{
		{"altered on the way", altered, []int{401, 403}, "", ""},
		{"another channel's secret", o.hook("flood-gauge", "env:HOTLINE_BIN_SENSOR_SECRET", "x", []byte(`{}`)), []int{401, 403}, "", ""},
		taken("unknown type: ignored", []byte(`{"type":"level.sing","data":{}}`)),
		taken("not JSON: quarantined", []byte(`42cm`)),
		taken("deep JSON: quarantined", deep(50_000)),
		taken("garbage: quarantined", garbage),
		taken("no data: quarantined", []byte(`{"type":"level.alarm"}`)),
		taken("2099", []byte(`{"type":"level.alarm","timestamp":"2099-01-01T00:00:00Z","data":{"device":"FG-2099","site":"聚才八路","depthCm":9,"lng":118.243,"lat":35.112}}`)),
		taken("a place on the moon", []byte(`{"type":"level.alarm","data":{"device":"FG-moon","site":"聚才八路","depthCm":9,"lng":999,"lat":999}}`)),
		taken("NUL and emoji", []byte(`{"type":"level.alarm","data":{"device":"FG-nul","site":"聚才八路\u0000🌊","depthCm":9,"lng":118.243,"lat":35.112}}`)),
		{"XML with a DOCTYPE: quarantined", delivery{"/channels/urban-mgmt/", basic, []byte(`<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><tasks><task><eventDesc>&e;</eventDesc></task></tasks>`)}, []int{200, 202}, "", ""},
	}
}

// badEdge is what no channel gets to see.
func badEdge() []bad {
	// Who asks before it sends a large body gets the answer; who does not may find the connection closed.
	asks := http.Header{"Content-Type": {"application/octet-stream"}, "Expect": {"100-continue"}}
	return []bad{
		{"a channel that is not there", delivery{"/channels/telepathy/", nil, []byte("{}")}, []int{404, 401, 403}, "", ""},
		{"too large for WeChat", delivery{"/channels/wechat/", asks, bytes.Repeat([]byte("x"), 2<<20)}, []int{413}, "", ""},
		{"too large for a call", delivery{"/channels/phone-12345/events", asks, bytes.Repeat([]byte("x"), 5<<20)}, []int{413}, "", ""},
		{"too large for a sensor", delivery{"/channels/flood-gauge/", asks, bytes.Repeat([]byte("x"), 9<<20)}, []int{413}, "", ""},
		{"an address that is not there", delivery{"/api/v2/", nil, nil}, []int{404}, "", ""},
	}
}
