package gateway

import (
	"net"
	"testing"

	"github.com/valyala/fasthttp"
)

func TestAStopHangsUpOnThoseWhoNeverSpoke(t *testing.T) {
	t.Parallel()
	var s silent
	pair := func() (ours, theirs net.Conn) {
		ours, theirs = net.Pipe()
		t.Cleanup(func() { _ = theirs.Close() })
		return ours, theirs
	}
	closed := func(theirs net.Conn) bool {
		_, err := theirs.Write([]byte("x"))
		return err != nil
	}
	quiet, quietPeer := pair()
	s.note(quiet, fasthttp.StateNew)
	busy, busyPeer := pair()
	s.note(busy, fasthttp.StateNew)
	s.note(busy, fasthttp.StateActive)
	s.hangUp()
	late, latePeer := pair()
	s.note(late, fasthttp.StateNew)

	go func() { _, _ = busy.Read(make([]byte, 1)) }()
	if !closed(quietPeer) || !closed(latePeer) || closed(busyPeer) {
		t.Error("want the silent hung up and the one under way left alone")
	}
}
