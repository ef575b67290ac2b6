package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
)

// answer is what the gateway's own formats answer: forms, the agent's form, calls.
type answer struct {
	Receipt   string `json:"receipt"`
	Number    string `json:"number"`
	Code      string `json:"code"` // of the track; of an error in a problem document
	Unit      string `json:"unit"`
	Joined    bool   `json:"joined"`
	Emergency bool   `json:"emergency"`
	Text      string `json:"text"`
	Errors    []struct {
		Name    string `json:"name"`
		Message string `json:"message"`
	} `json:"errors"`

	http int
}

// outgoing is one HTTP delivery before it is signed.
type outgoing struct {
	channel     string
	path        string // below the channel
	id          string // of a webhook: the same for every retry
	contentType string
	body        []byte
	forge       forge
}

// post signs and sends a delivery to its channel.
func (d *day) post(ctx context.Context, o outgoing) (reply, error) {
	c, err := d.channel(o.channel)
	if err != nil {
		return reply{}, err
	}
	return d.wire.deliver(ctx, func(ctx context.Context) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.wire.url("/channels/"+o.channel+o.path, nil), bytes.NewReader(o.body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", o.contentType)
		return req, d.sign(ctx, c, req, o.id, o.body, o.forge)
	})
}

// own posts a delivery in one of the gateway's own formats and reads its answer.
func (d *day) own(ctx context.Context, o outgoing) (answer, error) {
	r, err := d.post(ctx, o)
	if err != nil {
		return answer{}, err
	}
	a := answer{http: r.status}
	if len(r.body) > 0 {
		if err := json.Unmarshal(r.body, &a); err != nil {
			return a, fmt.Errorf("channel %s answered %d with something that is not JSON", o.channel, r.status)
		}
	}
	return a, nil
}

// fields are a JSON object in the making.
type fields map[string]any

// form files a report; with photos it is multipart.
func (d *day) form(ctx context.Context, channel string, report fields, photos ...[]byte) (answer, error) {
	body, err := json.Marshal(report)
	if err != nil {
		return answer{}, err
	}
	o := outgoing{channel: channel, path: "/", contentType: "application/json", body: body}
	if len(photos) > 0 {
		if o.contentType, o.body, err = withPhotos(body, photos); err != nil {
			return answer{}, err
		}
	}
	return d.own(ctx, o)
}

// withPhotos makes a multipart body: the report as JSON, then the photos.
func withPhotos(report []byte, photos [][]byte) (contentType string, body []byte, err error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.WriteField("report", string(report)); err != nil {
		return "", nil, err
	}
	for n, photo := range photos {
		head := textproto.MIMEHeader{}
		head.Set("Content-Disposition", fmt.Sprintf(`form-data; name="photo%d"; filename="现场%d.jpg"`, n+1, n+1))
		head.Set("Content-Type", "image/jpeg")
		part, err := w.CreatePart(head)
		if err != nil {
			return "", nil, err
		}
		if _, err := part.Write(photo); err != nil {
			return "", nil, err
		}
	}
	if err := w.Close(); err != nil {
		return "", nil, err
	}
	return w.FormDataContentType(), b.Bytes(), nil
}

// phone posts what an exchange or an agent of the merged hotline sends: path /events or /ticket.
func (d *day) phone(ctx context.Context, path string, doc any) (answer, error) {
	body, err := json.Marshal(doc)
	if err != nil {
		return answer{}, err
	}
	return d.own(ctx, outgoing{channel: line, path: path, contentType: "application/json", body: body})
}

// webhook posts a document of another system.
func (d *day) webhook(ctx context.Context, channel, id string, doc any) (reply, error) {
	body, err := json.Marshal(doc)
	if err != nil {
		return reply{}, err
	}
	contentType := "application/json"
	if m, ok := doc.(fields); ok && m["specversion"] != nil {
		contentType = "application/cloudevents+json"
	}
	return d.post(ctx, outgoing{channel: channel, path: "/", id: id, contentType: contentType, body: body})
}

// open311 posts a request as GeoReport v2 says and returns its number.
func (d *day) open311(ctx context.Context, form url.Values) (number string, err error) {
	c, err := d.channel("open311")
	if err != nil {
		return "", err
	}
	keys, _ := c.Settings["keys"].([]any)
	if len(keys) == 0 {
		return "", fmt.Errorf("channel %s has no keys", c.ID)
	}
	key, _ := keys[0].(map[string]any)
	ref, _ := key["key"].(string)
	form.Set("api_key", d.Secret(ref))
	if ids, _ := c.Settings["jurisdictions"].([]any); len(ids) > 0 {
		form.Set("jurisdiction_id", fmt.Sprint(ids[0]))
	}
	r, err := d.wire.deliver(ctx, func(ctx context.Context) (*http.Request, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.wire.url("/open311/v2/requests.json", nil), bytes.NewReader([]byte(form.Encode())))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return req, nil
	})
	if err != nil {
		return "", err
	}
	var list []struct {
		ID string `json:"service_request_id"`
	}
	if err := json.Unmarshal(r.body, &list); err != nil || len(list) != 1 || list[0].ID == "" {
		return "", fmt.Errorf("open311 answered %d: %.200s", r.status, r.body)
	}
	return list[0].ID, nil
}
