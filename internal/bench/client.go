package main

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// channel is the public form the load goes through.
const channel = "miniapp"

// client posts complaints. It shares the machine with the server it measures, so it is a lean one:
// a heavy client would make both sides of every ratio slow and so the ratio better than it is.
type client struct {
	host  *fasthttp.HostClient
	url   string
	write func(dst []byte, n int) []byte
	taken func(body []byte) bool // whether an answer of 201 is the one that was asked for
	bufs  sync.Pool
}

// answerTime bounds one request; the form channel answers within 15 s.
const answerTime = 20 * time.Second

func newClient(address string, connections int, c *complaints, taken func([]byte) bool) *client {
	return &client{
		host: &fasthttp.HostClient{
			Addr: address, MaxConns: connections, MaxIdleConnDuration: time.Minute, MaxIdemponentCallAttempts: 1,
			ReadTimeout: answerTime, WriteTimeout: answerTime, NoDefaultUserAgentHeader: true,
		},
		url: "http://" + address + "/channels/" + channel + "/", write: c.append, taken: taken,
		bufs: sync.Pool{New: func() any { return new([]byte) }},
	}
}

func (c *client) close() { c.host.CloseIdleConnections() }

// post sends complaint n.
func (c *client) post(n int) error {
	req, resp, buf := fasthttp.AcquireRequest(), fasthttp.AcquireResponse(), c.bufs.Get().(*[]byte)
	defer func() {
		fasthttp.ReleaseRequest(req)
		fasthttp.ReleaseResponse(resp)
		c.bufs.Put(buf)
	}()
	*buf = c.write((*buf)[:0], n)
	req.SetRequestURI(c.url)
	req.Header.SetMethod(fasthttp.MethodPost)
	req.Header.SetContentType("application/json")
	req.SetBodyRaw(*buf)
	if err := c.host.DoTimeout(req, resp, answerTime); err != nil {
		return fmt.Errorf("complaint %d: %w", n, err)
	}
	if resp.StatusCode() != fasthttp.StatusCreated || !c.taken(resp.Body()) {
		return fmt.Errorf("complaint %d was answered %d: %.300s", n, resp.StatusCode(), resp.Body())
	}
	return nil
}

// ticketed reports whether the form channel made a new ticket, with a number.
func ticketed(body []byte) bool {
	return bytes.Contains(body, []byte(`"status":"accepted"`)) && bytes.Contains(body, []byte(`"number":"`)) && !bytes.Contains(body, []byte(`"joined":true`))
}

// anything takes any answer.
func anything([]byte) bool { return true }
