package gateway

import (
	"io"
	"net"
	"testing"
)

func TestAStopHangsUpOnThoseWhoNeverSpoke(t *testing.T) {
	t.Parallel()
	var s silent
	pair := func() (*conn, net.Conn) {
		ours, theirs := net.Pipe()
		t.Cleanup(func() { _ = theirs.Close() })
		return s.add(ours), theirs
	}
	_, quiet := pair()
	busy, busyPeer := pair()
	go func() { _, _ = busyPeer.Write([]byte("GET")) }()
	if _, err := io.ReadFull(busy, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	s.hangUp()
	_, late := pair()

	go func() { _, _ = io.ReadFull(busy, make([]byte, 1)) }()
	closed := func(peer net.Conn) bool {
		_, err := peer.Write([]byte("x"))
		return err != nil
	}
	if !closed(quiet) || !closed(late) || closed(busyPeer) {
		t.Error("want the silent hung up and the one under way left alone")
	}
}
