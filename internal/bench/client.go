package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// channel is the public form the load goes through.
const channel = "miniapp"

// answerTime bounds one request; the form channel answers within 15 s.
const answerTime = 20 * time.Second

// client posts complaints.
type client struct {
	url   string
	write func(dst []byte, n int) []byte
	taken func(body []byte) bool // whether an answer of 201 is the one that was asked for
	bufs  sync.Pool
	send  func(url string, body []byte, check func(status int, body []byte) error) error
	close func()
}

// kind is one way to send. The client shares the machine with the server it measures: what it costs
// makes both sides of a ratio slower, and so the ratio better.
type kind struct {
	name string
	open func(address string, connections int) (send func(url string, body []byte, check func(int, []byte) error) error, end func())
}

var (
	// standard is the client of the standard library.
	standard = kind{"net/http client", openStandard}
	// lean is fasthttp's, which costs less: the harder measure of the two.
	lean = kind{"lean client", openLean}
)

func newClient(k kind, address string, connections int, c *complaints, taken func([]byte) bool) *client {
	cl := &client{
		url: "http://" + address + "/channels/" + channel + "/", write: c.append, taken: taken,
		bufs: sync.Pool{New: func() any { return new([]byte) }},
	}
	cl.send, cl.close = k.open(address, connections)
	return cl
}

// post sends complaint n.
func (c *client) post(n int) error {
	buf := c.bufs.Get().(*[]byte) //nolint:forcetypeassert // the pool holds nothing else
	defer c.bufs.Put(buf)
	*buf = c.write((*buf)[:0], n)
	err := c.send(c.url, *buf, func(status int, body []byte) error {
		if status != http.StatusCreated || !c.taken(body) {
			return fmt.Errorf("it was answered %d: %.300s", status, body)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("complaint %d: %w", n, err)
	}
	return nil
}

func openLean(address string, connections int) (func(string, []byte, func(int, []byte) error) error, func()) {
	host := &fasthttp.HostClient{
		Addr: address, MaxConns: connections, MaxIdleConnDuration: time.Minute, MaxIdemponentCallAttempts: 1,
		ReadTimeout: answerTime, WriteTimeout: answerTime, NoDefaultUserAgentHeader: true,
	}
	send := func(url string, body []byte, check func(int, []byte) error) error {
		req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer func() {
			fasthttp.ReleaseRequest(req)
			fasthttp.ReleaseResponse(resp)
		}()
		req.SetRequestURI(url)
		req.Header.SetMethod(fasthttp.MethodPost)
		req.Header.SetContentType("application/json")
		req.SetBodyRaw(body)
		if err := host.DoTimeout(req, resp, answerTime); err != nil {
			return err
		}
		return check(resp.StatusCode(), resp.Body())
	}
	return send, host.CloseIdleConnections
}

func openStandard(_ string, connections int) (func(string, []byte, func(int, []byte) error) error, func()) {
	transport := &http.Transport{
		MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections, DisableCompression: true,
		DialContext: (&net.Dialer{Timeout: answerTime}).DialContext,
	}
	host := &http.Client{Transport: transport, Timeout: answerTime}
	send := func(url string, body []byte, check func(int, []byte) error) error {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := host.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close() //nolint:errcheck // it is read to its end
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		return check(resp.StatusCode, answer)
	}
	return send, transport.CloseIdleConnections
}

// ticketed reports whether the form channel made a new ticket, with a number.
func ticketed(body []byte) bool {
	return bytes.Contains(body, []byte(`"status":"accepted"`)) && bytes.Contains(body, []byte(`"number":"`)) && !bytes.Contains(body, []byte(`"joined":true`))
}

// anything takes any answer.
func anything([]byte) bool { return true }
