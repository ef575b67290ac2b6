package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/citizen-hotline/gateway/internal/seal"
	"github.com/citizen-hotline/gateway/store/lanes"
	"github.com/citizen-hotline/gateway/store/storetest"
	"github.com/citizen-hotline/gateway/ticket"
)

// onlyNewest takes all keys but the newest out of a city's key file.
func onlyNewest(t *testing.T, w Where) {
	t.Helper()
	_, err := seal.Update(w.path("keys.json"), func(keys seal.File) (seal.File, error) {
		if keys.Newest() != keys.Current || len(keys.Keys) < 2 {
			t.Errorf("the newest of %d keys is %d, the current %d", len(keys.Keys), keys.Newest(), keys.Current)
		}
		keys.Keys = map[uint32][]byte{keys.Current: keys.Keys[keys.Current]}
		return keys, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// serves runs a gateway of Linyi until it is told to stop, which it must do without an error.
func serves(t *testing.T, o Options) (a *App, stop func()) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.City, o.Listen, o.Demo, o.Log = linyi, ln.Addr().String(), true, io.Discard
	if o.Speed == 0 {
		o.Speed = 1
	}
	if a, err = New(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, ln) }()
	return a, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
}

// readable counts the tickets whose words can be read.
func readable(t *testing.T, w Where) (n int) {
	t.Helper()
	st := opens(t, w)
	defer st.Close() //nolint:errcheck // only read
	err := st.Walk(t.Context(), ticket.ID{}, func(id ticket.ID) error {
		item, err := st.Ticket(t.Context(), id)
		if err == nil && item.Private.Text != "" {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// After a rotation everything opens with the new key alone, and the chains hold.
func TestANewKeySealsEverything(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"file", "server"} {
		t.Run(in, func(t *testing.T) {
			t.Parallel()
			w := inhabited(t, in)
			var out bytes.Buffer
			if err := Rekey(t.Context(), w, RekeyOptions{Prepare: true}, Report{Out: &out}); err != nil || !strings.Contains(out.String(), "key 2") {
				t.Fatalf("prepare: %v, %s", err, out.String())
			}
			if n := readable(t, w); n != 700 {
				t.Fatalf("%d of 700 tickets are readable with a key prepared", n)
			}
			out.Reset()
			if err := Rekey(t.Context(), w, RekeyOptions{}, Report{Out: &out}); err != nil || !strings.Contains(out.String(), "key=2 renewed=") || strings.Contains(out.String(), "renewed=0") {
				t.Fatalf("rekey: %v, %s", err, out.String())
			}
			onlyNewest(t, w)
			if n := readable(t, w); n != 700 {
				t.Errorf("%d of 700 tickets are readable without the old key", n)
			}
			if in == "server" {
				if err := Rekey(t.Context(), w, RekeyOptions{}, Report{Out: io.Discard}); err == nil || !strings.Contains(err.Error(), "--prepare") {
					t.Errorf("a key nobody else has was taken into use: %v", err)
				}
			}
			lives(t, w, 700)
		})
	}
}

// A gateway that serves takes a new key into use and seals the rest while it takes tickets.
func TestAKeyRotatesWhileACityIsServed(t *testing.T) {
	t.Parallel()
	w := inhabited(t, "file")
	a, stop := serves(t, Options{Where: w})
	var out bytes.Buffer
	if err := Rekey(t.Context(), w, RekeyOptions{}, Report{Out: &out}); err != nil || !strings.Contains(out.String(), "seals the rest") {
		t.Fatalf("rekey beside a gateway: %v, %s", err, out.String())
	}
	m := storetest.NewMaker()
	under := func() uint32 {
		in, _, err := a.store.(rekeyer).KeyInUse(t.Context()) //nolint:forcetypeassert // both engines are
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	for i := 0; under() != 2 && i < 3000; i++ {
		<-time.After(5 * time.Millisecond)
		d := m.Ticket(t, storetest.Day, func(r *ticket.Registration, _ *ticket.Private) {
			r.Number, r.Key = ticket.FormatNumber("LY", storetest.Day, 50_000+i), "meanwhile"+r.Key
		})
		storetest.Must(t, a.store, d.Change())
	}
	stop()
	onlyNewest(t, w)
	if n := readable(t, w); n < 700 {
		t.Errorf("%d of at least 700 tickets are readable without the old key", n)
	}
	ring, err := w.keys()
	if err != nil {
		t.Fatal(err)
	}
	st, err := w.open(t.Context(), ring, lanes.Observer{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close() //nolint:errcheck // only read
}

// A gateway whose key file is older than what another has sealed says so instead of showing nothing.
func TestAnOutdatedKeyFileIsNoticed(t *testing.T) {
	t.Parallel()
	w, old := inhabited(t, "server"), place(t, "file")
	copyKeys(t, w, old)
	for _, prepare := range []bool{true, false} {
		if err := Rekey(t.Context(), w, RekeyOptions{Prepare: prepare}, Report{Out: io.Discard}); err != nil {
			t.Fatal(err)
		}
	}
	old.Store = w.Store
	ring, err := old.keys()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.open(t.Context(), ring, lanes.Observer{}); err == nil || !strings.Contains(err.Error(), "copy keys.json") {
		t.Errorf("opened with an outdated key file: %v", err)
	}
}

// A change of keys that was broken off goes on with the same key.
func TestAChangeOfKeysGoesOn(t *testing.T) {
	t.Parallel()
	w := inhabited(t, "file")
	_, err := seal.Update(w.path("keys.json"), func(f seal.File) (seal.File, error) { return nextKey(f, RekeyOptions{}, false, false) })
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Rekey(t.Context(), w, RekeyOptions{}, Report{Out: &out}); err != nil || !strings.Contains(out.String(), "key=2 ") || strings.Contains(out.String(), "renewed=0") {
		t.Errorf("it did not go on: %v, %s", err, out.String())
	}
	onlyNewest(t, w)
	if n := readable(t, w); n != 700 {
		t.Errorf("%d of 700 tickets are readable", n)
	}
}

// Whoever changes keys while another destroys the older ones goes on with the same key, and none is destroyed with which
// something is sealed.
func TestTwoWhoChangeKeysDoNotLoseTheCity(t *testing.T) {
	t.Parallel()
	f := seal.File{Current: 2, Keys: map[uint32][]byte{1: nil, 2: nil}, Retire: true}
	for _, o := range []RekeyOptions{{}, {Destroy: true}} {
		for _, shared := range []bool{false, true} {
			if next, err := nextKey(f, o, false, shared); err != nil || next.Current != 2 || next.Newest() != 2 || !next.Retire {
				t.Errorf("%+v, shared %t: key %d of %d, %v", o, shared, next.Current, next.Newest(), err)
			}
		}
	}
	if _, err := nextKey(f, RekeyOptions{Prepare: true}, false, true); err == nil || !strings.Contains(err.Error(), "--destroy") {
		t.Errorf("another key is made meanwhile: %v", err)
	}

	w := inhabited(t, "file")
	if err := Rekey(t.Context(), w, RekeyOptions{}, Report{Out: io.Discard}); err != nil {
		t.Fatal(err)
	}
	_, err := seal.Update(w.path("keys.json"), func(f seal.File) (seal.File, error) {
		f, err := f.Add(rand.Reader)
		f.Current = 3
		return f, err
	})
	if err != nil {
		t.Fatal(err)
	}
	if gone, err := retire(w, 2, 0); err == nil || gone != nil {
		t.Errorf("with key 3 in the file, %v were destroyed after a pass with key 2: %v", gone, err)
	}
	if gone, err := retire(w, 3, 1); err == nil || gone != nil {
		t.Errorf("with a damaged value, %v were destroyed: %v", gone, err)
	}
	if n := readable(t, w); n != 700 {
		t.Errorf("%d of 700 tickets are readable", n)
	}
}

// A gateway that serves destroys the older keys when everything is sealed anew.
func TestAGatewayDestroysTheOlderKeys(t *testing.T) {
	t.Parallel()
	w := inhabited(t, "file")
	_, stop := serves(t, Options{Where: w})
	for range 2 { // the second time it goes on with the same key
		if err := Rekey(t.Context(), w, RekeyOptions{Destroy: true}, Report{Out: io.Discard}); err != nil {
			t.Fatal(err)
		}
	}
	var f seal.File
	for i := 0; len(f.Destroyed) == 0 && i < 3000; i++ {
		<-time.After(5 * time.Millisecond)
		var err error
		if f, err = seal.Read(w.path("keys.json")); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if len(f.Destroyed) != 1 || f.Destroyed[0] != 1 || f.Current != 2 || f.Retire {
		t.Errorf("destroyed are %v, key %d seals", f.Destroyed, f.Current)
	}
	if n := readable(t, w); n < 700 {
		t.Errorf("%d of 700 tickets are readable", n)
	}
}
